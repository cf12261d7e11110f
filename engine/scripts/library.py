"""The functions every script may call, under the names they have in expressions or in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NoReturn

from engine.errors import Message, Refused, message
from engine.expressions import dates
from engine.expressions import guards as reckoning
from engine.expressions.errors import EvaluationFailed
from engine.scripts.guards import MAX_ITEMS, Given, add, elements, text, word_for, wrong
from engine.scripts.meter import METER

_NOTHING = object()
_MAX_PLACES = 30

# The kinds of failure an `except` may name, and what each of them catches.
ERRORS: Mapping[str, tuple[type[Exception], ...]] = {
    "Refused": (Refused,),
    "ValueError": (ValueError, EvaluationFailed),
    "TypeError": (TypeError,),
    "KeyError": (KeyError,),
    "IndexError": (IndexError,),
}


def fail(reason: Any) -> NoReturn:
    """Ends the script with a sentence for whoever caused it; `except Refused` catches it."""
    raise Refused(Message("{text}", {"text": text(reason)[:2000]}))


def length(value: Any) -> int:
    if type(value) in (str, list, tuple, dict, Given, set, range):
        return len(value)
    raise wrong(message("{thing} has no length", thing=word_for(value)))


def absolute(value: Any) -> Any:
    return reckoning.negative(value) if reckoning.less(value, 0) else reckoning.positive(value)


def rounded(value: Any, places: int = 0) -> Any:
    """Half a unit is rounded up, away from zero, as in bookkeeping."""
    if value is None or type(value) is int:
        return value
    if type(value) is not Decimal or type(places) is not int or not 0 <= places <= _MAX_PLACES:
        raise wrong(message("round(…) takes a number and up to {most} places", most=_MAX_PLACES))
    found = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return found if places else int(found)


def decimal(value: Any) -> Any:
    """The number a text says."""
    if value is None or type(value) is Decimal:
        return value
    try:
        found = Decimal(value if type(value) is int else text(value)[:100].strip())
    except InvalidOperation:
        raise wrong(message("{text} is no number", text=text(value)[:40])) from None
    if not found.is_finite():
        raise wrong(message("{text} is no number", text=text(value)[:40]))
    return reckoning.bounded_number(found)


def integer(value: Any) -> Any:
    """The whole part of a number, or of the number a text says."""
    found = decimal(int(value) if type(value) is bool else value)
    return None if found is None else int(reckoning.bounded_number(found))


def total(many: Any) -> Any:
    """The sum of what is not empty; 0 of none."""
    found: Any = None
    for value in elements(many):
        if value is not None:
            found = value if found is None else add(found, value)
    return 0 if found is None else found


def _extreme(better: Callable[[Any, Any], bool]) -> Callable[..., Any]:
    def extreme(*values: Any, key: Callable[[Any], Any] | None = None, default: Any = None) -> Any:
        """Of what is not empty; nothing, or ``default``, where there is none."""
        best, rank = default, _NOTHING
        for value in elements(values[0]) if len(values) == 1 else values:
            own = value if key is None else key(value)
            if own is not None and (rank is _NOTHING or better(own, rank)):
                best, rank = value, own
        return best

    return extreme


def ordered(many: Any, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> list[Any]:
    return sorted(elements(many), key=key, reverse=reverse)


def span(*bounds: Any) -> range:
    found = range(*bounds)
    if len(found) > METER.steps:
        METER.spend(METER.steps + 1)
    return found


def listed(many: Any = ()) -> list[Any]:
    return _bounded(list(elements(many)))


def _bounded(many: list[Any]) -> list[Any]:
    if len(many) > MAX_ITEMS:
        raise wrong(message("The list is longer than {limit} parts", limit=MAX_ITEMS))
    return many


def group(many: Any = (), /, **named: Any) -> dict[Any, Any]:
    """A group of one's own: a copy of another, or made of pairs."""
    if type(many) in (dict, Given):
        METER.spend(len(many))
        return dict(many, **named)
    return dict([tuple(elements(pair)) for pair in elements(many)], **named)


BUILTINS: Mapping[str, Callable[..., Any]] = {
    "abs": absolute,
    "all": lambda many: all(elements(many)),
    "any": lambda many: any(elements(many)),
    "bool": lambda value: bool(value),
    "decimal": decimal,
    "dict": group,
    "enumerate": lambda many, start=0: _bounded(list(enumerate(elements(many), start))),
    "fail": fail,
    "filter": lambda test, many: [value for value in elements(many) if test(value)],
    "int": integer,
    "len": length,
    "list": listed,
    "map": lambda function, many: [function(value) for value in elements(many)],
    "max": _extreme(reckoning.more),
    "min": _extreme(reckoning.less),
    "range": span,
    "reversed": lambda many: listed(many)[::-1],
    "round": rounded,
    "set": lambda many=(): set(elements(many)),
    "sorted": ordered,
    "str": text,
    "sum": total,
    "tuple": lambda many=(): tuple(listed(many)),
    "zip": lambda *many: _bounded(list(zip(*[elements(each) for each in many], strict=False))),
    **{function.__name__: function for function in dates.ALL if function.__name__ not in ("today", "now")},
}
