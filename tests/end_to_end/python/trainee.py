"""usage: trainee.py URL

A trainee answers a requester: their mentor sees it first, edits it, and lets it go out; the next one they reject.
"""

import asyncio
import json
import sys
import uuid

from desk import Desk, new_ticket, refused, same, step

AGENTS = {"agents": [
    {"id": "tina", "trainee": True, "mentor": "bob"}, {"id": "bob"}, {"id": "alice"},
]}


def agent(name):
    return {"kind": "agent", "id": name}


async def publish(desk):
    command = {"command_id": str(uuid.uuid4()), "actor": agent("alice"), "data": {"kind": "agents", "body": AGENTS}}
    subject = "guichet.v1.cmd.default.cli.config.publish_config"
    body, _ = await desk.request(subject, json.dumps(command).encode())
    assert body["ok"], body


async def says(desk, ticket, body):
    """What tina sends as a public comment; gives the answer and the id that the comment will have."""
    command_id = str(uuid.uuid4())
    data = {"visibility": "public", "body": body}
    answer = await desk.accepted(ticket, "add_comment", data, actor=agent("tina"), command_id=command_id)
    return answer, str(uuid.uuid5(uuid.UUID(command_id), "comment"))


async def said(desk, ticket):
    """What was said in public, with who said it."""
    timeline = (await desk.query_written("timeline", {"ticket_id": ticket}))["data"]
    return [(e["data"]["author"], e["data"]["body"]["plain"]) for e in timeline if e["type"] == "CommentAdded"]


async def main(url):
    desk = await Desk.connect(url)
    await publish(desk)
    ticket = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    answer, first = await says(desk, ticket, "Trun it off.")
    same([e["type"] for e in answer["events"]], ["ReplyDrafted"], "a trainee's reply waits")
    same([w["code"] for w in answer["warnings"]], ["drafted"], "and the trainee is told so")
    same(await said(desk, ticket), [], "the requester sees nothing of it")
    step("drafted")

    approve = {"draft_id": first, "edits": "Turn it off."}
    refused(await desk.send(ticket, "approve_reply", approve, actor=agent("alice")), "forbidden")
    refused(await desk.send(ticket, "approve_reply", approve, actor=agent("tina")), "forbidden")
    approved = await desk.accepted(ticket, "approve_reply", approve, actor=agent("bob"))
    view = await desk.ticket(ticket, approved["position"])
    same((view["state"], view["drafts"]), ("open", []), "the first answer takes the ticket up")
    same(await said(desk, ticket), [("tina", "Turn it off.")], "it is the trainee's answer")
    step("approved")

    _, second = await says(desk, ticket, "Buy another one.")
    rejected = {"draft_id": second, "reason": "it is new"}
    await desk.accepted(ticket, "reject_reply", rejected, actor={"kind": "supervisor", "id": "sue"})
    refused(await desk.send(ticket, "approve_reply", {"draft_id": second}, actor=agent("bob")), "guard_failed")
    same(len(await said(desk, ticket)), 1, "what is rejected does not go out")
    step("rejected")
    await desk.nc.close()
    print("done: trainee", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
