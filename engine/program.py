"""The steps of a rule in the order they are taken, flat: branches have become jumps, so that a run can stop anywhere
and be taken up again by the number of its next step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from engine.actions import Action, Branch, Context, ForEach
from engine.effects import Effect


@dataclass(frozen=True)
class Step:
    """One step. ``path`` is its place in the rule; ``otherwise`` where to go on when a branch's condition does not
    hold; an action-less step without condition goes to ``otherwise`` always. ``inner``: what is run for each record."""

    path: tuple[str | int, ...]
    action: Action | None = None
    when: str | None = None
    otherwise: int = 0
    inner: Program | None = None


@dataclass(frozen=True)
class Program:
    steps: tuple[Step, ...] = field(default=())


@dataclass(frozen=True)
class Wanted:
    """An effect and the number of the step that wants it; ``turn`` counts the effects of one step."""

    step: int
    turn: int
    effect: Effect


@dataclass(frozen=True)
class Stretch:
    """What a rule wants from one step up to the next that has to be waited for. ``next``: where it goes on after that;
    None at the end. ``walked``: the numbers of the steps it came by."""

    wanted: tuple[Wanted, ...]
    next: int | None
    walked: tuple[int, ...] = ()


class Evaluating(Context, Protocol):
    def holds(self, source: str) -> bool:
        """Whether an expression holds."""


def program_of(actions: Sequence[Action], path: tuple[str | int, ...] = ("actions",)) -> Program:
    steps: list[Step] = []
    _lay(actions, path, steps)
    return Program(tuple(steps))


def _lay(actions: Sequence[Action], path: tuple[str | int, ...], steps: list[Step]) -> None:
    for place, action in enumerate(actions):
        here = (*path, place)
        if isinstance(action, Branch):
            _lay_branch(action, here, steps)
        elif isinstance(action, ForEach):
            steps.append(Step(here, action, inner=program_of(action.actions, (*here, "actions"))))
        else:
            steps.append(Step(here, action))


def _lay_branch(action: Branch, here: tuple[str | int, ...], steps: list[Step]) -> None:
    start = len(steps)
    steps.append(Step(here, when=action.when))
    _lay(action.then, (*here, "then"), steps)
    if action.otherwise:
        skip = len(steps)
        steps.append(Step(here))
        steps[start] = replace(steps[start], otherwise=len(steps))
        _lay(action.otherwise, (*here, "otherwise"), steps)
        steps[skip] = replace(steps[skip], otherwise=len(steps))
    else:
        steps[start] = replace(steps[start], otherwise=len(steps))


def inner_program(program: Program, path: Sequence[int]) -> Program:
    """The steps inside a step that holds others; ``path``: the numbers of the steps that lead there."""
    for number in path:
        inner = program.steps[number].inner
        assert inner is not None  # the path was written by the run of the step around it
        program = inner
    return program


def unfold(program: Program, start: int, context: Evaluating) -> Stretch:
    """Work out what the steps from ``start`` want. Jumps only lead forward, so this ends."""
    wanted: list[Wanted] = []
    walked: list[int] = []
    number = start
    while number < len(program.steps):
        step = program.steps[number]
        if step.action is not None or step.when is not None:
            walked.append(number)
        if step.action is None:
            number = number + 1 if step.when is not None and context.holds(step.when) else step.otherwise
            continue
        found = [Wanted(number, turn, effect) for turn, effect in enumerate(step.action.effects(context))]
        wanted += found
        number += 1
        if any(each.effect.suspends for each in found):
            return Stretch(tuple(wanted), number, tuple(walked))
    return Stretch(tuple(wanted), None, tuple(walked))


def every_step(program: Program) -> Iterator[Step]:
    for step in program.steps:
        yield step
        if step.inner is not None:
            yield from every_step(step.inner)


def leaves(program: Program, kind: Any) -> bool:
    """Whether an action of this class stands anywhere in it."""
    return any(isinstance(step.action, kind) for step in every_step(program))
