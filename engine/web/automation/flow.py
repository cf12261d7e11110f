"""A rule drawn: what wakes it, its condition, its steps with branches and inner steps; on a run the way it went, and
how each step fared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import actions
from engine.approve import Approve
from engine.definition import Rule
from engine.errors import message
from engine.program import Program, program_of
from engine.saying.occasions import occasion
from engine.saying.steps import Said, action
from engine.saying.words import Words
from engine.web.automation.words import Badge

Place = tuple[tuple[int, ...], int]  # the steps that lead inside, and the number of the step


@dataclass(frozen=True)
class Fared:
    """How a step of a run fared. ``notes`` are short: how long, how many attempts, what went wrong."""

    badge: Badge
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Box:
    """One box of the drawing. ``ways`` are the two ways of a branch, ``body`` what is done for each record.

    ``walked``: None where no run is shown, else whether the run came by.
    """

    kind: str
    title: str
    icon: str
    lines: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    body: tuple[Box, ...] = ()
    walked: bool | None = None
    fared: Fared | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Way:
    label: str
    boxes: tuple[Box, ...]
    walked: bool | None = None


@dataclass(frozen=True)
class Taken:
    """The way a run went: by which places, and how each fared."""

    places: frozenset[Place] = frozenset()
    fared: Mapping[Place, Fared] = field(default_factory=dict)
    inner: tuple[int, ...] = ()

    def by(self, place: Place | None) -> bool:
        return place in self.places


def draw(words: Words, rule: Rule, taken: Taken | None = None) -> tuple[Box, ...]:
    """The boxes of a rule from top to bottom."""
    drawing = _Drawing(words, taken)
    program = program_of(rule.actions)
    waking = Box("trigger", occasion(words, rule.trigger).text, "bolt", walked=None if taken is None else True)
    return (waking, *_condition(words, rule, taken), *drawing.boxes(rule.actions, program, (), ("actions",), rule.form))


def _condition(words: Words, rule: Rule, taken: Taken | None) -> tuple[Box, ...]:
    if rule.when is None:
        return ()
    said = words.expression(rule.when, rule.form)
    return (Box("when", words.say(message("Only when {condition}", condition=said)), "filter",
                walked=None if taken is None else True),)  # fmt: skip


class _Drawing:
    def __init__(self, words: Words, taken: Taken | None) -> None:
        self.words = words
        self.taken = taken

    def boxes(
        self, steps: Sequence[actions.Action], program: Program, inner: tuple[int, ...],
        path: tuple[str | int, ...], form: str | None,
    ) -> tuple[Box, ...]:  # fmt: skip
        return tuple(
            self._box(one, program, inner, (*path, number), form) for number, one in enumerate(steps)
        )  # fmt: skip

    def _box(
        self, one: actions.Action, program: Program, inner: tuple[int, ...], path: tuple[str | int, ...],
        form: str | None,
    ) -> Box:  # fmt: skip
        number = next(number for number, step in enumerate(program.steps) if step.path == path)
        place = (inner, number)
        said = action(self.words, one, form)
        shown = self._shown(place)
        if isinstance(one, actions.Branch):
            return self._branch(one, said, program, place, path, form, shown)
        if isinstance(one, actions.ForEach):
            nested = program.steps[number].inner or Program()
            body = self.boxes(one.actions, nested, (*inner, number), (*path, "actions"), one.form)
            return Box("for_each", said.title, said.icon, said.lines, body=body, place=place, **shown)
        waits = isinstance(one, actions.Wait | actions.Ask | Approve)
        kind = "wait" if waits else "refuse" if isinstance(one, actions.Refuse) else "step"
        return Box(kind, said.title, said.icon, said.lines, place=place, **shown)

    def _shown(self, place: Place) -> dict[str, Any]:
        if self.taken is None:
            return {}
        return {"walked": self.taken.by(place), "fared": self.taken.fared.get(place)}

    def _branch(
        self, one: actions.Branch, said: Said, program: Program, place: Place, path: tuple[str | int, ...],
        form: str | None, shown: Mapping[str, Any],
    ) -> Box:  # fmt: skip
        then = self.boxes(one.then, program, place[0], (*path, "then"), form)
        otherwise = self.boxes(one.otherwise, program, place[0], (*path, "otherwise"), form)
        yes = self._went(then) if shown else None
        no = (bool(shown["walked"]) and not yes) if shown else None
        ways = (Way(self.words.say(message("if so")), then, yes), Way(self.words.say(message("if not")), otherwise, no))
        return Box("branch", said.title, said.icon, said.lines, ways=ways, place=place, **shown)

    def _went(self, boxes: Sequence[Box]) -> bool:
        return bool(boxes) and bool(boxes[0].walked)


# --- the way of a run ------------------------------------------------------------------------------------------------


def stretches(trace: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """What the run kept of each stretch, the first at the beginning."""
    kept = trace or {}
    first = [kept] if "steps" in kept else []
    return [*first, *kept.get("later", ())]


def taken_by(run: Mapping[str, Any], fared: Mapping[Place, Fared]) -> Taken:
    inner = tuple(run["inner"])
    numbers = {number for one in stretches(run["trace"]) for number in one.get("steps", ())}
    return Taken(frozenset((inner, number) for number in numbers), fared, inner)


def step_of(message_row: Mapping[str, Any]) -> int | None:
    """The step a message was left by; None for what only takes the run up again."""
    if message_row["kind"] != "go_on":
        return int(message_row["step"])
    return int(message_row["step"]) - 1 if message_row["effect"].get("paused") else None
