"""Whether a card can show what it says: figures of numbers, periods of dates, boards of kanban views."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from engine.calendars import seconds_of
from engine.cards import (
    AgeingCard,
    BeforeAfterCard,
    BoardCard,
    BreakdownCard,
    Card,
    CycleCard,
    DwellCard,
    Formula,
    GanttCard,
    NumberCard,
    ProcessCard,
    TableCard,
    TrendCard,
)
from engine.checks.review import Review
from engine.checks.shapes import expect, is_day, is_figure, is_stored_day, makes_groups
from engine.definition import Form, Page, PageFilter
from engine.errors import message
from engine.fields.base import Field
from engine.language import SYSTEM_FIELDS
from engine.views import GanttView, KanbanView
from engine.yamlfile import Path

SHORTEST = 5  # seconds between two refreshes
MOST_DAYS = 3700  # of a trend: it is read day by day
_DAYS_OF = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}
_GROUPS = message("the state, a choice, a link, a user or yes/no")
_DATE = message("a stored date")


def check_cards(review: Review) -> None:
    for page in review.definition.pages.values():
        for index, card in enumerate(page.cards):
            _card(review, card, ("pages", page.name, "cards", index))
        _filters(review, page)


def _card(review: Review, card: Any, path: Path) -> None:
    _refresh(review, card, path)
    if isinstance(card, Formula):
        _formula(review, card, path)
    form = review.form(getattr(card, "form", None))
    if form is None:
        return
    for cls, look in _CARDS.items():
        if isinstance(card, cls):
            look(review, form, card, path)


def _refresh(review: Review, card: Card, path: Path) -> None:
    if card.refresh is not None and seconds_of(card.refresh) < SHORTEST:
        said = message("A card is asked again every {least}s at most; got {got}.", least=SHORTEST, got=card.refresh)
        review.error((*path, "refresh"), said)


def _number(review: Review, form: Form, card: Any, path: Path) -> None:
    _folded(review, form, card, path)
    if card.date is not None:
        expect(review, (*path, "date"), form, card.date, is_stored_day, _DATE)
    elif card.compare:
        review.error((*path, "compare"), message("To compare with the period before, add 'date' and 'period'."))


def _trend(review: Review, form: Form, card: Any, path: Path) -> None:
    _folded(review, form, card, path)
    expect(review, (*path, "date"), form, card.date, is_stored_day, _DATE)
    if card.group is not None:
        expect(review, (*path, "group"), form, card.group, makes_groups, _GROUPS)
    if card.last + card.ahead < 2:
        review.error((*path, "last"), message("A trend has two points at least: raise 'last' or 'ahead'."))
    if card.cumulative and card.fold not in ("count", "sum"):
        review.error((*path, "cumulative"), message("Only counts and sums can be added up."))
    days = (card.last + card.ahead) * _DAYS_OF[card.by]
    if days > MOST_DAYS:
        most = MOST_DAYS // _DAYS_OF[card.by]
        said = message("Too long: at most {most} of '{unit}' in one trend; got {got}.", most=most, unit=card.by,
                       got=card.last + card.ahead)  # fmt: skip
        review.error((*path, "last"), said)


def _formula(review: Review, card: Formula, path: Path) -> None:
    sorts: dict[str, str] = {}
    for name, part in card.figures.items():
        at, form = (*path, "figures", name), review.form(part.form)
        if form is None:
            continue
        _folded(review, form, part, at, days=False)
        if part.date is not None:
            expect(review, (*at, "date"), form, part.date, is_stored_day, _DATE)
        if part.group is not None:
            expect(review, (*at, "group"), form, part.group, makes_groups, _GROUPS)
            sorts[name] = group_sort(form, part.group)
            if isinstance(card, BeforeAfterCard):
                said = message("A formula before and after a day has no rows; leave 'group' out.")
                review.error((*at, "group"), said)
    first = next(iter(sorts.values()), "")
    for name, sort in sorts.items():
        if sort != first:
            said = message("The figures of one formula are grouped by fields of the same kind; '{field}' is not.",
                           field=card.figures[name].group)  # fmt: skip
            review.error((*path, "figures", name, "group"), said)
    if isinstance(card, BeforeAfterCard):
        _day(review, card.day, (*path, "day"))


def group_sort(form: Form, name: str) -> str:
    """What values a group has: those of a form's records, of people, or the names of these options."""
    field = form.fields.get(name)
    if field is None:
        return f"state {form.name}" if name == "state" else "role" if name == "owner_role" else "user"
    if field.kind == "link":
        return f"link {getattr(field, 'form', '')}"
    options = getattr(field, "options", None)
    return f"options {' '.join(sorted(options))}" if options else field.type


def _day(review: Review, text: str | None, path: Path) -> None:
    if text is None:
        return
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        review.error(path, message("There is no such day: {text}", text=text))


def _ageing(review: Review, form: Form, card: Any, path: Path) -> None:
    _folded(review, form, card, path)
    expect(review, (*path, "date"), form, card.date, is_stored_day, _DATE)
    if card.group is not None:
        expect(review, (*path, "group"), form, card.group, makes_groups, _GROUPS)
    if any(edge < 1 for edge in card.edges) or list(card.edges) != sorted(set(card.edges)):
        review.error((*path, "edges"), message("The edges are days from 1 on, each more than the one before."))


def _cycle(review: Review, form: Form, card: Any, path: Path) -> None:
    for name, point in (("from", card.start), ("to", card.to)):
        if (point.state is None) == (point.field is None):
            review.error((*path, name), message("A point is either a 'state' or a 'field'."))
        if point.field is not None:
            expect(review, (*path, name, "field"), form, point.field, is_stored_day, _DATE)
    if card.group is not None:
        expect(review, (*path, "group"), form, card.group, makes_groups, _GROUPS)
    if card.baseline is not None:
        _day(review, card.baseline.start, (*path, "baseline", "from"))
        _day(review, card.baseline.until, (*path, "baseline", "until"))
        if card.baseline.until < card.baseline.start:
            review.error((*path, "baseline", "until"), message("The last day is before the first."))


def _of_states(review: Review, form: Form, card: Any, path: Path) -> None:
    if form.workflow is None and not review.is_lost("workflow"):
        review.error((*path, "form"), message("The form '{form}' has no workflow.", form=form.name))


def _breakdown(review: Review, form: Form, card: Any, path: Path) -> None:
    _folded(review, form, card, path)
    expect(review, (*path, "group"), form, card.group, makes_groups, _GROUPS)


def _table(review: Review, form: Form, card: Any, path: Path) -> None:
    expect(review, (*path, "rows"), form, card.rows, makes_groups, _GROUPS)
    if card.columns is not None:
        expect(review, (*path, "columns"), form, card.columns, makes_groups, _GROUPS)
        if len(card.figures) > 1:
            review.error((*path, "figures"), message("With 'columns' a table shows one figure; say one of them."))
        if card.columns == card.rows:
            review.error((*path, "columns"), message("Rows and columns are made by two different fields."))
    for index, figure in enumerate(card.figures):
        at = (*path, "figures", index)
        _folded(review, form, figure, at if review.source.values.get(at) else path)


def _board(review: Review, form: Form, card: Any, path: Path) -> None:
    _view(review, form, card, path, KanbanView)


def _gantt(review: Review, form: Form, card: Any, path: Path) -> None:
    _view(review, form, card, path, GanttView)


def _view(review: Review, form: Form, card: Any, path: Path, wanted: Any) -> None:
    view = form.views.get(card.view)
    if view is not None and not isinstance(view, wanted):
        said = message("'{view}' is a view of type {type}; expected one of type {wanted}.", view=card.view,
                       type=view.type, wanted=wanted.type)  # fmt: skip
        review.error((*path, "view"), said)


_CARDS: Mapping[type[Card], Callable[[Review, Form, Any, Path], None]] = {
    NumberCard: _number,
    TrendCard: _trend,
    BreakdownCard: _breakdown,
    TableCard: _table,
    BoardCard: _board,
    GanttCard: _gantt,
    AgeingCard: _ageing,
    CycleCard: _cycle,
    DwellCard: _of_states,
    ProcessCard: _of_states,
}


def _folded(review: Review, form: Form, card: Any, path: Path, *, days: bool = True) -> None:
    """``days``: whether the earliest and the latest of dates make sense here."""
    if card.fold == "count":
        return
    if card.field is None:
        said = message("'{fold}' needs a field: add 'field'.", fold=card.fold)
        review.error((*path, "fold"), said)
        return
    if card.fold == "distinct":
        expect(review, (*path, "field"), form, card.field, makes_groups, _GROUPS)
        return
    days = days and card.fold in ("min", "max") and not isinstance(card, TrendCard)
    fits = _is_figure_or_day if days else is_figure
    what = message("a stored number or date") if days else message("a stored number")
    expect(review, (*path, "field"), form, card.field, fits, what)


def _is_figure_or_day(name: str, field: Field | None) -> bool:
    return is_figure(name, field) or is_day(name, field)


# --- filters

_FILTERS = {"date": "date", "datetime": "date", "link": "link", "user": "user", "choice": "choice", "role": "choice"}


def _filters(review: Review, page: Page) -> None:
    for index, one in enumerate(page.filters):
        _filter(review, one, ("pages", page.name, "filters", index))


def _filter(review: Review, one: PageFilter, path: Path) -> None:
    first = ""
    for index, each in enumerate(one.fields):
        form = review.form(each.form)
        at = (*path, "fields", index, "field")
        sort = filter_sort(form, each.field) if form is not None else ""
        if form is None or not (sort or _is_there(form, each.field)):
            continue
        if not sort:
            said = message("Pages are filtered by dates, the state, choices, links and people, not by '{field}'.",
                           field=each.field)  # fmt: skip
            review.error(at, said)
        elif first and sort != first:
            said = message("The fields of one filter are of the same kind; '{field}' is not.", field=each.field)
            review.error(at, said)
        first = first or sort


def _is_there(form: Form, name: str) -> bool:
    return name in form.fields or name in SYSTEM_FIELDS


def filter_sort(form: Form, name: str) -> str:
    """What a field is chosen by on a page: date, choice, user, a form's name for links; "" when it cannot be."""
    field = form.fields.get(name)
    if field is None:
        return {"state": "choice", "owner": "user", "created_by": "user", "updated_by": "user"}.get(
            name, "date" if is_day(name, None) else ""
        )
    if field.column_type() is None or field.sensitive:
        return ""
    if field.kind == "link":
        return f"link {getattr(field, 'form', '')}"
    return _FILTERS.get(field.type, _FILTERS.get(field.kind, ""))
