"""Follows the events into FOLDER/events.jsonl, each exactly once: python follow.py FOLDER [NATS_URL]

Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what stands
behind it is cut off and read again.
"""

import asyncio
import hashlib
import json
import os
import sys

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

STREAM = "GUICHET_EVENTS_0"
# Saving waits for the disk: so often while there is more to come, and whenever we have caught up.
SAVE_EVERY = 100


class Output:
    """The lines written, and the position that they reach."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        self.state = os.path.join(folder, "position.json")
        self.lines = open(os.path.join(folder, "events.jsonl"), "ab")
        self.position, self.hash, length = 0, "0" * 64, 0
        if os.path.exists(self.state):
            with open(self.state) as file:
                saved = json.load(file)
            self.position, self.hash, length = saved["position"], saved["hash"], saved["length"]
        # What was written after the last save may be half a line.
        self.lines.truncate(length)
        self.unsaved = 0

    def add(self, message):
        headers, position = message.headers, message.metadata.sequence.stream
        if position != self.position + 1:
            sys.exit("position %d follows %d: the stream has lost events, ask guichet.v1.log.0 for them"
                     % (position, self.position))
        if headers["Guichet-Prev-Hash"] != self.hash:
            sys.exit("position %d does not continue what we know: another history stands in the stream" % position)
        # The hash of a record is that of a leaf in RFC 6962. The record itself is protobuf: schemas/proto/.
        found = hashlib.sha256(b"\0" + message.data).hexdigest()
        if headers["Guichet-Hash"] != found:
            sys.exit("position %d was changed on its way" % position)
        line = {"position": position, "type": headers["ce-type"], "subject": headers["ce-subject"],
                "time": headers["ce-time"], "hash": found}
        self.lines.write(json.dumps(line).encode() + b"\n")
        self.position, self.hash = position, found
        self.unsaved += 1

    def save(self):
        """The lines first, then, in one step, the position that counts on them."""
        self.lines.flush()
        os.fsync(self.lines.fileno())
        with open(self.state + ".new", "w") as file:
            json.dump({"position": self.position, "hash": self.hash, "length": self.lines.tell()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.state + ".new", self.state)
        self.unsaved = 0


async def main(folder, url="nats://127.0.0.1:4222"):
    output = Output(folder)
    nc = await nats.connect(url, max_reconnect_attempts=-1)
    # An ordered consumer keeps nothing at the server: the position is ours.
    start = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=output.position + 1)
    messages = await nc.jetstream().subscribe("guichet.v1.evt.>", stream=STREAM, ordered_consumer=True, config=start)
    async for message in messages.messages:
        output.add(message)
        if message.metadata.num_pending == 0 or output.unsaved >= SAVE_EVERY:
            output.save()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
