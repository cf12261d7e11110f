"""What pm4py discovers of fixed jobs, kept in pm4py_map.json: installed it has 500 MB, so it is asked once.

pip install pm4py && PYTHONPATH=.:tests:tests/web python tests/web/pm4py_map.py
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from random import Random

KEPT = Path(__file__).with_suffix(".json")


def jobs():
    """Forty ways through the states, back and forth."""
    random = Random(20260302)
    return [
        {"begin": 60 * 24 * 140, "machine": None, "price": None, "due": None,
         "way": [(random.choice(("open", "checking", "done")), random.randrange(60 * 24 * 20), None)
                 for _ in range(random.randint(1, 7))]}
        for _ in range(40)
    ]  # fmt: skip


def main():
    import pandas
    import pm4py
    from test_figures_recomputed import visits_of

    every = list(visits_of(jobs()))
    log = pandas.DataFrame({
        "case:concept:name": [str(one[0]) for one in every], "concept:name": [one[2] for one in every],
        "time:timestamp": pandas.to_datetime([one[3] for one in every], utc=True), "place": range(len(every)),
    })  # fmt: skip
    edges, start, _end = pm4py.discover_dfg(log)
    told = {
        "made_with": f"pm4py {version('pm4py')}", "visits": len(every),
        "edges": sorted([*edge, count] for edge, count in edges.items()), "start": dict(sorted(start.items())),
    }  # fmt: skip
    KEPT.write_text(json.dumps(told) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
