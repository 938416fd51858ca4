"""usage: relations.py merge URL

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


async def main(story, url):
    desk = await Desk.connect(url)
    await {"merge": merge}[story](desk)
    await desk.nc.close()
    print("done: " + story, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
