"""The kind ``print``: a record's print page becomes a file of the record.

What is printed is what whoever caused the run may see, or the role the rule names. The file is made outside of any
transaction and stored by its content, so a repetition adds nothing to what is kept; it becomes the record's in the
transaction that keeps the result, by the same walk as everything a rule sets.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from engine import walking
from engine.application import Application
from engine.errors import DeliveryFailed, Missing, message
from engine.fields.base import Field
from engine.going_on import system_walk
from engine.outside.task import Task
from engine.paper.document import document_of, documents_of
from engine.paper.press import Press, press
from engine.people import Actor, system_actor
from engine.performing import Request
from engine.runs import Run
from engine.scripting import caller_of
from engine.web.uploads import clean_name

SECONDS = 50.0  # of one print; the claim of a message without a connection holds for a minute


def perform(task: Task, around: Any, *, at: Press | None = None) -> Mapping[str, Any]:
    """``task.data``: ``into``, ``replace``, ``format``, ``name``, ``language``, ``role`` (or None). The result: name,
    sha256, size, media_type, pages (None for HTML), ms, and where it goes."""
    inner = getattr(around, "inner", around)
    app: Application = inner.app
    row, data = inner.message, task.data
    field = _field(app, row.form, data["into"])
    began = time.monotonic()
    cause = caller_of(app, row.run_id)
    who = as_role(app, data["role"]) if data["role"] else cause
    by = None if cause.system and cause.id is None else cause.name
    language = data["language"] or app.definition.languages[0]
    if data.get("print"):
        document = documents_of(app, who, row.form, [row.record_id], data["print"], data["language"])
    else:
        document = document_of(app, who, row.form, row.record_id, language, by)
    content, pages = _made(document.text, data["format"], min(SECONDS, task.seconds), at or press())
    name = named(data["name"] or document.title, data["format"])
    field.check_file(name, len(content))  # type: ignore[attr-defined]
    stored = app.files.put(io.BytesIO(content), name=name, largest=field.largest)  # type: ignore[attr-defined]
    return {
        "into": data["into"], "replace": data["replace"], "name": name, "sha256": stored.sha256, "size": stored.size,
        "media_type": stored.media_type, "pages": pages, "ms": round((time.monotonic() - began) * 1000),
    }  # fmt: skip


def _made(document: str, kind: str, seconds: float, at: Press) -> tuple[bytes, int | None]:
    if kind == "html":
        return document.encode("utf-8", "replace"), None
    printed = at.pdf(document, seconds)
    return printed.content, printed.pages


def named(name: str, kind: str) -> str:
    ending = f".{kind}"
    return clean_name(name if name.lower().endswith(ending) else f"{name.strip() or 'print'}{ending}")


def as_role(app: Application, role: str) -> Actor:
    """Somebody of the role and of no other, in nobody's name."""
    known = app.definition.roles.get(role)
    return replace(system_actor(known.label.text("") if known else role), system=False, roles=frozenset({role}))


def _field(app: Application, form: str | None, name: str) -> Field:
    known = app.definition.forms.get(form or "")
    field = known.fields.get(name) if known else None
    if field is None or field.kind != "files":
        raise DeliveryFailed(message("'{form}' has no field '{name}' for files any more.", form=form, name=name),
                             again=False)  # fmt: skip
    return field


# --- in the transaction that keeps the result ------------------------------------------------------------------------


def settle(app: Application, conn: sa.Connection, run: Run, result: Mapping[str, Any]) -> Mapping[str, Any]:
    """The file becomes the record's; raises what forbids it, and then nothing is kept. Answers the id of the file,
    for the steps that read the result."""
    if run.form is None or run.record_id is None:
        raise Missing(message("The record is gone."))
    base = system_walk(app, conn, cause=run.event_id, chain=run.chain)
    walk = base.deeper(app.plans.rule[run.rule].rule.name if run.rule in app.plans.rule else run.rule, run.event_id,
                       run.id)  # fmt: skip
    row = walk.sight.load(run.form, run.record_id)
    if row is None or row["deleted_at"] is not None:
        raise Missing(message("The record is gone."))
    id = _row_of_file(app, conn, run, result)
    earlier = () if result["replace"] else tuple(row.get(result["into"]) or ())
    walking.obey(walk, Request(run.form, run.record_id, {result["into"]: (*earlier, id)}))
    return {"file": id}


def _row_of_file(app: Application, conn: sa.Connection, run: Run, result: Mapping[str, Any]) -> int:
    """Free still: the walk gives it to the record, as it does with uploads."""
    values = {
        "form": run.form, "record_id": None, "field": result["into"], "sha256": result["sha256"],
        "name": result["name"], "media_type": result["media_type"], "size": result["size"], "width": None,
        "height": None, "created_at": app.clock(), "created_by": run.actor_id,
    }  # fmt: skip
    key = conn.execute(sa.insert(app.tables.attachment).values(**values)).inserted_primary_key
    return int(key[0]) if key else 0
