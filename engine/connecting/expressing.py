"""Expressions over what came and what is asked: worked out with the built-in functions, failing in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from engine.errors import DeliveryFailed, message
from engine.expressions import EvaluationFailed, ExpressionRefused, compile_expression, names_for, register
from engine.expressions.functions import text as as_text
from engine.expressions.template import split
from engine.formats import Reader
from engine.language import Template
from engine.registry import Registry

FUNCTIONS = Registry()  # a connection is told nothing of the plugins of an application
register(FUNCTIONS)
READER = Reader("en", "UTC", "")


class NotUnderstood(DeliveryFailed):
    """What came does not fit the description of it."""


@dataclass(frozen=True)
class Expressing:
    """Works expressions out for a connection, at a moment in UTC. Everything raises DeliveryFailed."""

    connection: str
    now: dt.datetime

    def value(self, source: str, names: Mapping[str, Any]) -> Any:
        """As JSON holds it."""
        return self._told(source, names, written)

    def raw(self, source: str, names: Mapping[str, Any]) -> Any:
        """As it stands in what came."""
        return self._told(source, names, lambda value: value)

    def text(self, source: str, names: Mapping[str, Any]) -> str:
        return str(self._told(source, names, lambda value: as_text(written(value))))

    def parameters(self, named: Mapping[str, str], names: Mapping[str, Any]) -> dict[str, Any]:
        """As addresses and forms are written: texts and lists of them; what is nothing is left out."""
        found = {name: self._told(source, names, _parameter) for name, source in named.items()}
        return {name: value for name, value in found.items() if value is not None}

    def grouped(self, named: Mapping[str, str], names: Mapping[str, Any]) -> dict[str, Any]:
        """Each in the group its dotted name says; what is nothing is left out."""
        made = _Group()
        for name, source in named.items():
            value = self.value(source, names)
            if value is not None:
                _put(made, name.split("."), value)
        return {name: _lists(value) for name, value in made.items()}

    def path(self, template: Template, names: Mapping[str, Any]) -> str:
        """Filled so that no value leaves its part of the path, and none is missing."""
        return "".join(
            words if source is None else words + self._segment(source, names)
            for words, source in split(template.text("en"))
        )

    def _segment(self, source: str, names: Mapping[str, Any]) -> str:
        value = self.text(source, names)
        if not value.strip(". "):
            raise DeliveryFailed(
                message("'{connection}': {source} leaves a hole in the path: “{value}”.",
                        connection=self.connection, source=source.strip(), value=value), again=False,
            )  # fmt: skip
        return quote(value, safe="")

    def _told(self, source: str, names: Mapping[str, Any], read: Callable[[Any], Any]) -> Any:
        try:
            return read(compile_expression(source, FUNCTIONS).run({**names_for(self.now, READER), **names}))
        except EvaluationFailed as failed:
            raise NotUnderstood(
                message("'{connection}': {source} cannot be worked out: {reason}.",
                        connection=self.connection, source=source, reason=failed.reason)
            ) from None  # fmt: skip


def names_in(sources: Iterable[str]) -> frozenset[str]:
    """What expressions name, as far as they are such: those of a definition that is still looked at may be none."""
    found: set[str] = set()
    for source in sources:
        try:
            found.update(compile_expression(source, FUNCTIONS).variables)
        except ExpressionRefused:
            continue
    return frozenset(found)


def written(value: Any) -> Any:
    """Numbers exact, moments as ISO 8601 in UTC, lists as lists."""
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, (tuple, list)):
        return [written(one) for one in value]
    if isinstance(value, dict):
        return {name: written(one) for name, one in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return as_text(value)


def _parameter(value: Any) -> Any:
    if value is None:
        return None
    return [as_text(written(one)) for one in value] if isinstance(value, (tuple, list)) else as_text(written(value))


class _Group(dict[str, Any]):
    """A group a dotted name made, unlike one that was given."""


def _put(group: _Group, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        inner = group.setdefault(step, _Group())
        if not isinstance(inner, _Group):
            inner = group[step] = _Group()
        group = inner
    group[steps[-1]] = value


def _lists(value: Any) -> Any:
    """A group whose names count from 0 is a list."""
    if not isinstance(value, _Group):
        return value
    inner = {name: _lists(one) for name, one in value.items()}
    places = [str(place) for place in range(len(inner))]
    return [inner[place] for place in places] if set(inner) == set(places) else inner
