// What the pages do beyond htmx: draw the charts from their tables, write instants in the reader's zone, say whether
// the page is live, and keep what the reader had open when a tile is swapped. Everything works without it but the
// drawing; no figure is computed here.
"use strict";

const lang = document.documentElement.lang;

// --- instants ---------------------------------------------------------------------------------------------------

const whole = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });

function writeTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.textContent = whole.format(at);
    time.title = exact.format(at);
  }
}

// --- charts -----------------------------------------------------------------------------------------------------

const lines = {
  created: { colour: "--line-created", dash: [6, 3], width: 1.75 },
  resolved: { colour: "--line-resolved", width: 1.75 },
  left: { colour: "--line-left", width: 2.5, fill: true },
  ratio: { colour: "--line-ratio", dash: [2, 3], width: 2 },
  r1: { colour: "--line-resolved", width: 2 },
  r2: { colour: "--line-ratio", dash: [2, 3], width: 2 },
};
const drawn = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function readTable(figure) {
  const heads = [...figure.querySelectorAll("thead th")].slice(1);
  const rows = [...figure.querySelectorAll("tbody tr")];
  const columns = heads
    .map((head, at) => ({ at, name: head.textContent, line: head.dataset.line, unit: head.dataset.unit }))
    .filter((column) => column.line in lines);
  const periods = rows.map((row) => row.querySelector("th").firstChild.textContent.trim());
  const values = columns.map((column) =>
    rows.map((row) => {
      const value = row.querySelectorAll("td")[column.at].dataset.value;
      return value === undefined ? null : Number(value);
    }),
  );
  const texts = columns.map((column) => rows.map((row) => row.querySelectorAll("td")[column.at].textContent.trim()));
  return { columns, periods, values, texts };
}

function draw(figure) {
  const plot = figure.querySelector(".plot");
  const { columns, periods, values, texts } = readTable(figure);
  if (plot === null || columns.length === 0 || periods.length === 0) return;
  const numbers = new Intl.NumberFormat(lang, { maximumFractionDigits: 2 });
  const shares = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--soft"), font: "12px " + getComputedStyle(document.body).fontFamily, ticks: { show: false } };
  const hasRatio = columns.some((column) => column.unit === "ratio");
  const isShare = columns[0].unit === "share";
  const axes = [
    { ...axis, grid: { show: false }, size: 30, space: 70, values: (_, splits) => splits.map((at) => periods[at] ?? ""), incrs: [1, 2, 3, 4, 6, 12, 26, 52] },
    { ...axis, grid, size: 48, values: (_, splits) => splits.map((v) => (isShare ? shares : numbers).format(v)) },
  ];
  if (hasRatio) {
    axes.push({ ...axis, stroke: colour("--line-ratio"), grid: { show: false }, size: 44, side: 1, scale: "ratio", values: (_, splits) => splits.map((v) => numbers.format(v)) });
  }
  const tip = document.createElement("p");
  tip.className = "tip";
  tip.setAttribute("aria-hidden", "true");
  const options = {
    width: plot.clientWidth || 600,
    height: 240,
    padding: [12, hasRatio ? 0 : 24, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: (_, from, to) => [from - 0.25, to + 0.25] },
      y: { range: (_, from, to) => [0, Math.max(to * 1.08, isShare ? 0.05 : 1)] },
      ratio: { range: (_, from, to) => [0, Math.max(to * 1.15, 0.1)] },
    },
    axes,
    series: [
      {},
      ...columns.map((column) => {
        const { colour: name, dash, width, fill } = lines[column.line];
        const stroke = colour(name);
        return {
          label: column.name, stroke, dash, width, spanGaps: false,
          scale: column.unit === "ratio" ? "ratio" : "y",
          fill: fill ? stroke + "14" : undefined,
          points: { show: periods.length <= 40, size: 5, fill: colour("--card"), stroke, width: 1.5 },
        };
      }),
    ],
    hooks: {
      setCursor: [
        (u) => {
          const at = u.cursor.idx;
          tip.textContent = at === null || at === undefined ? "" : periods[at] + ": " + columns.map((c, n) => c.name + " " + texts[n][at]).join(" · ");
        },
      ],
    },
  };
  drawn.get(plot)?.destroy();
  plot.replaceChildren();
  const chart = new uPlot(options, [periods.map((_, at) => at), ...values], plot);
  plot.append(tip);
  drawn.set(plot, chart);
  watch.observe(plot);
}

const watch = new ResizeObserver((changes) => {
  for (const { target } of changes) {
    const chart = drawn.get(target);
    const width = target.clientWidth;
    if (chart !== undefined && width > 0 && Math.abs(chart.width - width) > 1) chart.setSize({ width, height: 240 });
  }
});

function drawCharts(root) {
  for (const [plot, chart] of drawn) {
    if (plot.isConnected) continue;
    watch.unobserve(plot);
    chart.destroy();
    drawn.delete(plot);
  }
  for (const figure of root.querySelectorAll("figure[data-chart]")) draw(figure);
}

// --- swaps ------------------------------------------------------------------------------------------------------

let open = [];

document.addEventListener("htmx:beforeSwap", (event) => {
  open = [...event.detail.target.querySelectorAll("details[open]")].map((details) => details.id);
});

document.addEventListener("htmx:afterSwap", (event) => {
  for (const id of open) {
    const details = id === "" ? null : document.getElementById(id);
    if (details !== null) details.open = true;
  }
  open = [];
  writeTimes(event.detail.target);
  drawCharts(event.detail.target);
});

// --- is the page live? ------------------------------------------------------------------------------------------

function say(isLive) {
  const state = document.getElementById("link-state");
  if (state === null) return;
  state.classList.toggle("is-live", isLive);
  state.classList.toggle("is-lost", !isLive);
  const text = isLive ? state.dataset.on : state.dataset.off;
  const said = state.querySelector(".said");
  if (said.textContent !== text) said.textContent = text;
}

document.addEventListener("htmx:sseOpen", () => say(true));
document.addEventListener("htmx:sseError", () => say(false));
document.addEventListener("htmx:sseClose", () => say(false));

// --- begin ------------------------------------------------------------------------------------------------------

function keepFilters() {
  // The choice of language keeps what the address chose besides.
  for (const link of document.querySelectorAll("a.language")) {
    const address = new URL(location.href);
    address.searchParams.set("lang", link.lang);
    link.href = address.pathname + address.search;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  keepFilters();
  writeTimes(document);
  drawCharts(document);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawCharts(document));
