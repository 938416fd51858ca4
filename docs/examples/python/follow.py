"""Follows the events into FOLDER/events.jsonl, each exactly once: python follow.py FOLDER [NATS_URL [LOG_VKEY]]

Kill it whenever you like. FOLDER/position.json says how far the output is known to be whole: at a start what stands
behind it is cut off and read again.

A broker stores what it is sent, and headers are no proof of who sent it. So a line is written once the log has signed a
checkpoint that covers its event, at most a second after the event, and only where the events read so far have the root
that was signed. LOG_VKEY is the public key of the log (default: guichet-data/log.vkey); without one the checkpoints are
taken as they come.
"""

import asyncio
import base64
import hashlib
import json
import os
import pathlib
import sys

import nats
from nats.js.api import ConsumerConfig, DeliverPolicy

from check import opened

STREAM = "GUICHET_EVENTS_0"


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The right edge of the RFC 6962 tree over the events: a hash for each 1 in the number of leaves."""

    def __init__(self, size, edge):
        self.size, self.edge = size, edge

    def add(self, leaf):
        size = self.size
        while size & 1:
            leaf, size = node(self.edge.pop(), leaf), size >> 1
        self.edge.append(leaf)
        self.size += 1

    def root(self):
        root = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            root = node(left, root)
        return root


class Output:
    """The lines written, and the position that they reach."""

    def __init__(self, folder, vkey):
        os.makedirs(folder, exist_ok=True)
        self.state = os.path.join(folder, "position.json")
        self.lines = open(os.path.join(folder, "events.jsonl"), "ab")
        self.vkey = vkey
        saved = {"position": 0, "hash": "0" * 64, "length": 0, "tree": []}
        if os.path.exists(self.state):
            with open(self.state) as file:
                found = json.load(file)
            # A state of before there were trees proves nothing: then all is read again.
            saved = found if "tree" in found else saved
        self.tree = Tree(saved["position"], [bytes.fromhex(part) for part in saved["tree"]])
        # What was written after the last save may be half a line.
        self.lines.truncate(saved["length"])
        # Read, and not signed yet: line and hash.
        self.pending = []
        self.position, self.hash = saved["position"], saved["hash"]
        # Size and root of the checkpoint that is waited for, and of the newest.
        self.target = self.newest = None

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
        self.pending.append((json.dumps(line).encode() + b"\n", found))
        self.position, self.hash = position, found
        self.settle()

    def told(self, checkpoint):
        """A checkpoint, signed by the log or not believed."""
        if self.vkey is not None:
            self.newest = opened(self.vkey, checkpoint)
        else:
            size, root = checkpoint.split("\n")[1:3]
            self.newest = int(size), base64.b64decode(root)
        self.settle()

    def settle(self):
        """Writes what is signed, and nothing else."""
        if self.target is None and self.newest is not None and self.newest[0] > self.tree.size:
            self.target = self.newest
        if self.target is None or self.target[0] > self.position:
            return
        size, root = self.target
        taken, self.pending = self.pending[:size - self.tree.size], self.pending[size - self.tree.size:]
        for line, found in taken:
            self.tree.add(bytes.fromhex(found))
        if self.tree.root() != root:
            sys.exit("positions %d to %d are not what the log has signed: somebody else wrote into the stream, or it"
                     " was damaged; nothing of them was written" % (size - len(taken) + 1, size))
        self.lines.write(b"".join(line for line, _ in taken))
        self.save(taken[-1][1])
        self.target = None
        self.settle()

    def save(self, last):
        """The lines first, then, in one step, the position that counts on them."""
        self.lines.flush()
        os.fsync(self.lines.fileno())
        with open(self.state + ".new", "w") as file:
            json.dump({"position": self.tree.size, "hash": last, "length": self.lines.tell(),
                       "tree": [part.hex() for part in self.tree.edge]}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.state + ".new", self.state)


def first_field(answer):
    """The checkpoint in a TileBatch: protobuf, field 1, bytes. None: the engine is busy, or has none."""
    length, shift, at = 0, 0, 1
    while answer[:1] == b"\x0a":
        length |= (answer[at] & 127) << shift
        shift, at = shift + 7, at + 1
        if answer[at - 1] < 128:
            return answer[at:at + length].decode()
    return None


def running():
    """Where the desk of `guichet serve` is, and how callers get in: it says so in its data folder, here or above."""
    for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents]:
        file = folder / "guichet-data" / "run.json"
        if file.exists():
            return json.loads(file.read_text())["nats_url"]
    sys.exit("no guichet runs here; name its NATS server")


async def main(folder, url=None, key="guichet-data/log.vkey"):
    vkey = None
    if os.path.exists(key):
        with open(key) as file:
            vkey = file.read()
    else:
        print("no %s: the signatures of checkpoints are not checked" % key, file=sys.stderr)
    output = Output(folder, vkey)
    nc = await nats.connect(url or running(), max_reconnect_attempts=-1)
    checkpoints = await nc.subscribe("guichet.v1.checkpoint.0")

    async def listen():
        async for message in checkpoints.messages:
            output.told(message.data.decode())

    async def read():
        # An ordered consumer keeps nothing at the server: the position is ours.
        start = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=output.position + 1)
        messages = await nc.jetstream().subscribe(
            "guichet.v1.evt.>", stream=STREAM, ordered_consumer=True, config=start)
        async for message in messages.messages:
            output.add(message)

    async def ask():
        # The newest one, for what was signed before we listened; again now and then, for one that was lost.
        while True:
            try:
                answer = await nc.request("guichet.v1.tile.0", b"", timeout=5)
                checkpoint = first_field(answer.data)
                if checkpoint:
                    output.told(checkpoint)
            except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
                pass
            await asyncio.sleep(10)

    await asyncio.gather(listen(), read(), ask())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
