"""Rules of a draft: the list, one as blocks with its sentence, trying it out. Edits go by ``designer.operations``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from designer.rules.drawing import drawing_of
from designer.rules.reading import words_in
from designer.rules.trying import Stage, look_back, stage_of
from designer.soundness import path_of
from designer.web.frame import draw, workspace
from designer.workspace import Workspace
from engine.application import Application
from engine.errors import AppmillError, Missing, message
from engine.fields.relations import LinkField
from engine.permissions import may
from engine.saying import occasions, sentences, steps
from engine.saying.words import palette_text
from engine.texts import say
from engine.trying import jobs
from engine.trying.back import DAYS
from engine.web import options
from engine.web.automation.findings import findings_of, outlook_of
from engine.web.automation.frame import words_of
from engine.web.automation.telling import Telling
from engine.web.automation.trials import BADGES
from engine.web.context import actor, application, reader
from engine.web.me import shown_times
from engine.web.numbers import whole
from engine.web.render import render

blueprint = Blueprint("rules", __name__)
PARTS = "designer/rules"


@dataclass(frozen=True)
class Offer:
    """A type in a picker: its short sentence, and the rest of what it says of itself."""

    kind: str
    title: str
    doc: str
    icon: str


@dataclass(frozen=True)
class Line:
    """A rule in the list."""

    name: str
    label: str
    standing: str
    sentence: str
    errors: bool


# --- screens ---------------------------------------------------------------------------------------------------------


@blueprint.get("/<int:id>/rule")
def index(id: int) -> str:
    draft = workspace(id)
    return draw("rules/index.html", draft, "rule", name=None, **_around(draft))


@blueprint.get("/<int:id>/rule/<name>")
def screen(id: int, name: str) -> str:
    draft = workspace(id)
    return draw("rules/rule.html", draft, "rule", name=name, path=request.args.get("path", ""), **_around(draft),
                **_canvas(draft, name))  # fmt: skip


@blueprint.get("/<int:id>/rule-list")
def listed(id: int) -> str:
    draft = workspace(id)
    current = request.args.get("current") or None
    return render(f"{PARTS}/list.html", layout="fragment.html", workspace=draft, change=draft.change, name=current,
                  rules=lines(draft))  # fmt: skip


@blueprint.get("/<int:id>/rule-all")
def every(id: int) -> str:
    draft = workspace(id)
    return render(f"{PARTS}/all.html", layout="fragment.html", workspace=draft, change=draft.change,
                  rules=lines(draft))  # fmt: skip


@blueprint.get("/<int:id>/rule/<name>/canvas")
def canvas(id: int, name: str) -> str:
    draft = workspace(id)
    return render(f"{PARTS}/canvas.html", layout="fragment.html", workspace=draft, change=draft.change, name=name,
                  **_canvas(draft, name))  # fmt: skip


def _canvas(draft: Workspace, name: str) -> dict[str, Any]:
    drawing = drawing_of(draft, name)
    if drawing is None and draft.definition is not None and draft.at(("rules", name)) is None:
        raise Missing(message("There is no such rule."))
    return {"drawing": drawing, "root": ("rules", name), "fresh": draft.is_new(("rules", name)),
            "say": lambda text: say(text, reader().language)}  # fmt: skip


def _around(draft: Workspace) -> dict[str, Any]:
    """What stands around every rule: the list, the pickers, the choices of a new rule."""
    forms = draft.definition.forms.values() if draft.definition else ()
    return {
        "rules": lines(draft),
        "triggers": offers(draft, draft.registry.triggers, occasions.icon_of),
        "actions": offers(draft, draft.registry.actions, steps.icon_of),
        "forms": [(form.name, form.label.text(draft.language)) for form in forms if not form.parent_form],
        "days": DAYS,
        "may_look_back": actor().boundless,
    }


def offers(draft: Workspace, kinds: Any, icon_of: Any) -> list[Offer]:
    """The palette, from the registry: what each type says of itself, in the reader's language."""
    found = []
    for kind, cls in kinds.items():
        title, _dot, doc = say(palette_text(cls), draft.language).replace("。", ". ").partition(". ")
        found.append(Offer(kind, title.rstrip("."), doc, icon_of(cls)))
    return found


def lines(draft: Workspace) -> list[Line]:
    """Every rule of the draft, also those that cannot be understood."""
    written, definition = draft.at(("rules",)), draft.definition
    if not isinstance(written, dict) or definition is None:
        return []
    errors = (path_of(one.path) for one in draft.findings if one.severity == "error")
    wrong = {str(path[1]) for path in errors if len(path) > 1 and path[0] == "rules"}
    words = words_in(draft, definition, draft.language)
    return [_line(draft, words, str(name), data, str(name) in wrong) for name, data in written.items()]


def _line(draft: Workspace, words: Any, name: str, data: Any, wrong: bool) -> Line:
    rule = draft.definition.rules.get(name) if draft.definition else None
    if rule is None:
        return Line(name, name, "off", "", True)
    standing = "off" if not rule.enabled else "shadow" if rule.shadow else "on"
    return Line(name, words.rule_label(rule), standing, sentences.sentence(words, rule), wrong)


# --- trying it on a record -------------------------------------------------------------------------------------------


@contextmanager
def standing_in(app: Application) -> Iterator[None]:
    """While pages of the machine room tell of a world, they look at that world."""
    before = g.application
    g.application = app
    try:
        yield
    finally:
        g.application = before


@blueprint.get("/<int:id>/rule/<name>/records")
def records(id: int, name: str) -> Response:
    """Records the rule may be tried on, by search; only those the reader may see."""
    stage = stage_of(application(), workspace(id), actor(), name)
    found = _offered(stage, request.args.get("q", "").strip()[: options.LONGEST])
    return jsonify([{"id": record, "title": title} for record, title in found])


def _offered(stage: Stage, text: str) -> list[tuple[int, str]]:
    form = stage.form
    if form is None or form.parent_form or not may(stage.app, actor(), "read", form):
        return []
    picked: Any = LinkField(name="record", form=form.name)  # type: ignore[arg-type]
    with stage.app.database.read() as conn:
        return options.offered(conn, stage.app, actor(), picked, text, None)


@blueprint.get("/<int:id>/rule/<name>/try")
def try_out(id: int, name: str) -> str:
    """The part of the screen where the rule is tried; with ``record``, or ``now``, what it would do."""
    draft, record_id = workspace(id), whole(request.args.get("record"))
    told: dict[str, Any] = {"outlook": None, "problem": "", "form": None, "first": [], "note": None, "chosen": ""}
    try:
        stage = stage_of(application(), draft, actor(), name)
        told |= {"form": stage.form, "first": _offered(stage, ""), "note": stage.note}
        if record_id is not None or "now" in request.args:
            told["outlook"] = _outlook(stage, record_id)
    except AppmillError as refused:
        told["problem"] = say(refused.reason, reader().language)
    recent = [job for job in jobs.recent(application(), actor(), name) if job.draft is not None]
    return render(f"{PARTS}/try.html", layout="fragment.html", change=draft.change, name=name, record_id=record_id,
                  recent=recent, days=DAYS, states=BADGES, may_look_back=actor().boundless,
                  say=lambda text: say(text, reader().language), **shown_times(), **told)  # fmt: skip


def _outlook(stage: Stage, record_id: int | None) -> Any:
    with standing_in(stage.app):
        trial = stage.tried(actor(), record_id if stage.form else None)
        with stage.app.database.read() as conn:
            return outlook_of(Telling(conn, words_of()), trial)


# --- on what happened lately -----------------------------------------------------------------------------------------


@blueprint.post("/<int:id>/rule/<name>/history")
def begin(id: int, name: str) -> str:
    job = look_back(application(), workspace(id), actor(), name, whole(request.form.get("days")) or 0)
    return _history(id, name, job)


@blueprint.get("/<int:id>/rule/<name>/history/<int:job_id>")
def history(id: int, name: str, job_id: int) -> str:
    return _history(id, name, job_id)


@blueprint.post("/<int:id>/rule/<name>/history/<int:job_id>/cancel")
def cancel(id: int, name: str, job_id: int) -> str:
    _job(id, name, job_id)
    jobs.cancel(application(), actor(), job_id)
    return _history(id, name, job_id)


def _job(id: int, name: str, job_id: int) -> jobs.Job:
    """Raises Missing for a job of another rule, and for whoever may not see it."""
    workspace(id)
    job = jobs.load(application(), actor(), job_id)
    if job.rule != name or job.draft is None:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return job


def _history(id: int, name: str, job_id: int) -> str:
    draft, job = workspace(id), _job(id, name, job_id)
    still = job.still(application().clock())
    working = job.state in (jobs.WAITING, jobs.WORKING) and not still
    found = None
    if job.result is not None and "found" in job.result:
        with application().database.read() as conn:
            telling = Telling(conn, words_of())
            found = findings_of(telling, job.result["found"], job.result.get("compared"), job.days)
    return render(f"{PARTS}/history.html", layout="fragment.html", change=draft.change, name=name, job=job,
                  working=working, still=still, found=found, **shown_times())  # fmt: skip
