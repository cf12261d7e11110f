"""What has to be bought is asked for, and what is no longer needed is taken back: only what differs is written.

Planning owns the requests it made until somebody changes them, asks quotes for them or orders them; from then on they
are receipts like any other. Requests that people make are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.api import (
    Application,
    Context,
    Template,
    Together,
    every,
    message,
    option,
    say,
    together,
)
from plugins.planning.floor.asking import Asking
from plugins.planning.floor.errands import Errand, fresh, reasons
from plugins.planning.floor.materials import Needs, needs, solved
from plugins.planning.floor.pegged import key_of, numbered, outlook_rows, peg_rows
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.floor.rewriting import rewritten
from plugins.planning.requests import Change

KIND = "request_material"
PROBLEMS: Mapping[str, str] = {
    "the bill of materials leads in a circle": "Bills of materials lead in a circle and were left out: {chain}",
    "open production orders lead in a circle": "Jobs lead in a circle and what they draw was left out: {chain}",
    "alternatives lead in a circle": "Alternatives lead in a circle and were left out: {chain}",
}


@dataclass(frozen=True, kw_only=True)
class RequestMaterial(Errand):
    """Work out what has to be bought: requests are made, changed and taken back."""

    type: ClassVar[str] = KIND
    makes: ClassVar[tuple[str, ...]] = ("pegging", "material_difference", "stock_outlook")
    why: Template = option("What happened, for the record of the run.")

    def data(self, context: Context) -> Mapping[str, Any]:
        return {"why": dict(context.fill(self.why))}


def request_material(app: Application, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The errand. Somebody may take up a request while it is worked out: then it is worked out once more."""
    return fresh(lambda: follow(app, reasons(app, data, KIND))).told


@dataclass(frozen=True)
class Followed:
    """What a run wrote: ``changes`` of requests, requirements for which an alternative is used, and how many rows of
    pegging and of stock ahead."""

    changes: tuple[Change, ...]
    replaced: int
    rows: int

    @property
    def told(self) -> Mapping[str, int]:
        return {"changes": len(self.changes), "replaced": self.replaced, "rows": self.rows}

    @property
    def is_nothing(self) -> bool:
        return not any(self.told.values())


def follow(app: Application, why: str) -> Followed:
    """Raises Stale when a request was changed since it was read; then nothing is written."""
    found = needs(app)
    netting, problems = solved(found.material)
    old = list(every(app, PLANNER, "pegging"))
    asking = Asking(found, netting, old)
    waiting = list(every(app, PLANNER, "material_run", where="record.asked_by is not None and record.ran_at is None"))
    said = _said(app, found, problems)
    days = numbered(every(app, PLANNER, "stock_outlook"))
    with together(app, PLANNER) as walks:
        asking.write_requests(walks, say(message("No longer needed"), app.definition.languages[0]))
        asking.write_replaced(walks)
        _write_run(app, walks, asking, waiting, why, said)
        orders = {id: row["order"] for id, row in found.requirements.items()}
        pegs = rewritten("pegging", {key_of(row): row for row in old}, peg_rows(netting, orders, asking.asked))
        own = set(asking.asked.values())
        # By whom they serve, requests are known again in the next run: both are written, or neither.
        first, rest = pegs.split(lambda row: row["request"] in own)
        first.write(walks)
    rest += rewritten("stock_outlook", days, outlook_rows(netting))
    return Followed(asking.changes, len(asking.replaced), len(first) + rest.write_apart(app))


def _write_run(
    app: Application, walks: Together, asking: Asking, waiting: Sequence[Row], why: str, problem: str
) -> None:
    """One record for what became different; the last run that somebody asked for holds it, even where nothing did."""
    done = {"ran_at": app.clock(), "problem": problem or None}
    for row in waiting[:-1]:
        walks.save("material_run", done, id=row["id"])
    if asking.is_nothing and not waiting:
        return
    run = waiting[-1]["id"] if waiting else walks.save("material_run", {"why": why[:300]}).id
    for values in asking.differences():
        walks.save("material_difference", {"run": run, **values})
    walks.save("material_run", done, id=run)


def _said(app: Application, found: Needs, problems: Sequence[str]) -> str:
    return "\n".join(_in_words(app, found, problem) for problem in problems)


def _in_words(app: Application, found: Needs, problem: str) -> str:
    """With the products' names in the place of their ids."""
    what, _, chain = problem.partition(": ")
    named = re.sub(r"\d+", lambda id: str(found.products[id[0]]["name"]), chain)
    return say(message(PROBLEMS[what], chain=named), app.definition.languages[0]) if what in PROBLEMS else problem
