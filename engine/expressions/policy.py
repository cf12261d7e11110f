"""From the syntax tree to code: RestrictedPython's rewriting, narrowed, plus the empty-safe operators."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from RestrictedPython.transformer import RestrictingNodeTransformer

_ARITHMETIC = {
    ast.Add: "_add_",
    ast.Sub: "_subtract_",
    ast.Mult: "_multiply_",
    ast.Div: "_divide_",
    ast.FloorDiv: "_floor_divide_",
    ast.Mod: "_modulo_",
    ast.Pow: "_power_",
}
_ORDER = {ast.Lt: "_less_", ast.LtE: "_at_most_", ast.Gt: "_more_", ast.GtE: "_at_least_", ast.In: "_in_"}


def function_name(name: str) -> str:
    return f"_f_{name}"


def number_name(text: str) -> str:
    return f"_n_{text}"


class ExpressionPolicy(RestrictingNodeTransformer):
    """Rewrites a tree that `syntax.parse` let through. ``needs``: function name → names it takes from the context."""

    def __init__(self, errors: list[str], numbers: Mapping[int, str], needs: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(errors, [], {})
        self._numbers = numbers  # column of a fraction in the source → its text
        self._needs = needs
        self._temporaries = 0

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        # Fractions are exact: 0.1 is Decimal("0.1"), kept beside the guards under a name no source can write.
        if isinstance(node.value, float):
            return _at(ast.Name(number_name(self._numbers[node.col_offset]), ast.Load()), node)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        assert isinstance(node.func, ast.Name)  # syntax.parse refuses every other call
        arguments = [self.visit(argument) for argument in node.args]
        needed = [ast.keyword(name, ast.Name(name, ast.Load())) for name in self._needs.get(node.func.id, ())]
        return _at(ast.Call(ast.Name(function_name(node.func.id), ast.Load()), arguments, needed), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        return _at(_call(_ARITHMETIC[type(node.op)], self.visit(node.left), self.visit(node.right)), node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return _at(ast.UnaryOp(ast.Not(), operand), node)
        name = "_negative_" if isinstance(node.op, ast.USub) else "_positive_"
        return _at(_call(name, operand), node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        left = self.visit(node.left)
        parts: list[ast.expr] = []
        for index, (operator, comparator) in enumerate(zip(node.ops, node.comparators, strict=True)):
            right = self.visit(comparator)
            following: ast.expr = right
            if index < len(node.ops) - 1:  # a < b < c reads b once
                self._temporaries += 1
                name = f"_t_{self._temporaries}"
                right = ast.NamedExpr(ast.Name(name, ast.Store()), right)
                following = ast.Name(name, ast.Load())
            parts.append(_compared(left, operator, right))
            left = following
        return _at(parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts), node)


def _compared(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    if isinstance(operator, (ast.Is, ast.IsNot)) and isinstance(left, ast.Constant):
        operator = ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()  # Python warns of `1 is None`
    if isinstance(operator, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
        return ast.Compare(left, [operator], [right])
    if isinstance(operator, ast.NotIn):
        return ast.UnaryOp(ast.Not(), _call("_in_", left, right))
    return _call(_ORDER[type(operator)], left, right)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def _at(new: ast.expr, old: ast.AST) -> ast.expr:
    ast.copy_location(new, old)
    ast.fix_missing_locations(new)
    return new


def as_function(tree: ast.Expression, variables: tuple[str, ...]) -> Any:
    """Code that gives a function of the variables: fast locals, and loops inside see them."""
    arguments = ast.arguments(
        posonlyargs=[ast.arg(name) for name in variables],
        args=[], vararg=None, kwonlyargs=[], kw_defaults=[], kwarg=None, defaults=[],
    )  # fmt: skip
    wrapped = ast.Expression(ast.Lambda(arguments, tree.body))
    ast.fix_missing_locations(wrapped)
    return compile(wrapped, "expression", "eval")
