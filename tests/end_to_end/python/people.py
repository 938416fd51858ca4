"""usage: people.py restricted|collide URL RUN

Stories of people at a desk, with nats-py and raw dicts only: a complaint to human resources that the rest of the desk must not
know of, and two agents who want the same ticket.
"""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

from desk import Desk, new_ticket, refused, same, step

AGENTS = {"agents": [{"id": "rita", "groups": ["hr"]}, {"id": "otto", "groups": ["it"]}]}
RITA = {"kind": "agent", "id": "rita"}
OTTO = {"kind": "agent", "id": "otto"}
WITHIN_S = 30


async def publish(desk, kind, body):
    command = {"command_id": str(uuid.uuid4()), "actor": {"kind": "admin", "id": "root"}, "data": {"kind": kind, "body": body}}
    answer, _ = await desk.request("guichet.v1.cmd.default.cli.config.publish_config", json.dumps(command).encode())
    assert answer["ok"], answer
    desk.written = max(desk.written, answer["position"])


async def ask(desk, name, question, caller="python"):
    question = dict(question, min_position=desk.written, wait_ms=10000)
    return await desk.request("guichet.v1.query.default.%s.%s" % (caller, name), json.dumps(question).encode())


async def look(desk, actor, **at):
    data = dict(at, scope="a complaint", purpose="to answer it")
    return await desk.send("desk", "record_access", data, actor=actor)


async def attachment(desk, ticket, caller="python", access=None):
    """What the engine says about an attachment that no ticket has: whether the ticket is there shows in the message."""
    subject = "guichet.v1.attachment.default.%s.%s.get.%s.0" % (caller, ticket, "11" * 32)
    headers = {} if access is None else {"Guichet-Access": str(access)}
    answer = await desk.nc.request(subject, b"", timeout=WITHIN_S, headers=headers)
    return json.loads(answer.data)["error"]["message"]


def http(run, path):
    request = urllib.request.Request(run["http_url"] + path, headers={"Authorization": "Bearer " + run["http_token"]})
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


async def restricted(desk, run):
    secret = "My manager shouts at me"
    complaint = new_ticket(subject=secret, requester={"id": "e-7"}, group="hr", restricted_to=["hr"], tags=["complaint"])
    requester = {"kind": "requester", "id": "e-7"}
    # As long as nobody is known to be in the group, nobody could read it.
    refused(await desk.send("new", "create", complaint, actor=requester), "validation_failed", "data.restricted_to[0]")
    await publish(desk, "agents", AGENTS)
    created = await desk.accepted("new", "create", complaint, actor=requester)
    ticket, number = created["ticket_id"], created["number"]
    await desk.accepted("new", "create", new_ticket(group="it"))
    step("created")

    # To Otto it is a ticket that is not there, whatever he tries.
    for verb, data in (("assign", {"assignee": "otto"}), ("add_comment", {"visibility": "internal", "body": "?"}), ("claim", {"ttl_s": 60})):
        there = refused(await desk.send(ticket, verb, data, actor=OTTO), "not_found")
        missing = refused(await desk.send(str(uuid.uuid4()), verb, data, actor=OTTO), "not_found")
        same(there["message"], missing["message"], "what Otto is told of " + verb)
        refused(await desk.send(ticket, verb, data, actor=OTTO, expected_version=7), "not_found")
    refused(await look(desk, OTTO, ticket_id=ticket), "not_found")
    refused(await look(desk, OTTO, groups=["hr"]), "forbidden")
    refused(await look(desk, OTTO, ticket_id=ticket, viewer="rita"), "validation_failed", "data.viewer")
    step("nobody else acts on it")

    about = {"ticket_id": ticket}
    for name, question in (("ticket", about), ("timeline", about), ("ticket", {"number": number}), ("sla_clocks", about)):
        refused(await ask(desk, name, question), "not_found", what=name)
    for name in ("tickets", "queue", "events", "sla_breaches"):
        body, _ = await ask(desk, name, {})
        assert ticket not in json.dumps(body) and secret not in json.dumps(body), "%s tells of it: %r" % (name, body)
    body, _ = await ask(desk, "queues", {})
    same({row["group"]: row["tickets"] for row in body["data"]}, {"hr": 1, "it": 1}, "the board counts it")
    assert number not in [(row.get("oldest") or {}).get("number") for row in body["data"]], body
    for path in ("/api/v1/default/tickets/" + number, "/api/v1/default/tickets/%s/timeline" % number):
        status, text = http(run, path)
        same((status, secret in text), (404, False), path)
    status, text = http(run, "/api/v1/default/tickets")
    same((status, number in text, secret in text), (200, False, False), "the list over HTTP")
    same(await attachment(desk, ticket), "the ticket does not exist", "its attachments")
    status, _ = http(run, "/api/v1/default/tickets/%s/attachments/%s" % (ticket, "11" * 32))
    same(status, 404, "its attachments over HTTP")
    step("no answer holds it")

    seen = (await look(desk, RITA, ticket_id=ticket))[0]
    assert seen["ok"], seen
    desk.written = max(desk.written, seen["position"])
    body, _ = await ask(desk, "ticket", dict(about, access=seen["position"]))
    same((body["data"]["restricted_to"], body["data"]["subject"]["plain"] if isinstance(body["data"]["subject"], dict) else body["data"]["subject"]),
         (["hr"], secret), "what Rita reads")
    body, _ = await ask(desk, "timeline", dict(about, access=seen["position"]))
    same([line["type"] for line in body["data"]], ["TicketCreated"], "its history")
    refused(await ask(desk, "ticket", dict(about, access=seen["position"]), caller="other"), "validation_failed", "access")
    same(await attachment(desk, ticket, access=seen["position"]), "the attachment does not exist", "what Rita is told")
    same(await attachment(desk, ticket, "other", seen["position"]), "the ticket does not exist", "another caller")
    lists = (await look(desk, RITA, groups=["hr"]))[0]
    desk.written = max(desk.written, lists["position"])
    body, _ = await ask(desk, "queue", {"group": "hr", "access": lists["position"]})
    same([entry["number"] for entry in body["data"]], [number], "the queue of hr")
    refused(await ask(desk, "ticket", dict(about, access=lists["position"])), "not_found")
    step("Rita sees it")

    body, _ = await ask(desk, "events", {"type": "AccessRecorded"})
    looks = [(record["actor"]["id"], record["data"].get("ticket_id"), record["data"].get("groups") or []) for record in body["data"]]
    same(looks, [("rita", ticket, []), ("rita", None, ["hr"])], "who looked at what")
    step("each look is recorded, and no attempt is")

    # Whoever asked goes on with it, and so does the group.
    await desk.accepted(ticket, "add_comment", {"visibility": "public", "body": "Again today."}, actor=requester)
    refused(await desk.send(ticket, "assign", {"assignee": "otto"}, actor=RITA), "guard_failed")
    await desk.accepted(ticket, "assign", {"assignee": "rita"}, actor=RITA)
    await desk.accepted(ticket, "set_restriction", {"restricted_to": [], "reason": "settled"}, actor=RITA)
    body, _ = await ask(desk, "timeline", about)
    same(body["data"][-1]["sentence"], "rita let everybody see the ticket again (settled)", "its last line")
    await desk.accepted(ticket, "change_tags", {"add": ["seen"]}, actor=OTTO)
    step("everybody sees it again")


async def collide(desk, _run):
    ticket = (await desk.accepted("new", "create", new_ticket()))["ticket_id"]
    first, second = await asyncio.gather(*(
        desk.send(ticket, "claim", {"ttl_s": 2}, actor={"kind": "agent", "id": name}) for name in ("ann", "bob")
    ))
    won = [answer[0]["ok"] for answer in (first, second)]
    same(sorted(won), [False, True], "one of two gets it")
    holder, other = ("ann", "bob") if won[0] else ("bob", "ann")
    loser = (second if won[0] else first)[0]["error"]
    same((loser["code"], loser["details"]["claimed_by"]), ("claim_held", holder), "who holds it")
    assert loser["details"]["claimed_until"], loser
    step("the second is told who holds it, and until when")
    # It ends by itself: nobody has to let go.
    end = time.monotonic() + WITHIN_S
    while True:
        answer = await desk.send(ticket, "claim", {"ttl_s": 60}, actor={"kind": "agent", "id": other})
        if answer[0]["ok"]:
            break
        same(answer[0]["error"]["code"], "claim_held", "as long as it lasts")
        assert time.monotonic() < end, "the claim does not end"
        await asyncio.sleep(0.1)
    same([event["type"] for event in answer[0]["events"]], ["ClaimReleased", "TicketClaimed"], "the next one says that it had ended")
    step("the claim ended by itself")


async def main(story, url, run):
    with open(run) as file:
        run = json.load(file)
    desk = await Desk.connect(url)
    await {"restricted": restricted, "collide": collide}[story](desk, run)
    await desk.nc.close()
    print("done: " + story, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
