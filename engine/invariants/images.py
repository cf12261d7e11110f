"""Events tell the whole of it: each begins with what the one before left, and the last left what is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.errors import message
from engine.formats import MASK
from engine.invariants.looking import ANOTHER_DEFINITION, Broken, Looking
from engine.invariants.stories import Story, by_stable_id
from engine.plans import FormPlan
from engine.trying.past import BEGINS, WRITES
from engine.writing import dumped


def chain(looking: Looking, story: Story) -> Iterator[Broken]:
    """What an event says was there before is what the event before it left."""
    if story.plan.form.parent_form:
        return
    checked, known, last = _checked(looking, story.plan), dict[str, Any](), None
    for event in story.events:
        for key, pair in (event.changes or {}).items():
            if key not in checked:
                continue
            if _filled(known.get(key)) != _filled(pair[0]):
                if event.definition != last:
                    looking.unsure(ANOTHER_DEFINITION)
                else:
                    yield _told(story, checked[key].name, pair[0], known.get(key), event.id)
            known[key] = pair[1]
        last = event.definition
    yield from _as_stored(looking, story, checked, known, last)


def _told(story: Story, name: str, found: Any, expected: Any, event: int) -> Broken:
    said = message("{field} was {found} before this event, but the one before left {expected}.", field=name,
                   found=_short(found), expected=_short(expected))  # fmt: skip
    return Broken(said, story.plan.form.name, story.id, event)


def _as_stored(
    looking: Looking, story: Story, checked: Mapping[str, Any], known: Mapping[str, Any], last: str | None
) -> Iterator[Broken]:
    row = story.row
    if row is None or not story.events:
        return
    if last != looking.app.definition.hash and any(event.kind == "migrated" for event in story.events):
        looking.unsure(ANOTHER_DEFINITION)
        return
    for key, field in checked.items():
        stored: Any = list(story.links[field.name]) if field.name in story.links else row.get(field.name)
        value = _filled(stored if field.name in story.links else _plain(dumped(field, stored)))
        expected = _filled(known.get(key))
        if value == expected:
            continue
        if last != looking.app.definition.hash:
            looking.unsure(ANOTHER_DEFINITION)
            continue
        said = message("{field} is {found}, but the last event left {expected}.", field=field.name,
                       found=_short(value), expected=_short(expected))  # fmt: skip
        yield Broken(said, story.plan.form.name, story.id)


def _checked(looking: Looking, plan: FormPlan) -> dict[str, Any]:
    """Fields whose every change is in an event. Lines name only what differs; what is worked out from figures over
    other records changes without an event and is checked with those."""
    kept: dict[str, Any] = looking.app.plans.kept.setdefault(("fields of events", plan.form.name), {})
    if not kept:
        named = by_stable_id(plan)
        kept.update({
            key: field for key, field in named.items()
            if (field.name in plan.columns or field.name in plan.many) and field.name not in plan.fed
            and field.type != "rollup"
        })  # fmt: skip
    return kept


def _filled(value: Any) -> Any:
    """No links and nothing at all are the same."""
    return None if value == [] else value


def _plain(value: Any) -> Any:
    """As it comes back from JSON."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return json.loads(json.dumps(value))


def _short(value: Any) -> str:
    text = MASK if value == MASK else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def versions(looking: Looking, story: Story) -> Iterator[Broken]:
    """A record begins with one event, and every version of it is another."""
    if story.plan.form.parent_form:
        return
    form = story.plan.form.name
    writes = [event for event in story.events if event.kind in WRITES]
    begins = [event for event in writes if event.kind in BEGINS]
    if story.row is None:
        if story.events:
            yield Broken(message("There are events of it, but the record is not there."), form, story.id)
    elif len(begins) != 1 or writes[0] is not begins[0]:
        yield Broken(message("{count} events say that it began, instead of one.", count=len(begins)), form, story.id)
    elif len(writes) != story.row["version"]:
        yield Broken(message("It is at version {version}, but there are events of {count} versions.",
                             version=story.row["version"], count=len(writes)), form, story.id)  # fmt: skip
