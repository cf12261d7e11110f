"""One of a few options, and several of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.fields.columns import Tags
from engine.formats import Reader
from engine.language import Colour, Label, Named, option

_BADGE = Markup('<span class="badge bg-{}-lt">{}</span>')


@dataclass(frozen=True, kw_only=True)
class Option(Named):
    """One of the options of a choice."""

    label: Label | None = option("What people call it. Default: its name.", None)
    colour: Colour = option("The colour of its badge.", "gray")

    @property
    def title(self) -> Label:
        return self.label or Label({"": self.name.replace("_", " ")})


class Labels(tuple[Label, ...]):
    """Several labels in a message: joined, each in the reader's language."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self))


@dataclass(frozen=True, kw_only=True)
class _Options(Field):
    """What choice and choices share: finding an option by its name or by any of its labels."""

    category: ClassVar[str] = "choice"

    options: Mapping[str, Option] = option("The options, in order.", minProperties=1)

    @cached_property
    def _by_text(self) -> Mapping[str, str]:
        texts = {}
        for name, one in self.options.items():
            for text in (*(one.label.texts.values() if one.label else ()), name):
                texts[text.strip().casefold()] = name
        return texts | {name: name for name in self.options}

    @cached_property
    def _shown(self) -> dict[tuple[str, str], tuple[str, Markup]]:
        return {}

    def find(self, raw: Any) -> str:
        """The name of the option meant; raises Invalid naming the options."""
        if not isinstance(raw, str):
            raise self.wrong("{label} must be one of {options}; got “{got}”.", options=self._listed(), got=got(raw))
        name = raw if raw in self.options else self._by_text.get(reading.narrow(raw[:500]).casefold())
        if name is None:
            raise self.wrong("{label} must be one of {options}; got “{got}”.", options=self._listed(), got=raw)
        return name

    def _listed(self) -> Labels:
        titles = [one.title for one in self.options.values()]
        return Labels(titles[:10] + ([Label({"": "…"})] if len(titles) > 10 else []))

    def shown(self, name: str, language: str) -> tuple[str, Markup]:
        """(label, badge) of an option, or of a name that is no option any more; worked out once."""
        found = self._shown.get((name, language))
        if found is None:
            one = self.options.get(name)
            label = one.title.text(language) if one else name
            found = label, _BADGE.format(one.colour if one else "gray", label)
            if one:
                self._shown[name, language] = found
        return found

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        for name in self.options:
            if "|" in name or len(name) > 63:
                yield "options", message("The option “{name}” must have at most 63 characters and no “|”.", name=name)
        yield from super().mistakes()


@dataclass(frozen=True, kw_only=True)
class ChoiceField(_Options):
    """One of a few options, shown as a coloured badge."""

    type: ClassVar[str] = "choice"
    icon: ClassVar[str] = "list-check"
    widget: ClassVar[str] = "choice"
    operators: ClassVar[tuple[Operator, ...]] = operators.ONE_OF

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(63)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        return None if raw is None or raw == "" else self.find(raw)

    def text(self, value: Any, reader: Reader) -> str:
        return value or ""

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else self.shown(value, reader.language)[0]

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup("") if value is None else self.shown(value, reader.language)[1]

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "enum": list(self.options)}


@dataclass(frozen=True, kw_only=True)
class ChoicesField(_Options):
    """Several of a few options."""

    type: ClassVar[str] = "choices"
    icon: ClassVar[str] = "checks"
    widget: ClassVar[str] = "choices"
    operators: ClassVar[tuple[Operator, ...]] = operators.SEVERAL
    multiple: ClassVar[bool] = True
    sortable: ClassVar[bool] = False

    max_count: int | None = option("The most options one can take.", None, minimum=1)

    def column_type(self) -> TypeEngine[Any]:
        return Tags()

    def parse(self, raw: Any, reader: Reader) -> tuple[str, ...] | None:
        """A list of names, or a text with commas; kept in the order of the definition."""
        if raw is None or raw == "":
            return None
        if isinstance(raw, str):
            raw = [part.strip() for part in raw.replace("，", ",").replace("、", ",").split(",")][:1000]
        if not isinstance(raw, list | tuple):
            raise self.wrong("{label} must be a list of {options}; got “{got}”.", options=self._listed(), got=got(raw))
        wanted = {self.find(one) for one in raw if one != ""}
        return self.check(tuple(name for name in self.options if name in wanted)) if wanted else None

    def check(self, value: Any) -> Any:
        if self.max_count and len(value) > self.max_count:
            raise self.wrong("{label} takes at most {limit}; got {count}.", limit=self.max_count, count=len(value))
        return value

    def dump(self, value: Any) -> Any:
        return None if value is None else list(value)

    def text(self, value: Any, reader: Reader) -> str:
        return ",".join(value or ())

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        separator = "、" if reader.language == "zh" else ", "
        return separator.join(self.shown(name, reader.language)[0] for name in value or ())

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup(" ").join(self.shown(name, reader.language)[1] for name in value or ())

    def value_schema(self) -> Mapping[str, Any]:
        limit = {"maxItems": self.max_count} if self.max_count else {}
        items = {"type": "string", "enum": list(self.options)}
        return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True, **limit}
