"""An expression → the groups and comparisons it is made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any, Literal

from designer.conditions.model import Condition, Group, Value
from engine.expressions import ExpressionRefused, Scope, syntax
from engine.expressions.kinds import attribute_kind

_ORDER: Mapping[type, str] = {
    ast.Eq: "is", ast.NotEq: "is_not", ast.Lt: "less", ast.LtE: "at_most", ast.Gt: "more", ast.GtE: "at_least",
}  # fmt: skip
_MIRRORED = {"is": "is", "is_not": "is_not", "less": "more", "more": "less", "at_most": "at_least",
             "at_least": "at_most"}  # fmt: skip
_TOO_MUCH = (ast.BoolOp, ast.Compare, ast.IfExp, ast.GeneratorExp, ast.Not)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class _NotShown(Exception):
    """More than groups of comparisons can show."""


def parse(expression: str, scope: Scope | None = None) -> Group | None:
    """The condition as a group, or None where it is more than that; then it is edited as text.

    With a scope, what it names must be there. No expression is the empty group.
    """
    if not expression.strip():
        return Group("all")
    try:
        tree = syntax.parse(expression)
        part = _Reader(syntax.one_line(expression), scope).part(tree.body)
    except (ExpressionRefused, _NotShown):
        return None
    return part if isinstance(part, Group) else Group("all", (part,))


class _Reader:
    def __init__(self, line: str, scope: Scope | None) -> None:
        self.line = line
        self.scope = scope

    def part(self, node: ast.expr) -> Condition | Group:
        if isinstance(node, ast.BoolOp):
            kind: Literal["all", "any"] = "all" if isinstance(node.op, ast.And) else "any"
            return Group(kind, tuple(self.part(value) for value in node.values))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._negated(node.operand)
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        return Condition(self._left(node), "holds")

    def _negated(self, node: ast.expr) -> Condition | Group:
        if syntax.is_path(node):
            return Condition(self._left(node), "fails")
        part = self.part(node)
        return Group("none", part.parts if isinstance(part, Group) and part.kind == "any" else (part,))

    def _called(self, node: ast.Call) -> Condition:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name != "starts_with" or len(node.args) != 2:
            raise _NotShown
        return Condition(self._left(node.args[0]), "begins", (self._value(node.args[1]),))

    def _compared(self, node: ast.Compare) -> Condition:
        if len(node.ops) > 1:
            raise _NotShown
        operator, left, right = node.ops[0], node.left, node.comparators[0]
        if isinstance(operator, ast.In | ast.NotIn):
            return self._member(left, right, "" if isinstance(operator, ast.In) else "not_")
        if _is_none(right):
            return Condition(self._left(left), "empty" if isinstance(operator, ast.Is | ast.Eq) else "filled")
        name = _ORDER.get(type(operator))
        if name is None:
            raise _NotShown
        if not syntax.is_path(left):
            left, right, name = right, left, _MIRRORED[name]
        return Condition(self._left(left), name, (self._value(right),))

    def _member(self, left: ast.expr, right: ast.expr, no: str) -> Condition:
        if isinstance(right, ast.Tuple | ast.List):
            return Condition(self._left(left), f"{no}one_of", tuple(self._value(item) for item in right.elts))
        if syntax.is_path(left):
            return Condition(self._left(left), f"{no}within", (self._value(right),))
        return Condition(self._left(right), "contains_not" if no else "contains", (self._value(left),))

    def _left(self, node: ast.expr) -> str:
        if not syntax.is_path(node) or not self._is_known(syntax.path_of(node)):
            raise _NotShown
        return ".".join(syntax.path_of(node))

    def _is_known(self, path: tuple[str, ...]) -> bool:
        if self.scope is None:
            return True
        kind = self.scope.kind(path[0])
        for name in path[1:]:
            kind = attribute_kind(kind, name, self.scope.definition) if kind is not None else None
        return kind is not None

    def _value(self, node: ast.expr) -> Value:
        found = _constant(node, self.line) or _day(node)
        if found is not None:
            return found
        if syntax.is_path(node):
            return Value("path", ".".join(syntax.path_of(node)))
        if any(isinstance(inner, _TOO_MUCH) for inner in ast.walk(node)) or _is_none(node):
            raise _NotShown
        return Value("formula", syntax.text_of(self.line, node))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _constant(node: ast.expr, line: str) -> Value | None:
    """A text, a number or yes and no, as written."""
    sign = ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = "-", node.operand
    if not isinstance(node, ast.Constant) or node.value is None:
        return None
    if isinstance(node.value, bool | str):
        return None if sign else _word(node.value)
    text = syntax.text_of(line, node)
    return Value("number", sign + text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def _word(value: bool | str) -> Value:
    return Value("boolean", str(value).lower()) if isinstance(value, bool) else Value("text", value)


def _day(node: ast.expr) -> Value | None:
    """A fixed day, today, or some days from today."""
    if name := _call(node, "date"):
        day = name[0].value if isinstance(name[0], ast.Constant) else None
        return Value("date", day) if isinstance(day, str) and _DAY.fullmatch(day) else None
    if _call(node, "today") is not None:
        return Value("today")
    if not isinstance(node, ast.BinOp) or _call(node.left, "today") is None:
        return None
    count, sign = _call(node.right, "days"), {ast.Add: "+", ast.Sub: "-"}.get(type(node.op))
    if not count or not sign or not isinstance(count[0], ast.Constant) or type(count[0].value) is not int:
        return None
    return Value("today", f"{sign}{count[0].value}")


def _call(node: ast.expr, name: str) -> list[Any] | None:
    """What the function of this name is given; None if it is not called here."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
        return list(node.args)
    return None
