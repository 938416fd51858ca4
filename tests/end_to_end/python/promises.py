"""usage: promises.py reception|reminder|tiers URL

A desk's promises as another team lives with them, on a clock that goes faster: nobody waits 72 hours for a test.
"""

import asyncio
import datetime
import json
import sys
import uuid

from desk import Desk, new_ticket, same, step

WITHIN_S = 90


async def configure(desk, kind, body):
    command = {
        "command_id": str(uuid.uuid4()),
        "actor": {"kind": "admin", "id": "ana"},
        "data": {"kind": kind, "body": body},
    }
    subject = "guichet.v1.cmd.default.cli.config.publish_config"
    answer, _ = await desk.request(subject, json.dumps(command).encode())
    assert answer["ok"], answer


async def until(what, look):
    """What `look` gives, as soon as it gives something."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(0.02)
    raise AssertionError("waited in vain: " + what)


def instant(text):
    return datetime.datetime.fromisoformat(text)


async def events(desk, ticket, kind):
    timeline = await desk.query_written("timeline", {"ticket_id": ticket, "limit": 1000})
    return [entry for entry in timeline["data"] if entry["type"] == kind]


async def clock(desk, ticket, metric, instance=1):
    clocks = (await desk.query_written("sla_clocks", {"ticket_id": ticket}))["data"]
    found = [one for one in clocks if (one["metric"], one["instance"]) == (metric, instance)]
    return found[0] if found else None


def asked(channel):
    return dict(new_ticket(), origin="requester", channel=channel)


def later(since, seconds):
    return instant(since) + datetime.timedelta(seconds=seconds)


async def reception(desk):
    """Mail has somebody within an hour, chat within two minutes."""
    target = {"metric": "assignment", "hours": "calendar"}
    policies = [
        {"id": "mail", "match": {"channel": "email"}, "targets": [dict(target, seconds=3600)]},
        {"id": "chat", "match": {"channel": "chat"}, "targets": [dict(target, seconds=120)]},
    ]
    await configure(desk, "sla_policies", {"policies": policies})
    mail = (await desk.accepted("new", "create", asked("email")))["ticket_id"]
    await desk.accepted(mail, "assign", {"assignee": "bob", "group": "desk"})
    chat = (await desk.accepted("new", "create", asked("chat")))["ticket_id"]

    async def broken():
        return await events(desk, chat, "SlaBreached")

    [breach] = await until("nobody takes the chat", broken)
    [created] = await events(desk, chat, "TicketCreated")
    same(instant(breach["occurred_at"]), later(created["occurred_at"], 120), "two minutes, to the millisecond")
    same(breach["data"]["policy"], "chat", "which promise")
    await desk.accepted(chat, "assign", {"assignee": "bob", "group": "desk"})

    async def late():
        found = await clock(desk, chat, "assignment")
        return found if found["state"] == "breached" else None

    await until("taken, and late", late)
    same((await clock(desk, mail, "assignment"))["state"], "met", "the mail was taken in time")
    same(await events(desk, mail, "SlaBreached"), [], "and nothing is broken")
    step("reception")


async def reminder(desk):
    """After 72 hours without a word from the requester somebody is reminded; coming back begins again."""
    rule = {
        "id": "pending-72h", "status": "pending", "seconds": 72 * 3600, "hours": "calendar",
        "actions": [{"type": "note", "text": "Ask again."}, {"type": "notify", "to": "assignee"}],
    }
    await configure(desk, "time_rules", {"rules": [rule]})
    ticket = (await desk.accepted("new", "create", asked("email")))["ticket_id"]
    await desk.accepted(ticket, "assign", {"assignee": "bob", "group": "desk"})
    for visit in (1, 2):
        await desk.accepted(ticket, "set_status", {"to": "pending"})

        async def fired():
            found = await events(desk, ticket, "TimeRuleFired")
            return found if len(found) == visit else None

        rules = await until("a reminder", fired)
        changes = [e for e in await events(desk, ticket, "StatusChanged") if e["data"]["to"] == "pending"]
        since = changes[visit - 1]["occurred_at"]
        same(len(changes), visit, "as often as it was pending")
        same(instant(rules[-1]["occurred_at"]), later(since, 72 * 3600), "72 hours, to the millisecond")
        same((rules[-1]["data"]["instance"], rules[-1]["data"]["suppressed"]), (visit, False), "it acted")
        await desk.accepted(ticket, "set_status", {"to": "open"})
    same(len(await events(desk, ticket, "CommentAdded")), 2, "a note each")
    step("reminder")


async def tiers(desk):
    """Tier 1 has an hour to answer or hand over, tier 2 four hours."""
    target = {"metric": "tier_time", "hours": "calendar"}
    targets = [dict(target, tier=1, seconds=3600), dict(target, tier=2, seconds=4 * 3600)]
    await configure(desk, "sla_policies", {"policies": [{"id": "tiers", "targets": targets}]})
    ticket = (await desk.accepted("new", "create", asked("phone")))["ticket_id"]
    over = {"kind": "functional", "to_tier": 2, "reason": "expertise", "tags": ["vpn"]}
    await desk.accepted(ticket, "escalate", over)

    async def broken():
        return await events(desk, ticket, "SlaBreached")

    [breach] = await until("tier 2 is late", broken)
    [escalated] = await events(desk, ticket, "TicketEscalated")
    same(instant(breach["occurred_at"]), later(escalated["occurred_at"], 4 * 3600), "four hours from the handover")
    same((breach["data"]["metric"], breach["data"]["instance"]), ("tier_time", 2), "the clock of tier 2")
    same((await clock(desk, ticket, "tier_time", 1))["state"], "met", "tier 1 handed over in time")
    step("tiers")


async def main():
    desk = await Desk.connect(sys.argv[2])
    await {"reception": reception, "reminder": reminder, "tiers": tiers}[sys.argv[1]](desk)
    print("done: " + sys.argv[1])


asyncio.run(main())
