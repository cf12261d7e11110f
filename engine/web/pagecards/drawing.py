"""Which card is drawn by what, to whom it is shown, and how long dear figures are kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from engine.application import Application
from engine.cards import (
    AgeingCard,
    BeforeAfterCard,
    BoardCard,
    BreakdownCard,
    Card,
    CycleCard,
    DwellCard,
    FormulaCard,
    GanttCard,
    NumberCard,
    Part,
    ProcessCard,
    RecordsCard,
    TableCard,
    TextCard,
    TrendCard,
)
from engine.cardviews import parts_of
from engine.columns import Columns, columns_of, rights
from engine.language import FieldName
from engine.people import Actor
from engine.permissions import may
from engine.queries import usable
from engine.schema import keys_of
from engine.web.pagecards import ages, formulas, groups, lists, numbers, process, trends, ways
from engine.web.pagecards.look import Look

Draw = Callable[[Look, Any], Mapping[str, Any]]
_DRAW: Mapping[type[Card], Draw] = {
    NumberCard: numbers.draw,
    TrendCard: trends.draw,
    BreakdownCard: groups.breakdown,
    TableCard: groups.table,
    RecordsCard: lists.records,
    BoardCard: lists.board,
    GanttCard: lists.time_line,
    TextCard: lambda look, card: {},
    FormulaCard: formulas.draw,
    BeforeAfterCard: formulas.before_after,
    AgeingCard: ages.draw,
    CycleCard: ways.cycle,
    DwellCard: ways.dwell,
    ProcessCard: process.draw,
}
_NEEDS: Mapping[type, Callable[[Any, Columns], tuple[str | None, ...]]] = {
    Part: formulas.needs,
    AgeingCard: ages.needs,
    CycleCard: ways.cycle_needs,
    DwellCard: ways.dwell_needs,
    ProcessCard: process.needs,
    NumberCard: numbers.needs,
    TrendCard: trends.needs,
    BreakdownCard: groups.breakdown_needs,
    TableCard: groups.table_needs,
    RecordsCard: lambda card, columns: () if any(name in columns for name in card.columns) else ("",),
}


def draw(look: Look) -> Mapping[str, Any]:
    """What the card's template is given."""
    drawer = _DRAW.get(type(look.card))
    return drawer(look, look.card) if drawer is not None else look.card.draw(look)


def template_of(card: Card) -> str:
    return f"cards/{card.type}.html" if type(card) in _DRAW else card.template


# --- to whom ---------------------------------------------------------------------------------------------------------


def shown_to(app: Application, actor: Actor, card: Card) -> bool:
    """A card over a form, a field or a view that is hidden from the actor, if only on some records, is left out."""
    return all(_part_shown(app, actor, part) for part in parts_of(card))


def _part_shown(app: Application, actor: Actor, part: Any) -> bool:
    form = app.definition.forms[part.form]
    if not may(app, actor, "read", form):
        return False
    columns = columns_of(app, actor, form)
    view = form.views.get(getattr(part, "view", ""))
    if view is not None:
        return usable(form, view, columns)
    needed = _NEEDS.get(type(part), _named)(part, columns)
    return all(_may_tell(columns, each) for each in needed if each is not None)


def _may_tell(columns: Columns, name: str) -> bool:
    return name in columns and name not in columns.sometimes and not columns[name].sensitive


def _named(card: Any, columns: Columns) -> tuple[str | None, ...]:
    """Every field a card of a plugin names by itself."""
    return tuple(getattr(card, key.attribute) for key in keys_of(type(card)) if key.hint is FieldName)


# --- dear figures ----------------------------------------------------------------------------------------------------

DEAR = 50_000  # records read for one card
KEPT_CARDS = 300


def kept_figures(look: Look, place: Hashable, make: Callable[[], str]) -> str:
    """The drawn card. One that reads many records is kept for a while for the same person and the same filters: a
    second for every 20,000 records, a minute at most."""
    store: dict[Hashable, tuple[float, str]] = look.app.plans.kept.setdefault(("dear cards",), {})
    chosen = look.chosen or {"": look.filters}
    asked = tuple((form, one.field, one.operator.name, one.raw) for form, each in chosen.items() for one in each)
    key = (look.page, place, look.actor.id, rights(look.actor), look.reader, asked, look.span, look.today)
    found = store.get(key)
    if found is not None and found[0] > time.monotonic():
        return found[1]
    drawn = make()
    weight = sum(look.weights)
    if weight >= DEAR:
        if len(store) >= KEPT_CARDS:
            store.clear()
        store[key] = (time.monotonic() + min(60.0, weight / 20_000), drawn)
    return drawn
