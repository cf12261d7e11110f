"""The small part of 金蝶's query language that connectors use: comparisons joined by ``and``, an order, a window."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

COMPARISON = re.compile(
    r"""\s*(?P<field>[A-Za-z_][\w.]*)\s*
        (?:(?P<sign><>|!=|>=|<=|=|>|<|\blike\b)\s*(?P<value>'(?:[^']|'')*'|-?\d+(?:\.\d+)?)
          |\bin\b\s*\(\s*(?P<values>(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?)(?:\s*,\s*(?:'(?:[^']|'')*'|-?\d+(?:\.\d+)?))*)\s*\))
        \s*""",
    re.IGNORECASE | re.VERBOSE,
)
VALUE = re.compile(r"'(?:[^']|'')*'|-?\d+(?:\.\d+)?")
AND = re.compile(r"and\b", re.IGNORECASE)
Test = Callable[[Mapping[str, Any]], bool]

SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "like": lambda a, b: re.fullmatch(re.escape(str(b)).replace("%", ".*"), str(a), re.DOTALL) is not None,
}


class BadQuery(Exception):
    """What the server says of a query that it does not understand."""


def conditions(text: str, known: Sequence[str]) -> list[Test]:
    """Every comparison as a test of a row. Raises BadQuery."""
    tests: list[Test] = []
    rest = text.strip()
    while rest:
        found = COMPARISON.match(rest)
        if found is None:
            raise BadQuery(f"过滤条件语法错误：{rest}")
        if found["field"] not in known:
            raise BadQuery(f"字段 {found['field']} 不存在")
        tests.append(_test(found))
        rest = rest[found.end() :]
        if rest:
            joined = AND.match(rest)
            if joined is None or not rest[joined.end() :].strip():
                raise BadQuery(f"过滤条件语法错误：{rest}")
            rest = rest[joined.end() :]
    return tests


def _test(found: re.Match[str]) -> Test:
    field = found["field"]
    if found["values"] is not None:
        values = [_value(text) for text in VALUE.findall(found["values"])]
        return lambda row: any(_compare(SIGNS["="], row.get(field), value) for value in values)
    compare, value = SIGNS[found["sign"].lower()], _value(found["value"])
    return lambda row: _compare(compare, row.get(field), value)


def _value(text: str) -> Any:
    return text[1:-1].replace("''", "'") if text.startswith("'") else Decimal(text)


def _compare(compare: Callable[[Any, Any], bool], mine: Any, theirs: Any) -> bool:
    """A number is compared as one, a time with a blank or a T in it is the same time."""
    if isinstance(mine, (int, Decimal)):
        mine, theirs = Decimal(mine), Decimal(str(theirs))
    else:
        mine, theirs = _time(str(mine or "")), _time(str(theirs))
    return compare(mine, theirs)


def _time(text: str) -> str:
    return re.sub(r"^(\d{4}-\d\d-\d\d)T", r"\1 ", text)


def ordered(rows: list[Mapping[str, Any]], text: str, known: Sequence[str]) -> list[Mapping[str, Any]]:
    """By ``OrderString`` such as "FModifyDate DESC, FID". Raises BadQuery."""
    for part in reversed([part.split() for part in text.split(",") if part.strip()]):
        if part[0] not in known or len(part) > 2 or part[-1].upper() not in (part[0].upper(), "ASC", "DESC"):
            raise BadQuery(f"排序语法错误：{' '.join(part)}")
        rows = sorted(rows, key=_key(part[0]), reverse=part[-1].upper() == "DESC")
    return rows


def _key(field: str) -> Callable[[Mapping[str, Any]], Any]:
    def key(row: Mapping[str, Any]) -> tuple[int, Any]:
        value = row.get(field)
        return (0, value) if isinstance(value, (int, Decimal)) else (1, str(value or ""))

    return key


def window(rows: Sequence[Any], top: int, start: int, limit: int) -> Sequence[Any]:
    """``top`` is an absolute end row, not a count: rows from ``top`` on never come, wherever the page starts."""
    end = start + limit
    return rows[start : min(end, top) if top else end]


def decimal(value: object) -> Decimal:
    """A quantity as it was sent, number or text; 0 when it is none."""
    try:
        return Decimal(str(value))
    except ArithmeticError:
        return Decimal(0)
