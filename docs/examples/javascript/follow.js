// Follows the events into FOLDER/events.jsonl, each exactly once: node follow.js FOLDER [NATS_URL]
//
// Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what
// stands behind it is cut off and read again.

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";

const [folder, url = "nats://127.0.0.1:4222"] = process.argv.slice(2);
const STREAM = "GUICHET_EVENTS_0";
// Saving waits for the disk: so often while there is more to come, and whenever we have caught up.
const SAVE_EVERY = 100;

fs.mkdirSync(folder, { recursive: true });
const state = join(folder, "position.json");
let saved = { position: 0, hash: "0".repeat(64), length: 0 };
if (fs.existsSync(state)) saved = JSON.parse(fs.readFileSync(state, "utf8"));
const lines = fs.openSync(join(folder, "events.jsonl"), "a");
// What was written after the last save may be half a line.
fs.ftruncateSync(lines, saved.length);
let { position, hash } = saved;
let unsaved = 0;

function add(message) {
  const header = (name) => message.headers.get(name);
  if (message.seq !== position + 1) {
    throw new Error(`position ${message.seq} follows ${position}: the stream has lost events, ask guichet.v1.log.0`);
  }
  if (header("Guichet-Prev-Hash") !== hash) {
    throw new Error(`position ${message.seq} does not continue what we know: another history stands in the stream`);
  }
  // The hash of a record is that of a leaf in RFC 6962. The record itself is protobuf: schemas/proto/.
  const found = createHash("sha256").update("\0").update(message.data).digest("hex");
  if (header("Guichet-Hash") !== found) throw new Error(`position ${message.seq} was changed on its way`);
  const line = {
    position: message.seq, type: header("ce-type"), subject: header("ce-subject"), time: header("ce-time"), hash: found,
  };
  fs.writeSync(lines, JSON.stringify(line) + "\n");
  [position, hash, unsaved] = [message.seq, found, unsaved + 1];
}

// The lines first, then, in one step, the position that counts on them.
function save() {
  fs.fsyncSync(lines);
  const length = fs.fstatSync(lines).size;
  fs.writeFileSync(`${state}.new`, JSON.stringify({ position, hash, length }), { flush: true });
  fs.renameSync(`${state}.new`, state);
  unsaved = 0;
}

const nc = await connect({ servers: url, maxReconnectAttempts: -1 });
// An ordered consumer keeps nothing at the server: the position is ours.
const start = { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: position + 1 };
const consumer = await jetstream(nc).consumers.get(STREAM, start);
for await (const message of await consumer.consume()) {
  add(message);
  if (message.info.pending === 0 || unsaved >= SAVE_EVERY) save();
}
