"""What people do to the life of a record: states, transitions, their order, their ends."""

from __future__ import annotations

from typing import Any

from designer.flows.places import (
    known_state,
    known_transition,
    label_of,
    labels_with,
    people_for,
    sources,
    state_path,
    states_of,
    transition_path,
    transitions_of,
    workflow_path,
)
from designer.forms.starters import text_in
from designer.generic import inserted, refuse_needed
from designer.naming import name_for, text_of, unique
from designer.operations import Breaks, Made, operation
from designer.places import thing_at
from designer.text import Edit, EditRefused, Insert, Move, Remove, SetValue
from designer.workspace import Workspace
from engine import uses
from engine.errors import Message, message
from engine.yamlfile import Path

_NO_NAMES = {"previous", "record", "user", "none", "true", "false"}


@operation("flow.start")
def start(workspace: Workspace, form: str) -> Made:
    """A form without a workflow gets one: open, done, and the way between."""
    if workspace.at(("forms", form)) is None:
        raise EditRefused(message("There is no form {form}.", form=form), ("forms",))
    if workspace.at(workflow_path(form)) is not None:
        raise EditRefused(message("The form {form} has a flow already.", form=form), workflow_path(form))
    flow = {
        "initial": "open",
        "states": {
            "open": {"label": text_in(workspace, message("Open").pattern)},
            "done": {"label": text_in(workspace, message("Done").pattern), "final": True, "colour": "green"},
        },
        "transitions": {
            "finish": {
                "label": text_in(workspace, message("Finish").pattern), "from": ["open"], "to": "done",
                "roles": people_for(workspace, form),
            },
        },
    }  # fmt: skip
    edit = inserted(workspace, ("forms", form), "workflow", flow)
    return Made([edit], message("{form} has a flow", form=form), state_path(form, "open"))


@operation("flow.remove")
def remove_flow(workspace: Workspace, form: str, force: bool = False) -> Made:
    """The records of a form have no states any more."""
    named = workspace.at(("forms", form, "label"))
    if not force:
        inside = workflow_path(form)
        found = [
            (one.path, one.sentence) for state in states_of(workspace, form)
            for one in _breaks(workspace, state_path(form, state)) if one.path[: len(inside)] != inside
        ]  # fmt: skip
        if found:
            raise Breaks(message("The flow is still used in {count} places.", count=len(found)), found)
    label = message("The flow of {form} is removed", form=text_of(named, workspace.language) or form)
    return Made([Remove(workflow_path(form))], label, ("forms", form))


# --- states ----------------------------------------------------------------------------------------------------------


@operation("state.add")
def add_state(
    workspace: Workspace, form: str, label: str, after: str | None = None, connect: bool = False
) -> Made:
    """A new state behind another one, or before the end; ``connect``: with a transition that leads there from it."""
    states = states_of(workspace, form)
    text = label.strip()
    if not text:
        raise EditRefused(message("A state needs a label."), workflow_path(form))
    name = name_for(text, {*states, *_NO_NAMES}, "state")
    parent = (*workflow_path(form), "states")
    behind = after if after in states else _last_before_the_end(states)
    value = {"label": label_of(workspace, text)}
    edits: list[Edit] = [
        Insert(parent, name, value, after=behind) if behind else Insert(parent, name, value, index=0)
    ]
    if connect and after in states:
        step = f"to_{name}", {
            "label": labels_with(workspace, "To {state}", value["label"], name), "from": [after], "to": name,
            "roles": people_for(workspace, form, after),
        }  # fmt: skip
        edits.append(_new_transition(workspace, form, *step))
    return Made(edits, message("The state “{state}” is added", state=text), (*parent, name))


def _last_before_the_end(states: dict[str, Any]) -> str | None:
    """The last state of the main path that is not final: new ones come behind it."""
    known = {name: one for name, one in states.items() if isinstance(one, dict)}
    main = [name for name, one in known.items() if not (one.get("final") or one.get("aside"))]
    return main[-1] if main else next(reversed(states), None)


@operation("state.remove")
def remove_state(workspace: Workspace, form: str, state: str, force: bool = False) -> Made:
    """A state goes, with the transitions that lead only there or only from there; refused, with the places that need
    it, unless forced."""
    path, states = known_state(workspace, form, state), states_of(workspace, form)
    if len(states) == 1:
        raise EditRefused(message("A flow has at least one state; remove the flow instead."), path)
    if not force:
        refuse_needed(workspace, path)
    label = text_of(_said(states[state]), workspace.language) or state
    edits: list[Edit] = [*_without(workspace, form, state), Remove(path)]
    if workspace.at((*workflow_path(form), "initial")) == state:
        following = next(name for name in states if name != state)
        edits.append(SetValue((*workflow_path(form), "initial"), following))
    return Made(edits, message("The state “{state}” is removed", state=label), workflow_path(form))


def _without(workspace: Workspace, form: str, state: str) -> list[Edit]:
    """The transitions of the flow once a state is gone."""
    edits: list[Edit] = []
    for name, transition in transitions_of(workspace, form).items():
        rest = [one for one in sources(transition) if one != state]
        if transition.get("to") == state or not rest:
            edits.append(Remove(transition_path(form, name)))
        elif rest != sources(transition):
            edits.append(SetValue((*transition_path(form, name), "from"), rest))
    return edits


def _said(thing: Any) -> Any:
    return thing.get("label") if isinstance(thing, dict) else None


def _breaks(workspace: Workspace, path: Path) -> tuple[uses.Break, ...]:
    thing = thing_at(workspace, path)
    return uses.breaks(workspace.uses, thing) if thing else ()


@operation("state.reorder")
def reorder_state(workspace: Workspace, form: str, state: str, index: int) -> Made:
    """The order of the states is that of the main path: what lies behind is “back”."""
    path = known_state(workspace, form, state)
    return _moved(workspace, path, index, len(states_of(workspace, form)), message("The state is moved"))


@operation("initial.set")
def set_initial(workspace: Workspace, form: str, state: str) -> Made:
    """New records begin here."""
    path = known_state(workspace, form, state)
    label = text_of(_said(states_of(workspace, form)[state]), workspace.language) or state
    edit = SetValue((*workflow_path(form), "initial"), state)
    return Made([edit], message("New records begin in “{state}”", state=label), path)


def _moved(workspace: Workspace, path: Path, index: int, count: int, label: Message) -> Made:
    there = list(workspace.at(path[:-1]) or {})
    wanted = max(0, min(index, count - 1))
    edits: list[Edit] = [] if there.index(path[-1]) == wanted else [Move(path, path[:-1], index=wanted)]
    return Made(edits, label, path)


# --- transitions -----------------------------------------------------------------------------------------------------


@operation("transition.add")
def add_transition(workspace: Workspace, form: str, source: str, target: str, label: str = "") -> Made:
    """A way from one state to another; who may take it is who takes the others from there."""
    known_state(workspace, form, source)
    if target != "previous":
        known_state(workspace, form, target)
    text = label.strip()
    name = name_for(text, _taken(workspace, form), "step") if text else f"to_{target}"
    value = {
        "label": label_of(workspace, text) if text else _to(workspace, form, target), "from": [source], "to": target,
        "roles": people_for(workspace, form, source),
    }  # fmt: skip
    edit = _new_transition(workspace, form, name, value)
    said = message("A transition from “{source}” to “{target}” is added",
                   source=_called(workspace, form, source), target=_called(workspace, form, target))  # fmt: skip
    return Made([edit], said, transition_path(form, _name_in(edit)))


def _to(workspace: Workspace, form: str, target: str) -> Any:
    if target == "previous":
        return text_in(workspace, message("Back").pattern)
    return labels_with(workspace, "To {state}", _said(states_of(workspace, form)[target]), target)


def _called(workspace: Workspace, form: str, state: str) -> Message | str:
    if state == "previous":
        return message("the state before")
    return text_of(_said(states_of(workspace, form)[state]), workspace.language) or state


def _taken(workspace: Workspace, form: str) -> set[str]:
    return {*transitions_of(workspace, form), *_NO_NAMES}


def _new_transition(workspace: Workspace, form: str, name: str, value: dict[str, Any]) -> Insert:
    """Behind the last transition from the same state, so that what belongs together stands together."""
    parent = (*workflow_path(form), "transitions")
    free = unique(name, _taken(workspace, form))
    if workspace.at(parent) is None:
        return inserted(workspace, workflow_path(form), "transitions", {free: value})
    beside = [one for one, said in transitions_of(workspace, form).items() if value["from"][0] in sources(said)]
    return Insert(parent, free, value, after=beside[-1] if beside else None)


def _name_in(edit: Insert) -> str:
    return str(edit.key) if edit.key != "transitions" else str(next(iter(edit.value)))


@operation("transition.remove")
def remove_transition(
    workspace: Workspace, form: str, transition: str, source: str | None = None, force: bool = False
) -> Made:
    """A transition goes; with ``source``, where it leaves several states, only the way from that one."""
    found, path = known_transition(workspace, form, transition), transition_path(form, transition)
    rest = [one for one in sources(found) if one != source]
    label = text_of(_said(found), workspace.language) or transition
    if source is not None and rest and rest != sources(found):
        said = message("“{step}” does not leave this state any more", step=label)
        return Made([SetValue((*path, "from"), rest)], said, path)
    if not force:
        refuse_needed(workspace, path)
    return Made([Remove(path)], message("The transition “{step}” is removed", step=label), workflow_path(form))


@operation("transition.redirect")
def redirect(
    workspace: Workspace, form: str, transition: str, target: str | None = None, source: str | None = None,
    was: str | None = None,
) -> Made:  # fmt: skip
    """Another end for a transition: ``target`` where it leads, or ``source`` instead of ``was`` (None: in addition)."""
    found, path = known_transition(workspace, form, transition), transition_path(form, transition)
    edits: list[Edit] = []
    if target is not None and target != found.get("to"):
        if target != "previous":
            known_state(workspace, form, target)
        edits.append(SetValue((*path, "to"), target))
    if source is not None:
        known_state(workspace, form, source)
        wanted = [source if one == was else one for one in sources(found)]
        wanted = list(dict.fromkeys(wanted if source in wanted else [*wanted, source]))
        if wanted != sources(found):
            edits.append(SetValue((*path, "from"), wanted))
    label = text_of(_said(found), workspace.language) or transition
    return Made(edits, message("“{step}” is led elsewhere", step=label), path)


@operation("transition.reorder")
def reorder_transition(workspace: Workspace, form: str, transition: str, index: int) -> Made:
    """The order of the transitions is that of the buttons."""
    known_transition(workspace, form, transition)
    count = len(transitions_of(workspace, form))
    return _moved(workspace, transition_path(form, transition), index, count, message("The transition is moved"))


# --- time ------------------------------------------------------------------------------------------------------------


@operation("timeout.add")
def add_timeout(workspace: Workspace, form: str, state: str) -> Made:
    """A rule that wakes when a record stays in the state for too long, and tells those who are responsible."""
    known_state(workspace, form, state)
    stage = states_of(workspace, form)[state] or {}
    trigger = {"type": "timeout", "form": form, "state": state}
    if not stage.get("within"):
        trigger["within"] = "2d"
    tell = {"type": "notify", "to": people_for(workspace, form, state)}
    rule = {
        "label": labels_with(workspace, "“{state}” takes too long", _said(stage), state),
        "trigger": trigger,
        "actions": [{**tell, "message": labels_with(workspace, "“{state}” takes too long", _said(stage), state)}],
    }  # fmt: skip
    name = unique(f"{form}_{state}_too_long"[:50], set(workspace.map_at(("rules",))))
    edit: Edit = (
        Insert(("rules",), name, rule) if workspace.at(("rules",)) else inserted(workspace, (), "rules", {name: rule})
    )
    called = text_of(_said(stage), workspace.language) or state
    return Made([edit], message("A time-out for “{state}” is added", state=called), state_path(form, state))
