"""What is wrong with an expression, found when the definition is read: names, functions, texts no field can have."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from engine.errors import Message, message
from engine.expressions import kinds, syntax
from engine.expressions.compile import Compiled, compile_expression, signatures, unknown_function
from engine.expressions.errors import ExpressionRefused
from engine.expressions.kinds import ANY, BOOLEAN, DATE, LIST, NONE, NUMBER, TEXT, Kind, Scope
from engine.expressions.signatures import Parameter, Signature
from engine.registry import Registry

Mistake = tuple[Message, int]  # what, and the character of the source it begins at

_SIGNS: Mapping[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.In: "in",
    ast.NotIn: "not in",
}  # fmt: skip
_LIKE_ITS_VALUES = frozenset({"coalesce", "min", "max", "abs"})


def check_expression(source: str, scope: Scope, registry: Registry) -> list[Mistake]:
    """Everything wrong with the expression, in the order of the source; [] if nothing is."""
    return examine(source, scope, registry)[1]


def examine(source: str, scope: Scope, registry: Registry) -> tuple[Kind, list[Mistake]]:
    """The kind of the result, and everything that is wrong."""
    try:
        tree = syntax.parse(source)
    except ExpressionRefused as refused:
        return ANY, [(refused.reason, refused.column)]
    reading = Reading(syntax.one_line(source), scope, registry)
    kind = reading.kind(tree.body, {})
    if not reading.mistakes:
        _compile_too(source, registry, reading.mistakes)
    return kind, sorted(reading.mistakes, key=lambda mistake: mistake[1])


def _compile_too(source: str, registry: Registry, mistakes: list[Mistake]) -> Compiled | None:
    try:
        return compile_expression(source, registry)
    except ExpressionRefused as refused:
        mistakes.append((refused.reason, refused.column))
        return None


Loops = Mapping[str, Kind]


class Reading:
    """One walk over a tree that works out kinds and notes mistakes; ``mentions`` listens to it."""

    def __init__(self, line: str, scope: Scope, registry: Registry) -> None:
        self.line = line
        self.scope = scope
        self.registry = registry
        self.mistakes: list[Mistake] = []

    def wrong(self, node: ast.AST, what: Message) -> Kind:
        self.mistakes.append((what, syntax.column(self.line, node)))
        return ANY

    def kind(self, node: ast.expr, loops: Loops) -> Kind:
        return _READERS[type(node)](self, node, loops)

    # --- values

    def constant(self, node: Any, loops: Loops) -> Kind:
        value = node.value
        if value is None:
            return NONE
        return BOOLEAN if isinstance(value, bool) else TEXT if isinstance(value, str) else NUMBER

    def name(self, node: Any, loops: Loops) -> Kind:
        found = loops.get(node.id) or self.scope.kind(node.id)
        if found:
            return found
        if node.id in self.registry.functions:
            usage = signatures(self.registry)[node.id].usage
            return self.wrong(node, message("{name} is a function; write {usage}", name=node.id, usage=usage))
        known = (*loops, *self.scope.known)
        return self.wrong(node, _unknown(_NO_NAME, node.id, known))

    def attribute(self, node: Any, loops: Loops) -> Kind:
        base = self.kind(node.value, loops)
        found = kinds.attribute_kind(base, node.attr, self.scope.definition)
        if found:
            return found
        column = syntax.column(self.line, node) + len(syntax.text_of(self.line, node)) - len(node.attr)
        self.mistakes.append((self._no_attribute(base, node), column))
        return ANY

    def _no_attribute(self, base: Kind, node: Any) -> Message:
        name = node.attr
        if base.name == "records":
            return message(
                "{path} is a list; go over it, such as sum(line.{name} for line in {path})",
                path=syntax.text_of(self.line, node.value), name=name,
            )  # fmt: skip
        known = kinds.attribute_names(base, self.scope.definition)
        if base.name == "record":
            return _unknown(_NO_FIELD, name, known, form=base.form)
        return _unknown(_NO_PART, name, known, thing=kinds.word(base))

    def subscript(self, node: Any, loops: Loops) -> Kind:
        base = self.kind(node.value, loops)
        if base.name in ("json", "any", "none", "list", "users"):
            return ANY
        if base.name == "records":
            return Kind("record", base.form)
        if base.name in ("text", "state"):
            return TEXT
        return self.wrong(node, message("{thing} has no parts", thing=kinds.word(base)))

    def many(self, node: Any, loops: Loops) -> Kind:
        for item in node.elts:
            self.kind(item, loops)
        return LIST

    # --- operators

    def both(self, node: Any, loops: Loops) -> Kind:
        return kinds.joined([self.kind(value, loops) for value in node.values])

    def unary(self, node: Any, loops: Loops) -> Kind:
        operand = self.kind(node.operand, loops)
        if isinstance(node.op, ast.Not):
            return BOOLEAN
        if operand.name not in ("number", "duration", "any", "none"):
            return self.wrong(node, message("{thing} has no sign", thing=kinds.word(operand)))
        return operand

    def arithmetic(self, node: Any, loops: Loops) -> Kind:
        left, right = self.kind(node.left, loops), self.kind(node.right, loops)
        sign = _SIGNS[type(node.op)]
        return kinds.result_of(sign, left, right) or self.wrong(
            node,
            message("{left} {sign} {right} cannot be worked out",
                    left=kinds.word(left), sign=sign, right=kinds.word(right)),
        )  # fmt: skip

    def compare(self, node: Any, loops: Loops) -> Kind:
        sides = [node.left, *node.comparators]
        found = [self.kind(side, loops) for side in sides]
        for index, operator in enumerate(node.ops):
            pair = (sides[index], sides[index + 1])
            if isinstance(operator, (ast.In, ast.NotIn)):
                self._member(pair, (found[index], found[index + 1]), loops)
            else:
                self._compared(node, operator, pair, (found[index], found[index + 1]))
        return BOOLEAN

    def _compared(
        self, node: ast.AST, operator: ast.cmpop, sides: tuple[ast.expr, ast.expr], pair: tuple[Kind, Kind]
    ) -> None:
        same = isinstance(operator, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot))
        fits = kinds.comparable(*pair) if same else kinds.orderable(*pair)
        if same and {pair[0].name, pair[1].name} == {"date", "datetime"}:
            self.wrong(node, message("A date never equals a date and time; write date(…) around the latter"))
        elif not fits:
            left, right = (kinds.word(kind) for kind in pair)
            sign = _SIGNS.get(type(operator), "==")
            self.wrong(node, message("{left} {sign} {right} never holds", left=left, sign=sign, right=right))
        self.option(sides[0], pair[1])
        self.option(sides[1], pair[0])

    def _member(self, sides: tuple[ast.expr, ast.expr], pair: tuple[Kind, Kind], loops: Loops) -> None:
        item, whole = pair
        if isinstance(sides[1], (ast.Tuple, ast.List)):
            for element in sides[1].elts:
                kind = self.kind(element, loops)
                if not kinds.comparable(item, kind):
                    self.wrong(element, message("{left} {sign} {right} never holds", sign="==",
                                                left=kinds.word(item), right=kinds.word(kind)))  # fmt: skip
                self.option(element, item)
            return
        if whole.name in ("list", "any", "none", "json"):
            self.option(sides[0], whole)
            return
        wanted = {"text": TEXT, "state": TEXT, "users": kinds.USER, "records": Kind("record", whole.form)}
        if whole.name not in wanted or not kinds.comparable(item, wanted[whole.name]):
            left, right = kinds.word(item), kinds.word(whole)
            self.wrong(sides[0], message("{left} {sign} {right} never holds", left=left, sign="in", right=right))

    def option(self, node: ast.expr, kind: Kind) -> None:
        """A text written beside a state, role or choice must be one of them."""
        if kind.options is None or not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            return
        if node.value not in kind.options:
            pattern = _NO_OPTION[kind.of]
            self.wrong(node, _unknown(pattern, node.value, kind.options, form=kind.form or ""))

    def choice(self, node: Any, loops: Loops) -> Kind:
        self.kind(node.test, loops)
        return kinds.joined([self.kind(node.body, loops), self.kind(node.orelse, loops)])

    # --- functions

    def call(self, node: Any, loops: Loops) -> Kind:
        given = [self.kind(argument, loops) for argument in node.args]
        name = node.func.id
        if name not in self.registry.functions:
            refused = unknown_function(node, self.line, self.registry)
            self.mistakes.append((refused.reason, refused.column))
            return ANY
        signature = signatures(self.registry)[name]
        if not signature.least <= len(given) <= (signature.most if signature.most is not None else len(given)):
            return self.wrong(node, message("{name} takes other values: {usage}", name=name, usage=signature.usage))
        for argument, kind, parameter in zip(node.args, given, _places(signature, len(given)), strict=True):
            self._argument(name, argument, kind, parameter)
        return self._result(signature, node, given, loops)

    def _argument(self, name: str, node: ast.expr, kind: Kind, parameter: Parameter) -> None:
        if not parameter.kinds or kind.name in ("any", "none") or _seen_as(kind) & parameter.kinds:
            return
        wanted = sorted(parameter.kinds - {"datetime"} if "date" in parameter.kinds else parameter.kinds)
        self.wrong(
            node,
            message("{name} needs {wanted} as {parameter}, not {got}", name=name, parameter=parameter.name,
                    wanted=kinds.word(Kind(wanted[0])), got=kinds.word(kind)),
        )  # fmt: skip

    def _result(self, signature: Signature, node: Any, given: list[Kind], loops: Loops) -> Kind:
        if signature.name in _LIKE_ITS_VALUES and given:
            values = [self._element(node.args[0], given[0], loops)] if len(given) == 1 else given
            return kinds.joined(values)
        if signature.name == "sum" and given:
            element = self._element(node.args[0], given[0], loops)
            return element if element.name == "duration" else NUMBER
        if signature.name == "if_else":
            return kinds.joined(given[1:])
        return Kind(next(iter(signature.result))) if len(signature.result) == 1 else _dated(signature)

    def _element(self, node: ast.expr, kind: Kind, loops: Loops) -> Kind:
        if not isinstance(node, ast.GeneratorExp):
            return ANY if kind.name in ("list", "records", "users") else kind
        quiet = Reading(self.line, self.scope, self.registry)
        return quiet.kind(node.elt, quiet.loop(node, loops))

    def generator(self, node: Any, loops: Loops) -> Kind:
        inside = self.loop(node, loops)
        for part in (node.elt, *node.generators[0].ifs):
            self.kind(part, inside)
        return LIST

    def loop(self, node: Any, loops: Loops) -> Loops:
        """The names inside a loop."""
        loop = node.generators[0]
        over = self.kind(loop.iter, loops)
        if over.name == "users":
            return {**loops, loop.target.id: kinds.USER}
        if over.name not in ("records", "any", "list"):
            self.wrong(loop.iter, message("{thing} is no list to go over", thing=kinds.word(over)))
        return {**loops, loop.target.id: Kind("record", over.form) if over.form else ANY}


# What is unknown, without and with a near one.
_Two = tuple[str, str]
_NO_NAME: _Two = (
    message("There is no name {name} here").pattern,
    message("There is no name {name} here; did you mean {near}?").pattern,
)
_NO_FIELD: _Two = (
    message("{form} has no field {name}").pattern,
    message("{form} has no field {name}; did you mean {near}?").pattern,
)
_NO_PART: _Two = (
    message("{thing} has no {name}").pattern,
    message("{thing} has no {name}; did you mean {near}?").pattern,
)
_NO_OPTION: Mapping[str, _Two] = {
    "state": (
        message("{form} has no state {name}").pattern,
        message("{form} has no state {name}; did you mean {near}?").pattern,
    ),
    "role": (
        message("There is no role {name}").pattern,
        message("There is no role {name}; did you mean {near}?").pattern,
    ),
    "choice": (
        message("{name} is none of the options").pattern,
        message("{name} is none of the options; did you mean {near}?").pattern,
    ),
}

_READERS: Mapping[type, Callable[[Reading, Any, Loops], Kind]] = {
    ast.Constant: Reading.constant,
    ast.Name: Reading.name,
    ast.Attribute: Reading.attribute,
    ast.Subscript: Reading.subscript,
    ast.Tuple: Reading.many,
    ast.List: Reading.many,
    ast.BoolOp: Reading.both,
    ast.UnaryOp: Reading.unary,
    ast.BinOp: Reading.arithmetic,
    ast.Compare: Reading.compare,
    ast.IfExp: Reading.choice,
    ast.Call: Reading.call,
    ast.GeneratorExp: Reading.generator,
}


def _places(signature: Signature, count: int) -> Iterable[Parameter]:
    return [parameter for index in range(count) if (parameter := signature.at(index)) is not None]


def _seen_as(kind: Kind) -> frozenset[str]:
    return {
        "state": frozenset({"text"}),
        "records": frozenset({"list"}),
        "users": frozenset({"list"}),
    }.get(kind.name, frozenset({kind.name}))


def _dated(signature: Signature) -> Kind:
    return DATE if "date" in signature.result else ANY


def _unknown(patterns: tuple[str, str], name: str, known: Iterable[str], **values: Any) -> Message:
    near = get_close_matches(name, list(known), 1)
    if near:
        return message(patterns[1], name=name, near=near[0], **values)
    return message(patterns[0], name=name, **values)
