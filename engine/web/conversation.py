"""What people inside and people of a portal write to each other about a record.

Messages are comments that carry the name of a portal. Everything else that is said about a record stays inside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import formats, notices
from engine.errors import message
from engine.once import new_token
from engine.people import people_with_roles
from engine.portals import Portal
from engine.texts import say as say_in
from engine.web import comments
from engine.web.context import actor, application, reader
from engine.web.render import label
from engine.web.seen import Seen
from engine.web.told import files_of

SHOWN = 100
MOST_TOLD = 50


@dataclass(frozen=True)
class Line:
    """One message. ``mine``: of the side that looks at it."""

    id: int
    who: str
    mine: bool
    body: str
    when: str
    exact: str
    files: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Talk:
    lines: tuple[Line, ...]
    may_write: bool
    token: str


def outside(conn: sa.Connection, portal: Portal, seen: Seen) -> Talk:
    """The conversation as people of the portal see it: whoever is inside is the application, unless names are told."""
    app = application()
    table, user, outsider = app.tables.comment, app.tables.user, app.tables.outsider
    query = (
        sa.select(table.c.id, table.c.author, table.c.body, table.c.at, user.c.name, outsider.c.portal)
        .join_from(table, user, user.c.id == table.c.author)
        .outerjoin(outsider, outsider.c.user_id == user.c.id)
        .where(table.c.form == seen.form.name, table.c.record_id == seen.id, table.c.portal == portal.name,
               table.c.deleted_at.is_(None))
        .order_by(table.c.id.desc())
        .limit(SHOWN)
    )  # fmt: skip
    rows = list(conn.execute(query))[::-1]
    files = files_of(conn, seen, [row.id for row in rows])
    return Talk(tuple(_line(row, portal, files.get(row.id, ())) for row in rows), _may_write(), new_token())


def _may_write() -> bool:
    return actor().id is not None and actor().view_as is None


def _line(row: Any, portal: Portal, files: Sequence[Mapping[str, Any]]) -> Line:
    there = row.portal is not None
    name = row.name if there or portal.names else label(application().definition)
    at: dt.datetime = row.at
    language = reader().language
    recent = application().clock() - at < dt.timedelta(days=7)
    day = formats.date(at.astimezone(reader().zone).date(), language)
    when = formats.relative(at, application().clock(), language) if recent else day
    return Line(row.id, name, there, row.body, when, formats.moment(at, reader()), tuple(files))


# --- writing ---------------------------------------------------------------------------------------------------------


def write(conn: sa.Connection, portal: Portal, seen: Seen, body: str, posted: Sequence[Any], *, once: str) -> None:
    """Store what somebody outside writes and tell people inside; the very same post again is nothing."""
    id, _unseen = comments.add(conn, seen.form, seen, body, posted, once=once, portal=portal.name)
    if id is not None:
        _tell_inside(conn, portal, seen)


def _tell_inside(conn: sa.Connection, portal: Portal, seen: Seen) -> None:
    app, who = application(), actor()
    said = message("{name} ({portal}) wrote about {title}", name=who.name, portal=portal.label, title=seen.title)
    texts = {language: say_in(said, language) for language in ("zh", "en")}
    people = sorted(_inside(conn, portal, seen))[:MOST_TOLD]
    notices.put(app, conn, people, seen.form.name, seen.id, texts, "mentioned")


def _inside(conn: sa.Connection, portal: Portal, seen: Seen) -> set[int]:
    """Whoever is responsible and whoever wrote there before; else the role that is responsible, else who invites."""
    tables, row = application().tables, seen.row
    table, user, outsider = tables.comment, tables.user, tables.outsider
    wrote = sa.select(table.c.author).where(
        table.c.form == seen.form.name, table.c.record_id == seen.id, table.c.portal == portal.name
    )
    named = [row["owner"]] if row.get("owner") is not None else []
    people = sa.select(user.c.id).where(
        user.c.active, sa.or_(user.c.id.in_(wrote), user.c.id.in_(named)),
        user.c.id.not_in(sa.select(outsider.c.user_id)),
    )  # fmt: skip
    found = set(conn.scalars(people))
    for roles in ([row["owner_role"]] if row.get("owner_role") else [], portal.invite, ("admin",)):
        found = found or set(people_with_roles(conn, tables, roles))
    return found
