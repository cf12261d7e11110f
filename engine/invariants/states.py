"""Every record's way through its states is a way its workflow has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from engine.errors import message
from engine.invariants.looking import ANOTHER_DEFINITION, NO_TEXT, Broken, Looking
from engine.invariants.stories import Story
from engine.plans import PREVIOUS, FormPlan
from engine.stays import seconds_between

BEGINS = ("created", "adopted")


def paths(looking: Looking, story: Story) -> Iterator[Broken]:
    """Each step exists, begins where the one before ended, and the last ends where the record is."""
    moves = [event for event in story.events if event.to_state is not None or event.from_state is not None]
    previous: str | None = None
    for event in moves:
        yield from _step(looking, story, event, previous)
        previous = _previous(story.plan, event, previous)
    for one, other in pairwise(moves):
        if one.to_state != other.from_state:
            yield _told(story, other, "The step begins in the state {found}, but the one before ended in {expected}.",
                        found=other.from_state, expected=one.to_state)  # fmt: skip
    if story.row is not None and moves and story.row.get("state") != moves[-1].to_state:
        yield _told(story, moves[-1], "The record is in the state {found}, but its last step led to {expected}.",
                    found=story.row.get("state"), expected=moves[-1].to_state)  # fmt: skip


def _step(looking: Looking, story: Story, event: Any, previous: str | None) -> Iterator[Broken]:
    if event.kind == "migrated":
        return
    plans = looking.plans(event.definition)
    if plans is None or story.plan.form.name not in plans.definition.forms:
        looking.unsure(NO_TEXT)
        return
    workflow = plans.definition.forms[story.plan.form.name].workflow
    if workflow is None:
        looking.unsure(ANOTHER_DEFINITION)
    elif event.kind == "created" and event.to_state != workflow.initial:
        yield _told(story, event, "It began in the state {found}; the workflow begins in {expected}.",
                    found=event.to_state, expected=workflow.initial)  # fmt: skip
    elif event.kind == "adopted" and event.to_state not in workflow.states:
        yield _told(story, event, "It was brought in in the state {found}, which there is not.", found=event.to_state)
    elif event.kind == "taken":
        yield from _transition(story, event, workflow, previous)


def _transition(story: Story, event: Any, workflow: Any, previous: str | None) -> Iterator[Broken]:
    found = next((one for one in workflow.transitions.values() if event.transition in (one.stable_id, one.name)), None)
    if found is None:
        yield _told(story, event, "There is no transition {transition}.", transition=event.transition)
        return
    target = previous if found.to == PREVIOUS else found.to
    if event.from_state not in found.from_ or (target is not None and event.to_state != target):
        yield _told(story, event, "“{transition}” does not lead from {found} to {target}.", transition=found.name,
                    found=event.from_state, target=event.to_state)  # fmt: skip


def _previous(plan: FormPlan, event: Any, previous: str | None) -> str | None:
    """Where `to: previous` leads after the event, as ``moving.enter_target`` keeps it."""
    entered = plan.states.get(event.to_state or "")
    left = plan.states.get(event.from_state or "")
    if entered is None or not entered.aside:
        return None
    return event.from_state if left is not None and not left.aside else previous


def visits(looking: Looking, story: Story) -> Iterator[Broken]:
    """The visits to states follow each other without a gap, the last is open and is where the record is."""
    stays = story.stays
    if story.row is None or not stays:
        if story.row is not None and story.row.get("state") is not None:
            yield _record(story, "It is in the state {state}, but no visit says since when.", state=story.row["state"])
        return
    for one, other in pairwise(stays):
        if one.left_at is None or one.left_at > other.entered_at:
            yield _record(story, "A visit to {state} did not end before the next one began.", state=one.state)
    for one in stays:
        if one.left is not None and one.dwell_seconds != seconds_between(one.entered, one.left):
            yield _record(story, "A visit to {state} took {expected} seconds, but {found} are kept.", state=one.state,
                          expected=seconds_between(one.entered, one.left), found=one.dwell_seconds)  # fmt: skip
    yield from _last(story, stays[-1])
    yield from _as_events(story, stays)


def _last(story: Story, last: Any) -> Iterator[Broken]:
    row = story.row
    assert row is not None  # the caller looked
    if last.left is not None or last.state != row.get("state"):
        yield _record(story, "The record is in the state {found}, but its last visit is to {expected}.",
                      found=row.get("state"), expected=last.state)  # fmt: skip
    elif last.entered != row.get("state_since"):
        yield _record(story, "The record is in {state} since {found}, but the visit began {expected}.",
                      state=last.state, found=str(row.get("state_since")), expected=str(last.entered))  # fmt: skip


def _as_events(story: Story, stays: Sequence[Any]) -> Iterator[Broken]:
    moves = [event for event in story.events if event.to_state is not None]
    if not moves or moves[0].kind != "created":
        return  # its visits began elsewhere
    expected, found = [event.to_state for event in moves], [stay.state for stay in stays]
    if expected != found:
        yield _record(story, "Its visits are {found}; by its events they would be {expected}.", found=tuple(found),
                      expected=tuple(expected))  # fmt: skip


def _told(story: Story, event: Any, pattern: str, **values: Any) -> Broken:
    return Broken(message(pattern, **values), story.plan.form.name, story.id, event.id)


def _record(story: Story, pattern: str, **values: Any) -> Broken:
    return Broken(message(pattern, **values), story.plan.form.name, story.id)
