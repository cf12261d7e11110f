"""What every field type is: one frozen object that knows its column, its text form, its JSON form and its widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from markupsafe import Markup, escape
from sqlalchemy.types import TypeEngine

from engine.formats import Reader
from engine.language import Expression, Label, Named, option


@dataclass(frozen=True)
class Operator:
    """One way to filter by a field: its name in URLs and API, its label, and its SQL.

    ``compare(column, value)`` answers an SQLAlchemy clause; ``takes`` says what the value is:
    ``one`` (a value of the field), ``many`` (several), ``none`` (nothing), ``text`` (free text).
    """

    name: str
    label: str  # English; translated where shown
    compare: Any
    takes: str = "one"


@dataclass(frozen=True, kw_only=True)
class Field(Named):
    """One piece of information of a record."""

    type: ClassVar[str]
    icon: ClassVar[str] = "forms"
    category: ClassVar[str] = (
        "basic"  # the palette's group: basic, number, time, choice, people, contact, file, relation, derived
    )
    kind: ClassVar[str] = (
        "text"  # what expressions see: text number boolean date time datetime duration link links lines user files json
    )
    widget: ClassVar[str] = "text"  # templates/widgets/<widget>.html with macros edit and show
    align: ClassVar[str] = "start"  # "end" for figures
    operators: ClassVar[tuple[Operator, ...]] = ()
    writable: ClassVar[bool] = True  # False: never taken from input (computed, rollup, lookup, series)
    sortable: ClassVar[bool] = True

    label: Label | None = option("What people call the field. Default: its name.", None)
    help: Label | None = option("A sentence under the field.", None)
    placeholder: Label | None = option("An example inside the empty field.", None)
    required: bool = option("It must be filled.", False)
    required_when: Expression | None = option("It must be filled when this holds.", None)
    visible_when: Expression | None = option("It is shown only when this holds.", None)
    readonly: bool = option("People cannot change it; rules can.", False)
    readonly_when: Expression | None = option("People cannot change it when this holds.", None)
    unique: bool = option("No two records have the same value.", False)
    default: Any = option("The value of a new record, as it would be typed.", None)
    default_expression: Expression | None = option("The value of a new record, worked out.", None)
    sensitive: bool = option("Shown masked; showing it in clear is recorded.", False)
    searchable: bool | None = option("Found by full-text search. Default: texts, series and links are.", None)
    index: bool = option("Keep an index for filtering and sorting by it.", False)

    # --- storage

    def column_type(self) -> TypeEngine[Any] | None:
        """The SQL type of its one column, or None if it has no column of its own."""
        raise NotImplementedError

    # --- values; None always means empty

    def parse(self, raw: Any, reader: Reader) -> Any:
        """Typed text, an uploaded cell or a JSON value → the value kept; raises Invalid. ``""`` and None → None."""
        raise NotImplementedError

    def dump(self, value: Any) -> Any:
        """The value → JSON. ``parse(dump(value)) == value``."""
        return value

    def text(self, value: Any, reader: Reader) -> str:
        """The value as the edit box holds it. ``parse(text(value)) == value``."""
        return "" if value is None else self.format(value, reader)

    def format(self, value: Any, reader: Reader) -> str:
        """The value as people read it in lists, titles, exports; plain text, ``""`` for None."""
        return "" if value is None else str(value)

    def cell(self, value: Any, reader: Reader) -> Markup:
        """The value in a table cell."""
        return escape(self.format(value, reader))

    def value_schema(self) -> Mapping[str, Any]:
        """JSON Schema of ``dump``'s result (without null), for the OpenAPI document."""
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        """Limits that need the value alone (length, range, pattern); raises Invalid. Called by ``parse``."""
        return value

    # --- texts

    def label_in(self, language: str) -> str:
        return self.label.text(language) if self.label else self.name.replace("_", " ").capitalize()
