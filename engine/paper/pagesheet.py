"""A page of cards on paper: the figures somebody may see, drawn without a request, as one self-contained document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from engine import fetching, folding, formats
from engine.application import Application
from engine.cards import BoardCard, Card, GanttCard, RecordsCard
from engine.cardviews import may_open
from engine.definition import Page
from engine.errors import DeliveryFailed, Message, message
from engine.exporting import title_extra
from engine.filling import fill
from engine.formats import HIDDEN
from engine.paper.document import LARGEST, Document, environment, style
from engine.people import Actor
from engine.queries import ListQuery, Sort
from engine.texts import say
from engine.titles import extras
from engine.web.pagecards import Look, draw, filters, shown_to, template_of
from engine.web.pagecards.periods import said_for
from engine.web.statics import FOLDER


@dataclass(frozen=True)
class Sheet:
    """What the sheet of a page says. ``narrowed``: what was chosen above the cards, in words."""

    title: str
    app_label: str
    printed: str
    by: str
    period: str
    narrowed: tuple[tuple[str, str], ...]
    cards: tuple[tuple[Card, Markup], ...]


def page_document(
    app: Application, who: Actor, page: Page, language: str, args: Mapping[str, str], by: str | None = None
) -> Document:
    """The page as ``who`` may see it, on their clocks; ``args`` as its address says them. Raises DeliveryFailed where
    it is not for them or is too much; Invalid for a choice the page does not have."""
    who = replace(who, language=language)
    if not may_open(page, who):
        said = message("{name} may not open the page {page}.", name=who.name, page=page.label)
        raise DeliveryFailed(said, again=False)
    sheet = sheet_of(app, who, page, args, by)
    template = environment(app, language).get_template("paper_page.html")
    drawn = template.render(sheet=sheet, language=language, style=style() + _cards_style())
    drawn = _styled(re.sub(r' href="/[^"]*"', "", drawn))
    if len(drawn) > LARGEST:
        most = f"{LARGEST // 1024 // 1024}"
        raise DeliveryFailed(message("The page has more than {most} MB; print less of it.", most=most), again=False)
    return Document(drawn, sheet.title)


def sheet_of(app: Application, who: Actor, page: Page, args: Mapping[str, str], by: str | None) -> Sheet:
    reader = who.reader(app.definition)
    chosen = filters.chosen(app, who, page, MultiDict(args))
    with app.database.read() as conn:
        narrowed = tuple(_narrowed(filters.choices(app, who, reader, conn, page, chosen)))
        cards = tuple(_cards(app, who, conn, page, chosen))
    label = app.definition.label
    return Sheet(
        title=page.label.text(reader.language),
        app_label=label.text(reader.language) if label else app.definition.app,
        printed=formats.moment(app.clock(), reader),
        by=say(message("Printed by {name}", name=by), reader.language) if by else "",
        period=chosen.span.label(reader) if chosen.span is not None else "",
        narrowed=narrowed,
        cards=cards,
    )


def _narrowed(choices: list[filters.Choice]) -> Iterator[tuple[str, str]]:
    for one in choices:
        if one.low or one.high:
            yield one.label, f"{one.low or '…'} – {one.high or '…'}"
        yield from ((one.label, text) for value, text, picked in one.options if picked and value)


# --- cards -----------------------------------------------------------------------------------------------------------


def _cards(
    app: Application, who: Actor, conn: sa.Connection, page: Page, chosen: filters.Chosen
) -> Iterator[tuple[Card, Markup]]:
    reader = who.reader(app.definition)
    words = environment(app, reader.language)
    for card in page.cards:
        if not shown_to(app, who, card):
            continue
        narrowed = chosen.by_form.get(getattr(card, "form", ""), ())
        look = Look(app, who, reader, conn, page.name, card, narrowed, chosen=chosen.by_form, span=chosen.span)
        maker = _ON_PAPER.get(type(card))
        template, drawn = maker(look, card) if maker is not None else (template_of(card), draw(look))
        about = look.form if getattr(card, "form", None) is not None else None
        context = {"layout": "fragment.html", "card": card, "form": about, "reader": reader, **drawn}
        yield card, Markup(words.get_template(template).render(context))  # noqa: S704 - rendered by a template


Drawn = tuple[str, Mapping[str, Any]]


def _records(look: Look, card: RecordsCard) -> Drawn:
    """The first records as plain texts."""
    columns = look.columns
    names = tuple(name for name in card.columns if name in columns)
    sorts = (Sort(key.removeprefix("-"), key.startswith("-")) for key in card.sort)
    usable = tuple(each for each in sorts if each.field in columns.sortable and each.field not in columns.sometimes)
    asked = ListQuery(form=look.form, view=look.query.view, filters=look.query.filters, columns=names, sort=usable,
                      limit=card.limit)  # fmt: skip
    page = fetching.run(look.app, look.actor, asked, look.conn, names)
    fill(look.app, look.actor, look.conn, look.form, columns, names, page.rows)
    found = extras(look.app, look.actor, look.conn, look.form, columns, names, page.rows)
    rows = [[_text(look, name, row, found) for name in names] for row in page.rows]
    heads = [(columns[name].label_in(look.reader.language), columns[name].align == "end") for name in names]
    return "cards/paper_rows.html", {"heads": heads, "rows": rows, "more": bool(page.after)}


def _text(look: Look, name: str, row: Mapping[str, Any], found: dict[str, Any]) -> str:
    if name in row.get("_hidden", ()):
        return HIDDEN
    field, value = look.columns[name], row[name]
    if value is None:
        return ""
    shown = field.masked if field.sensitive else field.format
    return str(shown(value, look.reader, title_extra(field, dict(row), found)))


def _board(look: Look, card: BoardCard) -> Drawn:
    """How many stand in each column."""
    view: Any = look.form.views[card.view]
    query = replace(look.query, view=view)
    field: Any = look.field(view.group)
    counts = folding.counts_by(look.app, look.actor, query, look.conn, field.name, tuple(field.options))
    rows = [[one.title.text(look.reader.language), formats.integer(counts.get(name, 0))]
            for name, one in field.options.items()]  # fmt: skip
    heads = [(field.label_in(look.reader.language), False), (say(message("Count"), look.reader.language), True)]
    return "cards/paper_rows.html", {"heads": heads, "rows": rows, "more": False}


def _gantt(look: Look, card: GanttCard) -> Drawn:
    said: Message = message("A time line is shown on the screen only.")
    return "cards/paper_rows.html", {"said": said, "heads": [], "rows": [], "more": False}


_ON_PAPER: Mapping[type[Card], Any] = {RecordsCard: _records, BoardCard: _board, GanttCard: _gantt}


# --- style -----------------------------------------------------------------------------------------------------------


@cache
def _cards_style() -> Markup:
    return Markup((FOLDER / "css" / "print_page.css").read_text(encoding="utf-8"))  # noqa: S704 - a file of ours


@cache
def _svg_style() -> str:
    return (FOLDER / "css" / "print_charts.css").read_text(encoding="utf-8")


def _styled(drawn: str) -> str:
    """Every picture with its style in it: WeasyPrint gives a picture no style of the page around."""
    return re.sub(r"(<svg [^>]*>)", lambda found: f"{found[1]}<style>{_svg_style()}</style>", drawn)


def past_period(app: Application, page: Page) -> Mapping[str, str]:
    """What the address of the page says for the span before the present one."""
    return said_for(page, app.clock(), app.definition.timezone)
