"""Follows the stream with a JetStream consumer and believes nothing: every place, hash and header is checked."""

import hashlib
import re

from desk import same, step

STREAM = "GUICHET_EVENTS_0"
HEADERS = ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-subject", "ce-time", "ce-recordedtime",
           "ce-causationid", "ce-sequence", "ce-partitionkey", "ce-authid", "ce-dataschema",
           "Guichet-Epoch", "Guichet-Generation", "Guichet-Hash", "Guichet-Prev-Hash"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def follow(desk, until):
    """Reads from the first message to the position `until`. Returns the hash of every position."""
    js = desk.nc.jetstream()
    subscription = await js.subscribe("guichet.v1.evt.>", stream=STREAM, ordered_consumer=True)
    hashes = []
    while len(hashes) < until:
        message = await subscription.next_msg(timeout=30)
        hashes.append(check(message, hashes))
    await subscription.unsubscribe()
    step("followed %d messages" % len(hashes))
    return hashes


def check(message, hashes):
    headers = message.headers
    missing = [name for name in HEADERS if name not in headers]
    assert not missing, "headers %r are missing in %r" % (missing, headers)
    sequence = message.metadata.sequence.stream
    same(sequence, len(hashes) + 1, "the stream has no gaps")
    same(headers["ce-sequence"], "%020d" % sequence, "sequence is position")
    same(position(message.data), sequence, "the record says the same position")
    found = hashlib.sha256(b"\0" + message.data).hexdigest()
    same(headers["Guichet-Hash"], found, "hash of position %d" % sequence)
    same(headers["Guichet-Prev-Hash"], hashes[-1] if hashes else "0" * 64, "chain at position %d" % sequence)
    same(headers["ce-specversion"], "1.0", "CloudEvents")
    kind = message.subject.rsplit(".", 1)[1]
    same(headers["ce-type"], "guichet.%s.v1" % kind, "type")
    assert TIME.fullmatch(headers["ce-time"]) and TIME.fullmatch(headers["ce-recordedtime"]), headers
    same(headers["ce-partitionkey"], headers["ce-subject"], "one ticket, one partition")
    for private in (b"ada@example.org", b"Ada", b"VPN"):
        assert private not in repr(dict(headers)).encode(), "no header holds personal data"
    return found


def position(record):
    """Field 1 of the record, read by hand: a varint after the tag 0x08."""
    same(record[0], 0x08, "field 1 comes first")
    value, shift = 0, 0
    for byte in record[1:]:
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value
    raise AssertionError("a varint without an end")
