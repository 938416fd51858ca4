"""Every refusal of the contract that this build can give, met on purpose."""

import asyncio
import json
import uuid

from desk import CALLER, new_ticket, refused, same, step


async def meet(desk):
    await shapes(desk)
    await subjects(desk)
    await fields(desk)
    await conflicts(desk)
    await states(desk)
    await permissions(desk)
    await queries(desk)


def command(data, **more):
    body = {"command_id": str(uuid.uuid4()), "actor": {"kind": "agent", "id": "alice"}, "data": data}
    body.update(more)
    return body


async def shapes(desk):
    create = CALLER + ".new.create"
    deep = "1"
    for _ in range(20):
        deep = '{"x":%s}' % deep
    twice = '{"command_id":"%s","actor":{"kind":"agent","id":"a"},"actor":{"kind":"agent","id":"b"},"data":{}}' % uuid.uuid4()
    for what, payload in [
        ("not JSON", b"hello"), ("empty", b""), ("not UTF-8", b'{"command_id":"\xff"}'), ("a list", b"[]"),
        ("an unknown field", json.dumps(command(new_ticket(), urgent=True)).encode()),
        ("an unknown field within", json.dumps(command(new_ticket(colour="red"))).encode()),
        ("a wrong type", json.dumps(command(new_ticket(subject=7))).encode()),
        ("an unknown word", json.dumps(command(new_ticket(channel="pigeon"))).encode()),
        ("a duplicate field", twice.encode()), ("too deep", deep.encode()),
        ("deep within", json.dumps(command(new_ticket(fields={"x": json.loads(deep)}))).encode()),
        ("another verb's data", json.dumps(command({"to_tier": 2})).encode()),
    ]:
        refused(await desk.request(create, payload), "malformed", what=what)
    step("malformed")
    big = json.dumps(command(new_ticket(description="x" * (256 * 1024)))).encode()
    same(refused(await desk.request(create, big), "payload_too_large")["details"]["max"], 256 * 1024, "max")
    step("payload_too_large")


async def subjects(desk):
    body = json.dumps(command(new_ticket())).encode()
    for subject in [
        CALLER + ".new", CALLER + ".new.create.now", CALLER + ".new.assign", CALLER + ".T-1.assign",
        CALLER + ".new.fly", CALLER + ".%s.import" % uuid.uuid4(), "guichet.v1.cmd.default.p\u00ffthon.new.create",
        "guichet.v1.cmd.%s.python.new.create" % ("x" * 65), "guichet.v1.cmd.default.py$thon.new.create",
        "guichet.v1.query.default.python.nothing", "guichet.v1.query.default.python.ticket.more",
    ]:
        refused(await desk.request(subject, body), "bad_subject")
    step("bad_subject")
    for subject in [CALLER + ".%s.erase_subject" % uuid.uuid4(), CALLER + ".directory.register_agent", CALLER + ".desk.seal_log"]:
        refused(await desk.request(subject, body), "unsupported")
    step("unsupported")


async def fields(desk):
    def without(name):
        return {k: v for k, v in new_ticket().items() if k != name}

    for field, data in [
        ("data.subject", new_ticket(subject="")), ("data.subject", new_ticket(subject="x" * 301)),
        ("data.description", new_ticket(description="x" * (48 * 1024 + 1))),
        ("data.requester.id", new_ticket(requester={"id": ""})), ("data.requester", without("requester")),
        ("data.channel", without("channel")), ("data.tags[1]", new_ticket(tags=["fine", "x" * 65])),
        ("data.tags", new_ticket(tags=["t%d" % n for n in range(65)])),
        ("data.fields", new_ticket(fields={"k%d" % n: n for n in range(101)})),
    ]:
        refused(await desk.send("new", "create", data), "validation_failed", field)
    ticket = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    for verb, field, data in [
        ("assign", "data", {}), ("escalate", "data.tags", {"kind": "functional", "to_tier": 2, "reason": "scope"}),
        ("escalate", "data.to_tier", {"kind": "functional", "to_tier": 1, "reason": "scope", "tags": ["x"]}),
        ("resolve", "data.summary", {"code": "defect", "summary": ""}), ("resolve", "data.code", {"summary": "fixed"}),
        ("reopen", "data.reason", {"reason": "x" * (4 * 1024 + 1)}), ("set_status", "data.hold_reason", {"to": "hold"}),
    ]:
        error = refused(await desk.send(ticket, verb, data), "validation_failed")
        assert error["field"].startswith(field), "%s %r: field %r" % (verb, data, error["field"])
    body, headers = await desk.send(ticket, "reopen", {"reason": "x"}, actor={"kind": "agent", "id": ""})
    refused((body, headers), "validation_failed", "actor.id")
    missing = {"actor": {"kind": "agent", "id": "alice"}, "data": {"reason": "x"}}
    answer = await desk.request("%s.%s.reopen" % (CALLER, ticket), json.dumps(missing).encode())
    refused(answer, "validation_failed", "command_id")
    step("validation_failed")


async def conflicts(desk):
    first = await desk.accepted("new", "create", new_ticket())
    ticket = first["ticket_id"]
    wrote = []
    for n in range(25):
        data = {"visibility": "internal", "body": "note %d" % n}
        wrote += (await desk.accepted(ticket, "add_comment", data))["events"]
    details = refused(await desk.send(ticket, "assign", {"assignee": "bob"}, expected_version=1), "version_conflict")["details"]
    same((details["expected"], details["actual"], details["missed_count"]), (1, 26, 25), "what was missed")
    same(details["missed"], wrote[-20:], "the last 20 missed events")
    few = refused(await desk.send(ticket, "assign", {"assignee": "bob"}, expected_version=24), "version_conflict")["details"]
    same(few["missed"], wrote[-2:], "all that was missed")
    ahead = refused(await desk.send(ticket, "assign", {"assignee": "bob"}, expected_version=99), "version_conflict")["details"]
    same((ahead["actual"], ahead["missed_count"]), (26, 0), "nobody was there yet")
    refused(await desk.send(ticket, "create", new_ticket()), "version_conflict")
    step("version_conflict")

    again = str(uuid.uuid4())
    await desk.accepted(ticket, "assign", {"assignee": "bob"}, command_id=again)
    for entity, verb, data in [(ticket, "assign", {"assignee": "carol"}), (ticket, "cancel", {"reason": "spam"}),
                               ("new", "create", new_ticket())]:
        refused(await desk.send(entity, verb, data, command_id=again), "command_id_reused")
    elsewhere = CALLER.replace(".python", ".other") + ".%s.assign" % ticket
    answer = await desk.request(elsewhere, json.dumps(command({"assignee": "bob"}, command_id=again)).encode())
    refused(answer, "command_id_reused")
    step("command_id_reused")

    reference = {"source": "crm", "id": str(uuid.uuid4())}
    holder = await desk.accepted("new", "create", new_ticket(external_ref=reference))
    error = refused(await desk.send("new", "create", new_ticket(external_ref=reference)), "duplicate")
    same(error["details"]["of"], holder["ticket_id"], "who has it")
    step("duplicate")


async def states(desk):
    ticket = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    error = refused(await desk.send(ticket, "close", {}), "invalid_transition")
    same((error["details"]["state"], error["details"]["verb"]), ("new", "close"), "details")
    await desk.accepted(ticket, "resolve", {"code": "other", "summary": "It went away."})
    refused(await desk.send(ticket, "escalate", {"kind": "functional", "to_tier": 2, "reason": "scope", "tags": ["x"]}),
            "invalid_transition")
    step("invalid_transition")
    closed = await desk.accepted(ticket, "close", {})
    error = refused(await desk.send(ticket, "assign", {"assignee": "bob"}), "terminal_state")
    same((error["details"]["state"], error["details"]["verb"]), ("closed", "assign"), "details")
    refused(await desk.send(ticket, "reopen", {"reason": "again"}), "terminal_state")
    allowed = ["create_follow_up", "change_tags", "link", "unlink", "rate", "link_external", "link_asset",
               "make_comment_private", "redact_comment", "report_scan", "redact_attachment"]
    same((await desk.ticket(ticket, closed["position"]))["allowed_verbs"], allowed, "what a closed ticket takes")
    other = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    await desk.accepted(other, "cancel", {"reason": "duplicate"})
    refused(await desk.send(other, "resolve", {"code": "other", "summary": "x"}), "terminal_state")
    step("terminal_state")


async def permissions(desk):
    for kind in ("admin", "system"):
        refused(await desk.send("new", "create", new_ticket(), actor={"kind": kind, "id": "root"}), "forbidden")
    step("forbidden")
    refused(await desk.send(str(uuid.uuid4()), "assign", {"assignee": "bob"}), "not_found")
    there = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    body = json.dumps(command({"assignee": "bob"})).encode()
    absent = await desk.request("guichet.v1.cmd.acme.python.%s.assign" % uuid.uuid4(), body)
    theirs = await desk.request("guichet.v1.cmd.acme.python.%s.assign" % there, body)
    refused(absent, "not_found")
    same(theirs, absent, "another tenant's ticket and none look the same")
    step("not_found")


async def queries(desk):
    async def ask(name, question):
        return await desk.request("guichet.v1.query.default.python." + name, json.dumps(question).encode())

    refused(await ask("ticket", {"number": "T-999999"}), "not_found")
    refused(await ask("timeline", {"ticket_id": str(uuid.uuid4())}), "not_found")
    refused(await ask("ticket", {"number": "T-1", "colour": "red"}), "malformed")
    refused(await ask("ticket", {}), "validation_failed", "ticket_id")
    refused(await ask("tickets", {"limit": 1001}), "validation_failed", "limit")
    refused(await ask("tickets", {"cursor": "elsewhere"}), "validation_failed", "cursor")
    step("refused queries")
    here = (await desk.query("projections", {}))["as_of_position"]
    begun = asyncio.get_running_loop().time()
    error = refused(await ask("tickets", {"min_position": here + 1000, "wait_ms": 300}), "unavailable")
    assert asyncio.get_running_loop().time() - begun >= 0.3, "it waits as long as was asked"
    assert here <= error["details"]["as_of_position"] < here + 1000, error
    step("unavailable")
