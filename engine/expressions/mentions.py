"""Which named things an expression or a template speaks of, and where in its text.

The reading is that of the check: whatever the check would miss if it were gone is mentioned.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from engine.expressions import syntax
from engine.expressions.check import Loops, Reading
from engine.expressions.errors import ExpressionRefused
from engine.expressions.kinds import Kind, Scope
from engine.expressions.template import PLACE
from engine.registry import Registry

_LISTED = re.compile(r"[^,，、\s][^,，、]*[^,，、\s]|[^,，、\s]")


@dataclass(frozen=True)
class Mention:
    """One name in a text: characters ``start`` to ``end`` (exclusive) are ``written`` with the name in it.

    ``kind`` is field, state, option or role; ``names`` what leads to the thing, such as (form, field, option). Not
    ``sure``: the text is the same as the name, but nothing tells what it is compared with.
    """

    kind: str
    names: tuple[str, ...]
    start: int
    end: int
    written: str = "{}"
    sure: bool = True

    def moved(self, by: int) -> Mention:
        return replace(self, start=self.start + by, end=self.end + by)


def mentions(source: str, scope: Scope, registry: Registry, value_of: Kind | None = None) -> tuple[Mention, ...]:
    """Every mention, in order of appearance; none where the expression cannot be read.

    ``value_of``: the kind of the field whose value the expression gives, so that its texts are options of that field.
    """
    try:
        tree = syntax.parse(source)
    except ExpressionRefused:
        return ()
    listening = _Listening(syntax.one_line(source), scope, registry)
    listening.kind(tree.body, {})
    if value_of is not None:
        listening.option(tree.body, value_of)
    listening.attributes(tree)
    listening.perhaps(tree)
    return tuple(sorted(listening.found, key=lambda mention: (mention.start, mention.names)))


def mentions_in_template(text: str, scope: Scope, registry: Registry) -> tuple[Mention, ...]:
    """The mentions in the ``{{ }}`` places of a text."""
    found = ((place.start(1), mentions(place[1], scope, registry)) for place in PLACE.finditer(text))
    return tuple(mention.moved(start) for start, several in found for mention in several)


def mentions_in_value(text: str, kind: Kind) -> tuple[Mention, ...]:
    """The options, states or roles a text names as somebody would type it: one, or several with commas."""
    if text in (kind.options or ()):
        return tuple(_named(kind, text, 0, len(text)))
    if kind.name != "list" or not kind.options:
        return ()
    parts = [part for part in _LISTED.finditer(text) if part[0] in kind.options]
    return tuple(mention for part in parts for mention in _named(kind, part[0], *part.span()))


def _named(kind: Kind, name: str, start: int, end: int, written: str = "{}", sure: bool = True) -> Iterator[Mention]:
    if kind.of == "role":
        yield Mention("role", (name,), start, end, written, sure)
    elif kind.of == "state":
        yield Mention("state", (kind.form or "", name), start, end, written, sure)
    for form, field in kind.sources:
        yield Mention("option", (form, field, name), start, end, written, sure)


class _Listening(Reading):
    """Remembers the kind of every part, and the texts that stand where a state, role or option is expected."""

    def __init__(self, line: str, scope: Scope, registry: Registry) -> None:
        super().__init__(line, scope, registry)
        self.kinds: dict[ast.expr, Kind] = {}
        self.found: set[Mention] = set()
        self.settled: set[ast.expr] = set()

    def kind(self, node: ast.expr, loops: Loops) -> Kind:
        found = self.kinds[node] = super().kind(node, loops)
        return found

    def option(self, node: ast.expr, kind: Kind) -> None:
        for constant in _texts(node) if kind.options is not None else ():
            self._note(constant, kind, sure=True)

    def attributes(self, tree: ast.Expression) -> None:
        """``record.project.name``: whatever is read of a record is a field of its form."""
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            base = self.kinds.get(node.value)
            form = self.scope.definition.forms.get(base.form) if base and base.name == "record" else None
            if form is not None and node.attr in form.fields:
                end = syntax.column(self.line, node) + len(syntax.text_of(self.line, node))
                self.found.add(Mention("field", (form.name, node.attr), end - len(node.attr), end))

    def perhaps(self, tree: ast.Expression) -> None:
        """Texts nothing is known of, that are options of something the expression reads."""
        read = [kind for kind in self.kinds.values() if kind.options]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in self.settled:
                for kind in read:
                    self._note(node, kind, sure=False)

    def _note(self, node: ast.Constant, kind: Kind, *, sure: bool) -> None:
        start, whole = syntax.column(self.line, node), syntax.text_of(self.line, node)
        plain = whole[1:-1] == node.value
        for mention in mentions_in_value(str(node.value), kind):
            self.settled.add(node)
            if plain:
                self.found.add(replace(mention.moved(start + 1), sure=sure))
            elif mention.names[-1] == node.value:  # written with escapes, or in pieces: the whole text is replaced
                self.found.add(replace(mention, start=start, end=start + len(whole), written="'{}'", sure=sure))


def _texts(node: ast.expr) -> Iterator[ast.Constant]:
    """The texts a part of an expression may give."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    for part in _ways(node):
        yield from _texts(part)


def _ways(node: ast.expr) -> Iterable[ast.expr]:
    if isinstance(node, ast.IfExp):
        return (node.body, node.orelse)
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.Tuple | ast.List):
        return node.elts
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.args[_RESULTS.get(node.func.id, _NONE)]
    return ()


# Which of the values a function is given it may answer.
_RESULTS: Mapping[str, slice] = {
    "if_else": slice(1, None), "decode": slice(2, None),
    **dict.fromkeys(("coalesce", "several", "min", "max"), slice(None)),
}  # fmt: skip
_NONE = slice(0)
