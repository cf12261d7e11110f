"""What a step in the designer costs: ``python benchmarks/drafts.py [count]``.

An edit of the Order Hub's file (found, spliced, read, checked, kept) beside PyYAML reading the same data once; the sample
a preview is made of beside the same rows copied by SQL, with as many records in the live database as you say; the plan of
a publication beside reading and checking its text alone.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from designer import doing
from designer.preview.sample import make_sample
from designer.text import Document
from designer.workspace import Readings, Workspace
from engine import accounts, demo
from engine.application import Application, open_application
from engine.extensions import registry_for
from engine.load import examine
from engine.people import load_actor
from engine.publishing.preparing import prepare

FILE = Path(__file__).resolve().parents[1] / "apps/order_hub.yaml"
PACKING = "      packing: {type: text, label: {zh: 包装, en: Packing}, required: true}\n"


def main() -> None:
    count = int((sys.argv[1:] or ["2000"])[0])
    with tempfile.TemporaryDirectory() as folder:
        app = open_application(FILE, f"sqlite:///{folder}/bench.db", registry=registry_for(FILE))
        demo.make_people(app, demo.people(app.definition))
        demo.seed(app, count)
        print(f"{count:,} orders; medians of seven, in milliseconds")
        _edit(app)
        _sample(app, Path(folder))
        _plan(app)
        app.database.close()


def _edit(app: Application) -> None:
    text = FILE.read_text("utf-8")
    readings = Readings(app.registry)
    change = doing.opened(app, "bench", text, app.definition.hash, text, None, app.clock())
    seen = Workspace(change, readings.of(text))
    path = ["forms", "order", "fields", "due_on", "label", "en"]

    def edit() -> None:
        nonlocal seen
        given = {"path": path, "value": f"Due {time.perf_counter_ns()}"}
        seen, _made = doing.do(app, readings, seen, "set", given)

    same = yaml.safe_dump(json.loads(json.dumps(Document.read(text).data, default=float)), allow_unicode=True)
    _told("an edit, kept and checked", edit, "PyYAML reads the same", lambda: yaml.safe_load(same))


def _sample(app: Application, folder: Path) -> None:
    with app.database.write() as conn:
        id = accounts.create_user(conn, app.tables, login="bench", name="Bench", roles=["admin"], password="a quiet harbour town",
                                  now=app.clock())  # fmt: skip
    with app.database.read() as conn:
        actor = load_actor(conn, app.tables, id)

    def sample() -> None:
        target = folder / f"{time.perf_counter_ns()}.db"
        make_sample(app, actor, target)
        target.unlink()

    def bare() -> None:
        target = folder / f"{time.perf_counter_ns()}.db"
        with sqlite3.connect(target) as conn:
            conn.execute(f"ATTACH '{folder}/bench.db' AS live")
            for form in app.definition.forms:
                conn.execute(f'CREATE TABLE "{form}" AS SELECT * FROM live."{form}" ORDER BY id DESC LIMIT 200')
        conn.close()
        target.unlink()

    _told("the sample of a preview", sample, "its rows copied by SQL", bare)


def _plan(app: Application) -> None:
    text = FILE.read_text("utf-8")
    at = text.index("    fields:\n", text.index("  order:\n")) + len("    fields:\n")
    changed = text[:at] + PACKING + text[at:]
    changed = changed.replace("fields: [number, ", "fields: [number, packing, ", 1)

    def plan() -> Any:
        prepared = prepare(app, changed)
        assert prepared.plan is not None, [str(finding.message) for finding in prepared.findings]
        return prepared

    _told("the plan of a publication", plan, "reading and checking the text", lambda: examine(changed, app.registry))


def _told(what: str, act: Callable[[], Any], floor: str, bare: Callable[[], Any]) -> None:
    mine, theirs = _median(act), _median(bare)
    print(f"  {what}: {mine:.1f}   {floor}: {theirs:.1f}   {mine / theirs:.2f} x")


def _median(act: Callable[[], Any]) -> float:
    spent = []
    act()
    for _ in range(7):
        began = time.perf_counter()
        act()
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
