"""What a card is drawn from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from engine.application import Application
from engine.cards import Card
from engine.cardviews import as_view, condition_of, list_behind
from engine.columns import Columns, columns_of
from engine.definition import Form
from engine.errors import Missing, message
from engine.expressions.view import target_of
from engine.fields.base import Field
from engine.formats import Reader
from engine.people import Actor
from engine.queries import Filter, ListQuery
from engine.spans import Span, span_of
from engine.storage import records
from engine.tallies import Asking, Measure, total
from engine.titles import visible_titles
from engine.web.cards import group_field

NOTHING: Mapping[Any, Any] = {}


@dataclass(frozen=True)
class Look:
    """One card of a page, for one actor. ``filters``: what was chosen above the cards, for this card's form;
    ``chosen``: for every form; ``span``: the span of time that was chosen, None where the page offers none."""

    app: Application
    actor: Actor
    reader: Reader
    conn: sa.Connection
    page: str
    card: Card
    filters: tuple[Filter, ...] = ()
    weights: list[int] = field(default_factory=list)
    chosen: Mapping[str, tuple[Filter, ...]] = field(default_factory=dict)
    span: Span | None = None

    def of(self, part: Any) -> Look:
        """The same look at another part of the card: something with a form and a condition of its own."""
        return replace(self, card=part, filters=self.chosen.get(part.form, ()))

    def period(self, unit: str) -> Span:
        """The span the card shows: the chosen one, else the present one of this unit."""
        return self.span or span_of(self.today, unit)

    @property
    def upto(self) -> dt.date:
        """The day trends end at: today, or the last of the chosen span where that is past or still to come."""
        span = self.span
        if span is None or span.first <= self.today < span.end:
            return self.today
        return span.end - dt.timedelta(days=1)

    @cached_property
    def form(self) -> Form:
        """The form of the card; raises Missing for a card without one."""
        name = getattr(self.card, "form", None)
        if name is None:
            raise Missing(message("This card shows no records."))
        return self.app.definition.forms[name]

    @cached_property
    def columns(self) -> Columns:
        """What the actor may read of the form."""
        return columns_of(self.app, self.actor, self.form)

    @cached_property
    def query(self) -> ListQuery:
        """The card's records; the card's condition takes the way of a view's, through the same permissions."""
        view = as_view(self.form, condition_of(self.card, self.form))
        return ListQuery(form=self.form, view=view, filters=self.filters)

    @property
    def asking(self) -> Asking:
        return Asking(self.app, self.actor, self.query, self.conn)

    @property
    def now(self) -> dt.datetime:
        return self.app.clock()

    @property
    def today(self) -> dt.date:
        return self.now.astimezone(self.reader.zone).date()

    def field(self, name: str | None) -> Field | None:
        """A field whose values may be folded or compared: the answer of an unknown one where it may not be read."""
        return group_field(self.columns, name) if name else None

    def total(self, fold: str = "count", field: str | None = None) -> Any:
        """One figure over the records of the card: ``count``, or ``sum``, ``min``, ``max``, ``mean`` of a field."""
        self.field(field)
        (tally,) = total(self.asking, [Measure(fold, field)])
        self.weigh(tally.records)
        return tally.value

    def weigh(self, count: int) -> None:
        """So many records were read for this card."""
        self.weights.append(count)

    def behind(self, *pairs: tuple[str, str]) -> str | None:
        """The list of the records of the card, narrowed by what was chosen on the page and by ``pairs``."""
        chosen = [
            (f"where.{one.field}.{one.operator.name}", value) for one in self.filters for value in one.raw or ("1",)
        ]
        return list_behind(self.page, self.form, condition_of(self.card, self.form), self.columns, *chosen, *pairs)

    def titles(self, field: Field, values: Sequence[Any]) -> Mapping[Any, str]:
        """What links and people are called, as far as the actor may see it; one statement."""
        ids = [value for value in values if isinstance(value, int)]
        if not ids or field.kind not in ("link", "user"):
            return NOTHING
        if field.kind == "user":
            return records.titles(self.conn, self.app.tables, "_user", ids)
        target = self.app.definition.forms[target_of(self.form, field, self.app.definition)]
        return visible_titles(self.app, self.actor, self.conn, target, ids)
