"""Asks, points to an article, and hands off to people who know all of it: python bot.py [NATS_URL]"""

import asyncio
import sys
import uuid

import nats

from desk import ALICE, command, query, running

BOT = {"kind": "bot", "id": "helper"}
ADA = {"kind": "requester", "id": "r-1"}
QUESTIONS = {"Which printer?": "The one in B12.", "Does it have power?": "Yes, it blinks."}


async def says(nc, ticket, actor, body):
    return await command(nc, ticket, "add_comment", {"visibility": "public", "body": body}, actor)


async def main():
    nc = await nats.connect(sys.argv[1] if len(sys.argv) > 1 else running())
    ticket = str(uuid.uuid4())
    created = await command(nc, ticket, "create", {
        "subject": "It does not print", "description": "Since this morning.", "channel": "chat",
        "requester": {"id": "r-1"}, "group": "desk",
    }, ADA)
    for question, answer in QUESTIONS.items():
        await says(nc, ticket, BOT, question)
        await says(nc, ticket, ADA, answer)
    await command(nc, ticket, "use_article", {"article": "kb-17", "version": 3}, BOT)
    await says(nc, ticket, BOT, "Please open the tray and close it again, as in article kb-17.")
    await says(nc, ticket, ADA, "I did. It blinks on; can I talk to somebody?")
    # What a model makes of it changes nothing by itself.
    suggested = str(uuid.uuid4())
    await command(nc, ticket, "suggest",
                  {"kind": "category", "value": "hardware/printer", "score": 91, "model": "triage/3"}, BOT, suggested)
    packet = "\n".join("%s %s" % pair for pair in QUESTIONS.items()) + "\nTried: article kb-17."
    await command(nc, ticket, "hand_off",
                  {"to_group": "hardware", "reason": "asks for a person", "packet": packet}, BOT)

    suggestion = str(uuid.uuid5(uuid.UUID(suggested), "suggestion"))
    accepted = await command(nc, ticket, "accept_suggestion", {"suggestion_id": suggestion}, ALICE)
    seen = {"number": created["number"], "min_position": accepted["position"], "wait_ms": 5000}
    view = await query(nc, "ticket", **seen)
    timeline = await query(nc, "timeline", **seen)
    handed = next(entry["data"] for entry in timeline if entry["type"] == "HandedOff")
    print("%s of %s waits in %s for a person: %s"
          % (view["number"], view["category"], view["group"], handed["reason"]))
    print("they know: " + handed["packet"]["plain"].replace("\n", " | "))
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main())
