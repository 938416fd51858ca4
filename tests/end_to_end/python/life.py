"""The life of a ticket, from create to the timeline, with each answer looked at."""

import json
import uuid

from desk import CALLER, new_ticket, refused, same, step


async def live(desk):
    """Returns what must still hold after a crash: the commands as sent, and their answers."""
    sent = []

    async def send(entity, verb, data, **envelope):
        command = {"command_id": str(uuid.uuid4()), "actor": {"kind": "agent", "id": "alice"}, "data": data}
        command.update(envelope)
        subject = "%s.%s.%s" % (CALLER, entity, verb)
        answer, _ = await desk.request(subject, json.dumps(command).encode())
        assert answer["ok"], "%s was refused: %r" % (verb, answer)
        same(answer["replayed"], False, "the first answer")
        sent.append({"subject": subject, "command": command, "answer": answer})
        return answer

    def wrote(answer, version, *types):
        same([e["type"] for e in answer["events"]], list(types), "events")
        same(answer["version"], version, "version")
        same(answer["position"], answer["events"][-1]["position"], "position of the last event")
        for a, b in zip(answer["events"], answer["events"][1:]):
            same(b["position"], a["position"] + 1, "the events of a command stand together")

    ticket = str(uuid.uuid4())
    created = await send(ticket, "create", new_ticket(external_ref={"source": "crm", "id": "C-" + ticket}))
    wrote(created, 1, "TicketCreated")
    same((created["ticket_id"], created["partition"], created["warnings"]), (ticket, 0, []), "a UUID is taken as the id")
    seen = await desk.ticket(ticket, created["position"])
    same((seen["state"], seen["number"], seen["requester"]), ("new", created["number"], "customer-7"), "new ticket")
    step("create " + created["number"])

    assigned = await send(ticket, "assign", {"assignee": "bob", "group": "network", "reason": "on call"}, expected_version=1)
    wrote(assigned, 3, "TicketAssigned", "StatusChanged")
    seen = await desk.ticket(ticket, assigned["position"])
    same((seen["state"], seen["assignee"], seen["group"], seen["version"]), ("open", "bob", "network", 3), "assigned")
    step("assign")

    again = await send(ticket, "assign", {"assignee": "bob", "group": "network"})
    same((again["events"], again["version"]), ([], 3), "what holds already is accepted and writes nothing")
    step("assign again changes nothing")

    why = {"kind": "functional", "to_tier": 2, "reason": "expertise", "note": "Needs a trace.", "tags": ["vpn", "trace"]}
    escalated = await send(ticket, "escalate", why)
    same(escalated["events"][-1]["type"], "TicketEscalated", "escalated")
    seen = await desk.ticket(ticket, escalated["position"])
    same((seen["tier"], seen["escalations"], seen["assignee"], seen["group"]), (2, 1, "bob", "network"), "keeps its people")
    step("escalate")

    resolved = await send(ticket, "resolve", {"code": "configuration", "summary": "MTU was wrong.", "steps": ["traced"]})
    seen = await desk.ticket(ticket, resolved["position"])
    same((seen["state"], seen["resolve_count"]), ("resolved", 1), "resolved")
    step("resolve")

    reopened = await send(ticket, "reopen", {"reason": "It drops again."}, actor={"kind": "requester", "id": "customer-7"})
    wrote(reopened, reopened["version"], "TicketReopened")
    seen = await desk.ticket(ticket, reopened["position"])
    same((seen["state"], seen["reopen_count"], seen["max_tier"]), ("open", 1, 2), "reopened")
    step("reopen")

    await timeline(desk, ticket, sent)
    await dry_run(desk, ticket, seen)
    await retries(desk, sent)
    return {"ticket": ticket, "sent": sent}


async def timeline(desk, ticket, sent):
    """Every event of every command is in the timeline, in order, with a sentence and an unbroken chain."""
    newest = sent[-1]["answer"]["position"]
    lines = (await desk.query("timeline", {"ticket_id": ticket, "min_position": newest, "wait_ms": 10000}))["data"]
    events = [(e["version"], e["position"], e["type"]) for one in sent for e in one["answer"]["events"]]
    same([(l["version"], l["position"], l["type"]) for l in lines], events, "timeline")
    ids = [one["command"]["command_id"] for one in sent for _ in one["answer"]["events"]]
    same([l["command_id"] for l in lines], ids, "which command wrote it")
    same(lines[0]["prev_hash"], "0" * 64, "nothing stands before version 1")
    for before, line in zip(lines, lines[1:]):
        same(line["prev_hash"], before["hash"], "the chain of the ticket")
    for line in lines:
        same(line["caller"], "python", "caller")
        assert line["sentence"] and line["recorded_at"] == line["occurred_at"], line
    same(lines[-1]["actor"]["kind"], "requester", "who reopened")
    step("timeline of %d events" % len(lines))


async def dry_run(desk, ticket, before):
    """A dry run says what would happen and leaves nothing behind, not even its command id."""
    command_id = str(uuid.uuid4())
    data = {"assignee": "carol"}
    would = await desk.accepted(ticket, "assign", data, command_id=command_id, dry_run=True)
    same([e["type"] for e in would["events"]], ["TicketAssigned"], "what it would write")
    number = (await desk.accepted("new", "create", new_ticket(), dry_run=True))["number"]
    same((await desk.accepted("new", "create", new_ticket()))["number"], number, "a dry run takes no number")
    after = await desk.ticket(ticket, before["position"])
    same((after["version"], after["assignee"]), (before["version"], before["assignee"]), "nothing was written")
    refused(await desk.send(ticket, "assign", data, dry_run=True, expected_version=1), "version_conflict")
    step("dry_run")


async def retries(desk, sent):
    """The same command again has the same answer, and says that it is the same."""
    for one in sent:
        answer, _ = await desk.request(one["subject"], json.dumps(one["command"]).encode())
        same(answer, dict(one["answer"], replayed=True), "retry of " + one["subject"])
        # Fields in another order, null for absent: still the same request.
        other = dict(reversed(list(one["command"].items())), correlation_id=None)
        answer, _ = await desk.request(one["subject"], json.dumps(other, indent=1).encode())
        same(answer, dict(one["answer"], replayed=True), "retry in other words of " + one["subject"])
    step("retries of %d commands" % len(sent))
