"""The rules of SLA clocks a second time: naive, slow, and from the text of the domain alone, to compare with.

Nothing of Guichet is used here. Instants are whole seconds of UTC; open time is counted minute by minute by what the
wall clock of the zone says (`mask`). `python3 reference.py FILE...` compares what files of the form `sla-golden/v1`
expect with what it finds itself. `histories.py` beside it makes such files.
"""

import json
import sys
import datetime as dt
import itertools
import bisect
from zoneinfo import ZoneInfo

UTC = dt.timezone.utc
BASE = int(dt.datetime(2026, 2, 20, tzinfo=UTC).timestamp())
MINS = 60 * 24 * 320
DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def iso(t):
    return dt.datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def num(s):
    return int(dt.datetime.fromisoformat(s.replace("Z", "+00:00")).timestamp())


_mask = {}


def hm(x):
    h, m = x.split(":")[:2]
    return int(h) * 60 + int(m)


def mask(defn):
    """pointwise: open[i] for each minute"""
    k = json.dumps(defn, sort_keys=True)
    if k in _mask:
        return _mask[k]
    tz = ZoneInfo(defn["tz"])
    hol = set(defn.get("holidays", []))
    sp = defn.get("special", {}) or {}
    win = {}

    def windows(d):
        if d not in win:
            s = d.isoformat()
            if s in sp:
                w = sp[s]
            elif s in hol:
                w = []
            else:
                w = defn.get("weekly", {}).get(DAYS[d.weekday()], [])
            win[d] = [(hm(a), hm(b)) for a, b in w]
        return win[d]

    out = bytearray(MINS)
    for q in range(0, MINS, 15):
        loc = dt.datetime.fromtimestamp(BASE + q * 60, tz)
        for j in range(15):
            mm = loc.hour * 60 + loc.minute + j
            d = loc.date()
            if mm >= 1440:
                mm -= 1440
                d = d + dt.timedelta(1)
            if any(a <= mm < b for a, b in windows(d)) or any(
                a <= mm + 1440 < b for a, b in windows(d - dt.timedelta(1))
            ):
                out[q + j] = 1
    _mask[k] = out
    return out


_pref = {}


class Cal:
    """versions: list of (from, definition), the first from the beginning"""

    def __init__(s, vers):
        s.vers = vers

    def pub(s, frm, defn):
        return Cal(
            [v for i, v in enumerate(s.vers) if i == 0 and v[0] is None or (v[0] is not None and v[0] < frm)]
            + [(frm, defn)]
        )

    def prefix(s):
        k = json.dumps(s.vers, sort_keys=True)
        if k not in _pref:
            m = bytearray(mask(s.vers[0][1]))
            for frm, d in s.vers[1:]:
                i = max(0, (frm - BASE) // 60)
                assert frm % 60 == 0
                m[i:] = mask(d)[i:]
            _pref[k] = [0] + list(itertools.accumulate(x * 60 for x in m))
            _mask[k] = m
            if len(_pref) > 60:
                _pref.pop(next(iter(_pref)))
        return _pref[k], _mask[k]

    def upto(s, t):
        p, m = s.prefix()
        i, r = divmod(t - BASE, 60)
        return p[i] + (r if m[i] else 0)

    def elapsed(s, a, b):
        return max(0, s.upto(b) - s.upto(a)) if b > a else 0

    def add(s, a, n):
        if n <= 0:
            return a
        p, m = s.prefix()
        want = s.upto(a) + n
        i = bisect.bisect_left(p, want)  # first i with p[i]>=want
        if i >= len(p):
            return None
        # reached inside minute i-1
        t = BASE + (i - 1) * 60 + (want - p[i - 1])
        return t


class All:
    def elapsed(s, a, b):
        return max(0, b - a)

    def add(s, a, n):
        return a + max(0, n)


METRICS = [
    "first_reply",
    "next_reply",
    "assignment",
    "periodic_update",
    "pausable_update",
    "requester_wait",
    "agent_work",
    "resolution",
    "tier_time",
]
PAUSE = {"requester_wait": {"pending"}, "pausable_update": {"pending"}, "agent_work": {"pending", "hold"}}
KIND = {
    "TimeRuleArmed": 0,
    "SlaClockStarted": 0,
    "SlaClockResumed": 1,
    "SlaTargetChanged": 2,
    "SlaDueRescheduled": 3,
    "SlaWarned": 4,
    "SlaBreached": 5,
    "TimeRuleFired": 5,
    "SlaBreachVoided": 6,
    "SlaClockPaused": 7,
    "SlaClockFulfilled": 8,
    "SlaClockCancelled": 8,
    "TimeRuleDisarmed": 8,
}


def key(f):
    m = f["metric"]
    return (
        f["at"],
        METRICS.index(m) if m in METRICS else 9,
        "" if m in METRICS else m,
        f["instance"],
        KIND[f["type"]],
        f.get("pct", 0),
    )


class Clock:
    pass


class Ref:
    def __init__(s, case):
        s.case = case
        s.facts = []
        s.cals = {}
        for n, vs in case["calendars"].items():
            c = Cal([(None, strip(vs[0]))])
            for v in vs[1:]:
                c = c.pub(num(v["effective_from"]), strip(v))
            s.cals[n] = c
        s.set = case["policies"]
        s.attrs = {k: v for k, v in case["ticket"].items()}
        s.tier = int(case["ticket"].get("tier", 1))
        s.state = None
        s.gone = False
        s.assigned = False
        s.outbound = False
        s.answered = False
        s.waiting = False
        s.clocks = []
        s.rules = []
        s.warn = sorted(set(case["warn_pct"]))

    def say(s, t, typ, metric, inst, **kw):
        f = {"at": iso(t), "type": typ, "metric": metric, "instance": inst}
        f.update({k: v for k, v in kw.items() if v is not None})
        s.facts.append(f)

    # --- policies
    def has(s, name, want):
        have = s.attrs.get(name)
        have = [] if have is None else have if isinstance(have, list) else [have]
        if name == "tier":
            have = [str(s.tier)]
        for w in (want if isinstance(want, list) else [want]):
            for h in have:
                if h == w or (name == "category" and h.startswith(w + "/")):
                    return True
        return False

    def target(s, metric):
        for p in s.set:
            if all(s.has(k, v) for k, v in p.get("match", {}).items()):
                for t in p["targets"]:
                    if (
                        t["metric"] == metric
                        and (t.get("priority", "*") == "*" or s.attrs.get("priority") == t["priority"])
                        and (t.get("tier") is None or t["tier"] == s.tier)
                    ):
                        return dict(
                            policy=p["id"],
                            version=p.get("version"),
                            s=t["seconds"],
                            hours=t["hours"],
                            cal=t.get("calendar") if t["hours"] == "business" else None,
                            mode=p.get("on_target_change", "retroactive"),
                            reopen=p.get("on_reopen", "resume_excluding_resolved"),
                        )
                return None
        return None

    def same(s, a, b):
        return all(a[k] == b[k] for k in ("policy", "version", "s", "hours", "cal"))

    def meas(s, t):
        return s.cals[t["cal"]] if t["hours"] == "business" else All()

    # --- arithmetic of a clock
    def used(s, c, t):
        m = s.meas(c.t)
        return sum(m.elapsed(a, b) for a, b in c.runs) + (m.elapsed(c.since, t) if c.since is not None else 0)

    def when(s, c, n):
        """earliest instant with n seconds used"""
        m = s.meas(c.t)
        left = n
        for a, b in c.runs:
            e = m.elapsed(a, b)
            if left <= e:
                return m.add(a, left)
            left -= e
        return m.add(c.since, left) if c.since is not None else None

    def due(s, c):
        return s.when(c, c.t["s"])

    def shown(s, c):
        if c.since is None:
            return None
        d = s.due(c)
        return iso(d) if d is not None else None

    def warnat(s, c, p):
        return s.when(c, c.t["s"] * p // 100)

    def over(s):
        return s.gone or s.state in ("resolved", "closed", "cancelled")

    def of(s, m):
        return [c for c in s.clocks if c.m == m]

    def live(s, m):
        return [c for c in s.clocks if c.m == m and c.st == "live"]

    # --- acts on clocks
    def start(s, t, m):
        tg = s.target(m)
        if tg is None:
            return
        c = Clock()
        c.m = m
        c.i = len(s.of(m)) + (2 if m == "next_reply" else 1)
        c.t = tg
        c.rev = 1
        c.runs = []
        c.since = t
        c.st = "live"
        c.warned = set()
        c.breached = False
        c.voided = False
        c.how = None
        c.endat = None
        s.clocks.append(c)
        s.say(
            t,
            "SlaClockStarted",
            m,
            c.i,
            policy=tg["policy"],
            target_s=tg["s"],
            hours=tg["hours"],
            calendar=tg["cal"],
            due_at=s.shown(c),
        )
        s.pausing(t, c)

    def pausing(s, t, c):
        """as the state of the ticket wants it"""
        p = s.state in PAUSE.get(c.m, set())
        if p and c.since is not None:
            c.runs.append((c.since, t))
            c.since = None
            s.say(t, "SlaClockPaused", c.m, c.i, consumed_s=s.used(c, t))
        elif not p and c.since is None:
            c.since = t
            s.say(t, "SlaClockResumed", c.m, c.i, consumed_s=s.used(c, t), due_at=s.shown(c))
            s.past(t, c)

    def past(s, t, c):
        """something that is past already"""
        if c.since is None or c.st != "live":
            return
        d = s.due(c)
        if not c.breached and d is not None and d < t:
            c.breached = True
            s.say(t, "SlaBreached", c.m, c.i, due_at=iso(d), consumed_s=s.used(c, t), immediate=True)
        broken = c.breached or (d is not None and d <= t)
        over = [
            p
            for p in s.warn
            if p not in c.warned
            and s.warnat(c, p) is not None
            and s.warnat(c, p) < t
            and (p > 100 or not broken)
        ]
        if over:
            c.warned |= set(over)
            s.say(t, "SlaWarned", c.m, c.i, pct=max(over), due_at=s.shown(c), immediate=True)

    def close(s, t, c, st):
        if c.since is not None:
            c.runs.append((c.since, t))
            c.since = None
        c.st = st
        c.endat = t

    def fulfil(s, t, m, reason):
        for c in s.live(m):
            u = s.used(c, t)
            s.close(t, c, "done")
            c.how = reason
            s.say(
                t,
                "SlaClockFulfilled",
                m,
                c.i,
                reason=reason,
                consumed_s=u,
                outcome="voided" if c.voided else "breached" if c.breached else "met",
            )

    def cancel(s, t, c, reason, st="done"):
        u = s.used(c, t)
        s.close(t, c, st)
        c.how = reason
        s.say(t, "SlaClockCancelled", c.m, c.i, reason=reason, consumed_s=u)

    def forget(s, m):
        for c in s.of(m):
            if c.st == "withdrawn":
                c.st = "done"

    # --- is it owed, apart from promises
    def fresh(s, m):
        """true where a new instance is owed now by a target that comes"""
        if s.over() or s.state is None:
            return False
        if any(c.st in ("live", "withdrawn") for c in s.of(m)):
            return False
        if m == "first_reply":
            return not s.outbound and not s.answered
        if m == "next_reply":
            return s.waiting and not s.live("first_reply")
        if m == "assignment":
            return not s.assigned
        if m in ("periodic_update", "pausable_update"):
            return False
        if m == "tier_time":
            return True
        if m in ("requester_wait", "agent_work"):
            return not s.of(m)
        o = s.of(m)
        return not o or o[-1].t["reopen"] == "restart"

    def rematch(s, t):
        for c in list(s.clocks):
            if c.st == "withdrawn" and not s.over():
                tg = s.target(c.m)
                if tg is None:
                    continue
                c.st = "live"
                c.since = t
                s.say(t, "SlaClockResumed", c.m, c.i, consumed_s=s.used(c, t), due_at=s.shown(c))
                if s.state in PAUSE.get(c.m, set()):
                    s.pausing(t, c)
            if c.st == "live":
                tg = s.target(c.m)
                if tg is None:
                    s.cancel(t, c, "no_policy", "withdrawn")
                    continue
                if not s.same(tg, c.t):
                    c.t = tg
                    c.rev += 1
                    if tg["mode"] == "prospective":
                        c.runs = []
                        c.warned = set()
                        if c.since is not None:
                            c.since = t
                    s.say(
                        t,
                        "SlaTargetChanged",
                        c.m,
                        c.i,
                        policy=tg["policy"],
                        target_s=tg["s"],
                        revision=c.rev,
                        mode=tg["mode"],
                        consumed_s=s.used(c, t),
                        due_at=s.shown(c),
                    )
                c.t = tg
                s.past(t, c)
        for m in METRICS:
            if s.fresh(m):
                s.start(t, m)

    # --- state of the ticket
    def go(s, t, to):
        if to == s.state:
            return
        was_over = s.over()
        s.state = to
        if to == "cancelled":
            for c in list(s.clocks):
                if c.st == "live":
                    s.cancel(t, c, "cancelled")
                elif c.st == "withdrawn":
                    c.st = "done"
            s.gone = True
        elif to in ("resolved", "closed"):
            s.waiting = False
            s.answered = True
            for m in ("periodic_update", "pausable_update"):
                for c in s.live(m):
                    s.cancel(t, c, "resolved")
                s.forget(m)
            for m in METRICS:
                s.fulfil(t, m, "resolved")
                if m not in ("requester_wait", "agent_work", "resolution"):
                    s.forget(m)
        else:
            if was_over:
                s.reopened(t)
            for c in s.clocks:
                if c.st == "live":
                    s.pausing(t, c)
        s.rulestate(t, "left_status")

    def reopened(s, t):
        for m in ("requester_wait", "agent_work", "resolution"):
            if not s.of(m):
                continue
            c = s.of(m)[-1]
            if c.st == "withdrawn":
                since = t
            elif c.st == "done" and c.how == "resolved":
                mode = c.t["reopen"] if m == "resolution" else "resume_excluding_resolved"
                if mode in ("restart", "first_only"):
                    continue
                since = c.endat if mode == "resume_including_resolved" else t
            else:
                continue
            c.st = "live"
            c.since = since
            s.say(t, "SlaClockResumed", m, c.i, consumed_s=s.used(c, t), due_at=s.shown(c), after="reopen")
            if s.state in PAUSE.get(m, set()):
                s.pausing(t, c)
            s.past(t, c)
        s.rematch(t)

    # --- time rules
    def rulestate(s, t, reason):
        for r in s.case["time_rules"]:
            e = next((x for x in s.rules if x["r"]["id"] == r["id"]), None)
            holds = s.state == r["status"]
            if e is None:
                e = {"r": r, "n": 0, "since": None, "fired": False}
                s.rules.append(e)
            if not holds:
                if e["since"] is not None:
                    s.say(t, "TimeRuleDisarmed", "rule:" + r["id"], e["n"], reason=reason)
                e["since"] = None
                e["fired"] = False
            elif e["since"] is None and not e["fired"]:
                s.arm(t, e)

    def arm(s, t, e):
        e["n"] += 1
        e["since"] = t
        d = s.ruledue(e)
        s.say(t, "TimeRuleArmed", "rule:" + e["r"]["id"], e["n"], due_at=iso(d) if d is not None else None)

    def ruledue(s, e):
        r = e["r"]
        m = s.cals[r["calendar"]] if r["hours"] == "business" else All()
        return m.add(e["since"], r["seconds"])

    # --- time
    def timers(s):
        out = []
        for c in s.clocks:
            if c.st != "live" or c.since is None:
                continue
            d = s.due(c)
            for p in s.warn:
                if p in c.warned:
                    continue
                w = s.warnat(c, p)
                if w is None:
                    continue
                if p <= 100 and (c.breached or (d is not None and w >= d)):
                    continue
                out.append((w, 0, p, c, "w"))
            if not c.breached and d is not None:
                out.append((d, 1, 0, c, "b"))
        for e in s.rules:
            if e["since"] is not None:
                d = s.ruledue(e)
                if d is not None:
                    out.append((d, 2, 0, e, "r"))
        return sorted(out, key=lambda x: (x[0], x[1], x[2]))

    def advance(s, t, incl=False):
        n = 0
        while True:
            ts = s.timers()
            if not ts or not (ts[0][0] < t or incl and ts[0][0] == t):
                return
            at, _, p, c, k = ts[0]
            n += 1
            assert n < 200000
            if k == "w":
                c.warned.add(p)
                s.say(at, "SlaWarned", c.m, c.i, pct=p, due_at=s.shown(c))
            elif k == "b":
                c.breached = True
                s.say(at, "SlaBreached", c.m, c.i, due_at=iso(at), consumed_s=s.used(c, at))
            else:
                s.say(at, "TimeRuleFired", "rule:" + c["r"]["id"], c["n"], rule=c["r"]["id"])
                c["since"] = None
                c["fired"] = True
                if c["r"].get("repeat"):
                    s.arm(at, c)
                    c["fired"] = False

    # --- events
    def event(s, e):
        t = num(e["at"])
        s.advance(t)
        k = e["type"]
        if k == "void_breach":
            for c in s.clocks:
                if c.m == e["metric"] and c.i == e["instance"] and c.breached and not c.voided:
                    c.voided = True
                    s.say(t, "SlaBreachVoided", c.m, c.i, by=e["by"], reason=e["reason"])
            return
        if k == "calendar_published":
            before = {id(c): s.due(c) for c in s.clocks if c.st == "live" and c.since is not None}
            s.cals[e["calendar"]] = s.cals[e["calendar"]].pub(
                num(e["effective_from"]), strip(e["definition"])
            )
            for c in s.clocks:
                if id(c) in before and c.t["cal"] == e["calendar"]:
                    d = s.due(c)
                    if d != before[id(c)]:
                        s.say(
                            t,
                            "SlaDueRescheduled",
                            c.m,
                            c.i,
                            due_before=iso(before[id(c)]) if before[id(c)] else None,
                            due_at=iso(d) if d else None,
                            cause="calendar:" + e["calendar"],
                        )
                    s.past(t, c)
            return
        if k == "policies_published":
            if s.state is not None and e.get("apply", "open_clocks") == "new_only":
                return
            s.set = e["policies"]
            if s.state is not None and not s.gone:
                s.rematch(t)
            return
        if s.gone or k in ("tick", "bot_reply", "internal_note"):
            return
        if k == "created":
            s.state = "new"
            s.outbound = e.get("by") == "agent"
            s.assigned = bool(s.attrs.get("assignee"))
            for m in METRICS:
                if s.fresh(m):
                    s.start(t, m)
            s.rulestate(t, "")
        elif k == "agent_reply":
            s.waiting = False
            s.answered = True
            for m in ("first_reply", "next_reply", "periodic_update", "pausable_update"):
                s.fulfil(t, m, "public_reply")
                s.forget(m)
            if not s.over():
                s.start(t, "periodic_update")
                s.start(t, "pausable_update")
            if "status" in e:
                s.go(t, e["status"])
            elif s.state == "new":
                s.go(t, "open")
        elif k == "requester_comment":
            if s.state == "closed":
                return
            s.waiting = True
            if s.fresh("next_reply"):
                s.start(t, "next_reply")
            if s.state in ("pending", "hold", "resolved"):
                s.go(t, "open")
        elif k == "assigned":
            s.assigned = True
            s.fulfil(t, "assignment", "assigned")
            s.forget("assignment")
            if s.state == "new":
                s.go(t, "open")
        elif k == "unassigned":
            s.assigned = False
            if s.fresh("assignment"):
                s.start(t, "assignment")
        elif k == "status":
            s.go(t, e["to"])
        elif k == "changed":
            for a, b in e["set"].items():
                s.attrs[a] = b
            s.rematch(t)
        elif k == "escalated":
            if e["to_tier"] != s.tier:
                s.fulfil(t, "tier_time", "left_tier")
                s.forget("tier_time")
                s.tier = e["to_tier"]
            s.rematch(t)
        elif k == "merged":
            for c in list(s.clocks):
                if c.st == "live":
                    s.cancel(t, c, "merged")
                elif c.st == "withdrawn":
                    c.st = "done"
            s.state = "closed"
            s.gone = True
            s.rulestate(t, "merged")
        else:
            raise Exception(k)


def strip(d):
    return {k: v for k, v in d.items() if k != "effective_from"}


def run(case):
    r = Ref(case)
    for e in case["events"]:
        r.event(e)
    r.advance(num(case["observe_until"]), True)
    return sorted(r.facts, key=key)


def check(path):
    bad = 0
    for c in json.load(open(path))["cases"]:
        f = run(c)
        x = sorted(c["expect"], key=key)
        if f != x:
            bad += 1
            print(c["id"])
            for a in f:
                if a not in x:
                    print("   extra", a)
            for a in x:
                if a not in f:
                    print("   missing", a)
    print(path, "bad", bad)


if __name__ == "__main__":
    for p in sys.argv[1:]:
        check(p)
