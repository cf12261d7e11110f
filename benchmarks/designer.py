"""What a step in the designer costs: ``python benchmarks/designer.py [count]``.

An edit of the Order Hub's file (found, spliced, read, checked, kept) beside PyYAML reading the same text once; the sample
a preview is made of beside the bare SQL of its rows, with few and with many records in the live database; the plan of a
publication beside counting the same rows once.
"""

from __future__ import annotations

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
from designer.workspace import Readings, Workspace
from engine import accounts
from engine.application import Application, open_application
from engine.extensions import registry_for
from engine.people import load_actor
from engine.publishing.preparing import prepare

FILE = Path(__file__).resolve().parents[1] / "apps/order_hub.yaml"
PACKING = "      packing: {type: text, label: {zh: 包装, en: Packing}, required: true}\n"


def main() -> None:
    count = int((sys.argv[1:] or ["2000"])[0])
    with tempfile.TemporaryDirectory() as folder:
        app = open_application(FILE, f"sqlite:///{folder}/bench.db", registry=registry_for(FILE))
        app.registry.seeds["order_hub"](app, count, 1)
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

    _told("an edit, kept and checked", edit, "PyYAML reads the text", lambda: yaml.safe_load(text))


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
        with sqlite3.connect(folder / "bench.db") as conn:
            for form in app.definition.forms:
                conn.execute(f'SELECT * FROM "{form}" ORDER BY id DESC LIMIT 200').fetchall()  # noqa: S608

    _told("the sample of a preview", sample, "the bare rows of it", bare)


def _plan(app: Application) -> None:
    text = FILE.read_text("utf-8")
    at = text.index("    fields:\n", text.index("  order:\n")) + len("    fields:\n")
    changed = text[:at] + PACKING + text[at:]
    changed = changed.replace("fields: [number, ", "fields: [number, packing, ", 1)

    def plan() -> Any:
        prepared = prepare(app, changed)
        assert prepared.plan is not None, [str(finding.message) for finding in prepared.findings]
        return prepared

    def bare() -> None:
        with app.database.read() as conn:
            conn.exec_driver_sql('SELECT count(*) FROM "order" WHERE deleted_at IS NULL').scalar()

    _told("the plan of a publication", plan, "counting the same rows", bare)


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
