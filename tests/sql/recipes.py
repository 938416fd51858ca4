"""usage: recipes.py PAGE WEEKS DATA PROGRAM

Runs the recipes of the page over an export `desk` in the current folder, the first over the data folder, and compares the
weeks that each finds with the truth.
"""

import csv
import json
import re
import subprocess
import sys
from datetime import date, datetime

COUNTS = ["created", "resolved", "reopened"]


def sections(page):
    recipes = open(page, encoding="utf-8").read().split("\n## Recipes\n", 1)[1]
    found = re.findall(r"^### (.+?)\n.*?```(?:sql|python)\n(.*?)```", recipes, re.MULTILINE | re.DOTALL)
    return [(name.strip("`"), code) for name, code in found]


def by_program(code, data, program):
    asked = [program, "sql", code, "--source", data, "--format", "csv"]
    answer = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    return [tuple(row.values()) for row in csv.DictReader(answer.splitlines())]


def by_duckdb(code):
    import duckdb

    return duckdb.sql(code).fetchall()


def by_python(code):
    names = {}
    exec(compile(code, "recipe", "exec"), names)
    weeks = names["weeks"]
    return list(weeks.rows()) if hasattr(weeks, "rows") else list(weeks.itertuples())


def day(value):
    if isinstance(value, str):
        return value[:10]
    return (value.date() if isinstance(value, datetime) else value).isoformat()


def check(name, rows, truth):
    found = {day(row[0]): [int(value) for value in row[1:]] for row in rows}
    backlog = 0
    for week in truth:
        backlog += week["created"] - week["resolved"] + week["reopened"]
        told = found.pop(week["week_start"], None)
        expected = [*(week[count] for count in COUNTS), week["backlog_end"]]
        if told is None:
            assert not any(expected[:3]), f"{name} has no week {week['week_start']}"
        else:
            assert told == expected, f"{name}, {week['week_start']}: {told}, the truth {expected}"
    assert not found, f"{name} has weeks of its own: {sorted(found)[:3]}"


def main(page, weeks, data, program):
    truth = json.load(open(weeks, encoding="utf-8"))
    assert date.fromisoformat(truth[0]["week_start"]).weekday() == 0
    done = []
    for name, code in sections(page):
        if name == "guichet sql":
            rows = by_program(code, data, program)
        elif name == "DuckDB":
            rows = by_duckdb(code)
        else:
            rows = by_python(code)
        check(name, rows, truth)
        done.append(name)
    print("done: " + ", ".join(done))


if __name__ == "__main__":
    main(*sys.argv[1:5])
