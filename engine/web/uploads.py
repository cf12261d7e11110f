"""Taking files in and giving them out: who may, what is kept, what of it may be shown.

A file belongs to one field of one form from the start; until a record with it is saved, only its uploader reads it.
After that the right to read it is the right to read that field of that record, asked at every read.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import sqlalchemy as sa
from flask import request
from werkzeug.datastructures import FileStorage

from engine.application import Application
from engine.definition import Form
from engine.errors import Denied, Invalid, Missing, Problem, message
from engine.expressions import View
from engine.fields.base import Field
from engine.people import Actor
from engine.permissions import may, may_record, readable_fields, updatable_fields
from engine.sight import Sight
from engine.web.context import actor, application
from engine.web.seen import NOT_THERE, Seen, see
from engine.web.typed import Typed

OF_MAIL = "_mail"  # the form of a file that came with a mail, until a record takes it
COMMENT = "comment"  # the field a file of a comment has: comment, later comment:<id>
LARGEST_COMMENT_FILE = 20 * 1024 * 1024
MOST_AT_ONCE = 20
UNSAVED_FOR = dt.timedelta(days=2)
MAIL_FOR = dt.timedelta(days=90)  # files of mails wait for rules that failed, and are sent again by people
DECEIVING = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")  # control, direction-changing, line-breaking characters
INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True)
class Attachment:
    id: int
    form: str
    record_id: int | None
    field: str | None
    sha256: str
    name: str
    media_type: str
    size: int
    created_by: int | None


def clean_name(name: str | None) -> str:
    """The original name as text alone: no path, no control or direction-changing characters, at most 160 letters."""
    text = unicodedata.normalize("NFC", (name or "").replace("\\", "/").rsplit("/", 1)[-1])
    text = "".join(letter for letter in text if unicodedata.category(letter) not in DECEIVING)
    text = text.strip().strip(".") or "file"
    if len(text) > 160:
        stem, dot, suffix = text.rpartition(".")
        text = f"{stem[:150]}.{suffix[:8]}" if dot else text[:160]
    return text


# --- taking in -------------------------------------------------------------------------------------------------------


def may_upload(app: Application, who: Actor, form: Form, field: Field, record: Seen | None) -> bool:
    """To a field of a record the actor may change, or of one they may create. Line forms follow the form around."""
    around = app.definition.forms[form.parent_form] if form.parent_form else form
    if record is None:
        return _may_somewhere(app, who, around, form, field)
    if _asked_of(who, form, field):
        return True
    if not may_record(app, who, "update", around, record.view):
        return False
    view = record.view if form is around else View(form, {"_parent": record.id}, record.view.loader)
    return updatable_fields(app, who, form).has(field.name, view)


def _may_somewhere(app: Application, who: Actor, around: Form, form: Form, field: Field) -> bool:
    """Without a record named: the file is the uploader's alone until a save with its own checks takes it."""
    if _asked_of(who, form, field):
        return True
    if may(app, who, "create", around) and updatable_fields(app, who, form, creating=True).ever(field.name):
        return True
    return bool(may(app, who, "update", around)) and updatable_fields(app, who, form).ever(field.name)


def _asked_of(who: Actor, form: Form, field: Field) -> bool:
    """Whether a step the actor may take asks for the field: it may be brought with the step, whatever the grants for
    editing say. The step itself checks that it is open."""
    steps = form.workflow.transitions.values() if form.workflow else ()
    asking = [step for step in steps if field.name in step.ask]
    return any(who.is_admin or not who.roles.isdisjoint(step.roles) for step in asking)


def take_in(
    conn: sa.Connection, app: Application, who: Actor, form: str, field: str, upload: FileStorage, largest: int
) -> Attachment:
    """Store one file; it waits for a record to be saved with it."""
    name = clean_name(upload.filename)
    stored = app.files.put(cast(BinaryIO, upload.stream), name=name, largest=largest)
    table = app.tables.attachment
    values = {
        "form": form, "record_id": None, "field": field, "sha256": stored.sha256, "name": name,
        "media_type": stored.media_type, "size": stored.size, "width": stored.width, "height": stored.height,
        "created_at": app.clock(), "created_by": who.id,
    }  # fmt: skip
    key = conn.execute(sa.insert(table).values(**values)).inserted_primary_key
    return Attachment(
        int(key[0]) if key else 0, form, None, field, stored.sha256, name, stored.media_type, stored.size, who.id
    )


def checked(field: Any, upload: FileStorage) -> None:
    """Kind and size by the field's own limits; raises Invalid."""
    upload.stream.seek(0, 2)
    size = upload.stream.tell()
    upload.stream.seek(0)
    field.check_file(clean_name(upload.filename), size)


def must_fit(field: Any, attachment: Attachment) -> None:
    """What the file holds must be what its name says, where the field is particular; raises Invalid."""
    field.check_content(attachment.name, attachment.media_type)
    if field.kinds == ("image",) and attachment.media_type not in PICTURES:
        raise Invalid(message("“{name}” is not a picture that can be shown.", name=attachment.name))


def receiving(form: Form, seen: Seen | None) -> frozenset[str]:
    """The fields that files came for with the form itself, as ``<field>:files``, and that may take them."""
    app, who = application(), actor()
    return frozenset(
        name
        for name, field in form.fields.items()
        if field.kind == "files" and any(upload.filename for upload in request.files.getlist(f"{name}:files"))
        and may_upload(app, who, form, field, seen)
    )  # fmt: skip


def with_posted_files(form: Form, names: frozenset[str], typed: Typed) -> Typed:
    """Without a script files come with the form: they are taken in first, so that an error elsewhere does not lose
    them. ``names``: from ``receiving``."""
    app, who = application(), actor()
    raw = dict(typed.raw)
    for name in names:
        field = form.fields[name]
        posted = [upload for upload in request.files.getlist(f"{name}:files") if upload.filename]
        for upload in posted[:MOST_AT_ONCE]:
            try:
                checked(field, upload)
            except Invalid as invalid:
                raise Invalid(invalid.reason, [Problem(name, invalid.reason)]) from None
        with app.database.write() as conn:
            taken = [take_in(conn, app, who, form.name, name, upload, field.largest)  # type: ignore[attr-defined]
                     for upload in posted[:MOST_AT_ONCE]]  # fmt: skip
            for one in taken:
                _must_fit_on_form(field, one)
        raw[name] = [*_ids(raw.get(name)), *(str(one.id) for one in taken)]
    return Typed(raw, typed.lines)


def _must_fit_on_form(field: Field, attachment: Attachment) -> None:
    try:
        must_fit(field, attachment)
    except Invalid as invalid:
        raise Invalid(invalid.reason, [Problem(field.name, invalid.reason)]) from None


def _ids(raw: Any) -> list[str]:
    return [str(one) for one in raw] if isinstance(raw, (list, tuple)) else []


# --- giving out ------------------------------------------------------------------------------------------------------


def find(conn: sa.Connection, app: Application, who: Actor, attachment_id: int) -> Attachment:
    """The file, if the actor may read it now; else Missing, whatever the reason."""
    table = app.tables.attachment
    columns = [table.c[name] for name in ("id", "form", "record_id", "field", "sha256", "name", "media_type", "size",
                                           "created_by")]  # fmt: skip
    row = conn.execute(sa.select(*columns).where(table.c.id == attachment_id, table.c.deleted_at.is_(None))).first()
    if row is None:
        raise Missing(NOT_THERE)
    found = Attachment(*row)
    if not _readable(conn, app, who, found):
        raise Missing(NOT_THERE)
    return found


def _readable(conn: sa.Connection, app: Application, who: Actor, file: Attachment) -> bool:
    if file.record_id is None:
        return file.created_by is not None and file.created_by == who.id
    form = app.definition.forms.get(file.form)
    if form is None:
        return False
    loader = Sight(app, conn, who)
    row = loader.load(form.name, file.record_id)
    if row is None:
        return False
    view = View(form, row, loader)
    if row["deleted_at"] is not None and not may_record(app, who, "delete", form, view):
        return False
    if not may_record(app, who, "read", form, view):
        return False
    name = file.field or ""
    if name.partition(":")[0] == COMMENT:
        return form.comments if who.portal is None else _told_outside(conn, app, who, name)
    field = form.fields.get(name)
    if field is None or not readable_fields(app, who, form).has(name, view):
        return False
    if field.kind == "lines":
        return _in_lines(app, who, field, loader, view, file.id)
    return file.id in (row.get(name) or ())  # taken out of the field: no longer shown to anybody


def _told_outside(conn: sa.Connection, app: Application, who: Actor, name: str) -> bool:
    """A file of a message belongs to those of the portal it was written in; of internal comments they see none."""
    table, id = app.tables.comment, name.partition(":")[2]
    mine = (
        table.c.id == (int(id) if id.isdecimal() else 0),
        table.c.portal == who.portal,
        table.c.deleted_at.is_(None),
    )
    return conn.execute(sa.select(table.c.id).where(*mine)).first() is not None


def _in_lines(app: Application, who: Actor, field: Any, loader: Sight, view: View, file_id: int) -> bool:
    """A file of a line belongs to the record, under the name of its lines field."""
    form = app.definition.forms[field.form]
    columns = [one for one in form.fields.values() if one.kind == "files"]
    readable = readable_fields(app, who, form)
    for line in loader.lines(form.name, int(view.id or 0)):
        line_view = View(form, line, loader)
        if any(file_id in (line.get(one.name) or ()) and readable.has(one.name, line_view) for one in columns):
            return True
    return False


def shown_files(conn: sa.Connection, app: Application, ids: Iterable[int]) -> dict[int, Mapping[str, Any]]:
    """id → id, name, size, url, picture: what the widgets and lists of files show."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        return {}
    table = app.tables.attachment
    found = conn.execute(
        sa.select(table.c.id, table.c.name, table.c.size, table.c.media_type).where(table.c.id.in_(wanted))
    )
    return {
        row.id: {"id": row.id, "name": row.name, "size": row.size, "url": f"/files/{row.id}",
                 "picture": row.media_type in PICTURES}
        for row in found
    }  # fmt: skip


def record_for(conn: sa.Connection, form: Form, record_id: int | None) -> Seen | None:
    """The record a file is uploaded for: of a line form it is the record around."""
    if record_id is None:
        return None
    around = application().definition.forms[form.parent_form] if form.parent_form else form
    return see(conn, around, record_id)


def refuse() -> None:
    raise Denied(message("You may not add files here."))


# --- files nobody kept -----------------------------------------------------------------------------------------------


def clean_up(app: Application, *, older: dt.timedelta = UNSAVED_FOR) -> int:
    """Forget uploads that no record was saved with; answers how many. Content that others still use stays stored. While
    a backup is being made nothing is forgotten: the next day is time enough."""
    with app.files.removing() as free:
        return _clean_up(app, older) if free else 0


def _clean_up(app: Application, older: dt.timedelta) -> int:
    table = app.tables.attachment
    before = app.clock() - older
    with app.database.write() as conn:
        gone = conn.execute(sa.select(table.c.id, table.c.sha256).where(
            table.c.record_id.is_(None), table.c.created_at < before,
            table.c.id.not_in(sa.select(app.tables.entry_file.c.attachment_id)),
            sa.or_(table.c.form != OF_MAIL, table.c.created_at < app.clock() - MAIL_FOR))).all()  # fmt: skip
        for row in gone:
            conn.execute(sa.delete(table).where(table.c.id == row.id))
        hashes = {row.sha256 for row in gone}
        used = set(conn.scalars(sa.select(table.c.sha256).where(table.c.sha256.in_(hashes)))) if hashes else set()
    for sha256 in hashes - used:
        app.files.path(sha256).unlink(missing_ok=True)
    return len(gone)
