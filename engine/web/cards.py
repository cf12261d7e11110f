"""A record as a card, and what all boards share: the question, the rows, the frame around."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup, escape

from engine import fetching, queries
from engine.columns import Columns, columns_of, rights
from engine.definition import Form
from engine.errors import Invalid
from engine.fields.base import Field
from engine.filling import fill
from engine.permissions import may
from engine.queries import ListQuery, parse_query
from engine.titles import extras
from engine.web.context import actor, application, reader
from engine.web.lists import Around, look_around
from engine.web.render import render
from engine.web.rows import Row, Show, is_late, link_target, shower

# --- a card ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CardPlan:
    """How one record is shown on a board: its title opens it, the other fields stand below."""

    form: str
    names: tuple[str, ...]
    facts: tuple[tuple[str, str, Show], ...]  # name, label, show
    title: Callable[[Row, Any], str]

    def draw(self, row: Row, found: Any, now: dt.datetime) -> Markup:
        late = " overdue" if is_late(row, now) else ""
        # every part is escaped
        return Markup(  # noqa: S704
            f'<article class="board-card{late}" id="r{row["id"]}" data-id="{row["id"]}" data-v="{row["version"]}"'
            f' tabindex="0"><a class="open" href="/{self.form}/{row["id"]}" draggable="false">'
            f"{self.title(row, found)}</a>"
            f'<span class="card-facts">{self.facts_of(row, found)}</span></article>'
        )

    def facts_of(self, row: Row, found: Any) -> Markup:
        hidden = row.get("_hidden", ())
        facts = [
            f'<span class="card-fact" title="{label}">{show(row[name], row, found)}</span>'
            for name, label, show in self.facts
            if row[name] is not None and name not in hidden
        ]
        return Markup("".join(facts))  # noqa: S704 - every part is escaped


def card_plan(form: Form, columns: Columns, card: Sequence[str]) -> CardPlan:
    """Kept per definition, fields, rights and reader."""
    app, who, person = application(), actor(), reader()
    names = tuple(name for name in card if name in columns)
    key = ("card", form.name, names, rights(who), person)
    found: CardPlan | None = app.plans.kept.get(key)
    if found is None:
        open_forms = frozenset(name for name in app.definition.forms if may(app, who, "read", name))
        plain = next((name for name in names if columns[name].kind not in ("link", "links", "user", "files")), None)
        facts = tuple(
            (
                name,
                escape(columns[name].label_in(person.language)),
                shower(columns[name], person, link_target(app.definition, form, columns[name], open_forms)),
            )
            for name in names
            if name != plain
        )
        found = app.plans.kept[key] = CardPlan(form.name, names, facts, _titled(columns.get(plain or "")))
    return found


def _titled(field: Field | None) -> Callable[[Row, Any], str]:
    person = reader()

    def title(row: Row, found: Any) -> str:
        value = row[field.name] if field is not None and field.name not in row.get("_hidden", ()) else None
        if value is None or field is None:
            return str(escape(row["_title"] if field is None and row.get("_title") else f"#{row['id']}"))
        text = field.masked if field.sensitive else field.format
        return str(escape(text(value, person, found.get(field.name))))

    return title


# --- asking ----------------------------------------------------------------------------------------------------------


def asked(form: Form, args: Any, also: Sequence[str] = ()) -> tuple[ListQuery, Columns]:
    app, who = application(), actor()
    return parse_query(app, who, form, args, also=("saved", *also)), columns_of(app, who, form)


def group_field(columns: Columns, name: str) -> Field:
    """A field that may make columns, days or lanes: readable on every record; else the answer of an unknown one."""
    field = columns.get(name)
    if field is None or field.column_type() is None or field.sensitive:
        raise Invalid(queries.unknown(queries.NO_FIELD, name, list(columns)))
    if name in columns.sometimes:
        raise Invalid(queries.sometimes(field))
    return field


def rows_of(conn: sa.Connection, query: ListQuery, columns: Columns, names: Sequence[str]) -> tuple[Any, Any]:
    """A page of complete rows, and what their cells need beside them."""
    app, who = application(), actor()
    page = fetching.run(app, who, query, conn, names or ("id",))
    fill(app, who, conn, query.form, columns, names, page.rows)
    return page, extras(app, who, conn, query.form, columns, names, page.rows)


def show_board(template: str, conn: sa.Connection, query: ListQuery, columns: Columns, **more: Any) -> str:
    """The board inside tabs, search and chips."""
    around = Around(**look_around(conn, query.form, query, columns))
    return render(template, form=query.form, query=query, screen=around, view=query.view, **more)
