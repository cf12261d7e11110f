"""What a list asks for: one query string read once, for lists, counts, totals, exports, boards, cards and the API.

``q=text & where.<field>.<operator>=value (repeatable) & sort=-due_on,number & columns=a,b & after=<cursor> & limit=50 &
view=name``. Whatever is not understood is refused by name: a filter dropped in silence would widen a bulk change.
A field the actor may not read is answered exactly as one that does not exist.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlencode

from engine import towers
from engine.application import Application
from engine.cardviews import is_of_card, view_of_card
from engine.columns import Columns, columns_of, operators_of
from engine.definition import Form
from engine.errors import Invalid, Message, Missing, Problem, message
from engine.fields.base import Field, Operator
from engine.fields.operators import read_operand
from engine.people import Actor
from engine.views import ListView, TowerView, View

MOST = 100  # rows on a page
USUAL = 50
LONGEST = 200  # characters of a search or a value
MOST_VALUES = 200  # values of one filter
MOST_FILTERS = 20
KEYS = ("q", "where.<field>.<operator>", "sort", "columns", "after", "before", "limit", "view")
WHOLE = frozenset({"many", "pair", "none", "now", "me"})  # operators whose repetitions are one condition
_PLAIN = frozenset({"q", "sort", "columns", "after", "before", "limit", "view"})


class Args(Protocol):
    """A query string: werkzeug's MultiDict, or anything that lists its keys and the values of each."""

    def __iter__(self) -> Iterator[str]: ...
    def getlist(self, key: str) -> list[str]: ...


class Filter(NamedTuple):
    """One condition. ``raw`` is what was typed; ``value`` is what ``operator.compare`` takes."""

    field: str
    operator: Operator
    raw: tuple[str, ...]
    value: Any


class Sort(NamedTuple):
    field: str
    descending: bool


@dataclass(frozen=True)
class ListQuery:
    """A checked query: every field in it exists and is readable by the actor it was parsed for."""

    form: Form
    view: View | None
    text: str = ""
    filters: tuple[Filter, ...] = ()
    sort: tuple[Sort, ...] = ()
    columns: tuple[str, ...] = ()
    after: str | None = None
    before: str | None = None
    limit: int = USUAL
    said: frozenset[str] = frozenset()  # which of sort, columns, limit the query string said itself
    tower: towers.Asked | None = None

    def args(self, **change: Any) -> list[tuple[str, str]]:
        """The query string again, page left out; ``change`` replaces attributes first. Only what was said is said."""
        query = replace(self, **change) if change else self
        pairs = [("view", query.view.name)] if query.view is not None and query.view.name else []
        if query.text:
            pairs.append(("q", query.text))
        pairs.extend((f"where.{f.field}.{f.operator.name}", value) for f in query.filters for value in f.raw or ("",))
        if "sort" in query.said and query.sort:
            pairs.append(("sort", ",".join(("-" if s.descending else "") + s.field for s in query.sort)))
        if "columns" in query.said:
            pairs.append(("columns", ",".join(query.columns)))
        if "limit" in query.said:
            pairs.append(("limit", str(query.limit)))
        return pairs if query.tower is None else [*pairs, *query.tower.pairs()]

    def url(self, **change: Any) -> str:
        """``?…`` with the page left out; ``after`` and ``before`` in ``change`` are said."""
        return self._url(change) if change else self._own_url

    @cached_property
    def _own_url(self) -> str:
        return self._url({})

    def _url(self, change: dict[str, Any]) -> str:
        page = {key: change.pop(key) for key in ("after", "before") if change.get(key)}
        pairs = [*self.args(**change), *page.items()]
        return "?" + urlencode(pairs) if pairs else ""

    @property
    def narrowed(self) -> bool:
        """More than the view itself asks: a search or a filter."""
        return bool(self.text or self.filters or (self.tower and self.tower.risks))


def parse_query(
    app: Application, actor: Actor, form: Form, args: Args, *, also: Iterable[str] = (), strict: bool = True
) -> ListQuery:
    """Read a query string for ``actor``; ``also`` are further keys the caller reads itself.

    Raises Invalid listing every problem at once; Missing for a view that does not exist. ``strict=False`` leaves out
    what is wrong instead: for saved views that outlived a field.
    """
    columns = columns_of(app, actor, form)
    problems: list[Problem] = []
    view = view_asked(app, actor, form, _last(args, "view"), columns)
    tower = towers.read_asked(form, view, columns, args, problems)
    known = frozenset(also) if tower is None else frozenset((*also, *towers.KEYS))
    filters = _filters(columns, args, known, app, actor, problems)
    text = _text(_last(args, "q").strip(), problems)
    sort = _sort(columns, _last(args, "sort"), problems)
    shown = _columns(columns, _last(args, "columns"), problems)
    limit = _limit(_last(args, "limit"), problems)
    after, before = _last(args, "after") or None, _last(args, "before") or None
    if after and before:
        problems.append(Problem("before", message("Give either after or before, not both.")))
    if problems and strict:
        raise Invalid(problems[0].message, problems)
    said = frozenset(key for key, got in (("sort", sort), ("columns", shown), ("limit", limit)) if got)
    return ListQuery(
        form=form,
        view=view,
        text=text,
        filters=filters,
        sort=sort or _usual_sort(columns, view),
        columns=shown or usual_columns(columns, form, view),
        after=after,
        before=before,
        limit=limit or USUAL,
        said=said,
        tower=tower,
    )


# --- the parts -------------------------------------------------------------------------------------------------------


NO_FIELD = "There is no field “{got}” to use here; there is {known}."
NO_OPERATOR = "There is no operator “{got}” for this field; there is {known}."
NO_PARAMETER = "There is no parameter “{got}”; there is {known}."
NO_VIEW = "There is no view “{got}”; there is {known}."


def unknown(pattern: str, got: str, known: Sequence[str]) -> Message:
    """There is no such thing; the near ones, else all, are named."""
    near = difflib.get_close_matches(got[:60], known, n=3) or list(known)
    return Message(pattern, {"got": got[:60], "known": tuple(near)})


def _last(args: Args, key: str) -> str:
    values = args.getlist(key)
    return values[-1] if values else ""


def view_asked(app: Application, actor: Actor, form: Form, name: str, columns: Columns) -> View | None:
    """As ``view_named``; a name with a dot is that of the list behind a card of a page."""
    return view_of_card(app, actor, form, name) if is_of_card(name) else view_named(form, name, columns)


def view_named(form: Form, name: str, columns: Columns) -> View | None:
    """The view of that name, for no name the first the actor can use, None for a form without any; raises Missing."""
    if not name:
        return next((view for view in form.views.values() if usable(form, view, columns)), None)
    view = form.views.get(name)
    if view is None:
        raise Missing(unknown(NO_VIEW, name, list(form.views)))
    return view


def usable(form: Form, view: View, columns: Columns) -> bool:
    """A board over a field that is hidden from the actor, if only on some records, is no board for them."""
    if isinstance(view, TowerView) and not towers.tells_promise(form, columns):
        return False
    needed = (getattr(view, what, None) for what in ("group", "date", "start", "end", "parent"))
    return all(name in columns and name not in columns.sometimes for name in needed if name)


def _filters(
    columns: Columns, args: Args, also: frozenset[str], app: Application, actor: Actor, problems: list[Problem]
) -> tuple[Filter, ...]:
    """All filters of the query string; keys that mean nothing are problems."""
    found: list[Filter] = []
    for key in args:
        if key.startswith("where."):
            found.extend(_filters_of(columns, key, args.getlist(key), app, actor, problems))
        elif key not in _PLAIN | also:
            problems.append(Problem(key, unknown(NO_PARAMETER, key, sorted({*KEYS, *also}))))
    if len(found) > MOST_FILTERS:
        problems.append(Problem("where", message("At most {most} filters at once.", most=MOST_FILTERS)))
    return tuple(found[:MOST_FILTERS])


def _filters_of(
    columns: Columns, key: str, raw: list[str], app: Application, actor: Actor, problems: list[Problem]
) -> Iterable[Filter]:
    name, _, operator_name = key.removeprefix("where.").partition(".")
    field = columns.get(name)
    operators = operators_of(field) if field else ()
    if field is None or not operators:
        problems.append(Problem(key, unknown(NO_FIELD, name, columns.filterable)))
        return
    operator = next((each for each in operators if each.name == operator_name), None)
    if operator is None:
        problems.append(Problem(key, unknown(NO_OPERATOR, operator_name, [each.name for each in operators])))
        return
    most = MOST_VALUES if operator.takes == "many" else MOST_FILTERS
    if len(raw) > most or any(len(each) > 4 * LONGEST for each in raw):
        problems.append(Problem(key, message("The value of a filter is too long.")))
        return
    if name in columns.sometimes:
        problems.append(Problem(key, sometimes(field)))
        return
    for typed in [tuple(raw)] if operator.takes in WHOLE else [(each,) for each in raw]:
        try:
            yield Filter(name, operator, typed, _operand(field, operator, typed, app, actor))
        except Invalid as invalid:
            problems.append(Problem(key, invalid.reason))


def _operand(field: Field, operator: Operator, raw: tuple[str, ...], app: Application, actor: Actor) -> Any:
    if operator.takes == "me":
        return actor.id or 0
    return read_operand(field, operator, list(raw), actor.reader(app.definition), app.clock())


def sometimes(field: Field) -> Message:
    """Filtering by it would tell what it holds where it is hidden."""
    return message("{label} is hidden on some records, so lists cannot be filtered or sorted by it.", label=field.title)


def _text(typed: str, problems: list[Problem]) -> str:
    if len(typed) > LONGEST:
        problems.append(Problem("q", message("Search for at most {most} characters.", most=LONGEST)))
    return typed[:LONGEST]


def _sort(columns: Columns, raw: str, problems: list[Problem]) -> tuple[Sort, ...]:
    found: list[Sort] = []
    for key in filter(None, raw.split(",")[:8]):
        name = key.removeprefix("-").strip()
        field = columns.get(name)
        if field is None or name not in columns.sortable:
            problems.append(Problem("sort", unknown(NO_FIELD, name, columns.sortable)))
        elif name in columns.sometimes:
            problems.append(Problem("sort", sometimes(field)))
        elif all(name != each.field for each in found):
            found.append(Sort(name, key.startswith("-")))
    return tuple(found)


def _columns(columns: Columns, raw: str, problems: list[Problem]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in filter(None, raw.split(",")[:60]):
        if columns.get(name) is None:
            problems.append(Problem("columns", unknown(NO_FIELD, name, list(columns))))
        else:
            found[name] = None
    return tuple(found)


def _limit(raw: str, problems: list[Problem]) -> int:
    if not raw:
        return 0
    if raw.isascii() and raw.isdigit() and 1 <= int(raw[:6]) <= MOST:
        return int(raw)
    problems.append(
        Problem("limit", message("limit is a number from 1 to {most}, not “{got}”.", most=MOST, got=raw[:20]))
    )
    return 0


def _usual_sort(columns: Columns, view: View | None) -> tuple[Sort, ...]:
    keys: Iterable[str] = getattr(view, "sort", ())
    sorts = (Sort(key.removeprefix("-"), key.startswith("-")) for key in keys)
    return tuple(each for each in sorts if each.field in columns.sortable and each.field not in columns.sometimes)


def usual_columns(columns: Columns, form: Form, view: View | None) -> tuple[str, ...]:
    """The columns of the view the actor may read; without a list view, the first six fields and the state."""
    named = view.columns if isinstance(view, ListView) else getattr(view, "card", ()) or getattr(view, "columns", ())
    readable = tuple(name for name in named if name in columns)
    if readable:
        return readable
    first = [name for name in form.fields if name in columns and columns[name].kind not in ("lines", "json")][:6]
    return (*first, "state") if "state" in columns else tuple(first) or ("id",)


def summable(columns: Columns, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that may be summed: figures that are stored, never hidden and not sensitive."""
    return tuple(name for name in names if name in columns and _summable(columns, columns[name]))


def _summable(columns: Columns, field: Field) -> bool:
    plain = not field.sensitive and field.name not in columns.sometimes and field.name in columns.stored
    return plain and field.kind in ("number", "duration") and field.name != "id"


def by_id(form: Form, columns: Columns, record: int) -> ListQuery:
    """Just this record, if the actor may see it."""
    equal = next(each for each in columns["id"].operators if each.name == "eq")
    return ListQuery(form=form, view=None, filters=(Filter("id", equal, (), record),), limit=1)
