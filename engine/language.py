"""The words a definition is written with: texts, expressions, durations, conditions and names that refer to something.

Names that refer to something else in the file (``FormName``, ``FieldName`` …) are types of their own, so that one walk
over the definition checks every reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NewType, TypeVar

Expression = NewType("Expression", str)  # a Python expression over declared names; see engine/expressions.py
FormName = NewType("FormName", str)
FieldName = NewType("FieldName", str)  # a field of the enclosing form
SortKey = NewType("SortKey", str)  # a field of the enclosing form, "-" in front for descending
StateName = NewType("StateName", str)  # a state of the enclosing form's workflow
TransitionName = NewType("TransitionName", str)
ViewName = NewType("ViewName", str)  # a view of the enclosing form
RoleName = NewType("RoleName", str)
PortalName = NewType("PortalName", str)
PrintFormatName = NewType("PrintFormatName", str)  # a paper format of the enclosing form
PersonName = NewType("PersonName", str)  # a role, or the sign-in name of a demo user
Script = NewType("Script", str)  # see engine/scripts
RuleName = NewType("RuleName", str)
ConnectionName = NewType("ConnectionName", str)
FeedName = NewType("FeedName", str)
CalendarName = NewType("CalendarName", str)
PageName = NewType("PageName", str)
WayName = NewType("WayName", str)  # a way on which people are reached outside the application
EntryName = NewType("EntryName", str)  # a form or a page
Receiver = NewType("Receiver", str)  # a role, or an expression that gives users
Colour = Literal[
    "blue",
    "azure",
    "indigo",
    "purple",
    "pink",
    "red",
    "orange",
    "yellow",
    "lime",
    "green",
    "teal",
    "cyan",
    "gray",
]

LANGUAGES = ("zh", "en")  # of the screens
NAME_PATTERN = "^[a-z][a-z0-9_]{0,62}$"  # of forms, fields, roles and whatever else a definition names

T = TypeVar("T")
V = TypeVar("V")


def frozen(values: Mapping[str, V] | None = None) -> Mapping[str, V]:
    return MappingProxyType(dict(values or {}))


OWN = "."  # in ``value_of``: the field itself
KEY = "key"  # in ``of``: the lines field under whose name this stands


def option(
    doc: str,
    default: Any = MISSING,
    *,
    alias: str | None = None,
    of: str | None = None,
    value_of: str | None = None,
    **limits: Any,
) -> Any:
    """One key of the YAML: its text, its default, its YAML name if Python reserves it, and JSON Schema limits.

    ``of``: the option beside it that tells whose fields, states or transitions are named here, by naming a form or a
    field that leads to one; without it they are those of the form around. ``value_of``: the option that names the
    field whose value this is, so that the texts in it may be names of that field's options.
    """
    metadata = {"doc": doc, "alias": alias, "limits": limits, "of": of, "value_of": value_of}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, dict):
        return field(default_factory=frozen, metadata=metadata)
    return field(default=default, metadata=metadata)


def from_key() -> Any:
    """An attribute filled from the mapping key the thing stands under, not from its own mapping."""
    return field(default="", metadata={"from_key": True})


def text_in(texts: Mapping[str, str], language: str) -> str:
    """The text of this language out of ``texts``, language → text; else the language-free one (""), else any."""
    return texts.get(language) or texts.get("") or next(iter(texts.values()), "")


@dataclass(frozen=True)
class Label:
    """A text in one or several languages. In YAML: one string, or a map of languages."""

    texts: Mapping[str, str]  # language → text; "" is the language-free one

    def text(self, language: str) -> str:
        return text_in(self.texts, language)

    def __str__(self) -> str:
        return self.text("en")

    def __hash__(self) -> int:
        return hash(tuple(self.texts.items()))


class Template(Label):
    """A label with ``{{ expression }}`` places, filled when it is sent."""


@dataclass(frozen=True)
class Duration:
    """A length of time with its unit: seconds, minutes, hours, days, weeks, working hours (`4wh`, within the shifts of
    the calendar) or working days (`3wd`, those of the calendar; Monday to Friday where there is none)."""

    amount: int
    unit: Literal["s", "m", "h", "d", "w", "wh", "wd"]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True)
class Condition:
    """Always, never, or when an expression holds. In YAML: true, false or an expression."""

    expression: Expression | None = None
    constant: bool = True

    NEVER: ClassVar[Condition]
    ALWAYS: ClassVar[Condition]


Condition.NEVER = Condition(None, False)
Condition.ALWAYS = Condition(None, True)


@dataclass(frozen=True, kw_only=True)
class Named:
    """Something that can be renamed without losing its data."""

    name: str = from_key()
    id: str | None = option(
        "Stable identity; written by the designer on a rename. Default: the name.",
        None,
        pattern=NAME_PATTERN,
    )
    renamed_from: str | None = option("The former name, after a rename by hand.", None, pattern=NAME_PATTERN)

    @property
    def stable_id(self) -> str:
        return self.id or self.name


# Columns every record has beside its fields; their names cannot be taken by a field, and expressions, columns and sort
# orders may name them like fields.
SYSTEM_FIELDS = (
    "id", "version", "state", "state_since", "state_due", "forecast_at", "owner", "owner_role",
    "created_at", "created_by", "updated_at", "updated_by", "deleted_at",
)  # fmt: skip
SYSTEM_MOMENTS = frozenset({"state_since", "state_due", "forecast_at", "created_at", "updated_at", "deleted_at"})
RESERVED_FIELDS = frozenset({*SYSTEM_FIELDS, "record", "user", "none", "true", "false", "previous"})
RESERVED_FORMS = frozenset(
    {"api", "static", "admin", "sign_in", "sign_out", "me", "search", "files", "pages", "jobs", "health", "hooks",
     "designer", "live", "find", "wall", "approvals", "decide", "tasks", "scan", "manifest", "offline", "portal",
     "feeds", "ingest", "metrics"}
)  # fmt: skip
ADMIN = RoleName("admin")  # built in: may do everything with every form, and manages people
