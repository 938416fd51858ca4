"""What a requester does in a portal: opens a ticket, follows it, confirms that it is solved, and rates it:
python portal.py [NATS_URL]"""

import asyncio
import sys
import uuid

import nats

from desk import ALICE, command, query, running

ADA = {"kind": "requester", "id": "r-1"}


async def main():
    nc = await nats.connect(sys.argv[1] if len(sys.argv) > 1 else running())
    ticket = str(uuid.uuid4())
    created = await command(nc, ticket, "create", {
        "subject": "No invoice", "description": "That of March is missing.", "channel": "portal",
        "requester": {"id": "r-1", "name": "Ada"},
    }, ADA)

    async def shown(position):
        """What the portal shows: the state, and what was said in public and is public still."""
        seen = {"number": created["number"], "min_position": position, "wait_ms": 5000}
        view = await query(nc, "ticket", **seen)
        timeline = await query(nc, "timeline", **seen)
        said = [entry["data"] for entry in timeline if entry["type"] == "CommentAdded"]
        public = [one for one in said
                  if one["visibility"] == "public" and one["comment_id"] not in view["private_comments"]]
        return view, [one["body"]["plain"] for one in public]

    # The desk works on it.
    await command(nc, ticket, "add_comment", {"visibility": "internal", "body": "It bounced."}, ALICE)
    reply = await command(nc, ticket, "add_comment", {"visibility": "public", "body": "We send it again."}, ALICE)
    print("%s: %s" % (created["number"], " | ".join((await shown(reply["position"]))[1])))
    proposed = await command(nc, ticket, "propose_resolution", {"code": "other", "summary": "Sent again."}, ALICE)
    view, _ = await shown(proposed["position"])
    print("proposed by %s: %s" % (view["proposal"]["by"], view["proposal"]["summary"]["plain"]))

    await command(nc, ticket, "confirm_resolution", {}, ADA)
    # The token of a survey follows from the command that asked; it is sent to the requester.
    asked = str(uuid.uuid4())
    await command(nc, ticket, "request_survey", {"kind": "csat"}, ALICE, asked)
    token = str(uuid.uuid5(uuid.UUID(asked), "survey"))
    rated = await command(nc, ticket, "rate", {"scale": "one_to_five", "score": 5, "token": token}, ADA)
    view, _ = await shown(rated["position"])
    print("%s is %s, rated %d" % (view["number"], view["state"], view["rating"]["score"]))
    await nc.close()


if __name__ == "__main__":
    asyncio.run(main())
