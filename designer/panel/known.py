"""What may be named at a place: forms, fields of the form around, states, roles and so on, with their labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NewType

from designer.panel.inputs import Known
from designer.workspace import Workspace, step_into
from engine.definition import AppDefinition, Form, Transition
from engine.language import (
    ADMIN,
    SYSTEM_FIELDS,
    CalendarName,
    ConnectionName,
    EntryName,
    FeedName,
    FieldName,
    FormName,
    PageName,
    PersonName,
    PortalName,
    PrintFormatName,
    Receiver,
    RoleName,
    RuleName,
    SortKey,
    StateName,
    TransitionName,
    ViewName,
    WayName,
)
from engine.schema import Key
from engine.texts import say
from engine.yamlfile import Path

PREVIOUS = "previous"


def known_for(workspace: Workspace, hint: Any, form: str | None) -> tuple[Known, ...]:
    """Everything a name of this type may be; empty where names are made freely."""
    definition = workspace.definition
    if definition is None or not isinstance(hint, NewType):
        return ()
    return tuple(_found(definition, hint, definition.forms.get(form or ""), workspace.language))


def more_than_names(owner: type, key: Key, language: str) -> tuple[Known, ...]:
    """What an option takes beside the names of its type."""
    back = owner is Transition and key.name == "to"
    return (Known(PREVIOUS, say("the state before", language)),) if back else ()


def _found(definition: AppDefinition, hint: Any, form: Form | None, language: str) -> Iterable[Known]:
    if hint in (FieldName, SortKey):
        return _sorted_ways(_fields(form, language)) if hint is SortKey else _fields(form, language)
    if hint in (StateName, TransitionName):
        forms = definition.forms.values() if form is None else [form]
        return [one for form in forms for one in _of_workflow(hint, form, language)]
    if hint is ViewName:
        return _named(form.views, language) if form is not None else []
    if hint is PrintFormatName:
        return _named(form.prints, language) if form is not None else []
    if hint is EntryName:
        return [*_named(definition.forms, language), *_named(definition.pages, language)]
    if hint in (RoleName, PersonName, Receiver):
        people = definition.demo_users if hint is PersonName else {}
        return [*_named(definition.roles, language), Known(ADMIN, say("Administrator", language)),
                *(Known(name, one.name) for name, one in people.items())]  # fmt: skip
    places: Mapping[Any, Mapping[str, Any]] = {
        FormName: definition.forms, RuleName: definition.rules, ConnectionName: definition.connections,
        FeedName: definition.feeds,
        CalendarName: definition.calendars,
        PageName: definition.pages,
        PortalName: definition.portals,
        WayName: definition.reach.ways if definition.reach else {},
    }  # fmt: skip
    return _named(places.get(hint, {}), language)


def _named(things: Mapping[str, Any], language: str) -> list[Known]:
    return [Known(name, label_of(thing, name, language)) for name, thing in things.items()]


def label_of(thing: Any, name: str, language: str) -> str:
    if hasattr(thing, "label_in"):
        return str(thing.label_in(language))
    label = getattr(thing, "label", None)
    return str(label.text(language)) if label is not None else name


def _fields(form: Form | None, language: str) -> list[Known]:
    if form is None:
        return []
    system = [name for name in SYSTEM_FIELDS if form.workflow or not name.startswith("state")]
    return [*_named(form.fields, language), *(Known(name, say(words(name), language)) for name in system)]


def _sorted_ways(fields: list[Known]) -> list[Known]:
    return [Known(way + one.name, ("↓ " if way else "↑ ") + one.label) for one in fields for way in ("", "-")]


def _of_workflow(hint: Any, form: Form, language: str) -> list[Known]:
    if form.workflow is None:
        return []
    if hint is TransitionName:
        return _named(form.workflow.transitions, language)
    return _named(form.workflow.states, language)


def words(name: str) -> str:
    """``max_length`` → ``Max length``: the English label of an option, translated where it is shown."""
    return name.replace("_", " ").capitalize()


def form_around(workspace: Workspace, path: Path) -> str | None:
    """The form whose fields, states and transitions are named at a path: the one around, or the one that something
    around names itself."""
    found = str(path[1]) if len(path) > 1 and path[0] == "forms" else None
    data = workspace.data
    for depth, step in enumerate(path):
        data = step_into(data, step)
        if isinstance(data, dict):
            found = _own_form(workspace, data, path[: depth + 1]) or found
    return _of_story(workspace, path) or found


def _of_story(workspace: Workspace, path: Path) -> str | None:
    """A part of a scenario names things of the form its record is of."""
    if len(path) < 4 or path[0] != "scenarios" or workspace.definition is None:
        return None
    story = workspace.definition.scenarios.get(str(path[1]))
    parts = getattr(story, str(path[2]), ()) if story is not None else ()
    at = path[3]
    return story.form_of(parts[at]) if story is not None and isinstance(at, int) and at < len(parts) else None


def _own_form(workspace: Workspace, data: dict[str, Any], path: Path) -> str | None:
    """The form a rule's trigger, a card, an action or a step of a story names itself."""
    if path[0] == "forms":
        return None
    for place in (data, data.get("trigger")):
        if isinstance(place, dict):
            named = place.get("form") or place.get("create")
            if isinstance(named, str):
                return named
    return None


def form_of(workspace: Workspace, key: Key, data: Any, around: str | None) -> str | None:
    """The form an option names things of: that of the option it stands beside, else the one around."""
    if key.of is None or not isinstance(data, dict):
        return around
    told = data.get(key.of)
    definition = workspace.definition
    if not isinstance(told, str) or definition is None:
        return around
    if told in definition.forms:
        return told
    here = definition.forms.get(around or "")
    target = getattr(here.fields.get(told), "form", None) if here else None
    return str(target) if target else around
