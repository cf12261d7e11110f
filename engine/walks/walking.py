"""Walks over all forms with a workflow: Hypothesis draws the values, and draws simpler ones once something is found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from engine.definition import Form
from engine.errors import message
from engine.load import Loaded
from engine.registry import Registry
from engine.scenarios.world import opened
from engine.walks.budget import Budget, Remaining, Told
from engine.walks.drawing import Palette, accented, palettes
from engine.walks.edges import edges_of
from engine.walks.exploring import Explorer
from engine.walks.found import Stuck
from engine.walks.ground import PutBack

TURNS = 3  # options, or sides of a limit, that each field conditions look at gets in turn
SIMPLER = 2.0  # seconds to find simpler values that lead to the same


def walk(
    loaded: Loaded,
    registry: Registry,
    *,
    forms: Iterable[str] | None = None,
    language: str = "en",
    told: Told = lambda done, total, what: None,
    budget: Budget | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> list[Stuck]:
    """Generate records, let people move them on, and answer those that nobody can help, one per form and state.

    ``forms``: only these; ``told``: after each form, (done, all, which); what it raises ends the walk. The same
    definition and budget give the same records, as far as the seconds reach. Nothing outside the copy is touched.
    """
    wanted = [
        form for form in loaded.definition.forms.values()
        if form.workflow and not form.parent_form and (forms is None or form.name in set(forms))
    ]  # fmt: skip
    if not wanted:
        return []
    spent = budget or Budget()
    end = clock() + spent.seconds
    found: list[Stuck] = []
    with opened(loaded, registry, language) as world:
        ground = PutBack(world, edges_of(loaded.definition))
        for place, form in enumerate(wanted):
            told(place, len(wanted), message("walking records of {form}", form=form.label))
            share = Remaining(max(end - clock(), 0.1) / (len(wanted) - place), clock)
            found += _Search(ground, form, share, spent, lambda: told(place, len(wanted), _WALKING)).run()  # noqa: B023
        told(len(wanted), len(wanted), message("records were walked"))
    return found


_WALKING = message("walking records")


class _Found(Exception):
    """An example led to a record that is stuck."""


class _Search:
    """``best``: the nearest stuck record per state, ``turns`` with which accents it was found; ``stopped``: what
    ``told`` raised, which is no finding."""

    def __init__(
        self, ground: PutBack, form: Form, share: Remaining, budget: Budget, breathe: Callable[[], None]
    ) -> None:
        self.ground, self.form, self.share, self.budget, self.breathe = ground, form, share, budget, breathe
        self.explorer = Explorer(ground, form, self._over, budget.steps)
        self.best: dict[str, Stuck] = {}
        self.wanted: str | None = None
        self.turn, self.turns = 0, dict[str, int]()
        self.simpler: Remaining | None = None
        self.stopped: BaseException | None = None

    def run(self) -> list[Stuck]:
        for turn in range(min(TURNS, self.budget.records)):
            count = max(1, self.budget.records // TURNS)
            self._examples(self._drawn(turn), self._look, count, (Phase.generate,))
        for state in [*self.best]:
            self.wanted, self.simpler = state, Remaining(min(SIMPLER, self.share.seconds), self.share.clock)
            drawn = self._drawn(self.turns[state])
            self._examples(drawn, self._look_again, self.budget.records, (Phase.generate, Phase.shrink))
        return list(self.best.values())

    def _drawn(self, turn: int) -> SearchStrategy[Palette]:
        self.turn, ground = turn, self.ground
        about = (ground.definition, self.form.name, ground.edges, ground.today)
        drawn = palettes(ground.definition, self.form, ground.edges, ground.today)
        return drawn.map(lambda palette: accented(palette, turn, *about))

    def _examples(
        self, drawn: SearchStrategy[Palette], test: Callable[[Palette], None], count: int, phases: tuple[Phase, ...]
    ) -> None:
        quiet = settings(
            max_examples=count, phases=phases, derandomize=True, database=None, deadline=None, print_blob=False,
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet, report_multiple_bugs=False,
        )  # fmt: skip
        with suppress(_Found, Flaky):  # what was found is kept in ``best``; one that ran out of time is not repeated
            quiet(given(drawn)(test))()
        if self.stopped is not None:
            raise self.stopped

    def _over(self) -> bool:
        if self.stopped is None:
            try:
                self.breathe()
            except BaseException as wish:  # raised again outside of Hypothesis
                self.stopped = wish
        watch = self.simpler or self.share
        return self.stopped is not None or watch.over

    def _look(self, palette: Palette) -> None:
        if not self._over():
            for stuck in self.explorer.explore(palette):
                self._keep(stuck)

    def _look_again(self, palette: Palette) -> None:
        if self._over():
            return
        for stuck in self.explorer.explore(palette):
            self._keep(stuck)
            if stuck.state == self.wanted:
                raise _Found

    def _keep(self, stuck: Stuck) -> None:
        known = self.best.get(stuck.state)
        if known is None or _size(stuck) <= _size(known):
            self.best[stuck.state] = stuck
            self.turns[stuck.state] = self.turn


def _size(stuck: Stuck) -> tuple[int, int, int]:
    return len(stuck.path), len(stuck.values), sum(map(len, stuck.values.values()))
