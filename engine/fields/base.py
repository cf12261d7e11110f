"""What every field type is: one frozen object that knows its column, its text form, its JSON form and its widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from markupsafe import Markup, escape
from sqlalchemy.types import TypeEngine

from engine.errors import Invalid, Message, message
from engine.formats import Reader, mask
from engine.language import OWN, Expression, Label, Named, option

if TYPE_CHECKING:
    from engine.definition import AppDefinition, Form

SHOWN = 60  # characters of what was got that a message repeats


@dataclass(frozen=True)
class Operator:
    """One way to filter by a field: its name in URLs and API, its label, and its SQL.

    ``compare(column, value)`` answers an SQLAlchemy clause; ``takes`` says what the value is:
    ``one`` (a value of the field), ``many`` (several), ``pair`` (least, greatest; either may be None), ``none``
    (nothing: None), ``text`` (free text), ``day`` (a date; ``compare`` gets the aware start and end of that day),
    ``now`` (the aware present moment in the reader's zone), ``visit`` (``visited.Visited``; only behind figures).
    ``operators.read_operand`` makes the value from what was typed.
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
    multiple: ClassVar[bool] = False  # a form posts its name several times (choices, links, files)
    parts: ClassVar[tuple[str, ...]] = ()  # a form posts ``name.part`` for each (address)
    full_text: ClassVar[bool] = False  # searched when ``searchable`` is not said

    label: Label | None = option("What people call the field. Default: its name.", None)
    help: Label | None = option("A sentence under the field.", None)
    placeholder: Label | None = option("An example inside the empty field.", None)
    required: bool = option("It must be filled.", False)
    required_when: Expression | None = option("It must be filled when this holds.", None)
    visible_when: Expression | None = option("It is shown only when this holds.", None)
    readonly: bool = option("People cannot change it; rules can.", False)
    readonly_when: Expression | None = option("People cannot change it when this holds.", None)
    unique: bool = option("No two records have the same value.", False)
    default: Any = option("The value of a new record, as it would be typed.", None, value_of=OWN)
    default_expression: Expression | None = option("The value of a new record, worked out.", None, value_of=OWN)
    wide: bool | None = option("It takes a whole row of its section. Default: long texts, rows and files do.", None)
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

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        """The value as people read it in lists, titles, exports; plain text, ``""`` for None.

        ``extra`` is what the value alone does not tell: for links and users a mapping id → title (or the one title),
        for files a mapping id → file name. Everything else ignores it.
        """
        return "" if value is None else str(value)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        """The value in a table cell; ``extra`` as in ``format``."""
        return escape(self.format(value, reader, extra))

    def masked(self, value: Any, reader: Reader, extra: Any = None) -> str:
        """What those see who may not see a sensitive value in clear."""
        return mask(self.format(value, reader, extra))

    def value_schema(self) -> Mapping[str, Any]:
        """JSON Schema of ``dump``'s result (without null), for the OpenAPI document."""
        raise NotImplementedError

    def check(self, value: Any) -> Any:
        """Limits that need the value alone (length, range, pattern); raises Invalid. Called by ``parse``."""
        return value

    # --- the HTML form

    def html_attributes(self) -> Mapping[str, str]:
        """Attributes of the input beside name, id and state: ``maxlength``, ``inputmode``, ``autocomplete`` …"""
        return {}

    def raw(self, posted: Any, name: str) -> Any:
        """What ``parse`` takes, out of a posted form (a werkzeug MultiDict).

        Every widget posts ``name`` itself, so ``name in posted`` tells whether the field was on the form at all; the
        last one counts, since a check box stands behind a hidden "no".
        """
        if self.parts:
            return {part: posted.get(f"{name}.{part}", "") for part in self.parts}
        values = posted.getlist(name)
        if self.multiple:
            return [value for value in values if value != ""]
        return values[-1] if values else None

    # --- what the definition's checks ask

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        """What is wrong with the options themselves: (option, what and how to mend it)."""
        yield from self._default_mistake()

    def references(self, form: Form, definition: AppDefinition) -> Iterable[tuple[str, str, str | None]]:
        """Names in options of its own type, mostly of *other* forms: (option, form name, field name or None for the
        form itself). The option holds ``form``, ``field`` or ``form.field``, or a list of them."""
        return ()

    def _default_mistake(self) -> Iterable[tuple[str, Message]]:
        if self.default is None or self.column_type() is None:
            return
        try:
            self.parse(self.default, Reader())
        except Invalid as invalid:
            yield "default", invalid.reason

    # --- texts

    def label_in(self, language: str) -> str:
        return self.label.text(language) if self.label else self.name.replace("_", " ").capitalize()

    @property
    def title(self) -> Label:
        """The label, or one made of the name: what messages call the field."""
        return self.label or Label({"": self.name.replace("_", " ").capitalize()})

    def wrong(self, pattern: str, **values: Any) -> Invalid:
        """The error ``parse`` and ``check`` raise; the pattern names the field as ``{label}``."""
        shown = {key: _short(value, SHOWN if key == "got" else 3 * SHOWN) for key, value in values.items()}
        return Invalid(message(pattern, label=self.title, **shown))


def _short(value: Any, limit: int = SHOWN) -> Any:
    return value[:limit] + "…" if isinstance(value, str) and len(value) > limit else value


def got(raw: Any) -> str:
    """What was received, as a message may show it."""
    if isinstance(raw, str):
        return str(_short(raw))
    try:
        return str(_short(repr(raw)[: SHOWN * 2]))
    except ValueError:  # Python refuses to write integers of more than 4,300 digits
        return "a number of very many digits"
