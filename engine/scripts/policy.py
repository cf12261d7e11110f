"""From the text to code: RestrictedPython's rewriting, narrowed, so that every operator asks the guards.

The process that runs scripts gets the finished code; nothing is compiled there, and nothing runs here.
"""

from __future__ import annotations

import ast
import hashlib
import marshal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from types import CodeType

from RestrictedPython.transformer import RestrictingNodeTransformer

from engine.errors import message
from engine.scripts import syntax
from engine.scripts.errors import ScriptRefused, SourceProblem
from engine.scripts.library import BUILTINS

VERSION = "1"  # of the rewriting and its guards: part of the hash
NAMES = frozenset({"record", "old", "user", "values", "today", "now"})
CALLS = frozenset({"find", "get", "create", "update", "take", "notify", "http", "log"})
FUNCTION = "_script_"

_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "_add_",
    ast.Sub: "_subtract_",
    ast.Mult: "_multiply_",
    ast.Div: "_divide_",
    ast.FloorDiv: "_floor_divide_",
    ast.Mod: "_modulo_",
    ast.Pow: "_power_",
}
_ORDER: dict[type[ast.cmpop], str] = {
    ast.Lt: "_less_", ast.LtE: "_at_most_", ast.Gt: "_more_", ast.GtE: "_at_least_", ast.In: "_in_",
}  # fmt: skip


@dataclass(frozen=True)
class Script:
    """A script that may be run. ``hash`` names source and policy; ``used`` the names it takes from outside."""

    source: str
    hash: str
    code: bytes = field(repr=False)
    used: frozenset[str] = frozenset()


def compile_script(source: str, names: Iterable[str] = NAMES | CALLS) -> Script:
    """The script, from the store where it was compiled before; raises ScriptRefused with every problem.

    ``names`` is what whoever runs it will hand over, data and host calls: every other name is a mistake.
    """
    return _compiled(source, frozenset(names))


@lru_cache(1000)
def _compiled(source: str, names: frozenset[str]) -> Script:
    tree = syntax.parse(source)
    syntax.check_names(tree, names | BUILTINS.keys(), source)
    used = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name)) & names
    code = marshal.dumps(_code(tree))
    return Script(source, hashlib.sha256(code + VERSION.encode() + sys.version.encode()).hexdigest(), code, used)


def _code(tree: ast.Module) -> CodeType:
    errors: list[str] = []
    try:
        rewritten = ScriptPolicy(errors).visit(tree)
        if not errors:
            return compile(_as_function(rewritten), "<script>", "exec", dont_inherit=True, optimize=2)
    except SyntaxError as error:
        what = message("This is no Python: {cause}", cause=(error.msg or "")[:120])
        raise ScriptRefused([SourceProblem(what, error.lineno or 1)]) from None
    except (ValueError, TypeError, RecursionError, MemoryError, AttributeError):
        raise ScriptRefused([SourceProblem(message("The script is too complicated"), 1)]) from None
    raise ScriptRefused([SourceProblem(message("This cannot be used in a script"), 1)])


def _as_function(tree: ast.Module) -> ast.Module:
    """The script as the body of a function: `return` gives its result, its names are its own."""
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    whole = ast.FunctionDef(FUNCTION, nothing, tree.body, [], lineno=1, col_offset=0)
    return ast.fix_missing_locations(ast.Module([whole], []))


class ScriptPolicy(RestrictingNodeTransformer):  # type: ignore[misc, unused-ignore]
    """Rewrites a tree that `syntax.parse` let through."""

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, float):  # fractions are exact, as in expressions
            return _call("_decimal_", ast.Constant(repr(node.value)), at=node)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        return _call("_join_", *[self.visit(part) for part in parts], at=node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return _call(_ARITHMETIC[type(node.op)], self.visit(node.left), self.visit(node.right), at=node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return ast.copy_location(ast.UnaryOp(ast.Not(), operand), node)
        return _call("_negative_" if isinstance(node.op, ast.USub) else "_positive_", operand, at=node)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        operator, value = ast.Name(_ARITHMETIC[type(node.op)], ast.Load()), self.visit(node.value)
        if isinstance(node.target, ast.Subscript):
            thing, key = self.visit(node.target.value), self.visit(node.target.slice)
            return ast.copy_location(ast.Expr(_call("_change_", thing, key, operator, value, at=node)), node)
        assert isinstance(node.target, ast.Name)  # syntax.parse refuses every other target
        changed = _call(operator.id, ast.Name(node.target.id, ast.Load()), value, at=node)
        return ast.copy_location(ast.Assign([self.visit(node.target)], changed), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """``a < b < c`` becomes ``a < b and b < c``, with b worked out once."""
        parts: list[ast.expr] = []
        left = self.visit(node.left)
        for index, (operator, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = following = self.visit(comparator)
            if index < len(node.ops) - 1 and not isinstance(right, (ast.Name, ast.Constant)):
                right, following = self._kept(right)
            parts.append(_compared(left, operator, right, node))
            left = following
        return parts[0] if len(parts) == 1 else ast.copy_location(ast.BoolOp(ast.And(), parts), node)

    def _kept(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        name = self.gen_tmp_name()
        return ast.NamedExpr(ast.Name(name, ast.Store()), value), ast.Name(name, ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.AST:
        values = [self.visit(value) for value in node.args]
        named = [ast.keyword(keyword.arg, self.visit(keyword.value)) for keyword in node.keywords]
        if isinstance(node.func, ast.Attribute):
            method = [self.visit(node.func.value), ast.Constant(node.func.attr)]
            return _call("_call_", *method, *values, at=node, named=named)
        return ast.copy_location(ast.Call(self.visit(node.func), values, named), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        return self.node_contents_visit(node)  # plain data unpacks itself; there is nothing to guard

    def guard_iter(self, node: ast.For | ast.comprehension) -> ast.AST:
        node = self.node_contents_visit(node)
        node.iter = _call("_getiter_", node.iter, at=node.iter)
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        node = self.node_contents_visit(node)
        node.body.insert(0, ast.Expr(_call("_tick_", at=node)))
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        found = super().visit_FunctionDef(node)
        assert isinstance(found, ast.FunctionDef)
        found.body.insert(0, ast.Expr(_call("_tick_", at=node)))
        return found

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        found = super().visit_Lambda(node)
        assert isinstance(found, ast.Lambda)
        found.body = ast.copy_location(ast.BoolOp(ast.Or(), [_call("_tick_", at=node), found.body]), node)
        return found

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        """The kinds of failure have names no script can write, so that none is ever a value."""
        assert node.type is not None  # syntax.parse refuses it
        names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        kinds: list[ast.expr] = [ast.Name(f"_e_{name.id}", ast.Load()) for name in names if isinstance(name, ast.Name)]
        caught = kinds[0] if len(kinds) == 1 else ast.Call(ast.Name("_kinds_", ast.Load()), kinds, [])
        body = [self.visit(statement) for statement in node.body]
        return ast.copy_location(ast.ExceptHandler(ast.copy_location(caught, node.type), node.name, body), node)


def _compared(left: ast.expr, operator: ast.cmpop, right: ast.expr, at: ast.AST) -> ast.expr:
    if isinstance(operator, (ast.Is, ast.IsNot)) and isinstance(left, ast.Constant):
        operator = ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()  # Python warns of `1 is None`
    if isinstance(operator, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
        return ast.copy_location(ast.Compare(left, [operator], [right]), at)
    if isinstance(operator, ast.NotIn):
        return ast.copy_location(ast.UnaryOp(ast.Not(), _call("_in_", left, right, at=at)), at)
    return _call(_ORDER[type(operator)], left, right, at=at)


def _call(name: str, *values: ast.expr, at: ast.AST, named: Iterable[ast.keyword] = ()) -> ast.Call:
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), list(values), list(named)), at)
