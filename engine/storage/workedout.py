"""What must be worked out again after records got other values, and rules that are gone while they are at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine.errors import message
from engine.storage import asking
from engine.storage.automation import OPEN_RUNS, in_state
from engine.storage.decisions import Affected, Choice, MigrationQuestion
from engine.storage.shape import Shape
from engine.storage.system import MAKERS

if TYPE_CHECKING:
    from engine.storage.changes import Changes


def work_out_anew(changes: Changes) -> None:
    """Stored values that may read what was written over: those of the records themselves, and sums over them."""
    for name in sorted(changes.touched):
        table = changes.tables.form[name]
        fields = changes.definition.forms[name].fields.values()
        stored = [field for field in fields if field.type == "computed" and field.name in table.c]
        changes.recompute += [(name, field.name) for field in stored]
        changes.recompute.append((name, "_title"))
        changes.reindex.append(name)
    for form in changes.definition.forms.values() if changes.touched else ():
        sums = [field for field in form.fields.values() if field.type == "rollup"]
        changes.recompute += [
            (form.name, field.name) for field in sums
            if field.name in changes.tables.form[form.name].c and _source(field) in changes.touched
        ]  # fmt: skip
    changes.recompute[:] = dict.fromkeys(changes.recompute)
    changes.reindex[:] = dict.fromkeys(changes.reindex)


def _source(field: Any) -> str:
    return str(getattr(field, "source_form", ""))


# --- rules -----------------------------------------------------------------------------------------------------------


def find_rule_changes(changes: Changes, old: Shape) -> None:
    """A run keeps to the definition it began with, so what a rule began is finished without it."""
    present = {rule.stable_id for rule in changes.definition.rules.values()}
    gone = [(identity, name) for identity, name in old.get("rules", {}).items() if identity not in present]
    if gone and "_run" in changes.catalog.columns:
        for identity, name in gone:
            _ask(changes, identity, name)


def _ask(changes: Changes, identity: str, name: str) -> None:
    runs = MAKERS["run"](sa.MetaData())
    here = (runs.c.rule == identity, in_state(runs, *OPEN_RUNS))
    count = changes.conn.execute(sa.select(sa.func.count()).select_from(runs).where(*here)).scalar_one()
    if not count:
        return
    rows = changes.conn.execute(sa.select(runs.c.id, runs.c.form, runs.c.record_id).where(*here).limit(asking.SHOWN))
    shown = tuple(Affected(row.id, f"{row.form or ''} {row.record_id or ''}".strip()) for row in rows)
    choice = Choice("finish", message("They go on by the definition they began with."))
    text = message("Rule {rule} is gone; {count} of its runs are unfinished.", rule=name, count=count)
    changes.asking.ask(MigrationQuestion(f"rule {name}", (), text, count, shown, (choice,), "finish"))
