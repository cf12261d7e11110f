"""Where the parts of a workflow stand, and what a new part says when nobody said more."""

from __future__ import annotations

from typing import Any

from designer.forms.steps import languages
from designer.naming import text_of
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.errors import message
from engine.language import ADMIN
from engine.texts import say
from engine.yamlfile import Path


def workflow_path(form: str) -> Path:
    return ("forms", form, "workflow")


def state_path(form: str, state: str) -> Path:
    return (*workflow_path(form), "states", state)


def transition_path(form: str, transition: str) -> Path:
    return (*workflow_path(form), "transitions", transition)


def states_of(workspace: Workspace, form: str) -> dict[str, Any]:
    """State → what the file says of it, in order. Raises EditRefused where the form has no workflow."""
    found = workspace.at((*workflow_path(form), "states"))
    if not isinstance(found, dict):
        raise EditRefused(message("The form {form} has no flow yet.", form=form), ("forms", form))
    return found


def transitions_of(workspace: Workspace, form: str) -> dict[str, Any]:
    found = workspace.at((*workflow_path(form), "transitions"))
    return found if isinstance(found, dict) else {}


def known_state(workspace: Workspace, form: str, state: str) -> Path:
    """The path of a state; raises EditRefused where there is none."""
    if state not in states_of(workspace, form):
        raise EditRefused(message("There is no state {state}.", state=state), workflow_path(form))
    return state_path(form, state)


def known_transition(workspace: Workspace, form: str, transition: str) -> dict[str, Any]:
    """What the file says of a transition; raises EditRefused where there is none."""
    found = transitions_of(workspace, form).get(transition)
    if not isinstance(found, dict):
        raise EditRefused(message("There is no transition {name}.", name=transition), workflow_path(form))
    return found


def sources(transition: Any) -> list[str]:
    """The states a transition leaves, as the file names them."""
    found = transition.get("from") if isinstance(transition, dict) else None
    return [str(one) for one in found] if isinstance(found, list) else []


# --- what a new part says --------------------------------------------------------------------------------------------


def label_of(workspace: Workspace, label: str) -> Any:
    """What somebody typed, in the language they work in."""
    return {workspace.language: label}


def labels_with(workspace: Workspace, pattern: str, label: Any, name: str) -> Any:
    """A text that names a thing by its label, in every language of the application: ``To {state}``."""
    return {one: say(message(pattern, state=text_of(label, one) or name), one) for one in languages(workspace)}


def people_for(workspace: Workspace, form: str, state: str | None = None) -> list[str]:
    """The roles that would take a new transition: who owns the state, else who takes the others out of it, else
    whoever may change such records."""
    stage = states_of(workspace, form).get(state or "") if workspace.at((*workflow_path(form), "states")) else None
    if isinstance(stage, dict) and isinstance(stage.get("owner"), str):
        return [stage["owner"]]
    for transition in transitions_of(workspace, form).values():
        if state in sources(transition) and isinstance(transition.get("roles"), list) and transition["roles"]:
            return [str(role) for role in transition["roles"]]
    return _who_may_change(workspace, form) or _anybody(workspace)


def _who_may_change(workspace: Workspace, form: str) -> list[str]:
    grants = workspace.at(("forms", form, "permissions"))
    if not isinstance(grants, dict):
        return []
    known = {str(role): grant for role, grant in grants.items() if isinstance(grant, dict)}
    return [role for role, grant in known.items() if grant.get("update") and grant.get("read")]


def _anybody(workspace: Workspace) -> list[str]:
    return [str(role) for role in workspace.map_at(("roles",))][:1] or [ADMIN]
