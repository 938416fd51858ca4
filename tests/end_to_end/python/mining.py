"""usage: mining.py XES OCEL: what pm4py finds in both documents, as JSON on the last line."""

import json
import sys
from collections import Counter

import pm4py


def main(xes, ocel):
    log = pm4py.read_xes(xes)
    objects = pm4py.read_ocel2_json(ocel)
    variants = pm4py.get_variants(log)
    found = {
        "cases": int(log["case:concept:name"].nunique()),
        "events": len(log),
        "variants": len(variants),
        "activities": dict(Counter(log["concept:name"])),
        "untimed": int(log["time:timestamp"].isna().sum()),
        "ocel_events": len(objects.events),
        "ocel_tickets": int((objects.objects["ocel:type"] == "ticket").sum()),
        "ocel_activities": dict(Counter(objects.events["ocel:activity"])),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:3])
