"""An operation that a planner puts somewhere else: tried beside the plan, then written as it was shown, or not at all.

Nobody holds the plan while somebody looks at the difference. So it is worked out again when it is agreed to, and
refused where it would no longer be the same. What was put somewhere by hand is frozen: the next planning leaves it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from engine.api import (
    Actor,
    Application,
    Denied,
    Message,
    Refused,
    Stale,
    get,
    may,
    message,
    save,
    say,
    together,
    updatable_fields,
)
from plugins.planning.floor.materials import ready
from plugins.planning.floor.reading import PLANNER, Floor, read
from plugins.planning.floor.time import minute, moment
from plugins.planning.floor.writing import write_in
from plugins.planning.moving import CannotMove, Moved, moved

FORM, PIN = "job_step", "frozen"
WHY_NOT: Mapping[str, str] = {
    "unknown": "{name} is done, or no machine or mould that can do it is usable.",
    "locked": "{name} is under way or frozen and stays where it is.",
    "machine": "{machine} cannot do {name}.",
    "past": "{name} cannot begin at a time that has passed.",
    "room": "{machine} is never open long enough for {name}.",
    "waited_for": "{of} waits for what would move and is under way or frozen.",
    "here": "{name} stands at the next possible time already.",
}
CHANGED = message("The plan has changed since this was shown. Move it again.")


@dataclass(frozen=True)
class Asked:
    step: int
    machine: int
    start: dt.datetime


@dataclass(frozen=True)
class Trial:
    floor: Floor
    moved: Moved


def may_move(app: Application, who: Actor) -> bool:
    """Who may freeze an operation may put it somewhere else: it is frozen there."""
    return bool(may(app, who, "update", FORM)) and updatable_fields(app, who, FORM).always(PIN)


def demand_may_move(app: Application, who: Actor) -> None:
    if not may_move(app, who):
        raise Denied(message("You may not move operations."))


def tried(app: Application, who: Actor, asked: Asked) -> Trial:
    """What it would do; nothing is written. Raises Denied, Missing or Refused."""
    demand_may_move(app, who)
    name = str(get(app, who, FORM, asked.step)["_title"])
    machine = str(get(app, who, "machine", asked.machine)["_title"])
    floor = read(app, ready(app))
    try:
        found = moved(floor.problem, floor.plan, str(asked.step), str(asked.machine), minute(asked.start))
    except CannotMove as refused:
        raise Refused(_words(floor, refused, name, machine)) from refused
    return Trial(floor, found)


def _words(floor: Floor, refused: CannotMove, name: str, machine: str) -> Message:
    pattern = WHY_NOT[refused.why]
    values = {"name": name, "machine": machine, "of": floor.names.get(refused.of, refused.of)}
    return message(pattern, **{key: value for key, value in values.items() if f"{{{key}}}" in pattern})


def apply(app: Application, who: Actor, asked: Asked, seal: str) -> None:
    """Raises Refused where something else would be written than what was shown with this seal."""
    try:
        with together(app, PLANNER) as walks:
            trial = tried(app, who, asked)
            if trial.moved.seal != seal:
                raise Refused(CHANGED)
            language = app.definition.languages[0]
            write_in(walks, app, trial.floor, trial.moved.plan, say(_why(trial), language), who.id)
            pinned = {PIN: True, "why": say(message("Put here by hand"), language)}
            walks.save(FORM, pinned, id=asked.step)
    except Stale as stale:
        raise Refused(CHANGED) from stale


def _why(trial: Trial) -> Message:
    floor, landed = trial.floor, trial.moved.landed
    at = moment(landed.start).astimezone(floor.zone)
    return message("Moved by hand: {name} to {machine}, {at}", name=floor.names[landed.operation],
                   machine=str(floor.machines[landed.machine]["_title"]), at=f"{at:%m-%d %H:%M}")  # fmt: skip


def release(app: Application, who: Actor, step: int) -> None:
    """Planning may move it again."""
    demand_may_move(app, who)
    save(app, who, FORM, {PIN: False}, id=step)
