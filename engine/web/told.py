"""Events and comments as entries of a time line, of one record or of several: read together, told one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import formats
from engine.definition import Form
from engine.errors import message
from engine.expressions import View
from engine.fields.people import initials
from engine.permissions import in_scope, readable_fields
from engine.storage import events
from engine.web import reach, uploads
from engine.web.automation import story
from engine.web.context import actor, application, reader
from engine.web.failures import said as say
from engine.web.seen import Seen, titles_of
from engine.web.timeline import Change, Teller, added_files, pointed_at


@dataclass(frozen=True)
class Entry:
    """One entry as the page shows it; ``comment_id`` is None for an event."""

    order: tuple[dt.datetime, int, int]
    id: int
    who: str
    initials: str
    icon: str
    sentence: str
    when: str
    exact: str
    iso: str
    changes: tuple[Change, ...] = ()
    hidden: int = 0
    reason: str | None = None
    rule: str | None = None
    run_href: str = ""
    feed: str | None = None
    feed_href: str = ""
    because: int | None = None
    elsewhere: story.Because | None = None
    about: str = ""  # the record it happened to, where that is another than the page's
    about_href: str = ""
    comment_id: int | None = None
    body: str | None = None
    edited: bool = False
    mine: bool = False
    portal: str = ""
    files: tuple[Mapping[str, Any], ...] = ()


def may_comment(form: Form, seen: Seen) -> bool:
    who = actor()
    reaches = who.scopes is None or in_scope(who.scopes, "comment", form.name)
    return form.comments and reaches and who.id is not None and who.view_as is None and seen.row["deleted_at"] is None


Sights = Mapping[tuple[str, int], Seen]  # (form, record id) → the record as the person sees it


def told_events(conn: sa.Connection, seen: Sights, happened: Sequence[events.Event]) -> list[Entry]:
    """Events of these records as entries; the number of statements does not grow with either."""
    app, who = application(), actor()
    wanted: dict[str, set[int]] = {}
    for name in dict.fromkeys(event.form for event in happened):
        own = [event for event in happened if event.form == name]
        for target, ids in pointed_at(app.definition, app.definition.forms[name], own).items():
            wanted.setdefault(target, set()).update(ids)
    titles = titles_of(conn, app, who, wanted)
    tellers = {key: Teller(app.definition, one.form, readable_of(one), titles, reader()) for key, one in seen.items()}
    names = titles.get("_user", {})
    reasons = story.reasons(conn, happened)
    pictures = _pictures(conn, tellers, happened)
    entries = []
    shown_here = {event.id for event in happened}
    for event in happened:
        told = tellers[event.form, event.record_id].tell(event)
        name = names.get(told.actor_id or 0, "") or say(message("System"))
        entries.append(
            Entry(
                order=(told.at, 0, told.id),
                id=told.id,
                who=name,
                initials="" if told.rule or told.feed else initials(name),
                icon="robot" if told.rule or told.feed else told.icon,
                sentence=say(told.sentence),
                changes=told.changes,
                hidden=told.hidden,
                reason=told.reason,
                rule=told.rule,
                run_href=story.run_href(event.rule, event.run_id),
                feed=told.feed,
                feed_href=story.feed_href(event.rule, event.id) if told.feed else "",
                because=told.cause if told.cause in shown_here else None,
                elsewhere=reasons.get(event.id),
                files=pictures.get(event.id, ()),
                **times(told.at),
            )
        )
    return entries


def _pictures(
    conn: sa.Connection, tellers: Mapping[tuple[str, int], Teller], happened: Sequence[events.Event]
) -> dict[int, tuple[Mapping[str, Any], ...]]:
    """event id → the pictures it added, in fields the person may see."""
    added = {event.id: added_files(event, tellers[event.form, event.record_id]) for event in happened}
    ids = sorted({one for several in added.values() for one in several})
    if not ids:
        return {}
    table = application().tables.attachment
    query = sa.select(table.c.id, table.c.name, table.c.media_type).where(
        table.c.id.in_(ids), table.c.media_type.in_(uploads.PICTURES), table.c.deleted_at.is_(None)
    )
    there = {row.id: {"id": row.id, "name": row.name, "thumb": True} for row in conn.execute(query)}
    return {id: tuple(there[one] for one in several if one in there) for id, several in added.items()}


def readable_of(seen: Seen) -> Any:
    """(form name, field name) → whether the person may see it of this record or its lines."""
    app, who = application(), actor()
    kept: dict[str, frozenset[str]] = {seen.form.name: seen.fields}

    def readable(form: str, field: str) -> bool:
        if form not in kept:
            other = app.definition.forms[form]
            view = View(other, {"_parent": seen.id}, seen.view.loader)
            kept[form] = readable_fields(app, who, other).of(view)
        return field in kept[form]

    return readable


def told_comments(conn: sa.Connection, seen: Sights, said: Sequence[Any]) -> list[Entry]:
    app, who = application(), actor()
    names = titles_of(conn, app, who, {"_user": {row.author for row in said}}).get("_user", {})
    files: dict[int, tuple[Mapping[str, Any], ...]] = {}
    for name in dict.fromkeys(row.form for row in said):
        own = [row for row in said if row.form == name]
        files |= files_of_comments(conn, name, {row.record_id for row in own}, [row.id for row in own])
    return [
        Entry(
            order=(row.at, 1, row.id), id=row.id, comment_id=row.id, who=names.get(row.author, ""), icon="message",
            initials=initials(names[row.author]) if names.get(row.author) else "", sentence="", body=row.body,
            edited=row.edited_at is not None, files=files.get(row.id, ()),
            mine=row.author == who.id and may_comment(app.definition.forms[row.form], seen[row.form, row.record_id]),
            portal=reach.portal_label(row.portal), **times(row.at),
        )
        for row in said
    ]  # fmt: skip


def files_of(conn: sa.Connection, seen: Seen, comment_ids: Sequence[int]) -> dict[int, tuple[Mapping[str, Any], ...]]:
    return files_of_comments(conn, seen.form.name, {seen.id}, comment_ids)


def files_of_comments(
    conn: sa.Connection, form: str, record_ids: Collection[int], comment_ids: Sequence[int]
) -> dict[int, tuple[Mapping[str, Any], ...]]:
    if not comment_ids:
        return {}
    table = application().tables.attachment
    fields = {f"{uploads.COMMENT}:{one}": one for one in comment_ids}
    query = sa.select(table.c.id, table.c.field, table.c.name, table.c.media_type).where(
        table.c.form == form, table.c.record_id.in_(record_ids), table.c.field.in_(fields),
        table.c.deleted_at.is_(None),
    )  # fmt: skip
    found: dict[int, tuple[Mapping[str, Any], ...]] = {}
    for row in conn.execute(query.order_by(table.c.id)):
        file = {"id": row.id, "name": row.name, "thumb": row.media_type in uploads.PICTURES}
        found[fields[row.field]] = (*found.get(fields[row.field], ()), file)
    return found


def times(at: dt.datetime) -> dict[str, Any]:
    now, language = application().clock(), reader().language
    recent = now - at < dt.timedelta(days=7)
    day = formats.date(at.astimezone(reader().zone).date(), language)
    return {
        "when": formats.relative(at, now, language) if recent else day,
        "exact": formats.moment(at, reader()),
        "iso": at.isoformat(),
    }
