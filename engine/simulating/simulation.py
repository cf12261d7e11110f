"""A discrete-event simulation over one application: whoever acts, acts as a person, through the doors people use.

Time jumps from one planned moment to the next; in between everything comes due that rules left. Nothing but the
passed-in seed is random, so the same seed leaves the same database.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from engine import answering, questions, service
from engine.application import Application
from engine.errors import AppmillError
from engine.people import Actor
from engine.reading import get, records
from engine.scenarios.world import World
from engine.simulating.figures import Figures
from engine.simulating.hours import Hours
from engine.storage import records as stored
from engine.storage.automation import in_state
from engine.timing.simulate import Passing, Story
from engine.walking import Saved

EVERY = 2.0  # seconds of the wall clock between two words about how far it is

Deed = Callable[["Simulation"], None]
Told = Callable[["Simulation"], None]


class Stopped(Exception):
    """Raised by ``told`` as well: the simulation ends where it is, and its figures say that it is not complete."""


class Agent(Protocol):
    """Somebody, or something, that acts again and again: a person of a role, a machine, somebody outside."""

    def begin(self, simulation: Simulation) -> dt.datetime | None:
        """When it acts first; None: never."""

    def act(self, simulation: Simulation) -> dt.datetime | None:
        """Do the next thing; answers when it acts again. It changes records through ``simulation.attempt`` alone."""


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt: ``value`` is what the door answered, ``refusal`` what it said instead."""

    value: Any = None
    refusal: AppmillError | None = None

    def __bool__(self) -> bool:
        return self.refusal is None

    @property
    def saved(self) -> Saved:
        assert isinstance(self.value, Saved)
        return self.value


@dataclass
class Simulation:
    """``size``: how much is wanted, where the factory knows such a thing. ``random`` is the only chance there is."""

    world: World
    random: Random
    start: dt.datetime
    end: dt.datetime
    size: int | None = None
    told: Told = lambda _simulation: None
    figures: Figures = field(default_factory=Figures)
    _queue: list[tuple[dt.datetime, int, Deed]] = field(default_factory=list)
    _count: Iterator[int] = field(default_factory=count)
    _actors: dict[str, Actor] = field(default_factory=dict)
    _began: float = 0.0
    _spoken: float = 0.0
    _stopping: bool = False

    # --- what is there

    @property
    def app(self) -> Application:
        return self.world.app

    @property
    def now(self) -> dt.datetime:
        return self.world.hands.now

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.world.definition.timezone)

    @property
    def today(self) -> dt.date:
        """The day on the application's clock."""
        return self.now.astimezone(self.zone).date()

    @property
    def share(self) -> float:
        """How much of the time is over, 0 to 1."""
        return min(1.0, (self.now - self.start) / (self.end - self.start))

    def hours(self, **more: Any) -> Hours:
        return Hours(self.zone, **more)

    def actor(self, word: str) -> Actor:
        """The person of a role, or the one with this sign-in name, with the roles they have at the beginning."""
        found = self._actors.get(word)
        if found is None:
            found = self._actors[word] = self.world.actor(word)
        return found

    @cached_property
    def logins(self) -> tuple[str, ...]:
        """The sign-in names of everybody, administrators too, in the order of their ids."""
        found: dict[int, str] = {}
        for word, id in self.world.people.items():
            found.setdefault(id, word)
        return tuple(found[id] for id in sorted(found))

    def of_role(self, role: str) -> list[str]:
        """The sign-in names of everybody with the role."""
        return [login for login in self.logins if role in self.actor(login).roles]

    # --- planning

    def begin_at(self, moment: dt.datetime) -> None:
        """What is set up before the first act is set up then, such as on the morning of the first day."""
        self.world.hands.now = max(moment, self.now)

    def at(self, moment: dt.datetime, deed: Deed) -> None:
        """Do something at a moment; of the same moment in the order in which it was planned."""
        heappush(self._queue, (moment.replace(microsecond=0), next(self._count), deed))

    def follow(self, story: Iterator[dt.datetime]) -> None:
        """Something that goes on step by step: a generator that yields the moment at which it is taken up again."""
        moment = next(story, None)
        if moment is not None:
            self.at(max(moment, self.now), lambda _simulation: self.follow(story))

    def enter(self, agent: Agent) -> None:
        """Somebody begins to act."""
        first = agent.begin(self)
        if first is not None:
            self.at(first, lambda _simulation: self._turn(agent))

    def _turn(self, agent: Agent) -> None:
        following = agent.act(self)
        if following is not None:
            self.at(max(following, self.now), lambda _simulation: self._turn(agent))

    # --- doing

    def attempt(self, word: str, act: str, deed: Callable[[Actor], Any], *, quiet: bool = False) -> Outcome:
        """Do something as a person; a refusal is an outcome, counted under what was tried. ``quiet``: not counted."""
        try:
            value = deed(self.actor(word))
        except AppmillError as refusal:
            if not quiet:
                self.figures.refuse(act, refusal)
            return Outcome(refusal=refusal)
        self.figures.acts[act] += 1
        self.figures.by[word] += 1
        return Outcome(value)

    def create(self, word: str, form: str, values: Mapping[str, Any]) -> Outcome:
        return self.attempt(word, f"{form} create", lambda who: service.save(self.app, who, form, values))

    def change(
        self, word: str, form: str, id: int, values: Mapping[str, Any], *, version: int | None = None
    ) -> Outcome:
        return self.attempt(
            word, f"{form} update", lambda who: service.save(self.app, who, form, values, id=id, version=version)
        )

    def take(
        self, word: str, form: str, id: int, transition: str, values: Mapping[str, Any] | None = None, *,
        reason: str | None = None, version: int | None = None,
    ) -> Outcome:  # fmt: skip
        return self.attempt(
            word, f"{form} take {transition}",
            lambda who: service.take(
                self.app, who, form, id, transition, values=values, reason=reason, version=version
            ),
        )  # fmt: skip

    def press(self, word: str, form: str, id: int, rule: str) -> Outcome:
        return self.attempt(word, f"{form} press {rule}", lambda who: service.press(self.app, who, form, id, rule))

    def delete(self, word: str, form: str, id: int) -> Outcome:
        return self.attempt(word, f"{form} delete", lambda who: service.delete(self.app, who, form, id))

    def answer(self, word: str, question: int, name: str, comment: str | None = None) -> Outcome:
        return self.attempt(
            word, f"answer {name}", lambda who: answering.answer(self.app, who, question, name, comment)
        )

    def file(self, word: str, form: str, field: str, name: str) -> int:
        """A file somebody uploaded for a field; its id goes among the values."""
        return self.world.file(form, field, name, self.actor(word).id)

    def note(self, what: str, times: int = 1) -> None:
        """Count something that happens in the simulation and nowhere in the application, such as a broken machine."""
        self.figures.noted[what] += times

    # --- looking

    def get(self, word: str, form: str, id: int) -> dict[str, Any]:
        """A record as a person sees it; raises Missing."""
        return get(self.app, self.actor(word), form, id)

    def asked(self, word: str, form: str | None = None, id: int | None = None) -> list[questions.Question]:
        """The questions that wait for a person's answer, the newest first; with a form those about one record."""
        who = self.actor(word).id
        with self.app.database.read() as conn:
            found = questions.open_for(conn, self.app.tables, who or 0, self.now, form=form, record_id=id, limit=5)
        return [one for one in found if (voice := one.voice(who)) and voice.answer is None]

    def records(self, word: str, form: str, where: str | None = None, **more: Any) -> list[dict[str, Any]]:
        """The records a person sees, as ``engine.reading.records``."""
        return records(self.app, self.actor(word), form, where=where, **more)

    def row(self, form: str, id: int) -> dict[str, Any]:
        """The stored record, whoever may see it: for the bookkeeping of the simulation, not for what its people do."""
        with self.app.database.read() as conn:
            return stored.get(conn, self.app.tables, form, id) or {}

    def rows(self, form: str, *, limit: int = 1000, **values: Any) -> list[dict[str, Any]]:
        """The stored records that have these values, the oldest first; as ``row``."""
        table = self.app.tables.form[form]
        here = [table.c.deleted_at.is_(None), *(table.c[name] == value for name, value in values.items())]
        with self.app.database.read() as conn:
            return [
                dict(row)
                for row in conn.execute(sa.select(table).where(*here).order_by(table.c.id).limit(limit)).mappings()
            ]

    # --- going

    @property
    def seconds(self) -> float:
        """Of the wall clock, since it began."""
        return time.monotonic() - self._began

    def stop(self) -> None:
        """End after what is being done: what was done so far stands, and the figures say that it is not complete."""
        self._stopping = True

    def run(self) -> Figures:
        """Let the time pass to the end."""
        self._began = self._spoken = time.monotonic()
        passing = Passing(self.app, self.world.hands, Story())
        try:
            with passing.listening():
                self._go(passing)
        except Stopped:
            self.figures.complete = False
        self.figures.seconds += self.seconds
        self.figures.sent.update(one.kind for one in self.world.recorder.sent)
        self.figures.complete &= passing.story.complete
        _count_up(self)
        return self.figures

    def _go(self, passing: Passing) -> None:
        while self._queue and self._queue[0][0] <= self.end:
            if self._stopping:
                raise Stopped
            moment, _number, deed = heappop(self._queue)
            passing.until(max(moment, self.now))
            if not passing.story.complete:
                return
            deed(self)
            self.figures.moments += 1
            self._speak()
        passing.until(self.end)

    def _speak(self) -> None:
        now = time.monotonic()
        if now - self._spoken >= EVERY:
            self._spoken = now
            self.told(self)


# --- figures at the end ----------------------------------------------------------------------------------------------


def _count_up(simulation: Simulation) -> None:
    app, figures = simulation.app, simulation.figures
    message, run, event = app.tables.message, app.tables.run, app.tables.event
    counted = sa.func.count()
    with app.database.read() as conn:
        kinds = sa.select(message.c.kind, message.c.state, counted).group_by(message.c.kind, message.c.state)
        figures.messages = {f"{kind} {state}": n for kind, state, n in sorted(conn.execute(kinds), key=_first_two)}
        failed = sa.select(run.c.rule, counted).where(in_state(run, "failed")).group_by(run.c.rule)
        figures.failed_runs = dict(sorted((rule, n) for rule, n in conn.execute(failed)))
        figures.events = int(conn.scalar(sa.select(counted).select_from(event)) or 0)
        figures.records = {
            name: int(conn.scalar(sa.select(counted).select_from(table)) or 0)
            for name, table in app.tables.form.items()
        }


def _first_two(row: Any) -> tuple[str, str]:
    return row[0], row[1]
