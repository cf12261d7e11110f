"""The steps of a rule laid out as somebody may see them: what is done at once, what follows a wait, and what of that
cannot be known yet. Nothing is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.effects import Approve, Ask, Effect, ForEach, Outside, Wait
from engine.errors import Message
from engine.plans import RulePlan
from engine.program import Program, Step
from engine.rules import described
from engine.texts import say
from engine.trying.deciding import Asked
from engine.trying.eyes import Eyes
from engine.trying.showing import Marks, Showing

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Ahead:
    """One effect a step would have.

    ``effect``: the effect as the ledger would keep it, with what is not shown kept back. ``after``: what has to be
    waited for first, in order; ``depends``: results of steps that are not there yet; ``only_if``: conditions of
    branches that cannot be decided yet. ``masked``: something is kept back from these eyes. ``refusals``: why it could
    not be done now; ``open``: whether the transition it takes is open. ``records``: those it would touch. ``wakes``:
    rules it may wake. ``inner``: the steps for the first of those records.
    """

    path: Path
    effect: Mapping[str, Any]
    kind: str
    after: tuple[Mapping[str, Any], ...] = ()
    depends: tuple[str, ...] = ()
    only_if: tuple[str, ...] = ()
    masked: bool = False
    refusals: tuple[Message, ...] = ()
    open: bool | None = None
    records: Mapping[str, Any] | None = None
    wakes: tuple[str, ...] = ()
    inner: tuple[Ahead, ...] = ()

    def json(self, language: str) -> dict[str, Any]:
        return {
            "path": list(self.path), "kind": self.kind, "effect": dict(self.effect), "after": list(self.after),
            "depends": list(self.depends), "only_if": list(self.only_if), "masked": self.masked,
            "refusals": [say(one, language) for one in self.refusals], "open": self.open, "records": self.records,
            "wakes": list(self.wakes), "inner": [one.json(language) for one in self.inner],
        }  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """What the steps up to the next wait are worked out over. ``after``: what was waited for before."""

    asking: Showing
    after: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Found:
    """An effect with its step, and the stage it was worked out at."""

    step: Step
    effect: Effect
    stage: Stage
    depends: tuple[str, ...]
    masked: bool
    only_if: tuple[str, ...]


@dataclass
class _Way:
    """Walking through a program, with branches nobody can decide yet walked both ways."""

    program: Program
    undecided: list[tuple[Path, str]] = field(default_factory=list)

    def conditions(self, step: Step) -> tuple[str, ...]:
        found = []
        for path, when in self.undecided:
            if step.path[: len(path)] == path and len(step.path) > len(path):
                found.append(when if step.path[len(path)] == "then" else f"not ({when})")
        return tuple(found)

    def is_undecided(self, step: Step) -> bool:
        return any(path == step.path for path, _when in self.undecided)


def steps_ahead(program: Program, stage: Stage, going_on: Any) -> Iterator[Found]:
    """Every effect in the order of the steps. ``going_on(stage, effect, so far)`` answers the stage after a wait."""
    way = _Way(program)
    number = 0
    so_far: list[Found] = []
    while number < len(program.steps):
        step = program.steps[number]
        if step.action is None:
            number = _branch(way, step, number, stage.asking)
            continue
        effects = step.action.effects(stage.asking)
        depends, masked = stage.asking.marks.taken()
        found = [Found(step, effect, stage, depends, masked, way.conditions(step)) for effect in effects]
        yield from found
        so_far += found
        number += 1
        for one in found:
            if one.effect.suspends:
                stage = going_on(stage, one, so_far)
                so_far = []


def _branch(way: _Way, step: Step, number: int, asking: Showing) -> int:
    if step.when is None:
        return number + 1 if way.is_undecided(step) else step.otherwise
    holds = asking.whether(step.when)
    if holds is None:
        way.undecided.append((step.path, step.when))
        return number + 1
    return number + 1 if holds else step.otherwise


def waited(effect: Effect) -> dict[str, Any]:
    """What has to be over before the next step, as JSON."""
    if isinstance(effect, Wait):
        return {"wait": effect.due.isoformat() if effect.due else None, "holds": effect.holds}
    if isinstance(effect, Outside):
        return {"answer": effect.saved_as, "of": effect.kind}
    if isinstance(effect, Ask):
        return {"answer": effect.saved_as, "of": "ask"}
    if isinstance(effect, Approve):
        return {"answer": effect.saved_as, "of": "approve"}
    if isinstance(effect, ForEach):
        return {"all": effect.form}
    return {}


def due_of(effect: Effect) -> dt.datetime | None:
    return effect.due if isinstance(effect, Wait) else None


def pending_after(stage: Stage, effect: Effect) -> frozenset[str]:
    more = {effect.saved_as} if isinstance(effect, Outside | Ask | Approve) and effect.saved_as else set()
    return stage.asking.pending | more


# --- for a back-test: the effects up to the first wait, as somebody may see them


def shown_effects(plan: RulePlan, asked: Asked, eyes: Eyes) -> Sequence[Mapping[str, Any]]:
    names = {**asked.walk.sight.names, "record": asked.view, "old": asked.old, "results": {}}
    asking = Showing(asked.walk, asked.view, names, eyes=eyes, marks=Marks())
    return [
        {**eyes.effect(described(found.effect)), **({"after": list(found.stage.after)} if found.stage.after else {})}
        for found in steps_ahead(plan.program, Stage(asking), _as_it_is)
    ]


def _as_it_is(stage: Stage, found: Found, _so_far: Sequence[Found]) -> Stage:
    """After a wait: the record as it was when the rule woke; nobody knows what happened to it in between."""
    asking = replace(stage.asking, pending=pending_after(stage, found.effect))
    return Stage(asking, (*stage.after, waited(found.effect)))
