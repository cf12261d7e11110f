"""Groups and comparisons → the expression that says them."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Callable, Mapping

from designer.conditions.model import Condition, Group, Value
from designer.conditions.operators import OPERATORS
from designer.text.refusals import EditRefused
from engine.errors import message
from engine.expressions import ExpressionRefused, syntax

_LOOSE = (ast.BoolOp, ast.Compare, ast.IfExp)


def written(group: Group) -> str:
    """The expression; "" for a group of nothing. Raises EditRefused for what is not finished or cannot be read."""
    return _group(group, outermost=True)


def _group(group: Group, *, outermost: bool = False) -> str:
    parts = [text for part in group.parts if (text := _part(part))]
    if not parts:
        return ""
    sign = " and " if group.kind == "all" else " or "
    joined = sign.join(parts)
    if group.kind == "none":
        return f"not ({joined})"
    return joined if outermost or len(parts) == 1 else f"({joined})"


def _part(part: Condition | Group) -> str:
    return _group(part) if isinstance(part, Group) else _condition(part)


def _condition(condition: Condition) -> str:
    operator = OPERATORS.get(condition.operator)
    if operator is None:
        raise EditRefused(message("There is no comparison {name}.", name=condition.operator))
    left = _checked(condition.left)
    if operator.takes == "none":
        return operator.pattern.format(left=left)
    values = [_value(value) for value in condition.values]
    if not values or (operator.takes == "one" and len(values) > 1):
        raise EditRefused(message("Choose what {left} is compared with.", left=condition.left))
    several = f"({', '.join(values)}{',' if len(values) == 1 else ''})"
    return operator.pattern.format(left=left, value=several if operator.takes == "many" else values[0])


def _value(value: Value) -> str:
    writer = _WRITERS.get(value.kind)
    if writer is None:
        raise EditRefused(message("There is no comparison {name}.", name=value.kind))
    return writer(value.text.strip() if value.kind != "text" else value.text)


def _text(text: str) -> str:
    return repr(text)


def _number(text: str) -> str:
    if not re.fullmatch(r"-?\d+(\.\d+)?", text):
        raise EditRefused(message("{got} is no number; write it with digits and a point.", got=text or "''"))
    return re.sub(r"^(-?)0+(?=\d)", r"\1", text)


def _boolean(text: str) -> str:
    return "True" if text == "true" else "False"


def _date(text: str) -> str:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        raise EditRefused(message("{got} is no date; write it as 2026-01-31.", got=text or "''")) from None
    return f"date({text!r})"


def _today(text: str) -> str:
    if not text or re.fullmatch(r"[+-]?0+", text):
        return "today()"
    if not re.fullmatch(r"[+-]?\d{1,5}", text):
        raise EditRefused(message("{got} is no number of days.", got=text))
    return f"today() {'-' if text[0] == '-' else '+'} days({text.lstrip('+-').lstrip('0')})"


def _checked(text: str) -> str:
    """A dotted name or formula, in brackets where the comparison would tear it apart."""
    try:
        body = syntax.parse(text).body
    except ExpressionRefused as refused:
        raise EditRefused(refused.reason) from None
    loose = isinstance(body, _LOOSE) or (isinstance(body, ast.UnaryOp) and isinstance(body.op, ast.Not))
    return f"({text.strip()})" if loose else text.strip()


_WRITERS: Mapping[str, Callable[[str], str]] = {
    "text": _text, "number": _number, "boolean": _boolean, "date": _date, "today": _today, "path": _checked,
    "formula": _checked,
}  # fmt: skip
