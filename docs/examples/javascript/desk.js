// Opens a ticket, hands it to somebody, resolves it, and asks about it: node desk.js [NATS_URL]

import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connect, errors } from "@nats-io/transport-node";

// Where the desk of `guichet serve` is, and how callers get in: it says so in its data folder, here or above.
function running() {
  for (let folder = process.cwd();; folder = dirname(folder)) {
    const file = join(folder, "guichet-data", "run.json");
    if (fs.existsSync(file)) return JSON.parse(fs.readFileSync(file, "utf8")).nats_url;
    if (folder === dirname(folder)) throw new Error("no guichet runs here; name its NATS server");
  }
}

// This library takes user and password beside the URL, not in it.
function way(url) {
  const { host, username, password } = new URL(url);
  const login = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : {};
  return { servers: host, ...login };
}

// Refusals that say nothing about the command itself.
const PASSING = new Set(["busy", "unavailable", "outcome_unknown"]);

class Refused extends Error {
  constructor({ code, message }) {
    super(`${code}: ${message}`);
  }
}

// Without an answer the outcome is unknown, never no.
const isUnanswered = (error) =>
  error instanceof errors.TimeoutError || error instanceof errors.NoRespondersError ||
  (error instanceof errors.RequestError && error.isNoResponders());

// Sends one command until its outcome is known: the same id is done once, however often it is sent.
async function command(nc, entity, verb, data) {
  const actor = { kind: "agent", id: "alice" };
  const body = JSON.stringify({ command_id: randomUUID(), actor, data });
  for (let wait = 100;; wait = Math.min(2 * wait, 2000)) {
    try {
      // Tenant `default`, and the name under which we call.
      const subject = `guichet.v1.cmd.default.shop.${entity}.${verb}`;
      const reply = (await nc.request(subject, body, { timeout: 5000 })).json();
      if (reply.ok) return reply;
      if (!PASSING.has(reply.error.code)) throw new Refused(reply.error);
    } catch (error) {
      if (!isUnanswered(error)) throw error;
    }
    await pause(wait);
  }
}

async function query(nc, name, question) {
  const subject = `guichet.v1.query.default.shop.${name}`;
  const reply = (await nc.request(subject, JSON.stringify(question), { timeout: 10_000 })).json();
  if (!reply.ok) throw new Refused(reply.error);
  return reply.data;
}

const nc = await connect(way(process.argv[2] ?? running()));
const ticket = randomUUID();
const created = await command(nc, ticket, "create", {
  subject: "VPN drops", description: "Every ten minutes.", channel: "email", requester: { id: "r-1" },
});
await command(nc, ticket, "assign", { assignee: "bob", group: "network" });
const resolved = await command(nc, ticket, "resolve", { code: "configuration", summary: "A new profile." });

// Read models follow the log. Who wants to see the own commands says how far the answer must be.
const seen = { min_position: resolved.position, wait_ms: 5000 };
const view = await query(nc, "ticket", { number: created.number, ...seen });
console.log(`${view.number} is ${view.state}, assigned to ${view.assignee}, at position ${resolved.position}`);
try {
  const rows = await query(nc, "report_backlog", { period: "day", zone: "UTC", ...seen });
  console.log(`today: ${rows.at(-1).created} created, ${rows.at(-1).resolved} resolved`);
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  console.log(`no report: ${error.message}`);
}
await nc.close();
