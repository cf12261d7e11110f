"""Whether a condition can hold while a record is in a state, as far as the text of the condition tells.

Three answers: True (always), False (never), None (it depends on what no definition knows: values, people, time).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from engine.definition import State
from engine.expressions import ExpressionRefused
from engine.expressions.syntax import parse
from engine.language import Condition

Chance = bool | None


def condition_holds(condition: Condition, state: State | None) -> Chance:
    if condition.expression is None:
        return condition.constant
    return holds(condition.expression, state)


def holds(source: str | None, state: State | None) -> Chance:
    """The chance of an expression in a state; None for no expression, and for one that is wrong."""
    if source is None:
        return None
    try:
        return _chance(parse(source).body, state)
    except ExpressionRefused:
        return None


def any_of(chances: Iterable[Chance]) -> Chance:
    """True if one is sure, False if none is possible."""
    known = set(chances)
    return True if True in known else None if None in known else False


def all_of(chances: Iterable[Chance]) -> Chance:
    known = set(chances)
    return False if False in known else None if None in known else True


def opposite(chance: Chance) -> Chance:
    return None if chance is None else not chance


def _chance(node: ast.expr, state: State | None) -> Chance:
    if isinstance(node, ast.Constant):
        return bool(node.value)
    if isinstance(node, ast.BoolOp):
        join = all_of if isinstance(node.op, ast.And) else any_of
        return join(_chance(value, state) for value in node.values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return opposite(_chance(node.operand, state))
    if state is None:
        return None
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and _is_state(node.left):
        return _compared(node.ops[0], node.comparators[0], state)
    if isinstance(node, ast.Attribute) and _is_state(node.value):
        return {"final": state.final, "aside": state.aside}.get(node.attr)
    return None


def _is_state(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "state"
        and isinstance(node.value, ast.Name)
        and node.value.id == "record"
    )


def _compared(operator: ast.cmpop, other: ast.expr, state: State) -> Chance:
    if isinstance(operator, (ast.Eq, ast.NotEq)) and isinstance(other, ast.Constant):
        return (other.value == state.name) == isinstance(operator, ast.Eq)
    if isinstance(operator, (ast.In, ast.NotIn)) and isinstance(other, (ast.Tuple, ast.List)):
        names = [item.value for item in other.elts if isinstance(item, ast.Constant)]
        if len(names) == len(other.elts):
            return (state.name in names) == isinstance(operator, ast.In)
    return None
