// Follows the events into FOLDER/events.jsonl, each exactly once: node follow.js FOLDER [NATS_URL [LOG_VKEY]]
//
// Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what
// stands behind it is cut off and read again.
//
// A broker stores what it is sent, and headers are no proof of who sent it. So a line is written once the log has signed
// a checkpoint that covers its event, at most a second after the event, and only where the events read so far have the
// root that was signed. LOG_VKEY is the public key of the log (default: guichet-data/log.vkey); without one the
// checkpoints are taken as they come.

import { createHash, createPublicKey, verify } from "node:crypto";
import * as fs from "node:fs";
import { dirname, join } from "node:path";
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [folder, url, key = "guichet-data/log.vkey"] = process.argv.slice(2);
const STREAM = "GUICHET_EVENTS_0";

let log = null;
if (fs.existsSync(key)) {
  const [name, id, ...rest] = fs.readFileSync(key, "utf8").trim().split("+");
  const raw = Buffer.from(rest.join("+"), "base64");
  if (raw[0] !== 1) throw new Error("the key is none of Ed25519");
  // An Ed25519 key as node reads it: a fixed head, and the 32 bytes.
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw.subarray(1)]);
  log = { name, id, key: createPublicKey({ key: der, format: "der", type: "spki" }) };
} else {
  console.error(`no ${key}: the signatures of checkpoints are not checked`);
}

fs.mkdirSync(folder, { recursive: true });
const state = join(folder, "position.json");
let saved = { position: 0, hash: "0".repeat(64), length: 0, tree: [] };
if (fs.existsSync(state)) {
  const found = JSON.parse(fs.readFileSync(state, "utf8"));
  // A state of before there were trees proves nothing: then all is read again.
  if (found.tree) saved = found;
}
const lines = fs.openSync(join(folder, "events.jsonl"), "a");
// What was written after the last save may be half a line.
fs.ftruncateSync(lines, saved.length);
// The right edge of the RFC 6962 tree over what is written: a hash for each 1 in the number of leaves.
let edge = saved.tree.map((part) => Buffer.from(part, "hex"));
let size = saved.position;
// What was read last, and what of it is not signed yet.
let { position, hash } = saved;
let pending = [];
// The checkpoint that is waited for, and the newest.
let target = null;
let newest = null;

const sha256 = (...parts) => parts.reduce((all, part) => all.update(part), createHash("sha256")).digest();
const node = (left, right) => sha256("\x01", left, right);

function add(message) {
  const header = (name) => message.headers?.get(name);
  if (message.seq !== position + 1) {
    throw new Error(`position ${message.seq} follows ${position}: the stream has lost events, ask guichet.v1.log.0`);
  }
  if (header("Guichet-Prev-Hash") !== hash) {
    throw new Error(`position ${message.seq} does not continue what we know: another history stands in the stream`);
  }
  // The hash of a record is that of a leaf in RFC 6962. The record itself is protobuf: schemas/proto/.
  const found = sha256("\0", message.data).toString("hex");
  if (header("Guichet-Hash") !== found) throw new Error(`position ${message.seq} was changed on its way`);
  const line = {
    position: message.seq, type: header("ce-type"), subject: header("ce-subject"), time: header("ce-time"), hash: found,
  };
  pending.push(line);
  [position, hash] = [message.seq, found];
  settle();
}

// A checkpoint, signed by the log or not believed.
function told(text) {
  const end = text.lastIndexOf("\n\n");
  const [origin, length, root] = text.split("\n");
  if (log) {
    const signature = text.slice(end + 2).split("\n").find((line) => line.startsWith(`\u2014 ${log.name} `));
    const bytes = Buffer.from(signature?.split(" ")[2] ?? "", "base64");
    const mine = bytes.subarray(0, 4).toString("hex") === log.id;
    if (origin !== log.name || !mine || !verify(null, Buffer.from(text.slice(0, end + 1)), log.key, bytes.subarray(4))) {
      throw new Error("the checkpoint is not signed by this log");
    }
  }
  newest = { size: Number(length), root };
  settle();
}

// Writes what is signed, and nothing else.
function settle() {
  for (;;) {
    if (!target && newest && newest.size > size) target = newest;
    if (!target || target.size > position) return;
    const taken = pending.splice(0, target.size - size);
    for (const line of taken) {
      let leaf = Buffer.from(line.hash, "hex");
      for (let n = size; n % 2 === 1; n = (n - 1) / 2) leaf = node(edge.pop(), leaf);
      edge.push(leaf);
      size += 1;
    }
    const root = edge.reduceRight((right, left) => node(left, right));
    if (root.toString("base64") !== target.root) {
      throw new Error(`positions ${size - taken.length + 1} to ${size} are not what the log has signed: somebody else ` +
        "wrote into the stream, or it was damaged; nothing of them was written");
    }
    fs.writeSync(lines, taken.map((line) => JSON.stringify(line) + "\n").join(""));
    save(taken.at(-1).hash);
    target = null;
  }
}

// The lines first, then, in one step, the position that counts on them.
function save(last) {
  fs.fsyncSync(lines);
  const length = fs.fstatSync(lines).size;
  const tree = edge.map((part) => part.toString("hex"));
  fs.writeFileSync(`${state}.new`, JSON.stringify({ position: size, hash: last, length, tree }), { flush: true });
  fs.renameSync(`${state}.new`, state);
}

// The checkpoint in a TileBatch: protobuf, field 1, bytes. None: the engine is busy, or has none.
function firstField(answer) {
  if (answer[0] !== 0x0a) return null;
  let [length, at] = [0, 1];
  for (let shift = 0; ; shift += 7) {
    length |= (answer[at] & 127) << shift;
    if (answer[at++] < 128) return Buffer.from(answer.subarray(at, at + length)).toString("utf8");
  }
}

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

const nc = await connect({ ...way(url ?? running()), maxReconnectAttempts: -1 });

async function listen() {
  for await (const message of nc.subscribe("guichet.v1.checkpoint.0")) told(message.string());
}

async function read() {
  // An ordered consumer keeps nothing at the server: the position is ours.
  const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
  const consumer = await jetstream(nc).consumers.get(STREAM, start);
  for await (const message of await consumer.consume()) add(message);
}

// The newest one, for what was signed before we listened; again now and then, for one that was lost.
async function ask() {
  for (;;) {
    const answer = await nc.request("guichet.v1.tile.0", "", { timeout: 5_000 }).catch(() => null);
    const checkpoint = answer && firstField(answer.data);
    if (checkpoint) told(checkpoint);
    await new Promise((wake) => setTimeout(wake, 10_000));
  }
}

await Promise.all([listen(), read(), ask()]);
