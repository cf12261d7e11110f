"""The life of a record as a graph and as a table, with the figures of the records in force and walks through it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, redirect
from werkzeug.wrappers import Response as Answer

from designer.flows import flow_of
from designer.flows.live import Figure, figures
from designer.flows.model import Arrow, Flow, Stage, worst
from designer.flows.walked import Walks
from designer.web.frame import desk, draw, workspace
from designer.web.panels import EXTRA_TABS, asked_path, panel_context
from designer.workspace import Workspace
from engine.errors import Missing, message
from engine.texts import say
from engine.walks import Stuck
from engine.web.context import actor, application, reader
from engine.web.path import short_duration
from engine.web.render import render
from engine.yamlfile import Path

blueprint = Blueprint("flows", __name__)
WALKS = "appmill.designer.walks"

EXTRA_TABS.append(("state", "Flow", lambda _draft, path: _is_part(path)))


def _is_part(path: Path) -> bool:
    return len(path) == 5 and path[0] == "forms" and path[2] == "workflow" and path[3] in ("states", "transitions")


@blueprint.get("/<int:id>/flow")
def first(id: int) -> Answer | str:
    """The first flow there is; where there is none, the forms that could have one."""
    draft = workspace(id)
    forms = _forms(draft)
    chosen = next((name for name, has in forms.items() if has), None)
    if chosen is not None:
        return redirect(f"/designer/{id}/flow/{chosen}", 303)
    return draw("flow_none.html", draft, "flow", form=None, forms=_labels(draft, forms))


@blueprint.get("/<int:id>/flow/<form>")
def show(id: int, form: str) -> str:
    draft = workspace(id)
    forms = _forms(draft)
    flow = flow_of(draft, form)
    if flow is None and draft.at(("forms", form)) is None:
        raise Missing(message("There is no form {form}.", form=form))
    common: dict[str, Any] = {"form": form, "forms": _labels(draft, forms)}
    if flow is None:
        return draw("flow_none.html", draft, "flow", **common, broken=draft.at(("forms", form, "workflow")) is not None)
    path = asked_path()
    return draw("flow.html", draft, "flow", **common, **_drawn(draft, flow), path=path, **panel_context(draft, path))


@blueprint.get("/<int:id>/flow/<form>/part")
def part(id: int, form: str) -> str:
    """The model and the table, for a page that is drawn again."""
    draft = workspace(id)
    flow = flow_of(draft, form)
    if flow is None:
        return render("designer/flow_gone.html", layout="fragment.html", change=draft.change, form=form)
    return render("designer/flow_part.html", layout="fragment.html", change=draft.change, **_drawn(draft, flow))


def _drawn(draft: Workspace, flow: Flow) -> dict[str, Any]:
    roles = draft.definition.roles if draft.definition is not None else {}
    called = {name: str(role.label.text(draft.language)) for name, role in roles.items()}
    return {
        "flow": flow, "model": flow.as_json(), "worst": worst, "roles": called,
        "labels": {one.name: one.label for one in flow.stages},
        "label_path": lambda one: _label_path(draft, one),
    }  # fmt: skip


def _label_path(draft: Workspace, one: Stage | Arrow) -> Path:
    """Where the label stands that is shown: in a language of its own, or the one for all."""
    said = draft.at((*one.path, "label"))
    return (*one.path, "label", draft.language) if isinstance(said, dict) or said is None else (*one.path, "label")


def _forms(draft: Workspace) -> dict[str, bool]:
    """Form → whether it has a flow; forms of lines have none of their own."""
    if draft.definition is None:
        return {}
    forms = draft.definition.forms.values()
    return {one.name: one.workflow is not None for one in forms if not one.parent_form}


def _labels(draft: Workspace, forms: dict[str, bool]) -> list[tuple[str, str, bool]]:
    known = draft.definition.forms if draft.definition is not None else {}
    return [(name, str(known[name].label.text(draft.language)), has) for name, has in forms.items()]


# --- the panel of a state or transition ------------------------------------------------------------------------------


@blueprint.get("/<int:id>/state-tab")
def state_tab(id: int) -> str:
    """What is special about a part of a flow: its rules, what can be done with it."""
    draft, path = workspace(id), asked_path() or ()
    flow = flow_of(draft, str(path[1])) if _is_part(path) else None
    parts: tuple[Stage | Arrow, ...] = () if flow is None else (*flow.stages, *flow.arrows)
    one = next((each for each in parts if each.path == path), None)
    if one is None:
        return ""
    return render("designer/flow_tab.html", layout="fragment.html", change=draft.change, flow=flow, one=one,
                  is_state=isinstance(one, Stage))  # fmt: skip


# --- records ---------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:id>/flow/<form>/figures")
def live(id: int, form: str) -> Response:
    """How many records are in each state, and for how long."""
    draft = workspace(id)
    found = draft.definition.forms.get(form) if draft.definition is not None else None
    if found is None or found.workflow is None:
        return jsonify(states=None)
    names = {name: state.stable_id for name, state in found.workflow.states.items()}
    told = figures(application(), actor(), found.stable_id, names)
    if told is None:
        return jsonify(states=None)
    return jsonify(states={name: _figure(one) for name, one in told.items()})


def _figure(one: Figure) -> dict[str, Any]:
    return {
        "count": one.count, "late": one.late, "heat": one.heat, "middle": _length(one.middle),
        "longest": _length(one.longest), "usual": _length(one.usual),
    }  # fmt: skip


def _length(seconds: int | None) -> str:
    return "" if seconds is None else short_duration(dt.timedelta(seconds=seconds), reader().language)


@blueprint.post("/<int:id>/flow/<form>/walk")
def take_a_walk(id: int, form: str) -> Response | tuple[Response, int]:
    """Generated records walk through the draft's flow; the ways into those that are stuck."""
    draft = workspace(id)
    if form not in _forms(draft):
        raise Missing(message("There is no form {form}.", form=form))
    if draft.definition is None or draft.reading.errors:
        reason = message("Mend the mistakes first; then records can walk through the flow.")
        return jsonify(reason=say(reason, reader().language)), 422
    found = _walks().of(draft.loaded, form, draft.language)
    return jsonify(stuck=[_stuck(one) for one in found])


def _walks() -> Walks:
    kept: Walks = current_app.extensions.setdefault(WALKS, Walks(desk().registry))
    return kept


def _stuck(one: Stuck) -> dict[str, Any]:
    return {
        "state": one.state, "path": [step.transition for step in one.path], "values": dict(one.values),
        "blocked": [blocked.transition for blocked in one.blocked], "sentence": say(one.sentence, reader().language),
    }  # fmt: skip
