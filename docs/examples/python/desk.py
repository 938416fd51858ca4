"""Opens a ticket, hands it to somebody, resolves it, and asks about it: python desk.py [NATS_URL]"""

import asyncio
import json
import pathlib
import sys
import uuid

import nats
from nats.errors import NoRespondersError, TimeoutError

# Tenant `default`, and the name under which we call.
COMMAND = "guichet.v1.cmd.default.shop.%s.%s"
QUERY = "guichet.v1.query.default.shop.%s"
# Refusals that say nothing about the command itself.
PASSING = {"busy", "unavailable", "outcome_unknown"}


class Refused(Exception):
    """The desk said no; asking again would not help."""


ALICE = {"kind": "agent", "id": "alice"}


async def command(nc, entity, verb, data, actor=ALICE, command_id=None):
    """Sends one command until its outcome is known. A time-out means unknown, never no; the same id is done once."""
    body = json.dumps({"command_id": command_id or str(uuid.uuid4()), "actor": actor, "data": data}).encode()
    pause = 0.1
    while True:
        try:
            reply = json.loads((await nc.request(COMMAND % (entity, verb), body, timeout=5)).data)
            if reply["ok"]:
                return reply
            if reply["error"]["code"] not in PASSING:
                raise Refused("%(code)s: %(message)s" % reply["error"])
        except (TimeoutError, NoRespondersError):
            pass
        await asyncio.sleep(pause)
        pause = min(2 * pause, 2.0)


async def query(nc, name, **question):
    reply = json.loads((await nc.request(QUERY % name, json.dumps(question).encode(), timeout=10)).data)
    if not reply["ok"]:
        raise Refused("%(code)s: %(message)s" % reply["error"])
    return reply["data"]


def running():
    """Where the desk of `guichet serve` is, and how callers get in: it says so in its data folder, here or above."""
    for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents]:
        file = folder / "guichet-data" / "run.json"
        if file.exists():
            return json.loads(file.read_text())["nats_url"]
    sys.exit("no guichet runs here; name its NATS server")


async def main():
    nc = await nats.connect(sys.argv[1] if len(sys.argv) > 1 else running())
    ticket = str(uuid.uuid4())
    created = await command(nc, ticket, "create", {
        "subject": "VPN drops", "description": "Every ten minutes.", "channel": "email", "requester": {"id": "r-1"},
    })
    await command(nc, ticket, "assign", {"assignee": "bob", "group": "network"})
    resolved = await command(nc, ticket, "resolve", {"code": "configuration", "summary": "A new profile."})

    # Read models follow the log. Who wants to see the own commands says how far the answer must be.
    seen = {"min_position": resolved["position"], "wait_ms": 5000}
    view = await query(nc, "ticket", number=created["number"], **seen)
    print("%s is %s, assigned to %s, at position %d"
          % (view["number"], view["state"], view["assignee"], resolved["position"]))
    try:
        rows = await query(nc, "report_backlog", period="day", zone="UTC", **seen)
        print("today: %d created, %d resolved" % (rows[-1]["created"], rows[-1]["resolved"]))
    except Refused as why:
        print("no report:", why)
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main())
