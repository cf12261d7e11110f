"""``appmill import FILE FORM DATA``: a table becomes records, by the same walk as in the browser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.application import Application
from engine.commands.run import application_arguments, opened
from engine.commands.transfer import acting_arguments, form_named, who
from engine.definition import Form
from engine.errors import Invalid, message
from engine.imports import jobs, results, running
from engine.imports.jobs import Job
from engine.imports.mapping import Settings, Targets, folded, obstacles, targets_of, usual
from engine.people import Actor
from engine.permissions import may

SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    application_arguments(parser)
    parser.add_argument("form", metavar="FORM", help="the name of the form")
    parser.add_argument("data", metavar="DATA", help="the table: CSV, XLSX, XLS or ODS")
    acting_arguments(parser)
    parser.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="FIELD=COLUMN",
        help="this field from the column with this heading; repeatable; lines.price for a line",
    )
    parser.add_argument(
        "--key", metavar="FIELD", help="recognise records by this field, and change those that are there"
    )
    parser.add_argument("--update-only", action="store_true", help="with --key: make no new records")
    parser.add_argument("--clear", action="store_true", help="an empty cell empties the field")
    parser.add_argument("--sheet", metavar="NAME", help="the sheet of a workbook (default: the first with rows)")
    parser.add_argument("--dry-run", action="store_true", help="check every row and keep nothing")
    parser.add_argument("--errors", metavar="FILE", help="write the rows with mistakes here, as CSV or XLSX")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="the language of the messages")


def run(options: argparse.Namespace) -> int:
    app = opened(options)
    try:
        return _import(app, options)
    finally:
        app.database.close()


def _import(app: Application, options: argparse.Namespace) -> int:
    actor, form = who(app, options), form_named(app, options.form)
    may(app, actor, "import", form).demand()
    job = _prepared(app, actor, form, options)
    job = _worked(app, actor, form, running.claim_check(app, actor, form, job))
    if not options.dry_run and job.state == jobs.CHECKED and job.counts["created"] + job.counts["updated"]:
        job = _worked(app, actor, form, running.claim_import(app, actor, form, job))
    _say_what_is_wrong(app, job, options)
    print(_summary(job, dry=options.dry_run))
    return 1 if job.counts["wrong"] or job.state == jobs.FAILED else 0


def _prepared(app: Application, actor: Actor, form: Form, options: argparse.Namespace) -> Job:
    try:
        with Path(options.data).open("rb") as stream:
            id = jobs.begin(app, actor, form, stream, Path(options.data).name, options.sheet)
    except OSError as error:
        raise Invalid(message("{file} cannot be read: {reason}.", file=options.data, reason=error.strerror)) from error
    job = jobs.load(app, actor, id)
    targets = targets_of(app, actor, form)
    settings = _settings(app, form, job.settings, targets, options)
    found = obstacles(app, form, targets, settings)
    if found:
        raise Invalid(message("{text} Columns of the file: {columns}.", text=found[0], columns=settings.headings))
    return jobs.set_settings(app, job, settings)


def _settings(
    app: Application, form: Form, guessed: Settings, targets: Targets, options: argparse.Namespace
) -> Settings:
    columns: list[str | None] = list(guessed.columns)
    places = {folded(heading): place for place, heading in enumerate(guessed.headings)}
    for one in options.map:
        name, _, heading = one.partition("=")
        if name not in targets:
            known = list(targets)
            raise Invalid(message("{form} has no field {name} to import; there is {known}.",
                                  form=form.label, name=name, known=known))  # fmt: skip
        if folded(heading) not in places:
            raise Invalid(message("The file has no column “{heading}”; it has {columns}.",
                                  heading=heading, columns=guessed.headings))  # fmt: skip
        columns = [None if kept == name else kept for kept in columns]
        columns[places[folded(heading)]] = name
    mode: Any = "create" if options.key is None else "update" if options.update_only else "both"
    settings = replace(guessed, columns=tuple(columns), mode=mode, key=options.key, clear=options.clear)
    return replace(usual(app, form, targets, settings), key=options.key)


def _worked(app: Application, actor: Actor, form: Form, job: Job) -> Job:
    running.work(app, actor, form, job)
    return jobs.load(app, actor, job.id)


def _say_what_is_wrong(app: Application, job: Job, options: argparse.Namespace) -> None:
    with app.database.read() as conn:
        rows = jobs.rows_of(conn, app, job.id, outcome="wrong", most=SHOWN)
    told = 0
    for one in rows:
        for row, column, said in one["problems"] or ():
            heading = f" [{job.settings.headings[column]}]" if column is not None else ""
            print(f"{job.name}:{row}{heading}: {said[options.language]}", file=sys.stderr)
            told += 1
    if job.counts["wrong"] > SHOWN:
        print(f"… and {job.counts['wrong'] - SHOWN} more; --errors FILE writes all of them.", file=sys.stderr)
    if options.errors and told:
        _write(results.lines(app, job, options.language, only_wrong=True), Path(options.errors))


def _write(lines: Iterable[Any], file: Path) -> None:
    if file.suffix.lower() == ".xlsx":
        with file.open("wb") as stream:
            results.write_xlsx(stream, lines)
    else:
        with file.open("w", encoding="utf-8", newline="") as text:
            text.writelines(results.csv_text(lines))


def _summary(job: Job, *, dry: bool) -> str:
    counts = job.counts
    if job.state == jobs.FAILED:
        return f"It broke off after {job.progress} of {job.total} rows: {job.error}"
    verb = "would be " if job.phase == jobs.CHECKING else ""
    nothing = " Nothing was saved." if job.phase == jobs.CHECKING and not dry else ""
    return (
        f"{job.total} rows: {counts['created']} {verb}created, {counts['updated']} {verb}changed,"
        f" {counts['same']} unchanged, {counts['wrong']} with mistakes.{nothing}"
    )
