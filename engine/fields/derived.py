"""Fields whose values follow from others: computed, rollup, lookup.

What they look like follows from another field: ``resolve`` fills ``result`` in once the whole file is read.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields.base import Field, Operator
from engine.fields.money import MoneyField
from engine.fields.number import DecimalField, IntegerField
from engine.fields.text import TextField
from engine.formats import Reader
from engine.language import OWN, Expression, FieldName, option

if TYPE_CHECKING:
    from engine.definition import AppDefinition, Form

_TIME = re.compile(r"\b(?:today|now)\s*\(")
_COUNT = IntegerField(name="count")
_UNKNOWN = TextField(name="unknown")


def reads_time(expression: str | None) -> bool:
    """Whether the result changes while no record does; today() inside a text only makes us too careful."""
    return bool(expression and _TIME.search(expression))


@dataclass(frozen=True, kw_only=True)
class Derived(Field):
    """A field that looks and filters like its ``result``."""

    category: ClassVar[str] = "derived"
    icon: ClassVar[str] = "math-function"
    writable: ClassVar[bool] = False
    widget: ClassVar[str] = "derived"
    takes_no_input: ClassVar[tuple[str, ...]] = ("required", "default", "default_expression", "unique")

    @property
    def like(self) -> Field:
        """The field that says how values are kept and shown."""
        raise NotImplementedError

    @property
    def is_stored(self) -> bool:
        """Whether it has a column; if not, it is worked out whenever it is read."""
        raise NotImplementedError

    kind = property(lambda self: self.like.kind)
    align = property(lambda self: self.like.align)
    sortable = property(lambda self: self.is_stored and self.like.sortable)
    operators = property(lambda self: _usable(self))

    def column_type(self) -> TypeEngine[Any] | None:
        return self.like.column_type() if self.is_stored else None

    def parse(self, raw: Any, reader: Reader) -> Any:
        """For filters and imports with their history; people never type it."""
        return self.like.parse(raw, reader)

    def dump(self, value: Any) -> Any:
        return self.like.dump(value)

    def text(self, value: Any, reader: Reader) -> str:
        return self.like.text(value, reader)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return self.like.format(value, reader, extra)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return self.like.cell(value, reader, extra)

    def value_schema(self) -> Mapping[str, Any]:
        return {**self.like.value_schema(), "readOnly": True}

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        for name in self.takes_no_input:
            if getattr(self, name):
                yield (
                    name,
                    message("A {type} field is worked out, so it cannot have {option}.", type=self.type, option=name),
                )


def _usable(derived: Derived) -> tuple[Operator, ...]:
    return derived.like.operators if derived.is_stored else ()


@dataclass(frozen=True, kw_only=True)
class ComputedField(Derived):
    """A value worked out from the other fields of the record."""

    type: ClassVar[str] = "computed"

    result: Field = option("What the value is: a field without a name, such as {type: money}.")
    value: Expression = option("How it is worked out.", value_of=OWN)
    stored: bool = option("Kept in a column, so that lists can filter and sort by it.", True)

    @property
    def like(self) -> Field:
        return self.result

    @property
    def is_stored(self) -> bool:
        return self.stored and not reads_time(self.value)

    def settled(self, value: Any) -> Any:
        """A worked-out value as the result field keeps it: decimals at its scale."""
        if isinstance(self.result, DecimalField) and value is not None:
            return self.result.rounded(Decimal(str(value)))
        return value

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        yield from super().mistakes()
        if self.result.column_type() is None or not self.result.writable:
            yield "result", message("The result cannot be a {type} field; take a plain one.", type=self.result.type)
        else:
            yield from self.result.mistakes()


@dataclass(frozen=True, kw_only=True)
class RollupField(Derived):
    """A count, sum, least, greatest or latest value over rows or over the records that link here."""

    type: ClassVar[str] = "rollup"
    icon: ClassVar[str] = "sum"

    of: str = option("The form, or form.field, that is rolled up.", pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$")
    via: str = option("The link field of that form that leads here, or the lines field of this form.")
    fold: Literal["sum", "count", "min", "max", "latest"] = option("How many become one.", "count")
    when: Expression | None = option("Only records for which this holds; `record` is the one rolled up.", None)

    # Filled by resolve: the form's own name parts and the field values look like.
    result: Field | None = dataclasses.field(default=None, metadata={"derived": True})

    @property
    def source_form(self) -> str:
        return self.of.partition(".")[0]

    @property
    def source_field(self) -> str | None:
        return self.of.partition(".")[2] or None

    @property
    def like(self) -> Field:
        return _COUNT if self.fold == "count" else self.result or _UNKNOWN

    @property
    def is_stored(self) -> bool:
        return not reads_time(self.when) and self.like.column_type() is not None

    @property
    def of_nothing(self) -> Any:
        """The figure where there is nothing to roll up."""
        if self.fold not in ("sum", "count"):
            return None
        like = self.like
        if isinstance(like, DecimalField):
            return like.rounded(Decimal(0))
        return dt.timedelta() if like.kind == "duration" else 0

    def over_lines(self, form: Form) -> bool:
        """Whether ``via`` is a lines field of this form, not a link field of the other."""
        own = form.fields.get(self.via)
        return own is not None and own.kind == "lines" and getattr(own, "form", None) == self.source_form

    def references(self, form: Form, definition: AppDefinition) -> Iterable[tuple[str, str, str | None]]:
        yield "of", self.source_form, self.source_field
        yield "via", form.name if self.over_lines(form) else self.source_form, self.via

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        yield from super().mistakes()
        if self.fold != "count" and self.source_field is None:
            yield "of", message("To fold by {fold}, name a field: {form}.amount, say.", fold=self.fold, form=self.of)


@dataclass(frozen=True, kw_only=True)
class LookupField(Derived):
    """A field of the linked record, always as it is there now."""

    type: ClassVar[str] = "lookup"
    icon: ClassVar[str] = "search"

    via: FieldName = option("The link field of this form.")
    field: str = option("The field of the linked record.")

    result: Field | None = dataclasses.field(default=None, metadata={"derived": True})

    @property
    def like(self) -> Field:
        return self.result or _UNKNOWN

    @property
    def is_stored(self) -> bool:
        return False

    def references(self, form: Form, definition: AppDefinition) -> Iterable[tuple[str, str, str | None]]:
        link = form.fields.get(self.via)
        if link is not None and link.kind == "link":
            yield "field", link.form, self.field  # type: ignore[attr-defined]


# --- filling in what follows from other forms ------------------------------------------------------------------------


def resolve(definition: AppDefinition) -> AppDefinition:
    """The definition with the ``result`` of every rollup and lookup, and with the application's currency.

    Chains (a rollup of a lookup of a computed field) are followed; a chain that leads back to itself, or a name that
    does not exist, leaves ``result`` None, which the checks report.
    """
    forms = {name: replace(form, fields=_all_filled(form, definition)) for name, form in definition.forms.items()}
    return replace(definition, forms=MappingProxyType(forms))


def _all_filled(form: Form, definition: AppDefinition) -> Mapping[str, Field]:
    return MappingProxyType({name: _filled(one, form, definition) for name, one in form.fields.items()})


def _filled(one: Field, form: Form, definition: AppDefinition) -> Field:
    if isinstance(one, MoneyField) and one.currency is None:
        return replace(one, currency=definition.currency)
    if isinstance(one, ComputedField):
        return replace(one, result=_filled(one.result, form, definition))
    if isinstance(one, RollupField | LookupField):
        return replace(one, result=_origin(one, form, definition, frozenset()))
    return one


def _origin(one: Field, form: Form, definition: AppDefinition, seen: frozenset[tuple[str, str]]) -> Field | None:
    """The plain field a derived one takes its looks from."""
    if (form.name, one.name) in seen:
        return None
    seen |= {(form.name, one.name)}
    if isinstance(one, RollupField):
        if one.fold == "count":
            return _COUNT
        return _follow(one.source_form, one.source_field, definition, seen)
    if isinstance(one, LookupField):
        link = form.fields.get(one.via)
        return _follow(getattr(link, "form", ""), one.field, definition, seen)
    return _filled(one.result if isinstance(one, ComputedField) else one, form, definition)


def _follow(
    form_name: str, field_name: str | None, definition: AppDefinition, seen: frozenset[tuple[str, str]]
) -> Field | None:
    form = definition.forms.get(form_name)
    target = form.fields.get(field_name or "") if form else None
    return _origin(target, form, definition, seen) if form and target else None
