"""usage: variants.py OURS RAW: cases, events and variants that pm4py finds in two XES documents, as JSON on the last line."""

import json
import sys
from collections import Counter

import pm4py


def read(path):
    log = pm4py.read_xes(path)
    variants = Counter({variant: len(cases) if hasattr(cases, "__len__") else cases for variant, cases in pm4py.get_variants(log).items()})
    figures = {"cases": int(log["case:concept:name"].nunique()), "events": len(log), "variants": len(variants)}
    return figures, variants


def main(ours, raw):
    (ours, our_variants), (raw, raw_variants) = read(ours), read(raw)
    print(json.dumps({"ours": ours, "raw": raw, "same_variants": our_variants == raw_variants}))


if __name__ == "__main__":
    main(*sys.argv[1:3])
