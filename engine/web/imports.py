"""The import wizard: a file, its columns, a check, the import, and the way back.

Every page is the state of one job, so that it can be reloaded, left and come back to.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, request
from werkzeug.wrappers import Response as Answer

from engine.definition import Form
from engine.errors import AppmillError, Invalid, Missing, message
from engine.formats import integer
from engine.imports import jobs, mapping, results, running, tables, undoing
from engine.imports.bundles import below
from engine.imports.jobs import Job
from engine.imports.mapping import Settings, Target, Targets
from engine.permissions import may
from engine.titles import visible_titles
from engine.web.context import actor, application, fragment_wanted, reader
from engine.web.numbers import whole
from engine.web.render import go, label, plural, render, toast
from engine.web.screens import form_named
from engine.web.uploads import clean_name

blueprint = Blueprint("imports", __name__)
FIRST_PROBLEMS = 30
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _form(name: str) -> Form:
    form = form_named(name)
    may(application(), actor(), "import", form).demand()
    return form


def _job(name: str, id: int) -> tuple[Form, Job]:
    form = _form(name)
    return form, jobs.load(application(), actor(), id, form)


# --- the file --------------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/import")
def start(form_name: str) -> str:
    form = _form(form_name)
    return _start_page(form)


def _start_page(form: Form, problem: AppmillError | None = None) -> str:
    limits = {"megabytes": tables.LARGEST // 1024 // 1024, "rows": integer(tables.MOST_ROWS)}
    recent = jobs.recent(application(), actor(), form)
    return render("imports/start.html", form=form, recent=recent, limits=limits, problem=problem, when=_when,
                  now=application().clock())  # fmt: skip


@blueprint.post("/<form_name>/import")
def upload(form_name: str) -> Any:
    form = _form(form_name)
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise Invalid(message("Choose a file first."))
        id = jobs.begin(application(), actor(), form, sent.stream, clean_name(sent.filename))
    except Invalid as problem:
        return _start_page(form, problem), 422
    return go(f"/{form.name}/import/{id}")


@blueprint.get("/<form_name>/import/template.xlsx")
def template(form_name: str) -> Response:
    """An empty file with the headings the import knows."""
    form = _form(form_name)
    targets = mapping.targets_of(application(), actor(), form)
    headings = [one.label_in(reader().language) for one in targets.values() if not one.history and one.name != "id"]
    return _xlsx([headings], f"{plural(form)}.xlsx", marked=0)


# --- where it stands -------------------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/import/<int:job_id>")
def show(form_name: str, job_id: int) -> str:
    form, job = _job(form_name, job_id)
    return _page(form, job)


def _page(form: Form, job: Job) -> str:
    now = application().clock()
    if job.state == jobs.DRAFT:
        return _columns_page(form, job)
    if job.working(now):
        return render("imports/progress.html", form=form, job=job)
    return _result_page(form, job, now)


def _columns_page(form: Form, job: Job) -> str:
    app, who = application(), actor()
    targets = mapping.targets_of(app, who, form)
    links = {name: mapping.ways_of(app, target) for name, target in targets.items()
             if target.field.kind in ("link", "links")}  # fmt: skip
    return render(
        "imports/columns.html",
        form=form,
        job=job,
        settings=job.settings,
        examples=jobs.examples(app, job),
        groups=_grouped(form, targets),
        targets=targets,
        keys=[one for one in mapping.keys_of(app, form, targets) if one.name in job.settings.used],
        own=[targets[name] for name in job.settings.columns if name in targets and "." not in name],
        links=links,
        modes=mapping.allowed_modes(app, who, form),
        obstacles=mapping.obstacles(app, form, targets, job.settings),
        history=any(targets[name].history for name in job.settings.used if name in targets),
    )


def _grouped(form: Form, targets: Targets) -> list[tuple[str, list[Target]]]:
    """The targets under the headings of the choice: the record, then each of its lines."""
    found: dict[str, list[Target]] = {}
    for target in targets.values():
        found.setdefault(label(target.lines) if target.lines else label(form), []).append(target)
    return list(found.items())


def _result_page(form: Form, job: Job, now: Any) -> str:
    app = application()
    with app.database.read() as conn:
        troubled = [row for row in jobs.rows_of(conn, app, job.id, outcome=_troubled(job), most=FIRST_PROBLEMS)
                    if row["problems"]]  # fmt: skip
    problems = _shown_problems(job, troubled)
    return render("imports/result.html", form=form, job=job, problems=problems[:FIRST_PROBLEMS], still=job.still(now),
                  when=_when, may_undo=_may_undo(job, now))  # fmt: skip


def _troubled(job: Job) -> str:
    return undoing.KEPT if job.phase == jobs.UNDOING else "wrong"


def _may_undo(job: Job, now: Any) -> bool:
    ended = job.state in (jobs.IMPORTED, jobs.CANCELLED, jobs.FAILED) or job.still(now)
    return job.batch is not None and ended and bool(job.counts["created"] or job.counts["updated"])


def _shown_problems(job: Job, troubled: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Row, heading, what stands in the cell, and the sentence."""
    found = [(row, column, said) for one in troubled for row, column, said in one["problems"]]
    try:
        cells = _cells(job, {row for row, column, _said in found if column is not None})
    except Missing:  # the file was tidied away; what became of its rows is still known
        cells = {}
    shown: list[Mapping[str, Any]] = []
    for row, column, said in found:
        texts = cells.get(row, [])
        got = texts[column] if column is not None and column < len(texts) else ""
        heading = "" if column is None else job.settings.headings[column]
        shown.append(
            {"row": row, "heading": heading, "got": got[:80], "said": said.get(reader().language) or said["en"]}
        )
    return shown


def _cells(job: Job, wanted: set[int]) -> dict[int, list[str]]:
    if not wanted:
        return {}
    last = max(wanted)
    found = {}
    with jobs.opened_rows(application(), job.rows) as rows:
        for row in below(rows, job.settings.heading):
            if row.number > last:
                break
            if row.number in wanted:
                found[row.number] = row.cells
    return found


def _when(moment: Any) -> str:
    return moment.astimezone(reader().zone).strftime("%Y-%m-%d %H:%M") if moment else ""


# --- its columns -----------------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/import/<int:job_id>/columns")
def columns(form_name: str, job_id: int) -> Any:
    """What was said about the columns, kept at once; the page shows what is missing yet."""
    form, job = _job(form_name, job_id)
    job = _posted(form, job)
    return _columns_page(form, job) if fragment_wanted() else go(f"/{form.name}/import/{job.id}")


def _posted(form: Form, job: Job) -> Job:
    app, who, posted = application(), actor(), request.form
    sheet = posted.get("sheet")
    given = whole(posted.get("heading"))
    heading = job.settings.heading if given is None else given
    if (sheet and sheet != job.table.sheet) or heading != job.settings.heading:
        jobs.read_again(app, who, form, job, sheet, heading)
        return jobs.load(app, who, job.id, form)
    return jobs.set_settings(app, job, _settings(form, job.settings))


def _settings(form: Form, before: Settings) -> Settings:
    app, posted = application(), request.form
    targets = mapping.targets_of(app, actor(), form)
    chosen = tuple(_known(posted.get(f"column.{place}"), targets) for place in range(len(before.columns)))
    modes = mapping.allowed_modes(app, actor(), form)
    mode = next((one for one in modes if one == posted.get("mode")), before.mode if before.mode in modes else modes[0])
    ways = {name: posted[f"way.{name}"] for name, target in targets.items() if _way(target, posted.get(f"way.{name}"))}
    keys = {one.name for one in mapping.keys_of(app, form, targets)}
    settings = replace(before, columns=chosen, mode=mode, ways=ways, clear="clear" in posted,
                       key=posted.get("key") if posted.get("key") in keys else None,
                       group=_known(posted.get("group"), targets))  # fmt: skip
    usual = mapping.usual(app, form, targets, settings)
    key = settings.key if settings.key in settings.used else usual.key if usual.key in settings.used else None
    group = settings.group if settings.group in settings.used or "group" in posted else usual.group
    return replace(settings, key=key, group=group if group in settings.used else None)


def _known(name: str | None, targets: Targets) -> str | None:
    return name if name in targets else None


def _way(target: Target, name: str | None) -> bool:
    allowed = {"id", "_title", *(one.name for one in mapping.ways_of(application(), target))}
    return bool(name) and name in allowed


@blueprint.post("/<form_name>/import/<int:job_id>/again")
def again(form_name: str, job_id: int) -> Answer:
    """Back to the columns."""
    form, job = _job(form_name, job_id)
    jobs.set_settings(application(), job, job.settings)
    return go(f"/{form.name}/import/{job.id}")


# --- what is done with it --------------------------------------------------------------------------------------------


@blueprint.post("/<form_name>/import/<int:job_id>/check")
def check(form_name: str, job_id: int) -> Answer:
    form, job = _job(form_name, job_id)
    if "column.0" in request.form:
        job = _posted(form, job)
    running.check(application(), actor(), form, jobs.load(application(), actor(), job.id, form))
    return go(f"/{form.name}/import/{job.id}")


@blueprint.post("/<form_name>/import/<int:job_id>/bring")
def bring(form_name: str, job_id: int) -> Answer:
    form, job = _job(form_name, job_id)
    running.bring_in(application(), actor(), form, job)
    return go(f"/{form.name}/import/{job.id}")


@blueprint.post("/<form_name>/import/<int:job_id>/continue")
def go_on(form_name: str, job_id: int) -> Answer:
    form, job = _job(form_name, job_id)
    running.go_on(application(), actor(), form, job)
    return go(f"/{form.name}/import/{job.id}")


@blueprint.post("/<form_name>/import/<int:job_id>/cancel")
def cancel(form_name: str, job_id: int) -> Answer:
    form, job = _job(form_name, job_id)
    jobs.cancel(application(), job)
    toast(message("It stops after the rows it is working on."), "info")
    return go(f"/{form.name}/import/{job.id}")


@blueprint.post("/<form_name>/import/<int:job_id>/undo")
def undo(form_name: str, job_id: int) -> Answer:
    form, job = _job(form_name, job_id)
    undoing.begin(application(), actor(), form, job)
    return go(f"/{form.name}/import/{job.id}")


# --- what became of each row -----------------------------------------------------------------------------------------


@blueprint.get("/<form_name>/import/<int:job_id>/rows")
def rows(form_name: str, job_id: int) -> str:
    form, job = _job(form_name, job_id)
    app = application()
    outcome = request.args.get("outcome") if request.args.get("outcome") in results.WORDS else None
    after = whole(request.args.get("after")) or 0
    with app.database.read() as conn:
        found = jobs.rows_of(conn, app, job.id, outcome=outcome, after=after, most=101)
        titles = visible_titles(app, actor(), conn, form, [row["record_id"] for row in found if row["record_id"]])
    more = found[99]["line"] if len(found) > 100 else None
    return render("imports/rows.html", form=form, job=job, rows=found[:100], titles=titles, more=more, outcome=outcome,
                  words=results.WORDS)  # fmt: skip


@blueprint.get("/<form_name>/import/<int:job_id>/<any(mistakes, result):which>.<any(xlsx, csv):kind>")
def file(form_name: str, job_id: int, which: str, kind: str) -> Response:
    """The rows of the file with what became of them; ``mistakes``: only those with something wrong."""
    job = _job(form_name, job_id)[1]
    found = results.lines(application(), job, reader().language, only_wrong=which == "mistakes")
    name = f"{job.name.rpartition('.')[0] or job.name} {which}.{kind}"
    if kind == "xlsx":
        return _xlsx(found, name)
    answer = current_app.response_class(results.csv_text(found), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = _disposition(name)
    return answer


def _xlsx(found: Any, name: str, marked: int = 2) -> Response:
    kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the answer is sent
    try:
        results.write_xlsx(kept, found, marked)
    except BaseException:
        kept.close()
        raise
    kept.seek(0)
    answer = current_app.response_class(_pieces(kept), content_type=XLSX)
    answer.call_on_close(kept.close)
    answer.headers["Content-Disposition"] = _disposition(name)
    return answer


def _pieces(kept: Any) -> Iterator[bytes]:
    while piece := kept.read(65536):
        yield piece


def _disposition(name: str) -> str:
    plain = name.rpartition(".")[2]
    return f"attachment; filename=\"import.{plain}\"; filename*=UTF-8''{quote(name)}"
