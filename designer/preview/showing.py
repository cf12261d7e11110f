"""Which version of a draft is shown: the newest without mistakes, with a word when that is an earlier one."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from designer.preview.worlds import World, Worlds, worlds_over
from designer.workspace import Workspace
from engine.application import Application
from engine.definition import AppDefinition
from engine.errors import AppmillError, Message, Refused, message
from engine.people import Actor
from engine.storage.decisions import Decision, Decisions
from engine.web.context import application

DRAFTS = 50  # of which the last good version is remembered
WITH_MISTAKES = message("The draft has mistakes. What is shown is its last version without any.")
NEVER_GOOD = message("The draft has mistakes. What is shown is the application as it is in force.")


@dataclass(frozen=True)
class Shown:
    """``problem``: why ``world`` is not that of the newest text; None when it is."""

    world: World
    problem: Message | None = None


def world(workspace: Workspace, actor: Actor, live: Application | None = None) -> Application:
    """The draft over a sample of what ``actor`` may read in ``live`` (the application of the present request).
    Whatever is written through it is taken back. Raises Refused while the draft has mistakes, or does not fit the
    data."""
    if workspace.definition is None or workspace.reading.errors:
        raise Refused(message("The draft has mistakes; put them right to try it."))
    here = live or application()
    return worlds_over(here).of(here, actor, workspace.definition, _decided(workspace)).app


def shown(live: Application, workspace: Workspace, actor: Actor) -> Shown:
    """What the preview of a draft shows ``actor`` now."""
    worlds = worlds_over(live)
    good = _good(worlds)
    if workspace.definition is None or workspace.reading.errors:
        last = good.get(workspace.change.id)
        return Shown(worlds.of(live, actor, last or live.definition), WITH_MISTAKES if last else NEVER_GOOD)
    try:
        found = worlds.of(live, actor, workspace.definition, _decided(workspace))
    except AppmillError as error:
        return Shown(worlds.of(live, actor, good.get(workspace.change.id, live.definition)), error.reason)
    _remember(good, workspace.change.id, workspace.definition)
    return Shown(found)


def _decided(workspace: Workspace) -> Decisions:
    return {id: Decision.from_data(each) for id, each in workspace.change.decisions.items()}


def _good(worlds: Worlds) -> OrderedDict[int, AppDefinition]:
    found: OrderedDict[int, AppDefinition] = worlds.kept.setdefault("good", OrderedDict())
    return found


def _remember(good: OrderedDict[int, AppDefinition], draft: int, definition: AppDefinition) -> None:
    good.pop(draft, None)
    good[draft] = definition
    while len(good) > DRAFTS:
        good.popitem(last=False)
