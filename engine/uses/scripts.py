"""What a script speaks of. A script is a program, so this follows records only as far as plain reading does: those it
is given, finds or gets by a form's name. What it does with anything else is mentioned as perhaps."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from engine.checks.review import Leaf, Review
from engine.definition import Form, Rule
from engine.expressions import Mention, Scope, mentions, mentions_in_value
from engine.expressions.kinds import Kind, field_kind, member_kind

# What the calls of a script take, in order.
_TAKES: Mapping[str, tuple[str, ...]] = {
    "find": ("form", "where", "limit"), "get": ("form", "id"), "create": ("form", "values"),
    "update": ("form", "id", "values"), "take": ("form", "id", "transition", "reason"), "notify": ("role", "text"),
    "http": ("connection", "method", "path", "json"),
}  # fmt: skip
_GIVES = {"find": "records", "get": "record"}
_LOOPS = (ast.For, ast.comprehension)


def mentions_in_script(review: Review, leaf: Leaf) -> tuple[Mention, ...]:
    """The mentions of a script of a rule, in order; none where it cannot be read."""
    try:
        tree = ast.parse(leaf.value)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    rule: Rule | None = leaf.inside(Rule)
    reading = _Reading(review, str(leaf.value), rule.form if rule else None)
    for _again in range(2):  # a name may be read above the line that says what it is
        reading.learn(tree)
    return tuple(sorted(reading.read(tree), key=lambda mention: (mention.start, mention.kind, mention.names)))


class _Reading:
    def __init__(self, review: Review, source: str, form: str | None) -> None:
        self.definition, self.registry = review.definition, review.registry
        self.lines = [0]
        for line in source.splitlines(keepends=True):
            self.lines.append(self.lines[-1] + len(line))
        self.source = source
        self.names: dict[str, Kind] = {name: Kind("record", form) for name in ("record", "old") if form}

    # --- what names hold

    def learn(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._is(node.targets[0], self.kind(node.value))
            elif isinstance(node, _LOOPS):
                over = self.kind(node.iter)
                self._is(node.target, Kind("record", over.form) if over and over.name == "records" else None)

    def _is(self, target: ast.expr, kind: Kind | None) -> None:
        if isinstance(target, ast.Name) and kind is not None:
            known = self.names.setdefault(target.id, kind)
            if known != kind:
                self.names[target.id] = Kind("any")  # one name for two things: nothing is sure

    def kind(self, node: ast.expr) -> Kind | None:
        if isinstance(node, ast.Name):
            return self.names.get(node.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _GIVES:
            name = _text(self._given(node).get("form"))
            return Kind(_GIVES[node.func.id], name) if name in self.definition.forms else None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant | ast.UnaryOp):
            base = self.kind(node.value)
            if base and base.name == "records":
                return Kind("record", base.form)
        if part := _part(node):
            form = self._form(self.kind(part[0]))
            return member_kind(form, part[1], self.definition) if form else None
        return None

    def _form(self, kind: Kind | None) -> Form | None:
        return self.definition.forms.get(kind.form) if kind and kind.name == "record" and kind.form else None

    # --- what is mentioned

    def read(self, tree: ast.Module) -> set[Mention]:
        found: set[Mention] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TAKES:
                found.update(self._call(node))
            elif isinstance(node, ast.Compare):
                found.update(self._compared(node))
        for node in ast.walk(tree):
            if part := _part(node):
                found.update(self._member(node, *part))
        return found

    def _given(self, node: ast.Call) -> dict[str, ast.expr]:
        assert isinstance(node.func, ast.Name)  # callers looked
        given = dict(zip(_TAKES[node.func.id], node.args, strict=False))
        return given | {one.arg: one.value for one in node.keywords if one.arg}

    def _call(self, node: ast.Call) -> Iterator[Mention]:
        given = self._given(node)
        name = _text(given.get("form"))
        form = self.definition.forms.get(name) if name else None
        for place in ("form", "role", "connection"):
            yield from self._word(given.get(place), place, ())
        if form is not None:
            yield from self._word(given.get("transition"), "transition", (form.name,))
            yield from self._values(given.get("values"), form)
            yield from self._where(given.get("where"), form)

    def _word(self, node: ast.expr | None, kind: str, around: tuple[str, ...]) -> Iterator[Mention]:
        text = _text(node)
        if node is not None and text is not None:
            yield from self._inside(node, [Mention(kind, (*around, text), 0, len(text))])

    def _values(self, node: ast.expr | None, form: Form) -> Iterator[Mention]:
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            field = form.fields.get(_text(key) or "")
            if key is not None and field is not None:
                yield from self._word(key, "field", (form.name,))
                yield from self._option(value, field_kind(form, field, self.definition))
            elif key is not None and _text(key) == "state":
                yield from self._option(value, member_kind(form, "state", self.definition))

    def _where(self, node: ast.expr | None, form: Form) -> Iterator[Mention]:
        yield from self._values(node, form)
        text = _text(node)
        if node is not None and text is not None:
            yield from self._inside(node, mentions(text, Scope(self.definition, form), self.registry))

    def _compared(self, node: ast.Compare) -> Iterator[Mention]:
        sides = (node.left, *node.comparators)
        for kind in filter(None, map(self.kind, sides)):
            for side in sides:
                for each in side.elts if isinstance(side, ast.Tuple | ast.List | ast.Set) else (side,):
                    yield from self._option(each, kind)

    def _option(self, node: ast.expr, kind: Kind | None) -> Iterator[Mention]:
        text = _text(node)
        if kind is not None and text is not None:
            yield from self._inside(node, mentions_in_value(text, kind))

    def _member(self, node: ast.AST, base: ast.expr, name: str) -> Iterator[Mention]:
        """``thing.name``, ``thing['name']``, ``thing.get('name')``."""
        kind = self.kind(base)
        known = self._form(kind)
        end = self._end(node)
        start = self.source.rfind(name, 0, end)
        if known is not None:
            if name in known.fields:
                yield Mention("field", (known.name, name), start, start + len(name))
        elif kind is None or kind.name == "any":
            for form in self.definition.forms.values():
                if name in form.fields and not _is_own(base):
                    yield Mention("field", (form.name, name), start, start + len(name), sure=False)

    # --- places in the text

    def _inside(self, node: ast.expr, found: Any) -> Iterator[Mention]:
        """Mentions in a text, where the text stands in the script; none where it is not written out plainly."""
        start, end = self._start(node), self._end(node)
        if self.source[start + 1 : end - 1] == _text(node):
            yield from (mention.moved(start + 1) for mention in found)

    def _start(self, node: Any) -> int:
        return self._place(node.lineno, node.col_offset)

    def _end(self, node: Any) -> int:
        return self._place(node.end_lineno, node.end_col_offset)

    def _place(self, line: int, column: int) -> int:
        """Python counts UTF-8 bytes of a line."""
        start, end = self.lines[line - 1], self.lines[line]
        return start + len(self.source[start:end].encode()[:column].decode(errors="ignore"))


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _part(node: ast.AST) -> tuple[ast.expr, str] | None:
    """(thing, name) of a part that is read by its name."""
    if isinstance(node, ast.Attribute) and node.attr != "get":
        return node.value, node.attr
    if isinstance(node, ast.Subscript) and (name := _text(node.slice)):
        return node.value, name
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        name = _text(node.args[0])
        return (node.func.value, name) if name else None
    return None


def _is_own(base: ast.expr) -> bool:
    """Parts of what the script is given beside records are no fields."""
    return isinstance(base, ast.Name) and base.id in ("values", "user", "payload", "mail", "results")
