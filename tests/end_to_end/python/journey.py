"""usage: journey.py live|after_crash|busy URL STATE

An outside team's way through a desk, with nats-py and raw dicts only. `live` leaves in the file STATE what must
still hold; `after_crash` holds the desk to it. `busy` expects a desk whose disk is full.
"""

import asyncio
import json
import sys

from desk import Desk, new_ticket, refused, same, step
from discovery import discover, hostile_replies
from errors import meet
from follow import follow
from life import live, retries, timeline


async def first_visit(desk, state):
    await discover(desk)
    promised = await live(desk)
    await meet(desk)
    await hostile_replies(desk)
    newest = (await desk.accepted("new", "create", new_ticket()))["position"]
    promised["hashes"] = await follow(desk, newest)
    with open(state, "w") as file:
        json.dump(promised, file)


async def after_crash(desk, state):
    with open(state) as file:
        promised = json.load(file)
    await retries(desk, promised["sent"])
    await timeline(desk, promised["ticket"], promised["sent"])
    newest = (await desk.accepted("new", "create", new_ticket()))["position"]
    assert newest > len(promised["hashes"])
    hashes = await follow(desk, newest)
    same(hashes[: len(promised["hashes"])], promised["hashes"], "history does not change")


async def busy(desk, _state):
    """A desk that may not write says when to come back, and goes on answering questions."""
    for _ in range(1000):
        answer = await desk.send("new", "create", new_ticket())
        if not answer[0]["ok"]:
            break
        await asyncio.sleep(0.01)
    assert refused(answer, "busy")["retry_after_ms"] > 0
    await desk.query("tickets", {})
    step("busy")


async def main(visit, url, state):
    desk = await Desk.connect(url)
    await {"live": first_visit, "after_crash": after_crash, "busy": busy}[visit](desk, state)
    await desk.nc.close()
    print("done: " + visit, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
