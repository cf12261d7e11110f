"""What an expression may look like: an allow-list of Python's syntax, checked before anything is compiled."""

from __future__ import annotations

import ast
import re
import unicodedata
import warnings
from collections.abc import Iterator
from decimal import Decimal

from engine.errors import Message, message
from engine.expressions.errors import ExpressionRefused

MAX_LENGTH = 2000
MAX_BRACKETS = 40
MAX_DEPTH = 100  # of the syntax tree; `a + b + c …` is as deep as it has terms
MAX_DIGITS = 30

# The functions that take `… for x in record.lines`.
FOLDS = frozenset({"sum", "any", "all", "min", "max", "count", "len", "join"})

_TEXTS = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_PREFIXES = re.compile(r"(?:[-+~]\s*){5}|(?:\bnot\b\s*){5}")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAME = re.compile(r"[A-Za-z_]\w*")

_PLAIN_NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.Not, ast.USub, ast.UAdd, ast.UnaryOp, ast.BinOp, ast.Compare,
    ast.IfExp, ast.Tuple, ast.List, ast.Load, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn,
)  # fmt: skip

_REFUSED = {
    ast.Lambda: "lambda",
    ast.NamedExpr: ":=",
    ast.Starred: "*",
    ast.JoinedStr: "f'…'",
    ast.ListComp: "[… for …]",
    ast.SetComp: "{… for …}",
    ast.DictComp: "{… for …}",
    ast.Dict: "{…}",
    ast.Set: "{…}",
    ast.Slice: "[… : …]",
    ast.Await: "await",
    ast.Yield: "yield",
    ast.YieldFrom: "yield from",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Invert: "~",
    ast.Is: "is",
    ast.IsNot: "is not",
}


def words_in(text: str) -> set[str]:
    """Every word of a text that could be a name, whatever the text means: rather one too many than one too few."""
    return set(_NAME.findall(text))


def parse(source: str) -> ast.Expression:
    """The syntax tree of an expression that keeps to the language; raises ExpressionRefused."""
    line = one_line(source)
    _check_text(line)
    tree = _parse_line(line)
    _check_depth(tree, line)
    for node, parent in _with_parents(tree):
        _check_node(node, parent, line)
    return tree


def one_line(source: str) -> str:
    """Folded YAML texts have line breaks; the language has none."""
    return source.replace("\r", " ").replace("\n", " ").replace("\t", " ")


def column(line: str, node: ast.AST) -> int:
    """The character a node begins at; Python counts UTF-8 bytes."""
    offset: int = getattr(node, "col_offset", 0)
    return offset if line.isascii() else len(line.encode()[:offset].decode(errors="ignore"))


def text_of(line: str, node: ast.expr) -> str:
    """The text of a node as it was written."""
    raw = line.encode()
    return raw[node.col_offset : node.end_col_offset].decode(errors="replace")


def _check_text(line: str) -> None:
    if len(line) > MAX_LENGTH:
        raise ExpressionRefused(
            message("An expression has at most {limit} characters, this one has {length}",
                    limit=MAX_LENGTH, length=len(line))
        )  # fmt: skip
    for index, character in enumerate(line):
        if not character.isascii() or character < " ":
            _check_character(character, index)
    if not line.strip():
        raise ExpressionRefused(message("The expression is empty"))
    _check_ascii(line)
    bare = _TEXTS.sub("''", line)
    if _deepest(bare) > MAX_BRACKETS:
        raise ExpressionRefused(message("Brackets may be nested at most {limit} deep", limit=MAX_BRACKETS))
    if _PREFIXES.search(bare):
        raise ExpressionRefused(message("Too many signs stand in front of one value"))


def _check_ascii(line: str) -> None:
    """Python would read ｒecord as record; what looks alike is refused outside quotes, full-width signs too."""
    if line.isascii():
        return
    blank = _TEXTS.sub(lambda text: " " * len(text[0]), line)
    for index, character in enumerate(blank):
        if not character.isascii():
            raise ExpressionRefused(message("{character} only stands inside quotes", character=character), index)


def _check_character(character: str, index: int) -> None:
    if unicodedata.category(character) in _INVISIBLE:
        raise ExpressionRefused(
            message("Character {position} is invisible: {code}",
                    position=index + 1, code=f"U+{ord(character):04X}"),
            index,
        )  # fmt: skip


def _deepest(bare: str) -> int:
    depth = deepest = 0
    for character in bare:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth -= 1
    return deepest


def _parse_line(line: str) -> ast.Expression:
    lead = len(line) - len(line.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "invalid decimal literal": refused or harmless, never shown
            tree = ast.parse(line.lstrip(), "expression", "eval")
    except SyntaxError as error:
        offset = error.offset - 1 + lead if error.offset else len(line)
        raise ExpressionRefused(_syntax_message(line), min(offset, len(line))) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionRefused(message("The expression is too complicated")) from None
    if lead:
        for node in ast.walk(tree):
            if hasattr(node, "col_offset"):
                node.col_offset += lead
                node.end_col_offset += lead  # type: ignore[attr-defined]
    return tree


def _syntax_message(line: str) -> Message:
    bare = _TEXTS.sub("''", line)
    if re.search(r"(?<![=!<>])=(?!=)", bare):
        return message("This is not an expression; to compare write == instead of =")
    if re.search(r"&&|\|\||!(?!=)", bare):
        return message("This is not an expression; write `and`, `or` and `not` instead of &&, || and !")
    return message("This is not an expression: {source}", source=line.strip()[:80])


def _check_depth(tree: ast.Expression, line: str) -> None:
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise ExpressionRefused(message("The expression is too complicated"), column(line, node))
        stack.extend((child, depth + 1) for child in ast.iter_child_nodes(node))


def _with_parents(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    stack: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while stack:
        node, parent = stack.pop()
        yield node, parent
        stack.extend((child, node) for child in reversed(list(ast.iter_child_nodes(node))))


def _check_node(node: ast.AST, parent: ast.AST, line: str) -> None:
    if isinstance(node, ast.Compare):
        _check_is(node, line)
    special = _SPECIAL.get(type(node))
    if special:
        special(node, parent, line)
    elif not isinstance(node, _PLAIN_NODES) and not (
        isinstance(node, (ast.Is, ast.IsNot)) and isinstance(parent, ast.Compare)
    ):
        shown = _REFUSED.get(type(node), type(node).__name__)
        at = node if hasattr(node, "col_offset") else parent
        raise ExpressionRefused(message("{thing} cannot be used in an expression", thing=shown), column(line, at))


def _check_is(node: ast.Compare, line: str) -> None:
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, (ast.Is, ast.IsNot)) and not (isinstance(right, ast.Constant) and right.value is None):
            raise ExpressionRefused(message("`is` only stands before None; to compare write =="), column(line, right))


def _check_constant(node: ast.AST, parent: ast.AST, line: str) -> None:
    value = node.value  # type: ignore[attr-defined]
    if value is None or isinstance(value, (bool, str)):
        return
    if isinstance(value, (int, float)) and _is_bounded(text_of(line, node), value):  # type: ignore[arg-type]
        return
    raise ExpressionRefused(
        message("{text} is no value of an expression", text=text_of(line, node)[:40]),  # type: ignore[arg-type]
        column(line, node),
    )


def _is_bounded(text: str, value: int | float) -> bool:
    """A float is judged by its text: 1e-400 is no zero."""
    number = Decimal(text.replace("_", "")) if isinstance(value, float) else value
    return number == 0 or 10**MAX_DIGITS > number > Decimal(1).scaleb(-MAX_DIGITS)


def _check_name(node: ast.AST, parent: ast.AST, line: str) -> None:
    name: str = node.id  # type: ignore[attr-defined]
    if name.startswith("_") or not name.isascii() or name in ("print", "printed"):
        raise ExpressionRefused(message("{name} is no name an expression may use", name=name), column(line, node))


def _check_attribute(node: ast.AST, parent: ast.AST, line: str) -> None:
    name: str = node.attr  # type: ignore[attr-defined]
    if name.startswith("_") or not name.isascii():
        raise ExpressionRefused(message("{name} is no name an expression may use", name=name), column(line, node))


def _check_call(node: ast.AST, parent: ast.AST, line: str) -> None:
    assert isinstance(node, ast.Call)  # by the table below
    if isinstance(node.func, ast.Attribute):
        name = node.func.attr
        raise ExpressionRefused(
            message("There are no methods: write {name}(…) with the value in the brackets", name=name),
            column(line, node),
        )
    if not isinstance(node.func, ast.Name):
        raise ExpressionRefused(message("Only functions can be called, by their name"), column(line, node))
    if node.keywords:
        raise ExpressionRefused(
            message("Values are given to {name} in order, without names", name=node.func.id), column(line, node)
        )


def _check_subscript(node: ast.AST, parent: ast.AST, line: str) -> None:
    assert isinstance(node, ast.Subscript)  # by the table below
    key = node.slice
    if not (isinstance(key, ast.Constant) and type(key.value) in (str, int)):
        raise ExpressionRefused(message("Only a fixed text or number stands in [ ]"), column(line, node))


def _check_generator(node: ast.AST, parent: ast.AST, line: str) -> None:
    assert isinstance(node, ast.GeneratorExp)  # by the table below
    folded = isinstance(parent, ast.Call) and isinstance(parent.func, ast.Name) and parent.func.id in FOLDS
    if not folded:
        raise ExpressionRefused(
            message("`for` only stands inside {functions}", functions=", ".join(f"{name}()" for name in sorted(FOLDS))),
            column(line, node),
        )
    loop = node.generators[0]
    if len(node.generators) > 1 or len(loop.ifs) > 1 or loop.is_async:
        raise ExpressionRefused(message("One `for` and at most one `if` stand in a function"), column(line, node))
    if not isinstance(loop.target, ast.Name):
        raise ExpressionRefused(message("`for` takes one name, such as line"), column(line, loop.target))
    if not is_path(loop.iter) or isinstance(loop.iter, ast.Name):
        raise ExpressionRefused(
            message("`for` goes over the lines or links of a record, such as record.lines"), column(line, loop.iter)
        )
    _check_nesting(node, loop.target.id, line)


def _check_nesting(node: ast.GeneratorExp, name: str, line: str) -> None:
    """A loop in a loop may only go over what belongs to the outer one's element, so the cost stays that of the data."""
    for inner in ast.walk(node):
        if inner is not node and isinstance(inner, ast.GeneratorExp) and root(inner.generators[0].iter) != name:
            raise ExpressionRefused(
                message("A `for` inside a `for` goes over the lines of {name}", name=name), column(line, inner)
            )


def _accept(node: ast.AST, parent: ast.AST, line: str) -> None:
    """Checked together with the node around it."""


_SPECIAL = {
    ast.Constant: _check_constant,
    ast.Name: _check_name,
    ast.Attribute: _check_attribute,
    ast.Call: _check_call,
    ast.Subscript: _check_subscript,
    ast.GeneratorExp: _check_generator,
    ast.comprehension: _accept,
    ast.Store: _accept,
}


def is_path(node: ast.AST) -> bool:
    """A name, or attributes of a name."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def root(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def path_of(node: ast.AST) -> tuple[str, ...]:
    """``record.project.name`` → ("record", "project", "name")."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    assert isinstance(node, ast.Name)  # callers ask is_path first
    return (node.id, *reversed(names))
