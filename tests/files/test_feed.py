"""Files dropped into a folder become records, each thing once, whatever is dropped how often."""

from __future__ import annotations

import csv
import os

import pytest
import sqlalchemy as sa
from drops import copies_in

from engine.builtin import default_registry
from plugins.files import register

looking = pytest.importorskip("engine.feeding.looking")

DESK = """
app: desk
label: Desk
languages: [en, zh]
timezone: UTC
roles:
  clerk: {label: Clerk}
forms:
  repair:
    label: Repair
    title: record.number
    unique: [[source, number]]
    fields:
      source: {type: text, required: true, label: Source}
      number: {type: text, required: true, label: Number}
      machine: {type: text, label: Machine}
      cost: {type: money, min: 0, label: Cost}
      steps: {type: lines, form: step, label: Steps}
    permissions: {clerk: {create: true, read: true, update: true}}
  step:
    label: Step
    fields:
      part: {type: text, required: true, label: Part}
      count: {type: integer, min: 1, label: Count}
connections:
  drop: {type: csv_drop, folder: FOLDER, key: [单号], language: en}
feeds:
  repairs:
    read: rows
    from: [drop]
    form: repair
    match: {source: source, number: 'item["单号"]'}
    values: {machine: 'item["设备"]', cost: 'item["费用"]'}
    lines:
      steps: {of: item.lines, values: {part: 'line["配件"]', count: 'line["数量"]'}}
"""
HEADING = "单号,设备,费用,配件,数量\n"


@pytest.fixture
def desk(make_app, tmp_path, monkeypatch):
    folder = tmp_path / "drop"
    folder.mkdir()
    registry = default_registry()
    register(registry)
    with copies_in(monkeypatch, tmp_path, folder):
        made = make_app(DESK.replace("FOLDER", str(folder)), registry=registry, people={"li": "clerk"})

        def look(name=None, content=""):
            if name:
                path = folder / name
                path.write_bytes(content.encode("gb18030"))
                os.utime(path, (made.clock().timestamp(), made.clock().timestamp()))
            made.clock.advance(minutes=6)
            looking.collect(made.application)
            made.deliver()
            return repairs(made)

        def errors(name):
            with (folder / f"{name}.errors.csv").open(encoding="utf-8-sig", newline="") as file:
                return [row[-3:] for row in list(csv.reader(file))[1:]]

        yield made, look, errors


def repairs(made):
    tables = made.application.tables.form
    repair, step = tables["repair"], tables["step"]
    with made.application.database.read() as conn:
        found = {}
        for row in conn.execute(sa.select(repair).order_by(repair.c.id)):
            lines = conn.execute(sa.select(step.c.part, step.c["count"]).where(step.c["_parent"] == row.id).order_by(step.c.id))
            found.setdefault(row.number, []).append((row.machine, str(row.cost), [tuple(line) for line in lines]))
        return found


GOOD = {"R1": [("车床", "1234.50", [("轴", 1), ("齿轮", 2)])]}


def test_good_rows_become_records_and_the_corrected_file_makes_none_twice(desk):
    _made, look, errors = desk
    text = HEADING + 'R1,车床,"1,234.50",轴,1\nR1,,,齿轮,2\nR2,铣床,10,轴\n'
    assert look("x.csv", text) == GOOD
    assert errors("x.csv") == [["4", "", "The row has 4 cells, the heading 5."]]
    whole = look("whole.csv", text.replace("轴\n", "轴,3\n"))
    assert whole == {**GOOD, "R2": [("铣床", "10.00", [("轴", 3)])]}
    assert look("copy of whole.csv", text.replace("轴\n", "轴,3\n")) == whole
    assert look("bad rows only.csv", HEADING + "R2,铣床,12,轴,3\n") == {**GOOD, "R2": [("铣床", "12.00", [("轴", 3)])]}


def test_what_could_not_be_taken_goes_back_to_its_row_and_column(desk):
    pytest.importorskip("engine.feeding.settling")
    _made, look, errors = desk
    found = look("x.csv", HEADING + 'R1,车床,"1,234.50",轴,1\nR1,,,齿轮,2\nR2,铣床,many,轴,1\nR3,刨床,1,轴,1\nR3,刨床,1,齿轮,0\nR4\n')
    assert found == GOOD
    look()
    assert [(row, column) for row, column, _reason in errors("x.csv")] == [("4", "费用"), ("5", ""), ("6", "数量"), ("7", "")]
    assert look("mended.csv", HEADING + "R2,铣床,20,轴,1\n")["R2"] == [("铣床", "20.00", [("轴", 1)])]
