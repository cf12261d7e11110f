"""Imports as they are kept: one job from the upload to the undo, which survives reloads, restarts and the browser.

draft → checking → checked → importing → imported → undoing → undone; and whatever stands still unexpectedly can be
gone on with. Progress counts rows of the file and is moved, in the transaction that brings the rows in, from what it
was: two that work on the same job cannot both succeed, and a row is never brought in twice.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from engine.application import Application
from engine.definition import Form
from engine.errors import Missing, Refused, message
from engine.imports import tables
from engine.imports.bundles import below, trouble_json
from engine.imports.mapping import Settings, folded, guess, heading_row, targets_of, usual
from engine.imports.rows import OUTCOMES, Outcome
from engine.imports.tables import Row, Table
from engine.people import Actor
from engine.texts import say

KIND = "import"
DRAFT, CHECKING, CHECKED, IMPORTING, IMPORTED, UNDOING, UNDONE = (
    "draft", "checking", "checked", "importing", "imported", "undoing", "undone")  # fmt: skip
CANCELLED, FAILED = "cancelled", "failed"
WORKING = frozenset({CHECKING, IMPORTING, UNDOING})
STILL_AFTER = dt.timedelta(seconds=20)  # without a word, whoever worked on it is gone
FIRST_ROWS = 30
HEADINGS_WITHIN = 10
REMEMBERED = 20
LARGEST_ROWS = 120 * 1024 * 1024


@dataclass(frozen=True)
class Job:
    """One import. ``total`` and ``progress`` count rows below the headings; ``counts`` records by outcome."""

    id: int
    form: str
    state: str
    name: str
    user_id: int | None
    progress: int
    total: int
    table: Table
    settings: Settings
    original: str
    rows: str
    batch: int | None
    phase: str
    counts: Mapping[str, int]
    heard_at: dt.datetime | None
    cancel: bool
    error: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None

    def working(self, now: dt.datetime) -> bool:
        return self.state in WORKING and not self.still(now)

    def still(self, now: dt.datetime) -> bool:
        """It should be working, and nobody does."""
        return self.state in WORKING and (self.heard_at is None or now - self.heard_at > STILL_AFTER)


# --- a new one -------------------------------------------------------------------------------------------------------


def begin(app: Application, actor: Actor, form: Form, stream: Any, name: str, sheet: str | None = None) -> int:
    """Keep a file that was sent and guess what its columns mean; answers the job. Raises Invalid."""
    tables.refuse_others(stream.read(8))
    stream.seek(0)
    original = app.files.put(stream, name=name, largest=tables.LARGEST)
    table, rows = _taken_apart(app, original.sha256, sheet)
    settings = _guessed(app, actor, form, rows)
    now = app.clock()
    with app.database.write() as conn:
        made = conn.execute(
            sa.insert(app.tables.job).values(
                kind=KIND, state=DRAFT, user_id=actor.id, created_at=now, total=_rows_below(app, rows, table, settings),
                params=_params(form.name, name, original.sha256, rows, table, settings),
            )
        )  # fmt: skip
        _keep_files(conn, app, actor, form, name, (original.sha256, rows))
        return int(made.inserted_primary_key[0])  # type: ignore[index]


def _params(form: str, name: str, original: str, rows: str, table: Table, settings: Settings) -> dict[str, Any]:
    return {"form": form, "name": name, "original": original, "rows": rows, "settings": settings.dump(),
            "table": {**table.__dict__, "sheets": list(table.sheets)}}  # fmt: skip


def _taken_apart(app: Application, sha256: str, sheet: str | None) -> tuple[Table, str]:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "rows"
        table = tables.convert(app.files.path(sha256), target, sheet)
        with target.open("rb") as stream:
            return table, app.files.put(stream, name="rows.txt", largest=LARGEST_ROWS).sha256


def _keep_files(
    conn: sa.Connection, app: Application, actor: Actor, form: Form, name: str, hashes: Sequence[str]
) -> None:
    """As files nobody saved with a record: they are tidied away after a while like those."""
    rows = [
        {"form": form.name, "record_id": None, "field": None, "sha256": one, "name": name, "size": 0,
         "media_type": "application/octet-stream", "created_at": app.clock(), "created_by": actor.id}
        for one in dict.fromkeys(hashes)
    ]  # fmt: skip
    conn.execute(sa.insert(app.tables.attachment), rows)


def _guessed(
    app: Application, actor: Actor, form: Form, rows: str, heading: int | None = None, mode: Any = "create"
) -> Settings:
    """``heading``: the number of the row with the headings; guessed if None."""
    targets = targets_of(app, actor, form)
    first = first_rows(app, rows)
    head = next((row for row in first if row.number == heading), None) or heading_row(first[:HEADINGS_WITHIN], targets)
    width = max(len(row.cells) for row in first if row.number >= head.number)
    headings = (*head.cells, *([""] * (width - len(head.cells))))
    columns = guess(headings, targets, _remembered(app, actor, form))
    settings = Settings(columns=columns, headings=headings, heading=head.number, mode=mode)
    return usual(app, form, targets, settings)


def _rows_below(app: Application, rows: str, table: Table, settings: Settings) -> int:
    return table.rows - sum(1 for row in first_rows(app, rows) if row.number <= settings.heading)


def _remembered(app: Application, actor: Actor, form: Form) -> dict[str, str | None]:
    """Heading → target as this person said it the last times, the latest first."""
    table = app.tables.job
    found: dict[str, str | None] = {}
    query = sa.select(table.c.params).where(
        table.c.kind == KIND, table.c.user_id == actor.id, table.c.state.in_((IMPORTED, CHECKED, UNDONE))
    )
    with app.database.read() as conn:
        stored = list(conn.scalars(query.order_by(table.c.id.desc()).limit(REMEMBERED)))
    for params in stored:
        if params["form"] == form.name:
            settings = Settings.load(params["settings"])
            for heading, target in zip(settings.headings, settings.columns, strict=True):
                if heading:
                    found.setdefault(folded(heading), target)
    return found


# --- its rows --------------------------------------------------------------------------------------------------------


@contextmanager
def opened_rows(app: Application, sha256: str) -> Iterator[Iterator[Row]]:
    stream: IO[bytes] = app.files.open(sha256)
    with stream:
        yield tables.rows(stream)


def first_rows(app: Application, sha256: str, most: int = FIRST_ROWS) -> list[Row]:
    with opened_rows(app, sha256) as rows:
        return [row for row, _ in zip(rows, range(most), strict=False)]


def examples(app: Application, job: Job, most: int = 3) -> list[list[str]]:
    """Per column the first texts that are not empty."""
    found: list[list[str]] = [[] for _column in job.settings.columns]
    for row in below(first_rows(app, job.rows), job.settings.heading):
        for place, cell in enumerate(row.cells[: len(found)]):
            if cell and cell not in found[place] and len(found[place]) < most:
                found[place].append(cell)
    return found


# --- reading and changing one ----------------------------------------------------------------------------------------


def load(app: Application, actor: Actor, id: int, form: Form | None = None) -> Job:
    """The import, if it is this person's or they may see everybody's; raises Missing."""
    table = app.tables.job
    with app.database.read() as conn:
        row = conn.execute(sa.select(table).where(table.c.id == id, table.c.kind == KIND)).mappings().first()
    if row is None or not (actor.boundless or row["user_id"] == actor.id):
        raise Missing(message("There is nothing here, or nothing you may see."))
    job = job_of(row)
    if form is not None and job.form != form.name:
        raise Missing(message("There is nothing here, or nothing you may see."))
    return job


def recent(app: Application, actor: Actor, form: Form, most: int = 10) -> list[Job]:
    """The latest imports of the form, newest first."""
    table = app.tables.job
    query = sa.select(table).where(table.c.kind == KIND, table.c.params["form"].as_string() == form.name)
    if not actor.boundless:
        query = query.where(table.c.user_id == actor.id)
    with app.database.read() as conn:
        found = conn.execute(query.order_by(table.c.id.desc()).limit(most)).mappings()
        return [job_of(row) for row in found]


def job_of(row: Any) -> Job:
    """The import a stored job is."""
    params, result = row["params"], row["result"] or {}
    heard = result.get("heard_at")
    return Job(
        id=row["id"], form=params["form"], state=row["state"], name=params["name"], user_id=row["user_id"],
        progress=row["progress"], total=row["total"], original=params["original"], rows=params["rows"],
        table=Table(**{**params["table"], "sheets": tuple(params["table"]["sheets"])}),
        settings=Settings.load(params["settings"]), batch=params.get("batch"), phase=params.get("phase", ""),
        counts={kind: result.get(kind, 0) for kind in (*OUTCOMES, "undone", "kept")},
        heard_at=dt.datetime.fromisoformat(heard) if heard else None, cancel=row["cancel"], error=row["error"],
        created_at=row["created_at"], finished_at=row["finished_at"],
    )  # fmt: skip


def set_settings(app: Application, job: Job, settings: Settings) -> Job:
    """Before anything is brought in; what was checked is to be checked again."""
    _refuse_after_import(job)
    total = _rows_below(app, job.rows, job.table, settings)
    _update(app, job, {"state": DRAFT, "progress": 0, "result": None, "total": total}, settings=settings.dump())
    return replace(job, settings=settings, state=DRAFT)


def read_again(app: Application, actor: Actor, form: Form, job: Job, sheet: str | None, heading: int | None) -> None:
    """Another sheet, or other headings: the columns are guessed anew."""
    _refuse_after_import(job)
    table, rows = job.table, job.rows
    if sheet is not None and sheet != job.table.sheet:
        table, rows = _taken_apart(app, job.original, sheet)
        heading = None
    settings = _guessed(app, actor, form, rows, heading, job.settings.mode)
    shown = {**table.__dict__, "sheets": list(table.sheets)}
    total = _rows_below(app, rows, table, settings)
    changes = {"state": DRAFT, "progress": 0, "result": None, "total": total}
    _update(app, job, changes, settings=settings.dump(), rows=rows, table=shown)


def _refuse_after_import(job: Job) -> None:
    if job.state not in (DRAFT, CHECKED, CHECKING, CANCELLED, FAILED) or job.batch is not None:
        raise Refused(message("This file has been brought in already. Upload it again to bring it in once more."))


def _update(app: Application, job: Job, changes: Mapping[str, Any], **params: Any) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        stored: Any = conn.scalar(sa.select(table.c.params).where(table.c.id == job.id))
        conn.execute(
            sa.update(table).where(table.c.id == job.id).values(params={**stored, **params}, cancel=False, **changes)
        )


def cancel(app: Application, job: Job) -> None:
    table = app.tables.job
    with app.database.write() as conn:
        conn.execute(sa.update(table).where(table.c.id == job.id).values(cancel=True))


# --- what became of its rows -----------------------------------------------------------------------------------------


def note_rows(conn: sa.Connection, app: Application, job: int, outcomes: Sequence[Outcome], *, all: bool) -> None:
    """``all``: every record; else those only that something is wrong with."""
    rows = [
        {"job_id": job, "line": one.line, "outcome": one.kind, "record_id": one.record_id, "version": one.version,
         "event_id": one.event_id, "problems": trouble_json(one.troubles, say) or None}
        for one in outcomes
        if all or one.troubles
    ]  # fmt: skip
    if rows:
        conn.execute(sa.insert(app.tables.import_row), rows)


def rows_of(
    conn: sa.Connection, app: Application, job: int, *, outcome: str | None = None, after: int = 0, most: int = 50
) -> list[Mapping[str, Any]]:
    """What became of the records, in the order of the file."""
    table = app.tables.import_row
    query = sa.select(table).where(table.c.job_id == job, table.c.line > after)
    if outcome is not None:
        query = query.where(table.c.outcome == outcome)
    return [dict(row) for row in conn.execute(query.order_by(table.c.line).limit(most)).mappings()]
