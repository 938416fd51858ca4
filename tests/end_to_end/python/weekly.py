"""usage: weekly.py FOLDER SOURCE ZONE TRUTH SERIES

The weekly rows of the truth, from the Parquet files of an export, by DuckDB, Polars and pandas.
"""

import json
import sys
from collections import Counter
from datetime import date, timedelta

import duckdb
import pandas
import polars

TYPES = {
    "TicketCreated": "created",
    "TicketResolved": "resolved",
    "TicketReopened": "reopened",
    "TicketClosed": "closed",
}


def by_duckdb(folder, source, zone):
    question = f"""
        SELECT strftime(date_trunc('week', timezone('{zone}', occurred_at)), '%Y-%m-%d'), type, count(*)
        FROM read_parquet('{folder}/events/*/*.parquet')
        JOIN (SELECT ticket_id FROM read_parquet('{folder}/tickets.parquet') WHERE external_source = '{source}')
        USING (ticket_id) GROUP BY 1, 2
    """
    return duckdb.sql(question).fetchall()


def by_polars(folder, source, zone):
    tickets = polars.read_parquet(f"{folder}/tickets.parquet").filter(polars.col("external_source") == source)
    events = polars.scan_parquet(f"{folder}/events/**/*.parquet").select("ticket_id", "type", "occurred_at")
    week = polars.col("occurred_at").dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1w")
    rows = (
        events.join(tickets.lazy().select("ticket_id"), on="ticket_id")
        .with_columns(week.dt.strftime("%Y-%m-%d").alias("week"))
        .group_by("week", "type")
        .len()
        .collect()
    )
    return rows.rows()


def by_pandas(folder, source, zone):
    tickets = pandas.read_parquet(f"{folder}/tickets.parquet", columns=["ticket_id", "external_source"])
    events = pandas.read_parquet(f"{folder}/events", columns=["ticket_id", "type", "occurred_at"])
    events = events.merge(tickets[tickets.external_source == source], on="ticket_id")
    local = events.occurred_at.dt.tz_convert(zone).dt.tz_localize(None)
    monday = (local.dt.normalize() - pandas.to_timedelta(local.dt.day_of_week, unit="D")).dt.strftime("%Y-%m-%d")
    counts = events.groupby([monday, "type"]).size()
    return [(week, name, count) for (week, name), count in counts.items()]


def weeks(rows, first, last):
    counts = Counter({(week, TYPES[name]): count for week, name, count in rows if name in TYPES})
    told, backlog, monday = [], 0, date.fromisoformat(first)
    while monday <= date.fromisoformat(last):
        row = {"week_start": monday.isoformat()}
        row.update({name: counts[(monday.isoformat(), name)] for name in TYPES.values()})
        backlog += row["created"] - row["resolved"] + row["reopened"]
        row["backlog_end"] = backlog
        told.append(row)
        monday += timedelta(days=7)
    assert sum(counts.values()) == sum(row[name] for row in told for name in TYPES.values()), "events of no week"
    return told


def main(folder, source, zone, truth, series):
    with open(truth) as file:
        expected = json.load(file)[series]
    columns = ["week_start", *TYPES.values(), "backlog_end"]
    expected = [{name: row[name] for name in columns} for row in expected]
    for ask in (by_duckdb, by_polars, by_pandas):
        found = weeks(ask(folder, source, zone), expected[0]["week_start"], expected[-1]["week_start"])
        different = [(ours, theirs) for ours, theirs in zip(found, expected) if ours != theirs]
        assert not different and len(found) == len(expected), f"{ask.__name__}: {different[:3]}"
    print(f"done: {len(expected)} weeks")


if __name__ == "__main__":
    main(*sys.argv[1:6])
