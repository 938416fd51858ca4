"""A second importer, slow and small, written from docs/IMPORT.md alone: Python's standard library, none of our code.

    importer.py MAPPING.toml EXPORT     prints one JSON object: what became of each ticket

A test reads every shipped sample with it and with Guichet, and compares state, people, counts and times. It covers what
the shipped mappings use, and ends with an error at anything else: a rule that it does not know it does not guess.
"""

import csv
import fnmatch
import io
import json
import pathlib
import re
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections import defaultdict
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

DONE = ("resolved", "closed", "cancelled")
COMMON = {
    "channel": {"e-mail": "email", "mail": "email", "telephone": "phone", "self service": "portal", "web": "form"},
    "author": {"admin": "agent", "end-user": "requester", "end_user": "requester"},
}


# ---- times

def instant(text, source):
    for pattern in source.get("date_formats", []):
        pattern = pattern.replace("%S%.f", "%S.%f")
        try:
            at = datetime.strptime(text, pattern)
        except ValueError:
            continue
        if at.tzinfo is None:
            at = at.replace(tzinfo=ZoneInfo(source.get("zone", "UTC")))
        return round(at.timestamp() * 1000)
    at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if at.tzinfo is None:
        raise ValueError(f"{text!r} names no offset")
    return round(at.timestamp() * 1000)


# ---- files into rows: a row is {column: value or list}; a key that is not there is not in it

def plain(value):
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    return value


def spread(record, columns, unfold):
    """The rows of a JSON record: what stands at the paths, and a row of its own for each element of a list to unfold."""
    rows = []

    def walk(value, path, inherited):
        own, lists = {}, []

        def visit(value, path):
            if isinstance(value, dict):
                for key, inner in value.items():
                    visit(inner, f"{path}.{key}" if path else key)
                return
            if isinstance(value, list):
                if any(u == path + "[]" or u.startswith((path + "[].", path + "[][]")) for u in unfold):
                    lists.append((path + "[]", value))
                elif all(not isinstance(v, (dict, list)) for v in value) and path in columns:
                    own[path] = [plain(v) for v in value if v is not None]
                return
            if value is None:
                # Everything below is empty as well.
                for column in columns:
                    if column == path or column.startswith((path + ".", path + "[]")):
                        own.setdefault(column, None)
            elif path in columns:
                own[path] = plain(value)

        visit(value, path)
        everything = inherited | own
        below = False
        for inner_path, elements in lists:
            for element in elements:
                below = True
                walk(element, inner_path, everything)
        if not below:
            rows.append(everything)

    walk(record, "", {})
    return rows


def records(document, path):
    if not path:
        return document if isinstance(document, list) else [document]
    found = [document]
    for step in path.split("."):
        key, lists = step.rstrip("[]"), step.count("[]")
        if key:
            found = [f.get(key) for f in found if f is not None]
        for _ in range(lists):
            found = [e for f in found if f is not None for e in f]
    return found


def rows_of(text, source, columns):
    kind = source["format"]
    if kind == "csv":
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=source.get("delimiter", ","))
        header = next(lines)
        for cells in lines:
            row = {}
            for name, cell in zip(header, cells, strict=True):
                if name in columns:
                    if name in row:
                        before = row[name] if isinstance(row[name], list) else [row[name]]
                        row[name] = [v for v in [*before, cell] if v]
                    else:
                        row[name] = cell
            yield row
    elif kind in ("json", "jsonl"):
        unfold = source.get("rows", [])
        unfold = [unfold] if isinstance(unfold, str) else unfold
        if kind == "jsonl":
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            documents = records(json.loads(text), source.get("records"))
        for document in documents:
            yield from spread(document, columns, unfold)
    elif kind == "xes":
        strip = lambda tag: tag.rsplit("}", 1)[-1]
        for trace in ET.fromstring(text):
            if strip(trace.tag) != "trace":
                continue
            of_trace = {"trace:" + a.get("key"): a.get("value") for a in trace if strip(a.tag) != "event"}
            for event in trace:
                if strip(event.tag) == "event":
                    yield of_trace | {a.get("key"): a.get("value") for a in event}
    else:
        raise NotImplementedError(kind)


def clean(row, missing):
    def value(v):
        if isinstance(v, list):
            v = [x.strip() for x in v if x.strip() and x.strip() not in missing]
            return v or None
        if v is None:
            return None
        v = v.strip()
        return None if not v or v in missing else v

    return {column: value(v) for column, v in row.items()}


def first(value):
    return ", ".join(value) if isinstance(value, list) else value


# ---- the mapping

class Mapping:
    def __init__(self, text):
        self.m = m = tomllib.loads(text)
        self.source = m["source"]
        self.files = m.get("files", {})
        self.columns = set(self.named(m))
        self.changes = m.get("changes")
        self.milestones = m.get("milestones", {})

    def named(self, m):
        """Every text of the mapping that may be a column. More than the columns does no harm."""
        if isinstance(m, dict):
            for key, value in m.items():
                yield key
                yield from self.named(value)
        elif isinstance(m, list):
            for value in m:
                yield from self.named(value)
        elif isinstance(m, str):
            yield m

    def word(self, table, value, parse=None):
        if value is None:
            return None
        words = self.m.get(table, {}).get("map", {})
        return words.get(value) or COMMON.get(table, {}).get(value.lower()) or value.lower()

    def read(self, path):
        """All rows, each with its file (None for that of the tickets)."""
        missing = self.source.get("missing", [])
        folder = pathlib.Path(path)

        def texts(pattern):
            if folder.is_dir():
                names = sorted(p.name for p in folder.iterdir())
                return [(folder / n).read_text("utf-8") for n in names if fnmatch.fnmatchcase(n, pattern)]
            return [folder.read_text("utf-8")]

        def of_file(name, settings):
            own = {c.split(":", 1)[1] for c in self.columns if c.startswith(name + ":")} | {settings["key"]}
            source = self.source | {"records": None, "rows": []} | settings
            for text in texts(settings["member"]):
                for row in rows_of(text, source, own):
                    yield clean(row, missing)

        asked = {}
        for name, settings in self.files.items():
            if "on" in settings:
                asked[name] = {row[settings["key"]]: row for row in of_file(name, settings)}
        read = []
        for text in texts(self.source.get("member", "*")):
            read += [(None, clean(row, missing)) for row in rows_of(text, self.source, self.columns)]
        for name, settings in self.files.items():
            if "on" not in settings:
                for row in of_file(name, settings):
                    whole = {f"{name}:{column}": value for column, value in row.items()}
                    whole[self.m["ticket"]["id"]] = row[settings["key"]]
                    read.append((name, whole))
        for _, row in read:
            for name, settings in self.files.items():
                key = row.get(settings.get("on"))
                if key is not None:
                    row.update({f"{name}:{column}": v for column, v in asked[name][key].items()})
        return [(name, row) for name, row in read if self.wanted(name, row)]

    def wanted(self, name, row):
        rules = self.m.get("filter", {})
        for column, values in rules.get("keep", {}).items():
            of = column.split(":", 1)[0] if ":" in column else None
            if (not self.files or of == name) and row.get(column) not in values:
                return False
        return all(row.get(column) not in values for column, values in rules.get("drop", {}).items())

    def pick(self, row, key):
        """The first column of a list that has a value."""
        names = key if isinstance(key, list) else [key]
        return next((first(row[n]) for n in names if row.get(n) is not None), None)


# ---- a ticket

class Ticket:
    def __init__(self, mapping):
        self.m = mapping
        self.state, self.hold = "new", None
        self.group = self.agent = self.requester = None
        self.tier, self.priority = 1, "normal"
        self.facts = []
        self.count = defaultdict(int)
        self.fields, self.tags = {}, []
        self.told = set()
        self.clock = None

    def fact(self, kind, at):
        # What happens never happens before what came before it.
        self.clock = at if self.clock is None else max(self.clock, at)
        self.facts.append((kind, self.clock))
        self.count[kind] += 1

    def system(self, who):
        return who in self.m.m.get("agent", {}).get("system", [])

    def level(self, group):
        patterns = self.m.m.get("group", {}).get("level", {})
        fits = [p for p in patterns if fnmatch.fnmatchcase(group, p)]
        return patterns[max(fits, key=len)] if fits else 1

    # -- states

    def go(self, meaning, at, how=None):
        if isinstance(meaning, str):
            meaning = {"state": meaning}
        to, hold = meaning["state"], meaning.get("hold_reason")
        if to in ("ignore", "note"):
            return
        if self.state in DONE and to not in DONE:
            if not meaning.get("reopens", True):
                return
            self.fact("reopened", at)
            self.state, self.hold = "open", None
        if to == "resolved":
            if self.state == "closed":
                self.fact("status", at)
            elif self.state != "resolved":
                self.fact("resolved", at)
        elif to == "closed":
            if self.state not in ("closed", "resolved", "cancelled"):
                self.fact("resolved", at)
            if self.state != "closed":
                self.fact("closed", at)
        elif to == "cancelled":
            if self.state in ("closed", "cancelled"):
                return
            self.fact("cancelled", at)
        elif (self.state, self.hold) != (to, hold):
            self.fact("status", at)
        self.state, self.hold = to, hold

    def own_state(self, row):
        table = self.m.m.get("state")
        if not table:
            return None
        columns = table["column"] if isinstance(table["column"], list) else [table["column"]]
        values = [first(row[c]) for c in columns if row.get(c) is not None]
        return table["map"].get("/".join(values)) if values else None

    # -- people

    def people(self, row, at):
        group = first(row.get(self.m.m.get("group", {}).get("column")))
        agent = first(row.get(self.m.m.get("agent", {}).get("column")))
        moved, given = group != self.group, agent != self.agent
        self.group, self.agent = group, agent
        if given:
            self.fact("assigned" if agent else "unassigned", at)
        if moved and not (given and agent):
            self.fact("routed", at)
        if moved:
            self.count["group_changes"] += 1
            if group is not None:
                tier = self.level(group)
                if tier != self.tier:
                    self.fact("escalated" if tier > self.tier else "deescalated", at)
                    self.tier = tier

    def create(self, row, at, later=False):
        m = self.m.m
        self.requester = first(row.get(m.get("requester", {}).get("id")))
        self.group = first(row.get(m.get("group", {}).get("column")))
        self.agent = None if later else first(row.get(m.get("agent", {}).get("column")))
        if self.agent:
            self.state = "open"
        self.tier = self.level(self.group) if self.group else 1
        self.priority = self.m.word("priority", first(row.get(m["ticket"].get("priority")))) or "normal"
        self.fields = {f: first(row[f]) for f in m["ticket"].get("fields", []) if row.get(f) is not None}
        self.tags = self.tags_of(row)
        self.fact("created", at)

    def tags_of(self, row):
        column = self.m.m["ticket"].get("tags")
        values = row.get(column) or []
        values = values if isinstance(values, list) else [values]
        separator = self.m.m["ticket"].get("tag_separator")
        pieces = [p for v in values for p in (v.split(separator) if separator else [v])]
        return [p.strip() for p in pieces if p.strip()]

    def change(self, row, before, at):
        self.people(row, at)
        ticket = self.m.m["ticket"]
        value = first(row.get(ticket.get("priority")))
        if value is not None and value != first(before.get(ticket.get("priority"))):
            to = self.m.word("priority", value)
            if to != self.priority:
                self.fact("priority", at)
                self.priority = to
        category = ticket.get("category", [])
        category = [category] if isinstance(category, str) else category
        if any(row.get(c) != before.get(c) for c in category):
            self.fact("category", at)
        tags = self.tags_of(row)
        if set(tags) != set(self.tags):
            self.fact("tags", at)
        self.tags = tags
        for field in ticket.get("fields", []):
            if row.get(field) != before.get(field):
                self.fact("field", at)
        self.fields = {f: first(row[f]) for f in ticket.get("fields", []) if row.get(f) is not None}

    # -- comments

    def comments(self, row, at, by):
        c = self.m.m.get("comment", {})
        text = c.get("text") or self.m.m.get("row", {}).get("comment")
        values = row.get(text)
        if values is None:
            return []
        listed = isinstance(values, list)
        found = []
        for value in values if listed else [values]:
            if (listed or "parts" in c) and value in self.told:
                continue
            self.told.add(value)
            when, author, body = at, first(row.get(c.get("author"))) or by, value
            if "parts" in c:
                pieces = value.split(c.get("separator", ";"), len(c["parts"]) - 1)
                parts = dict(zip(c["parts"], (p.strip() for p in pieces), strict=True))
                when = instant(parts["at"], self.m.source) if "at" in parts else at
                author, body = parts.get("author", author), parts["text"]
            kind = first(row.get(c.get("author_kind")))
            kind = c.get("author_kinds", {}).get(kind) or COMMON["author"].get(kind, kind)
            seen = first(row.get(c.get("visibility")))
            seen = c.get("visibilities", {}).get(seen, seen) or c.get("default_visibility", "internal")
            found.append((when, author, kind, seen, body))
        return found

    def say(self, comment):
        at, author, kind, seen, _ = comment
        if kind is None:
            kind = "system" if self.system(author) else "requester" if author == self.requester and author else "agent"
        self.fact("comment", at)
        self.count[f"comment {seen} {kind}"] += 1

    def story(self):
        when = {kind: at for kind, at in self.facts}
        counts = {k: n for k, n in sorted(self.count.items())}
        return {
            "state": self.state, "hold_reason": self.hold, "group": self.group, "agent": self.agent, "tier": self.tier,
            "priority": self.priority, "tags": sorted(self.tags), "fields": self.fields, "counts": counts,
            "created_at": self.facts[0][1], "last_at": self.facts[-1][1],
            "resolved_at": when.get("resolved"), "closed_at": when.get("closed"), "reopened_at": when.get("reopened"),
        }


def by_rows(ticket, rows):
    """Each row is the ticket after an update."""
    m = ticket.m.m
    before = None
    for row, at, by in rows:
        now = row if before is None else {c: v for c, v in before.items() if not ticket.m.own(c)} | row
        state = ticket.own_state(now)
        same = before is not None and ticket.own_state(before) == state and ticket.own_columns(before) == ticket.own_columns(now)
        created = first(now.get(m["ticket"].get("created_at")))
        reopens = state is not None and not same and ticket.state in DONE and state_name(state) not in DONE + ("ignore", "note")
        if reopens:
            ticket.go(state, at)
        if before is None:
            ticket.create(now, instant(created, ticket.m.source) if created else at)
        else:
            ticket.change(now, before, at)
        for comment in ticket.comments(row, at, by):
            ticket.say(comment)
        if state is not None and not same and not reopens:
            ticket.go(state, at)
        before = now


def state_name(meaning):
    return meaning if isinstance(meaning, str) else meaning["state"]


def by_milestones(ticket, rows, beside):
    """One row says how the ticket stands, and columns when things happened."""
    row, at, by = rows[0]
    names = ticket.m.milestones
    order = ["created", "assigned", "first_reply", "reopened", "resolved", "closed"]
    steps = [(instant(first(row[names[n]]), ticket.m.source), n) for n in order if n in names and row.get(names[n]) is not None]
    created = dict((n, t) for t, n in steps).get("created", at)
    agent = first(row.get(ticket.m.m.get("agent", {}).get("column")))
    ticket.create(row, created, later=any(n == "assigned" for _, n in steps) and agent is not None)
    comments = [c for r, t, b in rows[:1] for c in ticket.comments(r, None, b)]
    comments += [c for r, t, b in beside for c in ticket.comments(r, t, b)]
    timed = [(c[0], c) for c in comments if c[0] is not None]
    for when, step in sorted(steps + timed, key=lambda s: s[0]):
        if isinstance(step, tuple):
            ticket.say(step)
        elif step == "assigned":
            ticket.people(row, when)
        elif step == "first_reply":
            ticket.fact("comment", when)
            ticket.count["comment public agent"] += 1
        elif step == "reopened" and ticket.state in DONE:
            ticket.go("open", when)
        elif step in ("resolved", "closed"):
            ticket.go(step, when)
    # When the row was written, where that is not when the ticket was created.
    last = ticket.clock if ticket.m.at_key() == names.get("created") else at
    ticket.people(row, last)
    state = ticket.own_state(row)
    if state is not None:
        ticket.go(state, last)


def unfold(mapping, rows):
    """Rows that tell a change become rows that are the ticket after it."""
    changes = mapping.changes
    fields = {n: ({"column": f} if isinstance(f, str) else f) for n, f in changes["fields"].items()}
    tracked = {f["column"] for f in fields.values()}

    def change(row):
        field = fields.get(first(row.get(changes["field"])))
        if field is None:
            return None
        origin = field.get("from") or changes.get("from")
        return field["column"], (row[origin] if origin in row else None), row.get(field.get("to") or changes["to"])

    created = next((first(r[mapping.m["ticket"]["created_at"]]) for r, *_ in rows if r.get(mapping.m["ticket"].get("created_at"))), None)
    created = instant(created, mapping.source) if created else rows[0][1]
    record = {}
    for row, *_ in rows:
        record.update({c: row[c] for c in tracked if c in row})
    told = [change(row) for row, *_ in rows]

    def opens(place):
        return rows[place][1] <= created and told[place] is not None and not told[place][1]

    begin = {}
    for place, step in enumerate(told):
        if step is not None and step[0] not in begin:
            begin[step[0]] = step[2] if opens(place) else step[1]
    for column in tracked:
        begin.setdefault(column, record.get(column))
    now, out, place = dict(begin), [], 0
    begins = rows[0][1] <= created and all(told[p] is None or opens(p) for p, r in enumerate(rows) if r[1] == rows[0][1])
    if not begins:
        of_row = {c for c in mapping.columns if c not in tracked and mapping.own(c)}
        keep = {c: v for c, v in rows[0][0].items() if c not in of_row}
        out.append((keep | now, min(created, rows[0][1]), None))
    while place < len(rows):
        end, seen = place, set()
        while end < len(rows) and rows[end][1:] == rows[place][1:] and not (told[end] and told[end][0] in seen):
            seen |= {told[end][0]} if told[end] else set()
            end += 1
        for step in range(place, end):
            if told[step] is not None:
                now[told[step][0]] = told[step][2]
        out += [(row | now, at, by) for row, at, by in rows[place:end]]
        place = end
    return out


def own(self, column):
    """A value that a row says of itself alone."""
    m = self.m
    c = m.get("comment", {})
    lone = [c.get("text"), c.get("author"), c.get("author_kind"), c.get("visibility"), m.get("row", {}).get("comment")]
    keys = [m.get("row", {}).get("by"), m.get("row", {}).get("at")]
    flat = [k for key in keys for k in (key if isinstance(key, list) else [key])]
    t = self.changes or {}
    flat += [t.get("field"), t.get("from"), t.get("to")]
    return column in lone + flat


Mapping.own = own
Mapping.at_key = lambda self: self.m.get("row", {}).get("at") or self.milestones.get("created")


def own_columns(self, row):
    column = self.m.m.get("state", {}).get("column", [])
    return [first(row.get(c)) for c in (column if isinstance(column, list) else [column])]


Ticket.own_columns = own_columns


def main():
    mapping = Mapping(pathlib.Path(sys.argv[1]).read_text("utf-8"))
    m = mapping.m
    tickets = defaultdict(list)
    for name, row in mapping.read(sys.argv[2]):
        at = mapping.pick(row, mapping.at_key())
        by = mapping.pick(row, m.get("row", {}).get("by", []))
        tickets[first(row[m["ticket"]["id"]])].append((name, row, instant(at, mapping.source), by))
    out = {}
    for ticket_id, rows in tickets.items():
        if m["source"].get("order") == "time" or any("on" not in f for f in mapping.files.values()):
            tie = m["source"].get("tie")
            rows.sort(key=lambda r: (r[2], int(first(r[1].get(tie)) or 0)))
        rows.sort(key=lambda r: r[0] is not None)
        ticket = Ticket(mapping)
        plain_rows = [(row, at, by) for _, row, at, by in rows]
        if mapping.changes:
            if rows[0][0] is None and mapping.files:
                row, at, by = plain_rows[0]
                created = first(row.get(m["ticket"].get("created_at")))
                plain_rows[0] = (row, instant(created, mapping.source) if created else at, by)
            by_rows(ticket, unfold(mapping, plain_rows))
        elif mapping.milestones:
            nested = mapping.source.get("rows")
            text = m.get("comment", {}).get("text")
            main_rows = [(r, a, b) for n, r, a, b in rows if n is None]
            beside = [(r, a, b) for n, r, a, b in rows if n is not None or (nested and r.get(text) is not None)]
            if nested:
                main_rows = [({c: v for c, v in main_rows[0][0].items() if c != text}, *main_rows[0][1:])]
            by_milestones(ticket, main_rows, beside)
        else:
            by_rows(ticket, plain_rows)
        out[ticket_id] = ticket.story()
    print(json.dumps(out))


if __name__ == "__main__":
    main()
