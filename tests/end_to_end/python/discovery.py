"""Finds the services with the NATS services API alone, and shows that no answer goes where it must not."""

import asyncio
import json
import uuid

from desk import CALLER, new_ticket, same, step

STREAM = "GUICHET_EVENTS_0"


async def discover(desk):
    for service, subject in [("guichet-engine", "guichet.v1.cmd.>"), ("guichet-projections", "guichet.v1.query.>")]:
        ping = await ask(desk, "PING", service)
        same((ping["name"], ping["type"]), (service, "io.nats.micro.v1.ping_response"), "PING")
        info = await ask(desk, "INFO", service)
        same(info["id"], ping["id"], "INFO is of the same process")
        assert subject in [e["subject"] for e in info["endpoints"]], info
        stats = await ask(desk, "STATS", service)
        of_subject = [e for e in stats["endpoints"] if e["subject"] == subject]
        assert of_subject and "num_requests" in of_subject[0], stats
    everybody = await desk.nc.request("$SRV.PING", b"", timeout=10)
    assert json.loads(everybody.data)["name"].startswith("guichet-")
    step("discovery")


async def ask(desk, verb, service):
    answer = await desk.nc.request("$SRV.%s.%s" % (verb, service), b"", timeout=10)
    return json.loads(answer.data)


async def hostile_replies(desk):
    """A reply subject is a place where the desk would publish: only an inbox is."""
    js = desk.nc.jetstream()
    before = (await js.stream_info(STREAM)).state
    arrived = []

    async def note(message):
        arrived.append(message.subject)

    targets = ["$JS.API.STREAM.PURGE." + STREAM, "$JS.API.STREAM.DELETE." + STREAM,
               "guichet.v1.evt.default.0.Nothing", "guichet.v1.cmd.default.mallory.new.create", "elsewhere"]
    watching = [await desk.nc.subscribe(target, cb=note) for target in targets]
    ids = []
    for target in targets:
        ids.append(str(uuid.uuid4()))
        command = {"command_id": ids[-1], "actor": {"kind": "agent", "id": "mallory"}, "data": new_ticket()}
        await desk.nc.publish(CALLER + ".new.create", json.dumps(command).encode(), reply=target)
        await desk.nc.publish("guichet.v1.query.default.python.projections", b"{}", reply=target)
        await desk.nc.publish("guichet.v1.log.0", b"", reply=target)
    # What is answered after them was taken after them.
    probe = await desk.accepted("new", "create", new_ticket())
    await desk.query("projections", {"min_position": probe["position"], "wait_ms": 10000})
    await desk.nc.request("guichet.v1.log.0", b"", timeout=10)
    await desk.nc.flush()
    for subscription in watching:
        await subscription.unsubscribe()
    same(arrived, [], "answers that went elsewhere")
    for command_id in ids:
        command = {"command_id": command_id, "actor": {"kind": "agent", "id": "mallory"}, "data": new_ticket()}
        body, _ = await desk.request(CALLER + ".new.create", json.dumps(command).encode())
        same(body["replayed"], False, "a command that may not be answered is not done either")
    await stands(js, before, probe["position"])
    step("hostile reply subjects")


async def stands(js, before, position):
    """The stream has all that it had, and goes on to the position."""
    for _ in range(1000):
        now = (await js.stream_info(STREAM)).state
        if now.last_seq >= position:
            break
        await asyncio.sleep(0.01)
    same((now.first_seq, now.messages), (1, now.last_seq), "the stream is whole")
    assert now.last_seq > before.last_seq and now.last_seq >= position, now
