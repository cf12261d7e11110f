"""Values for fields, drawn by Hypothesis from what the definition says of them: types, limits, options, comparisons.

What has to exist first (links, people, files, lines) is not drawn; ``Ground`` makes it where it is needed.
"""

from __future__ import annotations

import atexit
import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir

from engine.definition import AppDefinition, Form
from engine.errors import Invalid
from engine.fields.base import Field
from engine.formats import Reader
from engine.storage.tables import linked_form
from engine.walks.edges import Edges, around

Values = Mapping[str, Any]
Strategy = st.SearchStrategy[Any]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PRINTABLE = st.characters(min_codepoint=33, max_codepoint=126)
DAYS = 60
LARGE = 1_000_000
MADE = frozenset({"link", "links", "user", "users", "files", "lines"})  # by kind: they need something to be there

# Hypothesis keeps what it learns about characters in a folder; ours is not where the server happens to be started.
_home = tempfile.mkdtemp(prefix="appmill-walks-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
set_hypothesis_home_dir(_home)


@dataclass(frozen=True)
class Palette:
    """What one example is made of. ``given``: optional fields of the record that are said when it is created;
    ``spare``: form → field → values in the order in which they are used; ``who``: whose turn it is to begin."""

    given: Values
    spare: Mapping[str, Mapping[str, tuple[Any, ...]]]
    who: int = 0


def palettes(definition: AppDefinition, form: Form, edges: Edges, today: str) -> st.SearchStrategy[Palette]:
    """Everything a walk of a record of this form may need."""
    forms = {name: definition.forms[name] for name in concerned(definition, form.name)}
    spare = st.fixed_dictionaries({name: _spares(each, edges, today) for name, each in forms.items()})
    optional = {
        name: drawn for name, field in form.fields.items()
        if not field.required and (drawn := values_of(field, edges, today)) is not None
    }  # fmt: skip
    given = st.fixed_dictionaries({}, optional=optional)
    return st.builds(Palette, given, spare, st.integers(0, 7))


def accented(palette: Palette, turn: int, definition: AppDefinition, main: str, edges: Edges, today: str) -> Palette:
    """The same with the ``turn``-th option, or number around a limit, of every field that conditions look at: luck
    alone would not bring each of them up."""
    spare, given = {name: dict(values) for name, values in palette.spare.items()}, {}
    for form in spare:
        for name, field in definition.forms[form].fields.items():
            looked_at = name in spare[form] and name in edges and not field.unique
            if looked_at and (options := _accents(field, edges, today)):
                value = options[turn % len(options)]
                spare[form][name] = (value, *spare[form][name])
                given[form, name] = value
    chosen = {name: given.get((main, name), value) for name, value in palette.given.items()}
    return replace(palette, given=chosen, spare=spare)


def _accents(field: Any, edges: Edges, today: str) -> list[Any]:
    compared = edges[field.name]
    if field.kind == "number":
        found = [f"{one:f}" for one in around(compared, unit_of(field))]
    else:
        found = list(more(field, compared, today)) if hasattr(field, "options") or field.kind == "boolean" else []
    return [value for value in found if fits(field, value)]


def concerned(definition: AppDefinition, name: str) -> list[str]:
    """The form, what it links to, its lines, and whatever links to any of them."""
    edges: dict[str, set[str]] = {each: set() for each in definition.forms}
    for each in definition.forms.values():
        for field in each.fields.values():
            if (target := linked_form(field)) in edges:
                edges[each.name].add(target)
                edges[target].add(each.name)
            lines = str(getattr(field, "form", "")) if field.kind == "lines" else ""
            if lines in edges:
                edges[each.name].add(lines)
    found, waiting = {name: None}, [name]
    while waiting:
        for other in sorted(edges[waiting.pop()]):
            if other not in found:
                found[other] = None
                waiting.append(other)
    return list(found)


def _spares(form: Form, edges: Edges, today: str) -> Strategy:
    found = {}
    for name, field in form.fields.items():
        drawn = values_of(field, edges, today)
        if drawn is not None:
            few = st.lists(drawn, min_size=3, max_size=3, unique_by=str) if field.unique else st.tuples(drawn)
            found[name] = few.map(tuple)
    return st.fixed_dictionaries(found)


def values_of(field: Field, edges: Edges, today: str) -> Strategy | None:
    """Raw input for a field, as it would be typed; None for what is worked out or made."""
    if not field.writable or field.kind in MADE or field.column_type() is None:
        return None
    make = _BY_TYPE.get(field.type) or _BY_KIND.get(field.kind)
    if make is None:
        return None
    compared = tuple(edges.get(field.name, ()))
    return make(field, compared, today).filter(lambda raw: fits(field, raw))


def fits(field: Field, raw: Any) -> bool:
    try:
        return field.parse(raw, Reader()) is not None
    except Invalid:
        return False


# --- by type ---------------------------------------------------------------------------------------------------------


def _text(field: Any, compared: tuple[Any, ...], _today: str) -> Strategy:
    pattern = getattr(field, "pattern", None)
    if pattern:
        return st.from_regex(pattern, fullmatch=True, alphabet=PRINTABLE)
    least = max(getattr(field, "min_length", None) or 1, 1)
    words: Strategy = st.text(LETTERS, min_size=least, max_size=max(least, min(field.max_length, 8)))
    said = [value for value in compared if isinstance(value, str) and value]
    return words | st.sampled_from(said) if said else words


def _number(field: Any, compared: tuple[Any, ...], _today: str) -> Strategy:
    unit = unit_of(field)
    least = Decimal(0) if field.min is None else Decimal(field.min)
    most = max(least, Decimal(1000)) if field.max is None else Decimal(field.max)
    steps = int(min((most - least) / unit, Decimal(LARGE)))
    plain: Strategy = st.integers(0, max(steps, 0)).map(lambda step: f"{least + step * unit:f}")
    near = [f"{one:f}" for one in around(compared, unit)]
    return plain | st.sampled_from(near) if near else plain


def unit_of(field: Any) -> Decimal:
    """The smallest step of a number."""
    return Decimal(1).scaleb(-int(getattr(field, "scale", 0) or 0))


def _options(field: Any, _compared: tuple[Any, ...], _today: str) -> Strategy:
    return st.sampled_from(list(field.options))


def _day(_field: Any, _compared: tuple[Any, ...], today: str) -> Strategy:
    return st.integers(0, DAYS).map(lambda days: day(today, days))


def day(today: str, days: int) -> str:
    return (dt.date.fromisoformat(today) + dt.timedelta(days=days)).isoformat()


def _always(*values: Any) -> Callable[[Any, tuple[Any, ...], str], Strategy]:
    return lambda _field, _compared, _today: st.sampled_from(values)


def _code(field: Any, _compared: tuple[Any, ...], _today: str) -> Strategy:
    return st.sampled_from(_CODES.get(field.symbology, ("A1", "B2", "C3", "D4")))


_CODES = {
    "ean13": ("4006381333931", "5901234123457", "9780201379624"), "ean8": ("96385074", "73513537", "12345670"),
    "upca": ("036000291452", "042100005264", "012345678905"),
}  # fmt: skip
_BY_TYPE: Mapping[str, Callable[[Any, tuple[Any, ...], str], Strategy]] = {
    "text": _text, "long_text": _always("text", "words"), "rich_text": _always("<p>text</p>"), "choice": _options,
    "choices": lambda *about: _options(*about).map(lambda one: [one]), "barcode": _code,
    "phone": _always("13800138000", "13800138001", "13800138002"),
    "email": _always("a@example.com", "b@example.com", "c@example.com"),
    "url": _always("https://a.example.com", "https://b.example.com", "https://c.example.com"),
    "colour": _always("#336699", "#663399", "#996633"), "address": _always({"street": "1"}, {"street": "2"}),
    "json": _always({}, [], 1, "text"),
    "rating": lambda field, *_: st.integers(1, field.max),
    "datetime": lambda *about: _day(*about).map(lambda one: f"{one} 10:00"),
}  # fmt: skip
_BY_KIND: Mapping[str, Callable[[Any, tuple[Any, ...], str], Strategy]] = {
    "number": _number, "boolean": _always(False, True), "date": _day, "time": _always("09:00", "18:00"),
    "duration": _always("1h", "2d"), "text": _always("a", "b", "c"),
}  # fmt: skip


# --- more of the same, where one value did not do --------------------------------------------------------------------


def more(field: Any, compared: Iterable[Any], today: str) -> Iterator[Any]:
    """Other values worth trying: options, the numbers around what the field is compared with, its limits."""
    if hasattr(field, "options"):
        yield from field.options
    elif field.kind == "boolean":
        yield from (True, False)
    elif field.kind == "number":
        limits = (getattr(field, "min", None), getattr(field, "max", None))
        numbers = [*around(compared, unit_of(field)), Decimal(0), Decimal(1), Decimal(LARGE)]
        yield from (f"{one:f}" for one in (*numbers, *(Decimal(one) for one in limits if one is not None)))
    elif field.kind in ("date", "datetime"):
        tail = "" if field.kind == "date" else " 10:00"
        yield from (day(today, days) + tail for days in (0, 1, -1, 30, -30, 365, -365))
    elif field.kind == "text":
        yield from (one for one in compared if isinstance(one, str))
