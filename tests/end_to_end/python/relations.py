"""usage: relations.py merge|split|problem URL

Tickets that have to do with each other, as another team sees them: nats-py and raw dicts only.
"""

import asyncio
import sys

from desk import Desk, new_ticket, refused, same, step

TRIES = 200


async def when_on_disk(desk, entity, verb, data, **envelope):
    """Sends until the desk no longer answers `busy`: what a command reads of other tickets has to be on disk."""
    for _ in range(TRIES):
        answer = await desk.send(entity, verb, data, **envelope)
        if answer[0]["ok"]:
            desk.written = max(desk.written, answer[0]["position"])
            return answer[0]
        error = refused(answer, "busy")
        await asyncio.sleep(error["retry_after_ms"] / 1000)
    raise AssertionError("%s stays busy" % verb)


async def merge(desk):
    """A mail, and then impatient questions by chat and telephone: three tickets that are one."""
    customer = {"kind": "requester", "id": "customer-7"}
    mail = await desk.accepted("new", "create", new_ticket())
    chat = await desk.accepted("new", "create", new_ticket(channel="chat", description="Is anybody there?",
                                                           external_ref={"source": "chat", "id": "room-9"}))
    said = {"visibility": "public", "body": "It drops even now."}
    message = await desk.accepted(chat["ticket_id"], "add_comment", said, actor=customer, channel="chat")
    await desk.accepted(chat["ticket_id"], "add_task", {"title": "Ring back", "blocks_resolve": True})
    stranger = await desk.accepted("new", "create", new_ticket(requester={"id": "customer-8"}))
    refused(await desk.send(mail["ticket_id"], "merge", {"sources": [stranger["ticket_id"]]}), "forbidden")
    refused(await desk.send(mail["ticket_id"], "merge", {"sources": [mail["ticket_id"]]}), "validation_failed",
            "data.sources[0]")
    step("what may not become one")

    merged = await when_on_disk(desk, mail["ticket_id"], "merge", {"sources": [chat["ticket_id"]]})
    same([e["type"] for e in merged["events"]], ["TaskCancelled", "TicketMerged", "TicketClosed", "MergeReceived",
                                                 "CommentCopied", "CommentCopied"], "events of a merge")
    same(merged["number"], mail["number"], "the answer is about the ticket that goes on")
    again = await desk.accepted(mail["ticket_id"], "merge", {"sources": [chat["ticket_id"]]})
    same(again["events"], [], "the same merge again")
    history = (await desk.query_written("timeline", {"number": mail["number"]}))["data"]
    copies = [line["data"] for line in history if line["type"] == "CommentCopied"]
    same([copy["body"]["plain"] for copy in copies], ["Is anybody there?", "It drops even now."], "what is repeated")
    same([copy["author"] for copy in copies], ["customer-7", "customer-7"], "its authors")
    there = (await desk.query_written("timeline", {"number": chat["number"]}))["data"]
    comment = [line for line in there if line["type"] == "CommentAdded"][0]
    same((copies[1]["comment_id"], copies[1]["written_at"]), (comment["data"]["comment_id"], comment["occurred_at"]),
         "its id and its time")
    step("merge")

    error = refused(await desk.send(chat["ticket_id"], "assign", {"assignee": "bob"}), "terminal_state")
    same((error["details"]["merged_into"], error["details"]["merged_into_number"]),
         (mail["ticket_id"], mail["number"]), "where it went")
    error = refused(await desk.send(stranger["ticket_id"], "merge", {"sources": [chat["ticket_id"]]}), "already_merged")
    same(error["details"]["merged_into_number"], mail["number"], "where it went")
    for question in ({"number": chat["number"]}, {"external_id": "room-9"}):
        view = (await desk.query_written("ticket", question))["data"]
        same((view["state"], [t["number"] for t in view["merged_into"]]), ("closed", [mail["number"]]), "the chat")
    late = await desk.accepted(chat["ticket_id"], "add_comment", {"visibility": "public", "body": "Any news?"},
                               actor=customer)
    same(late["ticket_id"], mail["ticket_id"], "a late message stands where the conversation goes on")
    step("who asks for the chat is told where it went")

    supervisor = {"kind": "supervisor", "id": "sue"}
    await when_on_disk(desk, stranger["ticket_id"], "merge", {"sources": [mail["ticket_id"]]}, actor=supervisor)
    view = (await desk.query_written("ticket", {"number": chat["number"]}))["data"]
    same([t["number"] for t in view["merged_into"]], [mail["number"], stranger["number"]], "a chain")
    history = (await desk.query_written("timeline", {"number": stranger["number"]}))["data"]
    copies = [line["data"] for line in history if line["type"] == "CommentCopied"]
    same({copy["requester"] for copy in copies}, {"customer-7"}, "whose texts they are")
    same([copy["body"]["plain"] for copy in copies],
         ["Every ten minutes since Monday.", "Is anybody there?", "It drops even now.", "Any news?"], "all that was said")
    step("a chain of merges across requesters")


async def split(desk):
    """Two problems in one message: the second becomes a ticket of its own."""
    customer = {"kind": "requester", "id": "customer-7"}
    ticket = await desk.accepted("new", "create", new_ticket())
    said = {"visibility": "public", "body": "By the way, the printer is broken too."}
    message = await desk.accepted(ticket["ticket_id"], "add_comment", said, actor=customer)
    await desk.accepted(ticket["ticket_id"], "add_comment", {"visibility": "internal", "body": "Second floor."})
    history = (await desk.query_written("timeline", {"number": ticket["number"]}))["data"]
    comment = [line["data"]["comment_id"] for line in history if line["position"] == message["position"]][0]
    begun = await when_on_disk(desk, ticket["ticket_id"], "split", {"from_comment": comment, "subject": "Printer"})
    same([e["type"] for e in begun["events"]], ["TicketSplit", "TicketCreated", "TicketsLinked", "CommentCopied"],
         "events of a split")
    view = (await desk.query_written("ticket", {"number": begun["number"]}))["data"]
    same((view["subject"]["plain"], view["description"]["plain"], view["requester"], view["state"]),
         ("Printer", said["body"], "customer-7", "new"), "the new ticket")
    same([link["number"] for link in view["links"]], [ticket["number"]], "it knows where it comes from")
    step("split")


async def problem(desk):
    """A gateway breaks: 40 people tell of it, one problem stands behind, and all are told together."""
    tickets = []
    for n in range(40):
        requester = {"id": "customer-%d" % n}
        tickets.append(await desk.accepted("new", "create", new_ticket(requester=requester)))
    cause = await desk.accepted("new", "create", new_ticket(subject="Gateway down", requester={"id": "monitoring"}))
    incidents = [t["ticket_id"] for t in tickets]
    declared = {"tickets": incidents, "workaround": "Use the other gateway."}
    answer = await desk.accepted(cause["ticket_id"], "declare_problem", declared)
    same(answer["number"], cause["number"], "the answer is about the problem")
    view = (await desk.query_written("ticket", {"number": cause["number"]}))["data"]
    same((view["type"], view["workaround"]["text"]["plain"]), ("problem", "Use the other gateway."), "the problem")
    same(view["incidents"], {"total": 40, "unresolved": 40, "resolved": 0, "over": 0}, "its incidents")
    same({link["kind"] for link in view["links"]}, {"caused_by"}, "how they are tied")
    step("a problem with 40 incidents")

    await desk.accepted(incidents[0], "resolve", {"code": "workaround", "summary": "The other gateway works."})
    await desk.accepted(incidents[1], "cancel", {"reason": "withdrawn"})
    told = {"template": "{number}: we repair the gateway ({problem})."}
    sent = await desk.accepted(cause["ticket_id"], "broadcast_to_linked", told)
    same([e["type"] for e in sent["events"]].count("CommentAdded"), 39, "everybody who waits is told")
    view = (await desk.query_written("ticket", {"number": cause["number"]}))["data"]
    same(view["incidents"], {"total": 40, "unresolved": 38, "resolved": 1, "over": 1}, "how they stand")
    history = (await desk.query_written("timeline", {"number": tickets[2]["number"]}))["data"]
    comment = history[-1]
    same(comment["data"]["body"]["plain"], "%s: we repair the gateway (%s)." % (tickets[2]["number"], cause["number"]),
         "the text")
    same((comment["data"]["author_kind"], comment["data"]["counts_as_reply"]), ("system", False), "it is no answer")
    history = (await desk.query_written("timeline", {"number": cause["number"]}))["data"]
    same((history[-1]["data"]["reached"], history[-1]["data"]["over"]), (39, 1), "the problem knows whom it reached")
    records = (await desk.query_written("events", {"from": sent["events"][0]["position"], "limit": 60}))["data"]
    same({record["correlation_id"] for record in records}, {records[0]["command_id"]}, "all of it belongs together")
    step("a broadcast")

    there = {"system": "jira", "ref": "NET-1", "url": "https://jira.test/NET-1"}
    await desk.accepted(cause["ticket_id"], "link_external", there)
    await desk.accepted(cause["ticket_id"], "link_asset", {"system": "glpi", "asset": "gw-1", "kind": "gateway"})
    refused(await desk.send(cause["ticket_id"], "link_external", dict(there, url="javascript:alert(1)")),
            "validation_failed", "data.url")
    view = (await desk.query_written("ticket", {"number": cause["number"]}))["data"]
    same(view["externals"], [there], "where it is elsewhere")
    same([(a["system"], a["asset"], a["kind"]) for a in view["assets"]], [("glpi", "gw-1", "gateway")], "its equipment")
    step("elsewhere")


async def main(story, url):
    desk = await Desk.connect(url)
    await {"merge": merge, "split": split, "problem": problem}[story](desk)
    await desk.nc.close()
    print("done: " + story, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
