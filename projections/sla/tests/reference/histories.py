"""Random histories of tickets, policies and calendars, with every fact that `reference.py` finds in them.

`python3 histories.py FROM TO FILE [retro]` writes the histories of the seeds FROM up to TO; with `retro`, calendars are
also changed for the past. Many events happen at the very instant of a timer, or of another event.
`guichet sla-cases FILE --check` compares them. `histories.json` holds a few for the tests.
"""

import json
import random
import sys
from reference import *


def cal(tz, weekly, hol=(), special=None):
    d = {"tz": tz, "weekly": weekly, "holidays": list(hol)}
    if special:
        d["special"] = special
    return d


five = lambda w: {k: w for k in DAYS[:5]}
CALS = [
    cal("Europe/Paris", five([["09:00", "18:00"]]), ["2026-04-06"]),
    cal("Europe/Paris", five([["09:00", "12:30"], ["14:00", "18:00"]]), ["2026-03-12"]),
    cal("America/New_York", five([["08:00", "20:00"]])),
    cal("Europe/Paris", {k: [["22:00", "30:00"]] for k in DAYS}, ["2026-03-20"]),
    cal("Australia/Lord_Howe", {k: [["01:00", "03:00"], ["09:00", "17:00"]] for k in DAYS}),
    cal(
        "UTC",
        {"mon": [["00:00", "24:00"]], "thu": [["10:00", "10:30"]]},
        [],
        {"2026-03-11": [["08:00", "12:00"]]},
    ),
    cal("Europe/Paris", five([["09:00", "18:00"]]), ["2026-03-10", "2026-04-06"]),
    cal("Europe/Paris", five([["09:00", "18:00"]]), [], {"2026-03-14": [["10:00", "16:00"]]}),
]
NAMES = ["office", "other"]
SECS = [1, 7, 60, 600, 1800, 3600, 3600, 7200, 7200, 14400, 14400, 28800, 32400, 57600, 86400]
PRI = ["low", "normal", "high", "urgent"]


def policies(r, ver):
    if r.random() < 0.15:
        return []
    out = []
    for i in range(r.choice([1, 1, 2, 3])):
        p = {"id": "P%d" % r.choice([1, 1, 1, 2, 3]), "version": r.choice([ver, 1])}
        if any(q["id"] == p["id"] for q in out):
            p["id"] = "Q%d" % i
        ts = []
        for m in METRICS:
            if r.random() < 0.3:
                continue
            for _ in range(r.choice([1, 1, 2])):
                t = {
                    "metric": m,
                    "seconds": r.choice(SECS),
                    "hours": r.choice(["business", "business", "calendar"]),
                    "priority": r.choice(["*", "*"] + PRI),
                }
                if t["hours"] == "business":
                    t["calendar"] = r.choice(NAMES)
                if r.random() < 0.25:
                    t["tier"] = r.choice([1, 2, 3])
                ts.append(t)
        r.shuffle(ts)
        p["targets"] = ts
        if r.random() < 0.6:
            p["match"] = r.choice(
                [
                    {"priority": r.choice(PRI)},
                    {"priority": r.sample(PRI, 2)},
                    {"type": "incident"},
                    {"tags": ["vip", "x"]},
                    {"category": "tech"},
                    {"tier": str(r.choice([1, 2]))},
                    {"channel": ["email", "chat"], "priority": r.sample(PRI, 3)},
                ]
            )
        if r.random() < 0.8:
            p["on_reopen"] = r.choice(
                ["resume_excluding_resolved", "resume_including_resolved", "restart", "first_only"]
            )
        if r.random() < 0.5:
            p["on_target_change"] = r.choice(["retroactive", "prospective"])
        out.append(p)
    return out


def case(seed):
    r = random.Random(seed)
    c = {
        "id": "R%d" % seed,
        "title": "random",
        "calendars": {n: [r.choice(CALS)] for n in NAMES},
        "policies": policies(r, 1),
        "ticket": {"channel": r.choice(["email", "phone"]), "priority": r.choice(PRI)},
        "warn_pct": r.choice([[], [50, 75, 90], [90], [1, 100], [50, 101, 125, 200], [75, 99, 150]]),
        "time_rules": [],
        "events": [],
    }
    if r.random() < 0.5:
        c["ticket"]["type"] = r.choice(["incident", "question"])
    if r.random() < 0.3:
        c["ticket"]["tags"] = ["vip"]
    if r.random() < 0.3:
        c["ticket"]["category"] = r.choice(["tech", "tech/printer", "billing"])
    for i in range(r.choice([0, 0, 1, 2])):
        t = {
            "id": "r%d" % i,
            "status": r.choice(["new", "open", "pending", "hold", "resolved"]),
            "seconds": r.choice([3600, 14400, 86400, 259200]),
            "hours": r.choice(["calendar", "business"]),
        }
        if t["hours"] == "business":
            t["calendar"] = r.choice(NAMES)
        if r.random() < 0.4:
            t["repeat"] = True
        c["time_rules"].append(t)
    ref = Ref(c)
    t = num("2026-03-09T08:00:00Z") + r.choice([0, 0, 3600, 86400, 86400 * 4]) + 60 * r.randrange(0, 600)
    ver = 1

    def put(e):
        e = {"at": iso(t), **e}
        c["events"].append(e)
        ref.event(e)

    put({"type": "created", **({"by": "agent"} if r.random() < 0.12 else {})})
    old_pri = []
    saved = []
    for n in range(r.choice([3, 6, 10, 16, 25])):
        x = r.random()
        ts = ref.timers()
        fut = sorted({a[0] for a in ts if a[0] >= t})
        if x < 0.2:
            pass
        elif x < 0.42 and fut and fut[0] - t < 86400 * 10:
            t = r.choice(fut[:3])
        elif x < 0.5:
            t += r.randrange(1, 7200)
        elif x < 0.95:
            t += 60 * r.randrange(1, 600)
        else:
            t += 60 * r.randrange(600, 6000)
        k = r.choices(
            [
                "agent_reply",
                "bot_reply",
                "internal_note",
                "requester_comment",
                "assigned",
                "unassigned",
                "status",
                "changed",
                "escalated",
                "merged",
                "policies_published",
                "calendar_published",
                "void_breach",
                "tick",
            ],
            [10, 1, 1, 10, 4, 4, 16, 14, 4, 0.4, 12, 3, 2, 1],
        )[0]
        if k == "agent_reply":
            e = {"type": k}
            if r.random() < 0.35:
                e["status"] = r.choice(["open", "pending", "hold", "resolved"])
            if ref.state == "closed" and "status" in e:
                e.pop("status")
        elif k == "requester_comment":
            if ref.state == "closed":
                continue
            e = {"type": k}
        elif k == "assigned":
            e = {"type": k, "agent": r.choice(["a1", "a2"])}
        elif k == "status":
            to = r.choices(
                ["open", "pending", "hold", "resolved", "closed", "cancelled"], [4, 3, 2, 5, 0.4, 0.25]
            )[0]
            e = {"type": k, "to": to}
        elif k == "changed":
            q = r.random()
            if q < 0.75:
                if old_pri and r.random() < 0.5:
                    v = old_pri.pop()
                else:
                    v = r.choice(PRI)
                    old_pri.append(ref.attrs.get("priority"))
                e = {"type": k, "set": {"priority": v}}
            elif q < 0.85:
                e = {"type": k, "set": {"type": r.choice(["incident", "question"])}}
            elif q < 0.93:
                e = {"type": k, "set": {"tags": r.choice([["vip"], [], ["y", "x"]])}}
            else:
                e = {"type": k, "set": {"category": r.choice(["tech", "tech/printer", "billing"])}}
        elif k == "escalated":
            e = {"type": k, "to_tier": r.choice([x for x in (1, 2, 3, 4) if x != ref.tier])}
        elif k == "policies_published":
            ver += 1
            saved.append(ref.set)
            q = r.random()
            if q < 0.2:
                ps = []
            elif q < 0.5:
                ps = r.choice(saved)
            else:
                ps = policies(r, ver)
            e = {"type": k, "policies": ps}
            if r.random() < 0.7:
                e["apply"] = r.choice(["open_clocks", "open_clocks", "new_only"])
        elif k == "calendar_published":
            frm = (
                (t // 60) * 60 + r.choice([60, 3600, 86400, 86400 * 3])
                if RETRO == 0 or r.random() < 0.6
                else (t // 60) * 60 - r.choice([0, 3600, 86400])
            )
            e = {
                "type": k,
                "calendar": r.choice(NAMES),
                "effective_from": iso(frm),
                "definition": r.choice(CALS),
            }
        elif k == "void_breach":
            br = [x for x in ref.clocks if x.breached]
            if not br:
                continue
            b = r.choice(br)
            e = {"type": k, "metric": b.m, "instance": b.i, "by": "s1", "reason": "because"}
        else:
            e = {"type": k}
        put(e)
    end = t + r.choice([3600, 86400, 86400 * 7])
    c["observe_until"] = iso(end)
    ref.advance(end, True)
    c["expect"] = sorted(ref.facts, key=key)
    return c


RETRO = 0
if __name__ == "__main__":
    a, b, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if len(sys.argv) > 4:
        RETRO = 1
    cs = []
    for s in range(a, b):
        cs.append(case(s))
    json.dump({"format": "sla-golden/v1", "cases": cs}, open(out, "w"))
    print(len(cs), sum(len(c["expect"]) for c in cs), "facts")
