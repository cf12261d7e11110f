"""What conditions compare with: the values around which a record behaves differently."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from engine.definition import AppDefinition, Form
from engine.expressions import Compiled, ExpressionRefused, compile_expression
from engine.language import Condition
from engine.registry import Registry

Edges = Mapping[str, tuple[Any, ...]]


def edges_of(definition: AppDefinition) -> Edges:
    """Name of each field (of any form) that a condition looks at → the numbers and texts it is compared with."""
    found: dict[str, dict[Any, None]] = {}
    for source in _conditions(definition):
        found.update({name: found.get(name, {}) for name in _looked_at(source)})
        for names, values in _comparisons(source):
            for name in names:
                found.setdefault(name, {}).update(dict.fromkeys(values))
    return {name: tuple(values) for name, values in found.items()}


def _conditions(definition: AppDefinition) -> Iterator[str]:
    for form in definition.forms.values():
        yield from conditions_of(form)
    for rule in definition.rules.values():
        if rule.when:
            yield rule.when


def conditions_of(form: Form) -> Iterator[str]:
    """The sources of everything that decides about a record of the form."""
    yield from (check.that for check in form.checks)
    for transition in form.workflow.transitions.values() if form.workflow else ():
        if transition.when:
            yield transition.when
    for grant in form.permissions.values():
        conditions = (grant.create, grant.read, grant.update)
        yield from (one.expression for one in conditions if isinstance(one, Condition) and one.expression)


def _looked_at(source: str) -> list[str]:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        return []
    return [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def _comparisons(source: str) -> Iterator[tuple[list[str], list[Any]]]:
    try:
        tree = ast.parse(source.strip(), mode="eval")
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            inside = list(ast.walk(node))
            names = [one.attr for one in inside if isinstance(one, ast.Attribute)]
            yield names, [one.value for one in inside if isinstance(one, ast.Constant) and _tells(one.value)]


def _tells(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def around(values: Iterable[Any], unit: Decimal) -> list[Decimal]:
    """Each number, one unit below and one above."""
    numbers = [Decimal(str(value)) for value in values if isinstance(value, (int, float, Decimal))]
    return [near for number in numbers for near in (number, number + unit, number - unit)]


def compiled(source: str, registry: Registry) -> Compiled | None:
    try:
        return compile_expression(source, registry)
    except ExpressionRefused:
        return None
