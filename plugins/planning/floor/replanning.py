"""The plan follows what happens: what is new is put in, what changed moves, and nothing else does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.api import Application, Context, Template, option, records
from plugins.planning.floor.errands import Errand, all_told, fresh, reasons
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import PLANNER, read
from plugins.planning.floor.writing import Moved, write
from plugins.planning.following import followed
from plugins.planning.repair import repaired

KIND = "replan"


@dataclass(frozen=True, kw_only=True)
class Replan(Errand):
    """Let the plan follow: what the change touches moves, new operations are put in."""

    type: ClassVar[str] = KIND
    why: Template = option("What happened, for the record of the change.")
    improve: bool = option("Where orders would be late, others may move too so that fewer are.", False)

    def data(self, context: Context) -> Mapping[str, Any]:
        return {"why": dict(context.fill(self.why)), "improve": self.improve}


def replan(app: Application, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand. Somebody may change a record while the plan is worked out: then it is worked out once more."""
    improve = any(one.get("improve") for one in all_told(data))
    moved = fresh(lambda: follow(app, reasons(app, data, KIND), improve=improve))
    return {"steps": moved.steps, "orders": len(moved.orders)}


def follow(app: Application, why: str, by: int | None = None, *, improve: bool = False) -> Moved:
    """``improve``: as ``followed``, else as ``repaired``: only what has to move does."""
    if not _plannable(app):
        return Moved(0, ())  # a plant whose routings name no machines would be read for nothing at every job
    floor = read(app, ready(app))
    after = followed(floor.problem, floor.plan, settled=False) if improve else repaired(floor.problem, floor.plan)
    return write(app, floor, after, why, by)


def _plannable(app: Application) -> bool:
    where = "record.open and (record.group is not None or record.machine is not None)"
    return bool(records(app, PLANNER, "job_step", where=where, limit=1))
