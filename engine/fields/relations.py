"""Ties between records: to one, to several, and rows that belong to a record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import sqlalchemy as sa
from markupsafe import Markup, escape
from sqlalchemy.types import TypeEngine

from engine.errors import Message, message
from engine.fields import operators, reading
from engine.fields.base import Field, Operator, got
from engine.formats import Reader
from engine.language import Expression, FieldName, FormName, option

if TYPE_CHECKING:
    from engine.definition import AppDefinition, Form

LARGEST_ID = 2**63 - 1
POINTING = frozenset({"link", "links", "user", "users"})  # kinds of values that are ids of records and people


def record_id(field: Field, raw: Any) -> int:
    """An id out of an int, digits, ``#12``, or a mapping with ``id`` such as the API answers; raises Invalid."""
    if isinstance(raw, Mapping):
        raw = raw.get("id")
    value = None
    if isinstance(raw, int) and not isinstance(raw, bool):
        value = raw
    elif isinstance(raw, float) and raw.is_integer():
        value = int(raw)
    elif isinstance(raw, str) and len(raw) <= 24:
        digits = reading.narrow(raw).removeprefix("#")
        value = int(digits) if digits.isascii() and digits.isdigit() else None
    if value is None or not 0 < value <= LARGEST_ID:
        raise field.wrong("{label} must be the number of a record, such as 12; got “{got}”.", got=got(raw))
    return value


def record_ids(field: Field, raw: Any, limit: int) -> tuple[int, ...] | None:
    """Ids without repetition, in the order given; a text may hold several with commas."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str):
        raw = [part.strip() for part in raw.replace("，", ",").split(",")]
    if not isinstance(raw, Sequence):
        raw = [raw]
    if len(raw) > limit:
        raise field.wrong("{label} takes at most {limit}; got {count}.", limit=limit, count=len(raw))
    return tuple(dict.fromkeys(record_id(field, one) for one in raw if one != "")) or None


def title_of(value: int, extra: Any) -> str:
    """``extra`` is a mapping id → title, the title itself, or None."""
    found = extra.get(value) if isinstance(extra, Mapping) else extra
    return str(found) if found else f"#{value}"


def anchor(form: str, id: int, title: str) -> Markup:
    """Written out: Markup.format takes 6 µs, this 1."""
    return Markup(f'<a href="/{form}/{id:d}">{escape(title)}</a>')  # noqa: S704 - the form's name is an ASCII word


@dataclass(frozen=True, kw_only=True)
class LinkField(Field):
    """One record of another form, or of the same."""

    type: ClassVar[str] = "link"
    icon: ClassVar[str] = "link"
    category: ClassVar[str] = "relation"
    kind: ClassVar[str] = "link"
    widget: ClassVar[str] = "link"
    operators: ClassVar[tuple[Operator, ...]] = operators.ONE_OF
    full_text: ClassVar[bool] = True

    form: FormName = option("The form of the record.")
    where: Expression | None = option(
        "Only records for which this holds can be chosen; `record` is the one to choose, `source` the one edited.",
        None,
    )
    on_delete: Literal["restrict", "clear"] = option(
        "When the other record is deleted: refuse that, or empty this field.", "restrict"
    )
    match: Mapping[FieldName, Expression] = option(
        "Nobody chooses the record: it is found by these fields of it and what is in them.", {}, of="form"
    )
    make: bool = option("Whether the record is made where none matches.", False)

    def __post_init__(self) -> None:
        if self.match:
            object.__setattr__(self, "readonly", True)

    def column_type(self) -> TypeEngine[Any]:
        return sa.BigInteger()

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        if self.make and not self.match:
            yield "make", message("Say with 'match' which record it is.")
        for name in ("where", "default", "default_expression") if self.match else ():
            if getattr(self, name) is not None:
                yield name, message("A link that is found by 'match' cannot have {option}.", option=name)

    def parse(self, raw: Any, reader: Reader) -> int | None:
        """The id; whether there is such a record, and one this person may choose, is for the walk to say."""
        return None if raw is None or raw == "" else record_id(self, raw)

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else str(value)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else title_of(value, extra)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup("") if value is None else anchor(self.form, value, title_of(value, extra))

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": 1, "maximum": LARGEST_ID, "description": f"The id of a {self.form}."}


@dataclass(frozen=True, kw_only=True)
class LinksField(Field):
    """Several records of another form."""

    type: ClassVar[str] = "links"
    icon: ClassVar[str] = "sitemap"
    category: ClassVar[str] = "relation"
    kind: ClassVar[str] = "links"
    widget: ClassVar[str] = "link"
    # storage keeps them in a table of their own; its queries answer `has`, `has_any` and `empty` there, not a column
    operators: ClassVar[tuple[Operator, ...]] = operators.SEVERAL
    multiple: ClassVar[bool] = True
    sortable: ClassVar[bool] = False

    form: FormName = option("The form of the records.")
    where: Expression | None = option("Only records for which this holds can be chosen.", None)
    max_count: int = option("The most records.", 200, minimum=1, maximum=2000)

    def column_type(self) -> None:
        return None

    def parse(self, raw: Any, reader: Reader) -> tuple[int, ...] | None:
        return record_ids(self, raw, self.max_count)

    def dump(self, value: Any) -> Any:
        return None if value is None else list(value)

    def text(self, value: Any, reader: Reader) -> str:
        return ",".join(map(str, value or ()))

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return ("、" if reader.language == "zh" else ", ").join(title_of(one, extra) for one in value or ())

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        return Markup(", ").join(anchor(self.form, one, title_of(one, extra)) for one in value or ())

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": self.max_count}


@dataclass(frozen=True, kw_only=True)
class LinesField(Field):
    """Rows that belong to the record, with fields of their own."""

    type: ClassVar[str] = "lines"
    icon: ClassVar[str] = "table"
    category: ClassVar[str] = "relation"
    kind: ClassVar[str] = "lines"
    widget: ClassVar[str] = "lines"
    multiple: ClassVar[bool] = True
    sortable: ClassVar[bool] = False

    form: FormName = option("The form of the rows; it becomes a line form of this one.")
    min: int = option("The fewest rows.", 0, minimum=0)
    max: int = option("The most rows.", 500, minimum=1, maximum=5000)
    totals: tuple[str, ...] = option("Fields of the rows to sum up under the table.", ())

    def column_type(self) -> None:
        return None

    def parse(self, raw: Any, reader: Reader) -> list[Mapping[str, Any]] | None:
        """The rows as mappings of raw input; their fields are parsed by the walk, which knows the line form."""
        if raw is None or raw == "":
            return None
        if not isinstance(raw, list | tuple) or not all(isinstance(row, Mapping) for row in raw):
            raise self.wrong("{label} must be a list of rows; got “{got}”.", got=got(raw))
        return list(self.check(raw))

    def check(self, value: Any) -> Any:
        if len(value) < self.min:
            raise self.wrong("{label} needs at least {limit}; got {count}.", limit=self.min, count=len(value))
        if len(value) > self.max:
            raise self.wrong("{label} takes at most {limit}; got {count}.", limit=self.max, count=len(value))
        return value

    def text(self, value: Any, reader: Reader) -> str:
        return ""

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        """How many rows."""
        return "" if value is None else str(value if isinstance(value, int) else len(value))

    def value_schema(self) -> Mapping[str, Any]:
        """The web API puts the line form's own schema in place of the items."""
        return {"type": "array", "items": {"type": "object"}, "minItems": self.min, "maxItems": self.max}

    def references(self, form: Form, definition: AppDefinition) -> Iterable[tuple[str, str, str | None]]:
        return [("totals", self.form, name) for name in self.totals]

    def mistakes(self) -> Iterable[tuple[str, Message]]:
        if self.min > self.max:
            yield "min", message("min is {low}, more than max {high}.", low=self.min, high=self.max)
