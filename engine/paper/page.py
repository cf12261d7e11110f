"""A record on paper: the same facts and lines as its page, on one sheet without the frame."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from engine import formats
from engine.application import Application
from engine.definition import Form
from engine.errors import message
from engine.people import Actor
from engine.texts import say
from engine.web.path import Badge, badge
from engine.web.seen import Seen
from engine.web.showing import Showing, ShownSection


@dataclass(frozen=True)
class PrintPage:
    form: Form
    form_label: str
    app_label: str
    id: int
    title: str
    state: Badge | None
    sections: tuple[ShownSection, ...]
    printed: str
    printed_by: str


def page_of(app: Application, who: Actor, seen: Seen, showing: Showing, by: str | None) -> PrintPage:
    """What is printed of a record. ``by``: the name that stands below; None where nobody in particular prints."""
    reader = who.reader(app.definition)
    label = app.definition.label
    return PrintPage(
        form=seen.form,
        form_label=seen.form.label.text(reader.language),
        app_label=label.text(reader.language) if label else app.definition.app,
        id=seen.id,
        title=seen.title,
        state=badge(seen.form, seen.row, reader),
        sections=showing.sections(),
        printed=formats.moment(app.clock(), reader),
        printed_by=say(message("Printed by {name}", name=by), reader.language) if by else "",
    )


def shown_page(conn: sa.Connection, app: Application, who: Actor, seen: Seen) -> PrintPage:
    """For the person of the present request."""
    return page_of(app, who, seen, Showing(conn, app, who, seen), who.name)
