"""Pages of cards. What is drawn quickly comes with the page; the other cards fetch themselves, side by side, so that a
slow one holds up none."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, Response, request
from markupsafe import Markup

from engine.calendars import seconds_of
from engine.cards import Card, TextCard
from engine.cardviews import may_open, parts_of
from engine.definition import Page
from engine.errors import Missing
from engine.paper import pagesheet
from engine.paper.press import press
from engine.web.context import actor, application, reader
from engine.web.pagecards import Look, draw, filters, kept_figures, periods, shown_to, template_of
from engine.web.render import render
from engine.web.seen import NOT_THERE

blueprint = Blueprint("pages", __name__)
PDF_SECONDS = 20.0
QUICKLY = 0.1  # seconds a page takes for its cards; what is left then is fetched by itself


@dataclass(frozen=True)
class Tile:
    """A card in its place. ``body``: what is drawn in it, None while it is still to be fetched."""

    place: int
    card: Card
    address: str
    body: Markup | None
    every: int
    narrowed: bool  # false where the choices above do not reach it

    @property
    def trigger(self) -> str:
        """When htmx asks for it."""
        ways = (["load"] if self.body is None else []) + ([f"every {self.every}s"] if self.every else [])
        return ", ".join(ways)


@blueprint.get("/pages/<name>")
def show(name: str) -> str:
    page = _page(name)
    app, who, person = application(), actor(), reader()
    chosen = filters.chosen(app, who, page, request.args)
    with app.database.read() as conn:
        choices = filters.choices(app, who, person, conn, page, chosen)
        tiles = list(_tiles(conn, page, chosen))
    forms = sorted({form for tile in tiles if (form := getattr(tile.card, "form", None))})
    today = app.clock().astimezone(person.zone).date()
    period = periods.shown(page, chosen.span, chosen.pairs, today, person)
    return render("page.html", page=page, tiles=tiles, choices=choices, chosen=chosen, live_forms=forms, period=period)


def _page(name: str) -> Page:
    page = application().definition.pages.get(name)
    if page is None or not may_open(page, actor()):
        raise Missing(NOT_THERE)
    return page


def _tiles(conn: sa.Connection, page: Page, chosen: filters.Chosen) -> Iterator[Tile]:
    began = time.monotonic()
    for place, card in enumerate(page.cards):
        if not shown_to(application(), actor(), card):
            continue
        quick = isinstance(card, TextCard) or time.monotonic() - began < QUICKLY
        body = Markup(drawn(conn, page, place, chosen)) if quick else None  # noqa: S704 - rendered by a template
        address = f"/pages/{page.name}/cards/{place}{chosen.address}"
        every = int(seconds_of(card.refresh)) if card.refresh else 0
        forms = {part.form for part in parts_of(card)}
        narrowed = not chosen.by_form or not forms or bool(forms & {*chosen.by_form})
        yield Tile(place, card, address, body, every, narrowed)


@blueprint.get("/pages/<name>/cards/<int:place>")
def card(name: str, place: int) -> str:
    """One card's figures."""
    page = _page(name)
    if place >= len(page.cards) or not shown_to(application(), actor(), page.cards[place]):
        raise Missing(NOT_THERE)
    chosen = filters.chosen(application(), actor(), page, request.args)
    with application().database.read() as conn:
        return drawn(conn, page, place, chosen)


@blueprint.get("/pages/<name>/print")
def on_paper(name: str) -> str:
    """The page as it is printed by the browser."""
    page, address = _page(name), f"?{request.query_string.decode()}" if request.query_string else ""
    sheet = pagesheet.sheet_of(application(), actor(), page, request.args, actor().name)
    back, pdf = f"/pages/{page.name}{address}", f"/pages/{page.name}/print.pdf{address}"
    return render("print_page.html", layout="bare.html", sheet=sheet, back=back, pdf=pdf)


@blueprint.get("/pages/<name>/print.pdf")
def as_pdf(name: str) -> Response:
    """The page as a file; raises DeliveryFailed where it takes too long."""
    page, who = _page(name), actor()
    document = pagesheet.page_document(application(), who, page, reader().language, request.args, who.name)
    answer = Response(press().pdf(document.text, PDF_SECONDS).content, mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{page.name}.pdf")
    return answer


def drawn(conn: sa.Connection, page: Page, place: int, chosen: filters.Chosen) -> str:
    one = page.cards[place]
    narrowed = chosen.by_form.get(getattr(one, "form", ""), ())
    look = Look(application(), actor(), reader(), conn, page.name, one, narrowed, chosen=chosen.by_form,
                span=chosen.span)  # fmt: skip
    return kept_figures(look, place, lambda: body_of(look))


def body_of(look: Look) -> str:
    """What stands in the card."""
    form = getattr(look.card, "form", None)
    about = look.form if form is not None else None
    return render(template_of(look.card), layout="fragment.html", card=look.card, **{"form": about, **draw(look)})
