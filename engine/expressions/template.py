"""Texts with ``{{ expression }}`` places: one pass, no loops, no markup; what is filled in is never read again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from engine.errors import message
from engine.expressions import syntax
from engine.expressions.check import Mistake, check_expression
from engine.expressions.compile import Compiled, compile_expression
from engine.expressions.kinds import Scope
from engine.expressions.shown import shown
from engine.expressions.view import View, attribute
from engine.formats import Reader
from engine.language import Template
from engine.registry import Registry

PLACE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@lru_cache(maxsize=2000)
def split(text: str) -> tuple[tuple[str, str | None], ...]:
    """A text as pairs: the words before a place, and its expression (None after the last)."""
    parts: list[tuple[str, str | None]] = []
    end = 0
    for place in PLACE.finditer(text):
        parts.append((text[end : place.start()], place[1]))
        end = place.end()
    return (*parts, (text[end:], None))


def fill(template: Template, language: str, names: Mapping[str, Any], registry: Registry, reader: Reader) -> str:
    """The template's text in a language with its places worked out; raises EvaluationFailed.

    A place that is only the path to a field is shown as the field shows it: money with its sign, choices by label.
    """
    return "".join(
        words if source is None else words + _place(compile_expression(source, registry), names, reader)
        for words, source in split(template.text(language))
    )


def fill_all(template: Template, names: Mapping[str, Any], registry: Registry, reader: Reader) -> dict[str, str]:
    """The template filled in every language it has: language → text."""
    return {
        language: fill(template, language, names, registry, _reading(reader, language)) for language in template.texts
    }


def _reading(reader: Reader, language: str) -> Reader:
    return Reader(language, reader.timezone, reader.currency) if language else reader


def check_template(template: Template, scope: Scope, registry: Registry) -> list[tuple[str, Mistake]]:
    """What is wrong with the places: (language, (message, column in that language's text))."""
    return [
        (language, mistake) for language, text in template.texts.items() for mistake in _mistakes(text, scope, registry)
    ]


def _mistakes(text: str, scope: Scope, registry: Registry) -> Iterable[Mistake]:
    for place in PLACE.finditer(text):
        for what, column in check_expression(place[1], scope, registry):
            yield what, place.start(1) + column
    rest = PLACE.sub(lambda place: " " * len(place[0]), text)
    for mark in ("{{", "}}"):
        if mark in rest:
            yield message("{mark} stands alone; a place is written {{{{ record.name }}}}", mark=mark), rest.index(mark)


def _place(compiled: Compiled, names: Mapping[str, Any], reader: Reader) -> str:
    names = {**names, "reader": reader}
    field, holder = _field(compiled, names)
    if field is None:
        return shown(compiled.run(names), reader)
    value = holder.read(field.name)
    if field.kind in ("link", "links", "lines", "user", "users"):
        return shown(value, reader)
    text: str = field.format(value, reader)
    return text


def _field(compiled: Compiled, names: Mapping[str, Any]) -> tuple[Any, Any]:
    """The field a place is the path to, and the record that has it."""
    body = compiled.tree.body
    if not isinstance(body, ast.Attribute) or not syntax.is_path(body):
        return None, None
    first, *middle, last = syntax.path_of(body)
    holder = names.get(first)
    for name in middle:
        holder = attribute(holder, name)
    field = holder.form.fields.get(last) if isinstance(holder, View) else None
    return field, holder
