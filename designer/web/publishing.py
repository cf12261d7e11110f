"""The way of a draft into force: check, difference, decisions, trial, publication."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from designer.difference import side_by_side
from designer.inforce import in_force
from designer.web.frame import change, draw, workspace
from designer.web.standing import Standing, went_well
from engine.errors import AppmillError, Denied, Invalid, Message, Missing, Refused, message
from engine.publishing import changes, jobs
from engine.publishing.jobs import Job
from engine.storage.decisions import Decision
from engine.web.context import actor, application, fragment_wanted, site
from engine.web.me import shown_times
from engine.web.render import go, toast

blueprint = Blueprint("publishing", __name__)
LONGEST_REASON = 2_000
LONGEST_VALUE = 10_000


@blueprint.get("/<int:id>/difference")
def show(id: int) -> str:
    return _page(_standing(id))


def _standing(id: int) -> Standing:
    return Standing(application(), actor(), workspace(id))


def _page(standing: Standing, **more: object) -> str:
    return draw("life/difference.html", standing.draft, "difference", standing=standing, jobs=jobs, went_well=went_well,
                link=f"{request.host_url}designer/shared/{standing.draft.change.token}",
                **{"ptag": "", "only": "", **shown_times(), **more})  # fmt: skip


@blueprint.get("/<int:id>/difference/sides")
def sides(id: int) -> str:
    """The two texts side by side, as a part of the page."""
    draft = workspace(id)
    now = in_force(application())
    rows = side_by_side(now.text if draft.change.base == now.hash else draft.change.base_text, draft.text)
    return draw("life/sides.html", draft, "difference", rows=rows, layout="fragment.html", link_lines=True)


# --- decisions about the data


@blueprint.post("/<int:id>/decide")
def decide(id: int) -> Answer | str:
    """Keep what was chosen; a script gets the page to draw it anew."""
    app, seen = application(), change(id)
    given = {**seen.decisions, **_decisions()}
    if given != seen.decisions:
        with app.database.write() as conn:
            changes.keep(conn, app.tables, seen, now=app.clock(), decisions=given)
    if fragment_wanted():
        return show(id)
    return go(f"/designer/{id}/difference#data")


def _decisions() -> dict[str, dict[str, str]]:
    """``question.N`` names it, ``choice.N`` what was chosen, ``value.N.<choice>`` what that takes."""
    found = {}
    for name, question in request.form.items():
        prefix, _, number = name.partition(".")
        choice = request.form.get(f"choice.{number}")
        if prefix == "question" and choice:
            value = request.form.get(f"value.{number}.{choice}", "").strip()[:LONGEST_VALUE]
            found[question] = Decision(choice, value).as_data()
    return found


# --- jobs: the trial, the rehearsal, the publication


@blueprint.post("/<int:id>/try")
def try_out(id: int) -> Answer:
    """Scenarios and random walks; of a way back, the rehearsal. One of a text is enough, unless it is asked again."""
    standing = _standing(id)
    kind = jobs.REHEARSE if standing.is_rollback else jobs.GATE
    known = standing.job(kind)
    again = "again" in request.form
    if standing.prepared.errors or standing.prepared.same:
        raise Invalid(message("The definition has mistakes; check it again."))
    if known is None or (again and not known.running):
        _begin(standing, kind)
    return _to_trial(id)


def _to_trial(id: int) -> Answer:
    """The trial drawn anew for a script; else the page at that place."""
    return _trial_part(_standing(id)) if fragment_wanted() else go(f"/designer/{id}/difference#trial")


@blueprint.post("/<int:id>/rehearse")
def rehearse(id: int) -> Answer:
    """There and back on a copy of the data."""
    _begin(_standing(id), jobs.REHEARSE)
    return _to_trial(id)


def _begin(standing: Standing, kind: str, reason: str | None = None) -> int:
    app = standing.app
    id = jobs.begin(app, actor(), kind, standing.prepared, reason=reason, change_id=standing.draft.change.id)
    jobs.start(site().current, actor(), id)
    return id


@blueprint.get("/<int:id>/trial")
def trial(id: int) -> Response:
    """The part of the page that shows the trial; nothing is answered while nothing moved."""
    standing = _standing(id)
    if request.headers.get("HX-PTag") == _trial_mark(standing):
        return Response(status=204)
    return _trial_part(standing)


def _trial_part(standing: Standing) -> Response:
    mark = _trial_mark(standing)
    answer = Response(_page(standing, layout="fragment.html", only="trial", ptag=mark))
    answer.headers["HX-PTag"] = mark
    return answer


def _trial_mark(standing: Standing) -> str:
    return _mark([(job.id, job.state, job.done, job.total) for job in (standing.gate, standing.rehearsal) if job])


def _mark(shown: object) -> str:
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


@blueprint.post("/<int:id>/jobs/<int:job>/cancel")
def cancel(id: int, job: int) -> Answer:
    _job(id, job)
    jobs.cancel(application(), actor(), job)
    toast(message("It stops at its next step."), "info")
    return _to_trial(id)


def _job(id: int, job: int) -> Job:
    """A job of a draft the reader may see. Raises Missing."""
    change(id)
    found = jobs.load(application(), actor(), job)
    if found.change_id != id:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return found


# --- publishing


@blueprint.post("/<int:id>/publish")
def publish(id: int) -> Answer:
    """What was seen and what is published have the same seal; where they do not, the new difference is shown."""
    standing = _standing(id)
    try:
        _refuse_unready(standing)
        job = _begin(standing, jobs.PUBLISH, request.form.get("reason", "").strip()[:LONGEST_REASON])
    except Denied:
        raise
    except AppmillError as refused:
        toast(refused.reason, "danger")
        return go(f"/designer/{id}/difference")
    return go(f"/designer/{id}/publishing/{job}")


def _refuse_unready(standing: Standing) -> None:
    if not standing.may_publish:
        raise Denied(message("Only administrators may publish this."))
    if request.form.get("seal") != standing.prepared.seal or standing.overtaken:
        raise Refused(message("The definition or the data changed since you looked. This is the difference now."))
    if standing.waits_for:
        raise Refused(standing.waits_for[0])
    if not request.form.get("reason", "").strip():
        raise Invalid(message("Say why it is changed; the history keeps it."))
    if standing.failed and "all_the_same" not in request.form:
        raise Refused(message("The trial did not go well. Mend it, or say that it is published all the same."))


@blueprint.get("/<int:id>/publishing/<int:job>")
def progress(id: int, job: int) -> Answer:
    """How far the publication is; when it is over, the way to the history, or back to the difference."""
    found = _job(id, job)
    if found.running:
        return _under_way(id, found)
    if found.state == jobs.DONE:
        toast(message("The new version is in force."))
        return go(f"/designer/history#version-{found.result.get('publication', '')}")
    toast(found.error or _ended(found), "danger" if found.state == jobs.FAILED else "warning")
    return go(f"/designer/{id}/difference")


def _ended(job: Job) -> Message:
    if job.state == jobs.CANCELLED:
        return message("It was stopped. Nothing was changed.")
    return message("Nobody works on it any more. Nothing was changed.")


def _under_way(id: int, job: Job) -> Response:
    mark = _mark((job.state, job.done, job.total, str(job.sentence)))
    if request.headers.get("HX-PTag") == mark:
        return Response(status=204)
    draft = workspace(id)
    answer = Response(draw("life/publishing.html", draft, "difference", job=job, ptag=mark))
    answer.headers["HX-PTag"] = mark
    return answer

