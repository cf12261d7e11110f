"""The story of a record: what happened to it and to the records linked to it, as one time line by the event log.

Every record of it is asked for by itself, every field too, so that it tells nobody more than the records do. It is read
by keyset, at most a page of each stream at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import Blueprint, Response, request

from engine.definition import Form
from engine.errors import Invalid, message
from engine.expressions import View
from engine.permissions import may_record, readable_fields, row_filter
from engine.sight import Sight
from engine.storage.events import COLUMNS, Event
from engine.titles import visible_ids
from engine.web import comments, related, uploads
from engine.web.automation import story
from engine.web.comments import PAGE, Entry, Sights, TimelinePage, may_comment
from engine.web.context import actor, application, fragment_wanted, reader
from engine.web.render import render, translate
from engine.web.seen import Seen, form_named, see, titles_of

blueprint = Blueprint("storyline", __name__)

KINDS = ("changes", "states", "messages", "files", "approvals")
ICONS = {"changes": "pencil", "states": "route", "messages": "message", "files": "paperclip", "approvals": "check"}
MOST_LINKED = 200  # records of one link that take part, the newest
MOST_CAUSES = 200

Record = tuple[str, int]
Scope = Mapping[str, frozenset[int]]  # form → ids of the records that take part


@dataclass(frozen=True)
class Choice:
    label: str
    icon: str
    url: str
    on: bool


@blueprint.get("/<form_name>/<int:record_id>/events")
def show(form_name: str, record_id: int) -> Response:
    """``with=linked``: with the records that are linked; ``kind``: one of KINDS; ``before``: where the page above
    ended."""
    form, kind, wide = form_named(form_name), request.args.get("kind", ""), request.args.get("with", "") == "linked"
    if kind and kind not in KINDS:
        raise Invalid(message("“{key}” is one of {known}, not “{got}”.", key="kind", known=KINDS, got=kind[:40]))
    with application().database.read() as conn:
        seen = see(conn, form, record_id, deleted=True)
        page = page_of(conn, seen, request.args.get("before", ""), kind, wide)
    template = "timeline_items.html" if fragment_wanted() and not page.first else "timeline.html"
    return Response(render(template, page=page))


def page_of(conn: sa.Connection, seen: Seen, before: str, kind: str, wide: bool) -> TimelinePage:
    if not kind and not wide:
        return replace(comments.page_of(conn, seen, before), choices=choices(seen, kind, wide))
    scope, causes = scope_of(conn, seen) if wide else ({seen.form.name: frozenset({seen.id})}, ())
    event_before, other_before = comments.place(before)
    happened = [] if kind in ("messages", "files") else _happened(conn, scope, causes, kind, event_before)
    said = _said(conn, scope, other_before) if kind in ("", "messages") else []
    filed = _filed(conn, scope, event_before) if kind == "files" else []
    sights = _sights(conn, seen, (*happened, *said, *filed))
    happened = [one for one in happened if (one.form, one.record_id) in sights]
    entries = [
        *comments.told_events(conn, sights, happened),
        *comments.told_comments(conn, sights, [one for one in said if (one.form, one.record_id) in sights]),
        *_told_files(conn, sights, filed),
    ]
    keys = _keys(happened, said, filed)
    named = [_about(entry, seen, sights, keys) for entry in entries]
    named.sort(key=lambda entry: entry.order, reverse=True)
    shown = named[:PAGE]
    full = max(len(happened), len(said), len(filed)) > PAGE or len(named) > PAGE
    return TimelinePage(
        base=f"/{seen.form.name}/{seen.id}", title=seen.title, entries=tuple(shown),
        older=comments.older(shown, before) if full and shown else "", first=not before,
        may_comment=may_comment(seen.form, seen), token=comments.new_token(),
        waiting=story.waiting(conn, seen) if not before else (), rest=_rest(kind, wide),
        choices=choices(seen, kind, wide),
    )  # fmt: skip


def _rest(kind: str, wide: bool) -> str:
    pairs = [*([("with", "linked")] if wide else []), *([("kind", kind)] if kind else [])]
    return "&" + urlencode(pairs) if pairs else ""


def choices(seen: Seen, kind: str, wide: bool) -> tuple[Choice, ...]:
    """How far and what: the record alone or with what is linked, everything or one kind."""
    base = f"/{seen.form.name}/{seen.id}/events"

    def url(kind: str, wide: bool) -> str:
        return f"{base}?{_rest(kind, wide)[1:]}" if kind or wide else base

    linked = Choice(translate("With linked records"), "link", url(kind, not wide), wide)
    texts = {"changes": translate("Changes"), "states": translate("Steps"), "messages": translate("Messages"),
             "files": translate("Files"), "approvals": translate("Approvals")}  # fmt: skip
    return (linked, *(Choice(texts[one], ICONS[one], url("" if one == kind else one, wide), one == kind)
                      for one in KINDS))  # fmt: skip


# --- which records take part -----------------------------------------------------------------------------------------


def scope_of(conn: sa.Connection, seen: Seen) -> tuple[Scope, tuple[int, ...]]:
    """The record and those that link to it, as far as the person may see them; and the events elsewhere that led to
    what happened to it."""
    scope: dict[str, frozenset[int]] = {seen.form.name: frozenset({seen.id})}
    for other, field in related.pointing(seen.form):
        table = application().tables.form[other.name]
        allowed = row_filter(application(), actor(), "read", other)
        query = sa.select(table.c.id).where(table.c[field.name] == seen.id, table.c.deleted_at.is_(None))
        query = query if allowed is None else query.where(allowed)
        found = conn.scalars(query.order_by(table.c.id.desc()).limit(MOST_LINKED))
        scope[other.name] = scope.get(other.name, frozenset()).union(found)
    return scope, _causes(conn, seen)


def _causes(conn: sa.Connection, seen: Seen) -> tuple[int, ...]:
    event = application().tables.event
    own = (event.c.form == seen.form.name, event.c.record_id == seen.id, event.c.cause.is_not(None))
    causes = sa.select(event.c.cause).where(*own).order_by(event.c.id.desc()).limit(MOST_CAUSES).subquery()
    query = sa.select(event.c.id, event.c.form, event.c.record_id).where(event.c.id.in_(sa.select(causes)))
    found = conn.execute(query)
    by_form: dict[str, list[tuple[int, int]]] = {}
    for id, form, record in found:
        by_form.setdefault(form, []).append((id, record))
    return tuple(id for name, pairs in by_form.items() for id in _visible(conn, name, pairs))


def _visible(conn: sa.Connection, name: str, pairs: Sequence[tuple[int, int]]) -> Iterator[int]:
    """Of (event, record) the events whose record may be seen."""
    form = application().definition.forms.get(name)
    if form is None or form.parent_form:
        return
    seen = visible_ids(application(), actor(), conn, form, [record for _id, record in pairs])
    yield from (id for id, record in pairs if seen is None or record in seen)


def _sights(conn: sa.Connection, seen: Seen, found: Sequence[Any]) -> Sights:
    """The records of a page, read together, each asked whether it may be seen."""
    app, who = application(), actor()
    sights: dict[tuple[str, int], Seen] = {(seen.form.name, seen.id): seen}
    sight = Sight(app, conn, who)
    for name in dict.fromkeys(one.form for one in found):
        form = app.definition.forms.get(name)
        if form is None or form.parent_form:
            continue
        ids = [one.record_id for one in found if one.form == name]
        sight.prime(name, ids)
        sights |= {(name, id): other for id in dict.fromkeys(ids) if (name, id) not in sights
                   and (other := _seen(form, sight, id)) is not None}  # fmt: skip
    return sights


def _seen(form: Form, sight: Sight, id: int) -> Seen | None:
    row = sight.load(form.name, id)
    if row is None or row["deleted_at"] is not None:
        return None
    view = View(form, row, sight)
    if not may_record(application(), actor(), "read", form, view):
        return None
    return Seen(form, row, view, readable_fields(application(), actor(), form).of(view), sight)


# --- the streams -----------------------------------------------------------------------------------------------------


def _happened(conn: sa.Connection, scope: Scope, causes: Sequence[int], kind: str, before: int | None) -> list[Event]:
    """The newest events, one page more than is shown of each form, so that the merge is whole."""
    event = application().tables.event
    columns = [event.c[name] for name in COLUMNS]
    narrowed = [*_of_kind(event, kind), *([event.c.id < before] if before is not None else [])]
    wheres = [sa.and_(event.c.form == name, event.c.record_id.in_(ids)) for name, ids in scope.items() if ids]
    wheres += [event.c.id.in_(causes)] if causes else []
    parts = [sa.select(event.c.id).where(where, *narrowed).order_by(event.c.id.desc()).limit(PAGE + 1).subquery()
             for where in wheres]  # fmt: skip
    ids = sa.union(*(sa.select(part.c.id) for part in parts)).subquery()
    query = sa.select(*columns).where(event.c.id.in_(sa.select(ids.c.id))).order_by(event.c.id.desc())
    return [Event(**row) for row in conn.execute(query.limit(PAGE + 1)).mappings()]


def _of_kind(event: sa.Table, kind: str) -> Iterator[Any]:
    if kind == "states":
        yield event.c.transition.is_not(None)
    elif kind == "approvals":
        yield event.c.kind == "answered"
    elif kind == "changes":
        yield event.c.transition.is_(None)
        yield event.c.kind != "answered"


def _said(conn: sa.Connection, scope: Scope, before: int | None) -> list[Any]:
    app = application()
    open_ = {name: ids for name, ids in scope.items() if app.definition.forms[name].comments}
    return _newest(conn, app.tables.comment, open_, before)


def _filed(conn: sa.Connection, scope: Scope, before: int | None) -> list[Any]:
    return _newest(conn, application().tables.attachment, scope, before)


def _newest(conn: sa.Connection, table: sa.Table, scope: Scope, before: int | None) -> list[Any]:
    wheres = [sa.and_(table.c.form == name, table.c.record_id.in_(ids)) for name, ids in scope.items() if ids]
    if not wheres:
        return []
    query = sa.select(table).where(sa.or_(*wheres), table.c.deleted_at.is_(None))
    if before is not None:
        query = query.where(table.c.id < before)
    return list(conn.execute(query.order_by(table.c.id.desc()).limit(PAGE + 1)))


# --- telling ---------------------------------------------------------------------------------------------------------


def _keys(happened: Sequence[Event], said: Sequence[Any], filed: Sequence[Any]) -> dict[tuple[int, int], Record]:
    """(sort of entry, id) → the record it happened to."""
    streams = ((0, happened), (1, said), (2, filed))
    return {(sort, one.id): (one.form, one.record_id) for sort, stream in streams for one in stream}


def _about(entry: Entry, seen: Seen, sights: Sights, keys: Mapping[tuple[int, int], Record]) -> Entry:
    key = keys[entry.order[1], entry.id]
    if key == (seen.form.name, seen.id):
        return entry
    other = sights[key]
    label = f"{other.form.label.text(reader().language)} {other.title}"
    return replace(entry, about=label, about_href=f"/{key[0]}/{key[1]}", mine=False)


def _told_files(conn: sa.Connection, sights: Sights, filed: Sequence[Any]) -> list[Entry]:
    """Files in fields the person may see, and those of comments."""
    names = titles_of(conn, application(), actor(), {"_user": {row.created_by for row in filed if row.created_by}})
    people = names.get("_user", {})
    return [
        Entry(
            order=(row.created_at, 2, row.id), id=row.id, comment_id=None, who=people.get(row.created_by, ""),
            initials=comments.initials(people[row.created_by]) if row.created_by in people else "", icon="paperclip",
            sentence=translate("added a file"),
            files=({"id": row.id, "name": row.name, "thumb": row.media_type in uploads.PICTURES},),
            **comments.times(row.created_at),
        )
        for row in filed
        if (row.form, row.record_id) in sights and _may_see(sights[row.form, row.record_id], row.field or "")
    ]  # fmt: skip


def _may_see(seen: Seen, field: str) -> bool:
    return field in seen.fields or field.startswith(f"{uploads.COMMENT}:")
