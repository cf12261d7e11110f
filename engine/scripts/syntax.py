"""What a script may look like: an allow-list of Python's syntax, checked before anything is compiled.

The text is looked at before Python's own parser sees it: length, invisible characters, how deeply brackets and blocks
are nested. Then every node of the tree must be in the list, and every problem is told at once.
"""

from __future__ import annotations

import ast
import io
import tokenize
import unicodedata
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from RestrictedPython.transformer import INSPECT_ATTRIBUTES

from engine.errors import Message, message
from engine.scripts.errors import ScriptRefused, SourceProblem

MAX_LENGTH = 20_000
MAX_BRACKETS = 30
MAX_BLOCKS = 15
MAX_SIGNS = 4  # in front of one value
MAX_DEPTH = 120  # of the tree; an `elif` is one deeper than its `if`
MAX_NUMBER = 10**30
MAX_PROBLEMS = 20

ERRORS = ("Refused", "ValueError", "TypeError", "KeyError", "IndexError")

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = INSPECT_ATTRIBUTES | {"exec", "eval", "printed"}  # the first lead from generators and failures to frames
_SIGNS = frozenset({"-", "+", "~", "not"})

_PLAIN = (
    ast.Module, ast.Expr, ast.If, ast.While, ast.Break, ast.Continue, ast.Pass, ast.Return, ast.BoolOp, ast.And, ast.Or,
    ast.UnaryOp, ast.Not, ast.USub, ast.UAdd, ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod,
    ast.Pow, ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Is, ast.IsNot,
    ast.IfExp, ast.Tuple, ast.List, ast.Set, ast.Load, ast.Store, ast.Del, ast.ListComp, ast.SetComp, ast.DictComp,
    ast.Slice, ast.Subscript, ast.JoinedStr, ast.Lambda, ast.alias,
)  # fmt: skip

_WORDS: Mapping[type, str] = {
    ast.Import: "import", ast.ImportFrom: "import", ast.ClassDef: "class", ast.With: "with",
    ast.AsyncFunctionDef: "async", ast.AsyncFor: "async", ast.AsyncWith: "async", ast.Await: "await",
    ast.Yield: "yield", ast.YieldFrom: "yield", ast.Global: "global", ast.Nonlocal: "nonlocal", ast.Match: "match",
    ast.NamedExpr: ":=", ast.Starred: "*", ast.AnnAssign: "x: …", ast.TryStar: "except*", ast.MatMult: "@",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.Invert: "~",
}  # fmt: skip

Check = Iterator[Message]


def parse(source: str) -> ast.Module:
    """The tree of a script that keeps to the language; raises ScriptRefused with every problem."""
    text = source.replace("\r\n", "\n").replace("\r", "\n")
    _demand(_problems_of_text(text))
    _demand(_problems_of_tokens(text))
    tree = _tree(text)
    _demand(_problems_of_depth(tree))
    _demand(_problems_of_nodes(tree, text.splitlines()))
    return tree


def check_names(tree: ast.Module, known: Collection[str], source: str) -> None:
    """Raises ScriptRefused for names that neither the script nor anybody else gives."""
    lines = source.splitlines()
    given = {*known, *_given(tree)}
    unknown = [node for node in _names(tree) if node.id not in given]
    _demand(_problem(_unknown(node.id, given), node, lines) for node in unknown)


def _names(node: ast.AST) -> Iterator[ast.Name]:
    """Every name but those of failures, which only stand after `except`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.ExceptHandler) and child is node.type:
            continue
        if isinstance(child, ast.Name):
            yield child
        yield from _names(child)


def _given(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ExceptHandler)) and node.name:
            yield node.name


def _unknown(name: str, given: Collection[str]) -> Message:
    if name == "print":
        return message("Write log(…) instead of print(…)")
    near = get_close_matches(name, given, 1)
    if near:
        return message("There is no {name}; did you mean {near}?", name=name, near=near[0])
    return message("There is no {name} here", name=name)


def _demand(problems: Iterator[SourceProblem]) -> None:
    found = [problem for problem, _ in zip(problems, range(MAX_PROBLEMS), strict=False)]
    if found:
        raise ScriptRefused(sorted(found, key=lambda problem: problem[1:]))


# --- the text --------------------------------------------------------------------------------------------------------


def _problems_of_text(text: str) -> Iterator[SourceProblem]:
    if len(text) > MAX_LENGTH:
        found = message("A script has at most {limit} characters, this one has {length}",
                        limit=MAX_LENGTH, length=len(text))  # fmt: skip
        yield SourceProblem(found, 1)
        return
    if not text.strip():
        yield SourceProblem(message("The script is empty"), 1)
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line):
            if character != "\t" and unicodedata.category(character) in _INVISIBLE:
                code = f"U+{ord(character):04X}"
                yield SourceProblem(message("An invisible character stands here: {code}", code=code), number, column)


def _problems_of_tokens(text: str) -> Iterator[SourceProblem]:
    """Nesting, and names that only look like names; the tokenizer is no recursion, so nothing is too deep for it."""
    brackets = blocks = signs = 0
    for token in _tokens(text):
        if token.string in _SIGNS:
            signs += 1
        elif token.type not in (tokenize.NL, tokenize.COMMENT):
            signs = 0
        if token.type == tokenize.OP:
            brackets += (token.string in "([{") - (token.string in ")]}")
        blocks += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
        found = _token_problem(token, brackets, blocks, signs)
        if found:
            yield SourceProblem(found, *token.start)
            return


def _token_problem(token: tokenize.TokenInfo, brackets: int, blocks: int, signs: int) -> Message | None:
    if brackets > MAX_BRACKETS:
        return message("Brackets may be nested at most {limit} deep", limit=MAX_BRACKETS)
    if blocks > MAX_BLOCKS:
        return message("Blocks may be nested at most {limit} deep", limit=MAX_BLOCKS)
    if signs > MAX_SIGNS:
        return message("Too many signs stand in front of one value")
    # Python would read ｒecord as record.
    if token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.ERRORTOKEN) and not token.string.isascii():
        return message("{character} only stands inside quotes", character=_first_wide(token.string))
    return None


def _first_wide(text: str) -> str:
    return next(character for character in text if not character.isascii())


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(text).readline)
    except (tokenize.TokenError, SyntaxError):
        return  # the parser says it better


def _tree(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as "invalid escape sequence": never shown
            return ast.parse(text, "<script>", "exec")
    except SyntaxError as error:
        line, column = error.lineno or 1, max((error.offset or 1) - 1, 0)
        raise ScriptRefused([SourceProblem(_syntax_message(error), line, column)]) from None
    except (RecursionError, MemoryError, ValueError):
        raise ScriptRefused([SourceProblem(message("The script is too complicated"), 1)]) from None


def _syntax_message(error: SyntaxError) -> Message:
    """Python's own words where they say what is wrong; never more than its one sentence."""
    said = (error.msg or "").strip()
    if not said or said == "invalid syntax" or len(said) > 120:
        return message("This is no Python")
    return message("This is no Python: {cause}", cause=said)


# --- the tree --------------------------------------------------------------------------------------------------------


def _problems_of_depth(tree: ast.AST) -> Iterator[SourceProblem]:
    stack: list[tuple[ast.AST, int, int]] = [(tree, 0, 1)]
    while stack:
        node, depth, line = stack.pop()
        if depth > MAX_DEPTH:
            yield SourceProblem(message("This is nested too deeply"), line)
            return
        line = getattr(node, "lineno", line)
        stack.extend((child, depth + 1, line) for child in ast.iter_child_nodes(node))


def _problems_of_nodes(tree: ast.AST, lines: list[str]) -> Iterator[SourceProblem]:
    stack: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while stack:
        node, parent = stack.pop()
        at = node if hasattr(node, "lineno") else parent
        for found in _problems_of(node, parent):
            yield _problem(found, at, lines)
        stack.extend((child, node) for child in reversed(list(ast.iter_child_nodes(node))))


def _problem(what: Message, node: ast.AST, lines: list[str]) -> SourceProblem:
    """Python counts columns in UTF-8 bytes, people in characters."""
    number: int = getattr(node, "lineno", 1)
    offset: int = getattr(node, "col_offset", 0)
    line = lines[number - 1] if number <= len(lines) else ""
    return SourceProblem(what, number, len(line.encode()[:offset].decode(errors="ignore")))


def _problems_of(node: ast.AST, parent: ast.AST) -> Check:
    check = _CHECKS.get(type(node))
    if check:
        yield from check(node, parent)
    elif not isinstance(node, _PLAIN):
        yield _refused(_WORDS.get(type(node), type(node).__name__))


def _refused(thing: str) -> Message:
    return message("{thing} cannot be used in a script", thing=thing)


def _name(name: str | None) -> Check:
    """Names of the machinery begin with a line."""
    if name is None or name == "_":
        return
    if name.startswith("_") or name in _RESERVED:
        yield message("{name} is no name a script may use", name=name[:80])


def _constant(node: Any, parent: ast.AST) -> Check:
    value = node.value
    if value is None or isinstance(value, (bool, str)):
        return
    if not isinstance(value, (int, float)):
        yield _refused({bytes: "b'…'", complex: "1j"}.get(type(value), "…"))
    elif not (value == 0 or 1 / MAX_NUMBER < value < MAX_NUMBER):
        yield message("The number is too large or too small")


def _f_string_part(node: Any, parent: ast.AST) -> Check:
    if node.format_spec is not None or node.conversion != -1:
        yield message("Only a value stands in {{…}} of a text, without : or !; round(…) gives decimal places")


def _attribute(node: Any, parent: ast.AST) -> Check:
    yield from _name(node.attr)
    if not isinstance(node.ctx, ast.Load):
        yield message("Write thing['{name}'] to change a part", name=node.attr[:80])
    elif node.attr in ("format", "format_map"):
        yield message("Write f'… {value} …' instead of {name}(…)", name=node.attr, value="{value}")


def _called(node: Any, parent: ast.AST) -> Check:
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        yield message("Only functions can be called, by their name")


def _keyword(node: Any, parent: ast.AST) -> Check:
    if node.arg is None:
        yield _refused("**")
    yield from _name(node.arg)


def _arguments(node: Any, parent: ast.AST) -> Check:
    if node.vararg or node.kwarg:
        yield _refused("*")


def _argument(node: Any, parent: ast.AST) -> Check:
    yield from _name(node.arg)
    if node.annotation:
        yield _refused("x: …")


def _function(node: Any, parent: ast.AST) -> Check:
    yield from _name(node.name)
    if node.decorator_list:
        yield _refused("@")
    if node.returns:
        yield _refused("->")


def _targets(node: Any, parent: ast.AST) -> Check:
    for target in getattr(node, "targets", None) or [node.target]:
        yield from _target(target, isinstance(node, (ast.Assign, ast.Delete, ast.AugAssign)))
    if isinstance(node, ast.comprehension) and node.is_async:
        yield _refused("async")


def _target(target: ast.expr, parts: bool) -> Check:
    if isinstance(target, (ast.Tuple, ast.List)) and target.elts:
        for each in target.elts:
            yield from _target(each, False)
    elif isinstance(target, ast.Subscript) and parts:
        if isinstance(target.slice, ast.Slice):
            yield _refused("x[… : …] = …")
    elif not isinstance(target, (ast.Name, ast.Attribute, ast.Starred)):  # the last two are told by themselves
        yield message("Only a name or a part can be given a value")


def _loop(node: Any, parent: ast.AST) -> Check:
    yield from _targets(node, parent)


def _try(node: Any, parent: ast.AST) -> Check:
    if node.finalbody:
        yield _refused("finally")


def _handler(node: Any, parent: ast.AST) -> Check:
    yield from _name(node.name)
    named = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    if not named or not all(isinstance(each, ast.Name) and each.id in ERRORS for each in named):
        yield message("Write which failure is expected: except {names}", names=ERRORS)


def _raised(node: Any, parent: ast.AST) -> Check:
    yield message("Write fail('why') instead of {thing}", thing="raise" if isinstance(node, ast.Raise) else "assert")


def _generator(node: Any, parent: ast.AST) -> Check:
    if not isinstance(parent, ast.Call):
        yield message("( … for … ) only stands in the brackets of a function; write [ … for … ]")


def _operator(node: Any, parent: ast.AST) -> Check:
    if isinstance(node.op, ast.Mod) and isinstance(getattr(node, "left", None), (ast.JoinedStr, ast.Constant)):
        left = node.left
        if isinstance(left, ast.JoinedStr) or isinstance(left.value, str):
            yield message("Write f'… {value} …' instead of {name}(…)", name="%", value="{value}")


def _compared(node: Any, parent: ast.AST) -> Check:
    for operator, right in zip(node.ops, node.comparators, strict=True):
        if isinstance(operator, (ast.Is, ast.IsNot)) and not (isinstance(right, ast.Constant) and right.value is None):
            yield message("`is` only stands before None; to compare write ==")


def _group(node: Any, parent: ast.AST) -> Check:
    if None in node.keys:
        yield _refused("**")


_CHECKS: Mapping[type, Callable[[Any, ast.AST], Check]] = {
    ast.Constant: _constant, ast.FormattedValue: _f_string_part, ast.Attribute: _attribute, ast.Call: _called,
    ast.Name: lambda node, parent: _name(node.id), ast.keyword: _keyword, ast.arguments: _arguments,
    ast.arg: _argument, ast.FunctionDef: _function, ast.Assign: _targets, ast.AugAssign: _targets,
    ast.Delete: _targets, ast.For: _loop, ast.comprehension: _loop, ast.Try: _try, ast.ExceptHandler: _handler,
    ast.Raise: _raised, ast.Assert: _raised, ast.GeneratorExp: _generator, ast.BinOp: _operator,
    ast.Compare: _compared, ast.Dict: _group,
}  # fmt: skip
