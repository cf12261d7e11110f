"""A person, and a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators
from engine.fields.base import Field, Operator
from engine.fields.relations import record_id, title_of
from engine.fields.text import typed_text
from engine.formats import Reader
from engine.language import RoleName, option

_PERSON = Markup(
    '<span class="field-person"><span class="avatar avatar-xs rounded-circle" aria-hidden="true">{}</span> {}</span>'
)


@dataclass(frozen=True, kw_only=True)
class UserField(Field):
    """A person who uses the application."""

    type: ClassVar[str] = "user"
    icon: ClassVar[str] = "user"
    category: ClassVar[str] = "people"
    kind: ClassVar[str] = "user"
    widget: ClassVar[str] = "link"
    operators: ClassVar[tuple[Operator, ...]] = (
        *operators.ONE_OF[:1],
        Operator("me", "is me", lambda column, value: column == value, "me"),
        *operators.ONE_OF[1:],
    )

    roles: tuple[RoleName, ...] = option("Only people with one of these roles can be chosen. Empty: everyone.", ())

    def column_type(self) -> TypeEngine[Any]:
        return sa.BigInteger()

    def parse(self, raw: Any, reader: Reader) -> int | None:
        return None if raw is None or raw == "" else record_id(self, raw)

    def text(self, value: Any, reader: Reader) -> str:
        return "" if value is None else str(value)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return "" if value is None else title_of(value, extra)

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        if value is None:
            return Markup("")
        name = title_of(value, extra)
        return _PERSON.format(initials(name), name)

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "integer", "minimum": 1, "description": "The id of a person."}


def initials(name: str) -> str:
    """What an avatar shows: 王小明 → 小明, since given names tell people apart; Li Lei → LL."""
    name = name.strip()
    if name and ord(name[-1]) > 0x2E80:
        return name[-2:]
    return "".join(word[0] for word in name.split()[:2]).upper() or "?"


@dataclass(frozen=True, kw_only=True)
class RoleField(Field):
    """One of the application's roles."""

    type: ClassVar[str] = "role"
    icon: ClassVar[str] = "users"
    category: ClassVar[str] = "people"
    widget: ClassVar[str] = "role"
    operators: ClassVar[tuple[Operator, ...]] = operators.ONE_OF

    def column_type(self) -> TypeEngine[Any]:
        return sa.String(63)

    def parse(self, raw: Any, reader: Reader) -> str | None:
        """The role's name; whether there is such a role is for the walk to say."""
        return typed_text(self, raw, 63)

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        """``extra`` may map role names to their labels."""
        return "" if value is None else str(extra.get(value, value) if isinstance(extra, Mapping) else value)

    def text(self, value: Any, reader: Reader) -> str:
        return value or ""

    def value_schema(self) -> Mapping[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": 63}
