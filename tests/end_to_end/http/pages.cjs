// usage: pages.cjs NODE_MODULES_PARENT CHROMIUM RUN_FILE GUICHET PICTURES
//
// A reader's way through the pages, in a real browser: both languages, light and dark, by keyboard, live. No page may
// ask another host for anything, say anything on the console, or have a serious finding of axe.
"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const { execFileSync } = require("node:child_process");
const { createRequire } = require("node:module");

const [, , packages, chromiumPath, runFile, guichet, pictures] = process.argv;
const need = createRequire(path.join(packages, "node_modules", "x.js"));
const { chromium } = need("playwright-core");
const axe = fs.readFileSync(need.resolve("axe-core/axe.min.js"), "utf8");
const run = JSON.parse(fs.readFileSync(runFile, "utf8"));
const ours = new URL(run.http_url).host;
const LIVE_WITHIN_MS = 1000;

const step = (text) => console.log("  " + text);

function send(...words) {
  const told = execFileSync(guichet, ["send", ...words, "--json", "--nats-url", run.nats_url], { encoding: "utf8" });
  const reply = JSON.parse(told);
  assert.ok(reply.ok, told);
  return reply;
}

async function ask(question) {
  const reply = await fetch(`${run.http_url}/api/v1/default${question}`, { headers: { Authorization: `Bearer ${run.http_token}` } });
  return { status: reply.status, body: await reply.json() };
}

async function open(browser, options) {
  const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, timezoneId: "Europe/Paris", ...options });
  const strangers = [];
  const noise = [];
  context.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.host !== ours) strangers.push(request.url());
  });
  context.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) noise.push(message.text());
  });
  context.on("weberror", (error) => noise.push(String(error.error())));
  const page = await context.newPage();
  await page.goto(`${run.http_url}/?token=${run.http_token}`);
  assert.equal(new URL(page.url()).search, "", "the token left the address");
  return {
    context,
    page,
    async close() {
      assert.deepEqual(strangers, [], "requests to other hosts");
      assert.deepEqual(noise, [], "the console");
      await context.close();
    },
  };
}

const isLive = (page) => page.locator("#link-state.is-live").waitFor({ timeout: 10000 });

// The stream never ends, so "network idle" never comes: a page is settled when it is live and its charts are drawn.
async function settled(page) {
  await isLive(page);
  await page.waitForFunction(() => [...document.querySelectorAll("figure[data-chart] .plot")].every((plot) => plot.querySelector("canvas")));
}

async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = found.violations.filter((v) => ["serious", "critical"].includes(v.impact));
  const told = serious.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => "      " + n.target.join(" ") + " " + (n.any[0]?.message ?? "")).slice(0, 5).join("\n")}`);
  assert.deepEqual(told, [], `axe finds on ${what}`);
}

async function looks(browser) {
  for (const [name, options] of [
    ["en-light", { locale: "en-GB", colorScheme: "light" }],
    ["fr-light", { locale: "fr-FR", colorScheme: "light" }],
    ["en-dark", { locale: "en-GB", colorScheme: "dark", reducedMotion: "reduce" }],
    ["fr-phone", { locale: "fr-FR", colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ]) {
    const { page, close } = await open(browser, options);
    const lang = name.slice(0, 2);
    assert.equal(await page.getAttribute("html", "lang"), lang);
    for (const [what, address] of [
      ["overview", "/desk/default/"],
      ["queue", "/desk/default/queue?order=priority"],
      ["ticket", "/desk/default/tickets/T-1"],
      ["promises", "/desk/default/clocks"],
      ["health", "/desk/default/projections"],
    ]) {
      await page.goto(run.http_url + address);
      await settled(page);
      assert.equal(await page.locator("h1").count(), 1, `${what} has one heading`);
      if (what === "promises") {
        assert.ok(await page.locator("#clocks tbody tr").count() > 10, "tickets that slept have clocks from the publication on");
        assert.ok(await page.locator("#clocks .standing").first().innerText(), "said in words, not in colour alone");
      }
      for (const details of await page.locator("details.score, .history details").all().then((all) => all.slice(0, 1))) {
        await details.locator("summary").click();
      }
      await page.screenshot({ path: path.join(pictures, `${what}-${name}.png`), fullPage: true });
      await accessible(page, `${what} ${name}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${what} ${name} is ${wide} pixels too wide`);
    }
    await close();
  }
  step("both languages, light, dark and narrow: axe has no serious finding");
}

async function door(browser) {
  const context = await browser.newContext({ locale: "fr-FR" });
  const page = await context.newPage();
  const reply = await page.goto(`${run.http_url}/desk/default/`);
  assert.equal(reply.status(), 401);
  await page.screenshot({ path: path.join(pictures, "door-fr.png") });
  await accessible(page, "the door");
  await context.close();
  step("without the token there is only the door");
}

async function languages(browser) {
  const { page, close } = await open(browser, { locale: "en-GB" });
  await page.goto(`${run.http_url}/desk/default/?period=day`);
  await page.locator("a.language[lang=fr]").click();
  await page.waitForFunction(() => document.documentElement.lang === "fr");
  assert.equal(new URL(page.url()).search, "?period=day", "the choice of language keeps the rest of the address");
  await page.goto(`${run.http_url}/desk/default/projections`);
  assert.equal(await page.getAttribute("html", "lang"), "fr", "the choice is kept");
  await close();
  step("the language can be chosen and stays");
}

// From the moment before the command is sent (the start of a process included) to the moment at which the reader
// could see it, both by the browser's own clock.
async function live(browser) {
  const { page, close } = await open(browser, { locale: "en-GB" });
  await page.goto(`${run.http_url}/desk/default/tickets/T-1`);
  await settled(page);
  const took = [];
  for (let round = 1; round <= 5; round += 1) {
    const word = `live-${round}-${process.pid}`;
    await page.evaluate((word) => {
      window.seen = new Promise((resolve) => {
        const look = () => {
          if (document.querySelector("#ticket").textContent.includes(word)) resolve(performance.timeOrigin + performance.now());
          else requestAnimationFrame(look);
        };
        look();
      });
    }, word);
    const before = Date.now();
    send("change_tags", "T-1", "--set", `add[]=${word}`);
    const accepted = Date.now();
    const seen = await page.evaluate(() => Promise.race([window.seen, new Promise((_, no) => setTimeout(() => no(new Error("nothing appeared within 10 s")), 10000))]));
    took.push({ sent: Math.round(seen - before), accepted: Math.round(seen - accepted) });
  }
  step(`a command was visible after (ms, from before sending / from its answer): ${took.map((t) => `${t.sent}/${t.accepted}`).join(" ")}`);
  const median = took.map((t) => t.sent).sort((a, b) => a - b)[2];
  assert.ok(median < LIVE_WITHIN_MS, `median ${median} ms`);
  await close();
}

async function keyboard(browser) {
  const { page, close } = await open(browser, { locale: "en-GB" });
  await page.goto(`${run.http_url}/desk/default/`);
  await settled(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip", "the first stop skips the frame");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "content");
  const visited = new Set();
  for (let stop = 0; stop < 60; stop += 1) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => ({ id: document.activeElement.id, text: document.activeElement.textContent.trim().slice(0, 40), outline: getComputedStyle(document.activeElement).outlineStyle }));
    if (at.text !== "" && at.id !== "") assert.notEqual(at.outline, "none", `one sees where one is: ${at.id}`);
    visited.add(at.id);
  }
  for (const id of ["by-agent", "per-day", "figures-open-backlog"]) assert.ok(visited.has(id), `${id} is reached by Tab`);

  // Something happens while one reads: the place is not lost, what was open stays open.
  const summary = page.locator("#figures-open-backlog");
  await summary.focus();
  await page.keyboard.press("Enter");
  assert.ok(await page.locator("#figures-backlog").evaluate((details) => details.open));
  const before = Number(await page.locator("#backlog .fresh").getAttribute("data-position"));
  const reply = send("create", "--set", "subject=Keyboard", "--set", "description=Nothing.", "--set", "channel=portal", "--set", "requester.id=r-1");
  await page.waitForFunction((before) => Number(document.querySelector("#backlog .fresh").dataset.position) > before, before, { timeout: 15000 });
  assert.equal(await page.evaluate(() => document.activeElement.id), "figures-open-backlog", "the focus survives a swap");
  assert.ok(await page.locator("#figures-backlog").evaluate((details) => details.open), "what was open stays open");

  // The small form leads to a ticket.
  await page.locator("#find").fill(reply.number);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/tickets/${reply.number}`);
  assert.equal(await page.locator("#h-ticket").textContent(), "Keyboard");
  await close();
  step("everything is reached by keyboard, and the focus survives a swap");
}

async function board(browser) {
  if ((await ask("/queues")).status === 501) {
    step("LEFT OUT, NOT TESTED: this build has no queue board");
    return;
  }
  const { page, close } = await open(browser, { locale: "en-GB" });
  await page.goto(`${run.http_url}/desk/default/`);
  await settled(page);
  const rows = (await ask("/queues")).body.data;
  assert.equal(await page.locator("#board tbody tr").count(), rows.length);
  const group = "live-group";
  const before = Date.now();
  send("create", "--set", "subject=Board", "--set", "description=Nothing.", "--set", "channel=portal", "--set", "requester.id=r-1", "--set", `group=${group}`, "--set", "priority=urgent");
  await page.locator(`#q-${group}`).waitFor({ timeout: 10000 });
  step(`a new group stood on the board after ${Date.now() - before} ms`);
  await page.locator(`#q-${group}`).click();
  await page.locator("table.queue > tbody > tr").waitFor();
  assert.equal(await page.locator("table.queue > tbody > tr").count(), 1);
  for (const order of ["1", "2", "3"]) {
    await page.locator(`#order-${order}`).click();
    await page.locator(`#order-${order}[aria-current]`).waitFor();
    assert.equal(await page.locator("table.queue > tbody > tr").count(), 1);
  }
  await close();
  step("the board leads to its queues");
}

// Files to hand over: a ticket's history in both languages, and an audit. They need no server and ask nobody for anything.
async function handed(browser) {
  const files = {};
  const desk = ["--data-dir", path.dirname(runFile)];
  for (const lang of ["en", "fr"]) {
    files[`history-${lang}`] = path.join(pictures, `history-${lang}.html`);
    execFileSync(guichet, ["timeline", "T-1", "--html", files[`history-${lang}`], "--lang", lang, ...desk]);
  }
  files["audit-en"] = path.join(pictures, "audit-en.html");
  execFileSync(guichet, ["audit", "--report", files["audit-en"], ...desk]);
  for (const [name, file] of Object.entries(files)) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width: 1360, height: 900 }, colorScheme, bypassCSP: true });
      const page = await context.newPage();
      const asked = [];
      page.on("request", (request) => asked.push(request.url()));
      await page.goto(`file://${file}`);
      assert.equal(asked.length, 1, `${name} asks for nothing else: ${asked}`);
      assert.equal(await page.getAttribute("html", "lang"), name.slice(-2));
      assert.equal(await page.locator("h1").count(), 1, `${name} has one heading`);
      await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
      await accessible(page, `${name} ${colorScheme}`);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(background === "rgb(255, 255, 255)", colorScheme === "light", `${name} ${colorScheme} is ${background}`);
      await page.emulateMedia({ media: "print", colorScheme });
      const printed = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(printed, "rgb(255, 255, 255)", `${name} is printed on white`);
      await context.close();
    }
  }
  step("files to hand over: light, dark and print, and axe has no serious finding");
}

async function main() {
  const browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  try {
    for (const look of [door, looks, languages, keyboard, live, board, handed]) await look(browser);
  } finally {
    await browser.close();
  }
  console.log("done: pages");
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
