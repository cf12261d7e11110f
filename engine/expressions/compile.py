"""A text becomes a function: checked, rewritten with empty-safe operators, compiled once per registry."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from engine.errors import message
from engine.expressions import syntax
from engine.expressions.errors import EvaluationFailed, ExpressionRefused
from engine.expressions.guards import OPERATORS
from engine.expressions.policy import ExpressionPolicy, as_function, function_name, number_name
from engine.expressions.signatures import Signature, empty_safe, signature_of
from engine.expressions.view import attribute, plain
from engine.registry import Registry

Path = tuple[str, ...]
_KEPT = 5000  # compiled expressions per registry; a designer's drafts would grow it for ever
_SIGNATURES = ("signatures",)  # their place in the same store; no source is a tuple
_GUARDS: Mapping[str, Any] = {"__builtins__": {}, "_getattr_": attribute, **OPERATORS}
_FAILURES = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError, MemoryError)


class Compiled:
    """An expression, ready to be evaluated. Made by `compile_expression`."""

    def __init__(self, source: str, tree: ast.Expression, registry: Registry) -> None:
        self.source = source
        self.tree = tree  # as written; read by the check and by the SQL side
        self.registry = registry
        self.needs = _needs(tree, registry)
        self.variables = _variables(tree, self.needs)
        self._function = _function(tree, source, self.variables, self.needs, registry)

    def run(self, names: Mapping[str, Any]) -> Any:
        """The result with Views and users as they are; raises EvaluationFailed."""
        try:
            return self._function(*[names[name] for name in self.variables])
        except _FAILURES as error:
            missing = next((name for name in self.variables if name not in names), None)
            if missing:
                raise EvaluationFailed(message("{name} is not known here", name=missing)) from None
            raise EvaluationFailed(message("{source} cannot be worked out", source=self.source)) from error

    def evaluate(self, names: Mapping[str, Any]) -> Any:
        """The result as plain data: ids for records and users, UTC moments. Raises EvaluationFailed."""
        return plain(self.run(names))

    def holds(self, names: Mapping[str, Any]) -> bool:
        """Whether the expression is true of these names."""
        return bool(self.run(names))

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Every dotted name read, once each; in a loop `line.amount` counts as `record.lines.amount`."""
        return tuple(dict.fromkeys(_paths(self.tree.body, {})))

    @property
    def reads_time(self) -> bool:
        return "today" in self.variables or "now" in self.variables

    @cached_property
    def clauses(self) -> tuple[Compiled, ...]:
        """The parts joined by a top-level `and`."""
        body = self.tree.body
        if not (isinstance(body, ast.BoolOp) and isinstance(body.op, ast.And)):
            return (self,)
        line = syntax.one_line(self.source)
        return tuple(compile_expression(syntax.text_of(line, part), self.registry) for part in body.values)

    def explain(self, names: Mapping[str, Any]) -> list[tuple[str, bool, list[tuple[str, Any]]]]:
        """For each clause: its text, whether it holds, and the values it read (path, plain value)."""
        return [(clause.source, clause.holds(names), clause.values_read(names)) for clause in self.clauses]

    def values_read(self, names: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """The dotted names the expression reads outside loops, with their plain values."""
        return [(text, plain(_walk(names[path[0]], path[1:]))) for text, path in self._paths_read if path[0] in names]

    @cached_property
    def _paths_read(self) -> tuple[tuple[str, Path], ...]:
        found = dict.fromkeys(_paths(self.tree.body, {}, loops=False))
        return tuple((".".join(path), path) for path in found if len(path) > 1)

    def __repr__(self) -> str:
        return f"<expression {self.source}>"


def compile_expression(source: str, registry: Registry) -> Compiled:
    """The compiled expression, from the registry's store where it was compiled before; raises ExpressionRefused."""
    found: Compiled | None = registry.compiled.get(source)
    if found is None:
        found = Compiled(source, syntax.parse(source), registry)
        if len(registry.compiled) >= _KEPT:
            registry.compiled.clear()
        registry.compiled[source] = found
    return found


def signatures(registry: Registry) -> Mapping[str, Signature]:
    """What every function of the registry takes and gives."""
    kept: dict[str, Signature] = registry.compiled.setdefault(_SIGNATURES, {})
    if len(kept) != len(registry.functions):
        kept.update({name: signature_of(name, function) for name, function in registry.functions.items()})
    return kept


def unknown_function(node: ast.Call, line: str, registry: Registry) -> ExpressionRefused:
    assert isinstance(node.func, ast.Name)  # syntax.parse refuses every other call
    name = node.func.id
    near = get_close_matches(name, registry.functions, 1)
    reason = (
        message("There is no function {name}; did you mean {near}?", name=name, near=near[0])
        if near
        else message("There is no function {name}", name=name)
    )
    return ExpressionRefused(reason, syntax.column(line, node))


def _walk(thing: Any, names: Path) -> Any:
    for name in names:
        thing = attribute(thing, name)
    return thing


def _needs(tree: ast.Expression, registry: Registry) -> dict[str, Path]:
    """For each function called: the names it takes from the context."""
    known = signatures(registry)
    return {name: known[name].needs for name in _called(tree) if name in known}


def _called(tree: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {function.id for function in calls if isinstance(function, ast.Name)}


def _variables(tree: ast.Expression, needs: Mapping[str, Path]) -> Path:
    """The names the expression takes, in order of appearance."""
    read = [node.id for node in _free_names(tree)]
    return tuple(dict.fromkeys([*read, *(name for names in needs.values() for name in names)]))


def _free_names(tree: ast.Expression) -> list[ast.Name]:
    """Names that are neither called nor a loop's own."""
    own = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own |= {id(node) for node in _loop_names(tree.body, frozenset())}
    return [node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in own]


def _loop_names(node: ast.AST, bound: frozenset[str]) -> Iterator[ast.Name]:
    """The Name nodes that mean a loop's own name."""
    if isinstance(node, ast.Name):
        if node.id in bound or isinstance(node.ctx, ast.Store):
            yield node
        return
    if isinstance(node, ast.GeneratorExp):
        loop = node.generators[0]
        yield from _loop_names(loop.iter, bound)
        inner = bound | {syntax.root(loop.target) or ""}
        for part in (loop.target, node.elt, *loop.ifs):
            yield from _loop_names(part, inner)
        return
    for child in ast.iter_child_nodes(node):
        yield from _loop_names(child, bound)


def _paths(node: ast.AST, loops_over: Mapping[str, Path], *, loops: bool = True) -> Iterator[Path]:
    if isinstance(node, (ast.Attribute, ast.Name)) and syntax.is_path(node):
        first, *rest = syntax.path_of(node)
        yield (*loops_over.get(first, (first,)), *rest)
    elif isinstance(node, ast.GeneratorExp):
        if loops:
            yield from _loop_paths(node, loops_over)
    else:
        children = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        for child in children:
            yield from _paths(child, loops_over, loops=loops)


def _loop_paths(node: ast.GeneratorExp, loops_over: Mapping[str, Path]) -> Iterator[Path]:
    loop = node.generators[0]
    (over,) = _paths(loop.iter, loops_over)
    yield over
    inside = {**loops_over, syntax.root(loop.target) or "": over}
    for part in (node.elt, *loop.ifs):
        yield from _paths(part, inside)


def _function(
    tree: ast.Expression, source: str, variables: Path, needs: Mapping[str, Path], registry: Registry
) -> Callable[..., Any]:
    line = syntax.one_line(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in registry.functions:
            raise unknown_function(node, line, registry)
    for node in _free_names(tree):
        if node.id in registry.functions:
            usage = signatures(registry)[node.id].usage
            what = message("{name} is a function; write {usage}", name=node.id, usage=usage)
            raise ExpressionRefused(what, syntax.column(line, node))
    numbers = {
        node.col_offset: syntax.text_of(line, node).replace("_", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    }
    code = _code(syntax.parse(source), numbers, variables, needs)
    return _bound(code, numbers, tree, registry)


def _code(tree: ast.Expression, numbers: Mapping[int, str], variables: Path, needs: Mapping[str, Path]) -> Any:
    errors: list[str] = []
    rewritten = ExpressionPolicy(errors, numbers, needs).visit(tree)
    if errors:  # whatever RestrictedPython refuses beyond our own list
        raise ExpressionRefused(message("This cannot be used in an expression"))
    try:
        return as_function(rewritten, variables)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionRefused(message("The expression is too complicated")) from None


def _bound(code: Any, numbers: Mapping[int, str], tree: ast.Expression, registry: Registry) -> Callable[..., Any]:
    """The code as a function whose only globals are guards, its own numbers and the functions it calls."""
    known = signatures(registry)
    reachable = {
        **_GUARDS,
        **{number_name(text): Decimal(text) for text in numbers.values()},
        **{function_name(name): empty_safe(registry.functions[name], known[name]) for name in _called(tree)},
    }
    made: Callable[..., Any] = eval(code, reachable)  # noqa: S307 - code of ExpressionPolicy, no builtins
    return made
