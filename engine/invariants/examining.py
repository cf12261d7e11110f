"""Everything that must be true, looked at on one database: the general invariants and those of plugins."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from engine.application import Application
from engine.errors import Message, Missing, message
from engine.invariants import causes, images, machinery, people, states, worked_out
from engine.invariants.looking import Broken, Find, Looking
from engine.invariants.stories import Story, stories
from engine.texts import say

MOST = 50  # told of one invariant; all are counted

Watch = Callable[[Looking, Story], Iterator[Broken]]

WATCHES: Mapping[str, tuple[Message, Watch]] = {
    "paths": (message("Every way through the states is a way of the workflow"), states.paths),
    "visits": (message("Visits to states follow each other without a gap"), states.visits),
    "images": (message("Each event begins with what the one before left"), images.chain),
    "versions": (message("Every version has its event"), images.versions),
}
RIGHTS = "rights"
STATEMENTS: Mapping[str, tuple[Message, Find]] = {
    "answers": (message("Whoever answered was asked"), people.answers),
    "causes": (message("Every event has a cause"), causes.causes),
    "trail": (message("Events are never changed, and none is missing"), causes.trail),
    "rollups": (message("Figures over other records are right"), worked_out.rollups),
    "computed": (message("Computed values are right"), worked_out.computed),
    "index": (message("Every record is in the search index"), machinery.index),
    "runs": (message("No run is left lying"), machinery.runs),
    "messages": (message("Everything that was to be done is done or explained"), machinery.messages),
}
NAMES = (*WATCHES, RIGHTS, *STATEMENTS)


@dataclass
class Result:
    """``broken``: the first of them; ``count``: all. ``undecided``: how often it could not be told, by why."""

    name: str
    label: Message
    broken: list[Broken] = field(default_factory=list)
    count: int = 0
    undecided: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.count

    def add(self, found: Iterator[Broken]) -> None:
        for one in islice(found, max(0, MOST - len(self.broken))):
            self.broken.append(one)
            self.count += 1
        self.count += sum(1 for _ in found)

    def as_json(self, language: str = "en") -> dict[str, Any]:
        told = [
            {"form": one.form, "record": one.record_id, "event": one.event_id, "sentence": say(one.message, language)}
            for one in self.broken
        ]
        return {
            "name": self.name, "label": say(self.label, language), "holds": self.holds, "count": self.count,
            "broken": told, "undecided": dict(self.undecided), "seconds": round(self.seconds, 3),
        }  # fmt: skip


def names_of(app: Application) -> tuple[str, ...]:
    """Every invariant there is for this application, the plugin's own last."""
    return (*NAMES, *(name for of, name in app.registry.invariants if of == app.definition.app))


def examine(
    app: Application, only: Collection[str] = (), *, told: Callable[[str], None] = lambda _name: None
) -> list[Result]:
    """Look at everything, or at those named; nothing is written. ``told``: the name of what is looked at next.

    All is read from one consistent view, so the application may be at work meanwhile. Raises Missing for a name there
    is not.
    """
    known = names_of(app)
    for name in only:
        if name not in known:
            raise Missing(message("There is no invariant {name}; there are: {known}.", name=name, known=known))
    wanted = [name for name in known if not only or name in only]
    with app.database.read() as conn:
        looking = Looking(app, conn)
        by_name = {result.name: result for result in _told_stories(looking, wanted, told)}
        for name in wanted:
            if name not in by_name:
                told(name)
                by_name[name] = _stated(looking, name)
    return [by_name[name] for name in wanted]


def _told_stories(looking: Looking, wanted: Collection[str], told: Callable[[str], None]) -> list[Result]:
    """Those that follow each record share one reading."""
    rights = people.Rights.of(looking) if RIGHTS in wanted else None
    watches: dict[str, tuple[Message, Watch]] = {name: one for name, one in WATCHES.items() if name in wanted}
    if rights is not None:
        acted = rights.acted
        watches[RIGHTS] = (message("Nobody acted without permission"), lambda _looking, story: acted(story))
    if not watches:
        return []
    told(", ".join(watches))
    results = {name: Result(name, label) for name, (label, _watch) in watches.items()}
    pairs = [(results[name], watch) for name, (_label, watch) in watches.items()]
    began = time.monotonic()
    for story in stories(looking):
        for result, watch in pairs:
            looking.undecided = result.undecided
            result.add(watch(looking, story))
    for result in results.values():
        result.seconds = time.monotonic() - began
    return list(results.values())


def _stated(looking: Looking, name: str) -> Result:
    registered = looking.app.registry.invariants.get((looking.app.definition.app, name))
    label, find = STATEMENTS[name] if registered is None else (message("{name}", name=name), registered)
    result = Result(name, label)
    looking.undecided = result.undecided
    began = time.monotonic()
    result.add(iter(find(looking)))
    result.seconds = time.monotonic() - began
    return result
