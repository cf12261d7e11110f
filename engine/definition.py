"""What a definition file says, as frozen dataclasses: built once by ``load``, trusted ever after.

The JSON Schema, the designer's palette and the reference in ``docs/`` are generated from these classes: a class
docstring's first line is its text, a field's ``doc`` metadata its options' text, and the type of a field says what the
YAML may hold. Names that refer to something else in the file (``FormName``, ``FieldName`` …) are types of their own, so
that one walk checks every reference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NewType, TypeVar

if TYPE_CHECKING:
    from engine.fields.base import Field

Expression = NewType("Expression", str)  # a Python expression over declared names; see engine/expressions.py
FormName = NewType("FormName", str)
FieldName = NewType("FieldName", str)  # a field of the enclosing form
SortKey = NewType("SortKey", str)  # a field of the enclosing form, "-" in front for descending
StateName = NewType("StateName", str)  # a state of the enclosing form's workflow
TransitionName = NewType("TransitionName", str)
RoleName = NewType("RoleName", str)
Colour = Literal["blue", "azure", "indigo", "purple", "pink", "red", "orange", "yellow", "lime", "green", "teal", "cyan", "gray"]

T = TypeVar("T")
V = TypeVar("V")


def frozen(values: Mapping[str, V] | None = None) -> Mapping[str, V]:
    return MappingProxyType(dict(values or {}))


def option(doc: str, default: Any = MISSING, *, alias: str | None = None, **limits: Any) -> Any:
    """One key of the YAML: its text, its default, its YAML name if Python reserves it, and JSON Schema limits."""
    metadata = {"doc": doc, "alias": alias, "limits": limits}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, dict):
        return field(default_factory=frozen, metadata=metadata)
    return field(default=default, metadata=metadata)


def from_key() -> Any:
    """An attribute filled from the mapping key the thing stands under, not from its own mapping."""
    return field(default="", metadata={"from_key": True})


@dataclass(frozen=True)
class Label:
    """A text in one or several languages. In YAML: one string, or a map of languages."""

    texts: Mapping[str, str]  # language → text; "" is the language-free one

    def text(self, language: str) -> str:
        texts = self.texts
        return texts.get(language) or texts.get("") or next(iter(texts.values()), "")

    def __str__(self) -> str:
        return self.text("en")

    def __hash__(self) -> int:
        return hash(tuple(self.texts.items()))


class Template(Label):
    """A label with ``{{ expression }}`` places, filled when it is sent."""


@dataclass(frozen=True)
class Duration:
    """A length of time with its unit: minutes, hours, days, weeks or working days (Monday to Friday)."""

    amount: int
    unit: Literal["m", "h", "d", "w", "wd"]

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
    id: str | None = option("Stable identity; written by the designer on a rename. Default: the name.", None, pattern="^[a-z][a-z0-9_]{0,62}$")
    renamed_from: str | None = option("The former name, after a rename by hand.", None, pattern="^[a-z][a-z0-9_]{0,62}$")

    @property
    def stable_id(self) -> str:
        return self.id or self.name


@dataclass(frozen=True, kw_only=True)
class Role(Named):
    """A role people can have."""

    label: Label = option("What people call the role.")
    help: Label | None = option("What the role is for.", None)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A block of a form: a heading and its fields in columns."""

    label: Label | None = option("The heading.", None)
    fields: tuple[FieldName, ...] = option("The fields, in order.", minItems=1)
    columns: int = option("How many columns on a wide screen.", 2, minimum=1, maximum=4)
    tab: Label | None = option("The tab it stands on; sections with the same tab stand together.", None)
    visible_when: Expression | None = option("Shown only when this holds.", None)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something every saved record must fulfil."""

    that: Expression = option("What must hold.")
    message: Label = option("What to say when it does not.")
    field: FieldName | None = option("The field to show the message at.", None)


# --- views -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class View(Named):
    """A way to look at the records of a form."""

    type: ClassVar[str]
    icon: ClassVar[str] = "list"
    label: Label | None = option("The name of the view.", None)
    where: Expression | None = option("Only records for which this holds.", None)


@dataclass(frozen=True, kw_only=True)
class ListView(View):
    """A table of records."""

    type: ClassVar[str] = "list"
    columns: tuple[FieldName, ...] = option("The columns, in order; system columns such as state and owner may stand here too.", minItems=1)
    sort: tuple[SortKey, ...] = option("Sort order; '-' in front of a field for descending.", ())
    card: tuple[FieldName, ...] = option("What a phone shows of a record: title, subtitle, figure. Default: the first three columns.", ())
    totals: tuple[FieldName, ...] = option("Columns to sum up over the filtered records.", ())


@dataclass(frozen=True, kw_only=True)
class KanbanView(View):
    """Cards in columns by state or choice; dragging a card takes the transition."""

    type: ClassVar[str] = "kanban"
    icon: ClassVar[str] = "layout-kanban"
    group: FieldName = option("The state or choice field that makes the columns.")
    card: tuple[FieldName, ...] = option("What a card shows.", minItems=1)
    sort: tuple[SortKey, ...] = option("Order inside a column.", ())


@dataclass(frozen=True, kw_only=True)
class CalendarView(View):
    """Records on the days of a month."""

    type: ClassVar[str] = "calendar"
    icon: ClassVar[str] = "calendar"
    date: FieldName = option("The date or datetime field.")
    card: tuple[FieldName, ...] = option("What an entry shows. Default: the title.", ())


@dataclass(frozen=True, kw_only=True)
class GanttView(View):
    """Records as bars on a time line."""

    type: ClassVar[str] = "gantt"
    icon: ClassVar[str] = "chart-bar"
    start: FieldName = option("Where the bar begins.")
    end: FieldName = option("Where the bar ends.")
    group: FieldName | None = option("Rows are grouped by this field.", None)


@dataclass(frozen=True, kw_only=True)
class TreeView(View):
    """Records under their parents."""

    type: ClassVar[str] = "tree"
    icon: ClassVar[str] = "hierarchy"
    parent: FieldName = option("The link field to the same form that names the parent.")
    columns: tuple[FieldName, ...] = option("The columns beside the title.", ())


# --- permissions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FieldGrant:
    """What a role may do with one field, where it differs from the record."""

    read: Condition | None = option("May see it. Default: as the record.", None)
    update: Condition | None = option("May change it. Default: as the record.", None)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a role may do with the records of a form. Whatever is not granted is denied."""

    create: Condition = option("May create records.", Condition.NEVER)
    read: Condition = option("May see the record.", Condition.NEVER)
    update: Condition = option("May change the record.", Condition.NEVER)
    delete: Condition = option("May delete and restore the record.", Condition.NEVER)
    export: Condition = option("May export the records it may see.", Condition.NEVER)
    imports: Condition = option("May import records.", Condition.NEVER, alias="import")
    fields: Mapping[FieldName, FieldGrant] = option("Differences for single fields.", {})


# --- workflow --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class State(Named):
    """A step in the life of a record."""

    label: Label = option("What people call the state.")
    owner: RoleName | None = option("The role responsible while a record is here.", None)
    owner_expression: Expression | None = option("The user responsible, such as record.sales_person; the role answers when it gives none.", None)
    within: Duration | None = option("The expected time in this state, such as 4h, 2d, 3wd.", None)
    leave_with: tuple[FieldName, ...] = option("Deliverables: fields that must be filled before the state is left.", ())
    colour: Colour = option("The colour of the badge.", "blue")
    final: bool = option("The life of the record ends here.", False)
    aside: bool = option("An exception beside the main path, such as frozen; not shown as a step.", False)
    help: Label | None = option("What happens in this state.", None)


@dataclass(frozen=True, kw_only=True)
class Transition(Named):
    """A move from one state to another that people or rules can take."""

    label: Label = option("What the button says.")
    from_: tuple[StateName, ...] = option("The states it leaves.", alias="from", minItems=1)
    to: StateName = option("The state it enters; 'previous' is the state before the present aside state.")
    roles: tuple[RoleName, ...] = option("Who may take it. Empty: only rules take it.", ())
    when: Expression | None = option("The guard: it can be taken only when this holds.", None)
    because: Label | None = option("What to tell people when the guard does not hold.", None)
    ask: tuple[FieldName, ...] = option("Fields to fill in while taking it.", ())
    confirm: Label | None = option("A question to confirm first.", None)
    reason: Literal["none", "optional", "required"] = option("Whether to ask for a reason.", "none")
    style: Literal["primary", "secondary", "danger"] = option("The look of the button.", "primary")


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The states of a form's records and the moves between them."""

    initial: StateName = option("The state a new record starts in.")
    states: Mapping[str, State] = option("The states, in order of the main path.", minProperties=1)
    transitions: Mapping[str, Transition] = option("The moves.", {})


# --- forms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Form(Named):
    """A kind of record: its fields, screens, permissions and workflow."""

    label: Label = option("What one record is called.")
    plural: Label | None = option("What many are called. Default: the label.", None)
    icon: str = option("An icon of the set in static/, such as package or users.", "file-text")
    help: Label | None = option("What the records are for.", None)
    title: Expression | None = option("The text that names a record; over its own stored fields. Default: the first text or series field.", None)
    fields: Mapping[str, Field] = option("The fields, in order.", minProperties=1)
    sections: tuple[Section, ...] = option("How the form is laid out. Default: one section with all fields.", ())
    views: Mapping[str, View] = option("The views, the first is the default. Default: a list of the first six fields.", {})
    permissions: Mapping[RoleName, Grant] = option("What each role may do. Line forms follow their parent.", {})
    workflow: Workflow | None = option("The life of a record.", None)
    unique: tuple[tuple[FieldName, ...], ...] = option("Groups of fields that together must be unique.", ())
    checks: tuple[Check, ...] = option("What every saved record must fulfil.", ())
    comments: bool = option("People may comment on records.", True)

    # Filled by load from the lines field that names this form: the form whose records own these as lines.
    parent_form: str | None = field(default=None, metadata={"derived": True})
    parent_field: str | None = field(default=None, metadata={"derived": True})


# --- rules -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """What wakes a rule."""

    type: ClassVar[str]
    form: FormName = option("The form whose records are watched.")


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a rule does."""

    type: ClassVar[str]


@dataclass(frozen=True, kw_only=True)
class Rule(Named):
    """When something happens, if a condition holds, do this."""

    label: Label | None = option("What the rule is for.", None)
    trigger: Trigger = option("What wakes it.")
    when: Expression | None = option("Only when this holds.", None)
    actions: tuple[Action, ...] = option("What it does, in order.", minItems=1)
    enabled: bool = option("Whether it is switched on.", True)


# --- pages -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Card:
    """One tile of a page."""

    type: ClassVar[str]
    label: Label = option("The heading.")
    form: FormName = option("The form whose records it shows.")
    where: Expression | None = option("Only records for which this holds.", None)
    width: int = option("Twelfths of the page's width.", 3, minimum=1, maximum=12)


@dataclass(frozen=True, kw_only=True)
class NumberCard(Card):
    """One figure over the records: how many, or the sum, least, greatest or mean of a field."""

    type: ClassVar[str] = "number"
    fold: Literal["count", "sum", "min", "max", "mean"] = option("How the records are folded into one figure.", "count")
    field: FieldName | None = option("The field that is folded.", None)
    colour: Colour = option("The colour of the figure.", "blue")


@dataclass(frozen=True, kw_only=True)
class BreakdownCard(Card):
    """Bars: the records counted or summed by state, choice or link."""

    type: ClassVar[str] = "breakdown"
    group: FieldName = option("What makes the bars.")
    fold: Literal["count", "sum"] = option("How each group is folded.", "count")
    field: FieldName | None = option("The field that is summed.", None)


@dataclass(frozen=True, kw_only=True)
class RecordsCard(Card):
    """The first records of a list."""

    type: ClassVar[str] = "records"
    columns: tuple[FieldName, ...] = option("The columns.", minItems=1)
    sort: tuple[SortKey, ...] = option("Sort order.", ())
    limit: int = option("How many.", 8, minimum=1, maximum=50)


@dataclass(frozen=True, kw_only=True)
class Page(Named):
    """A screen of cards."""

    label: Label = option("The name of the page.")
    icon: str = option("An icon of the set in static/.", "layout-dashboard")
    roles: tuple[RoleName, ...] = option("Who may open it. Empty: everyone signed in.", ())
    cards: tuple[Card, ...] = option("The tiles, in order.", minItems=1)


@dataclass(frozen=True, kw_only=True)
class MenuGroup:
    """A heading of the side bar with its entries."""

    label: Label = option("The heading.")
    items: tuple[str, ...] = option("Names of forms and pages, in order.", minItems=1)


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    """A person to try the application as; made only by ``appmill run --demo``."""

    name: str = option("The person's name.")
    roles: tuple[RoleName, ...] = option("The person's roles.", ())


@dataclass(frozen=True, kw_only=True)
class AppDefinition:
    """A whole application."""

    app: str = option("The short name of the application.", pattern="^[a-z][a-z0-9_]{0,62}$")
    label: Label = option("What people call the application.")
    languages: tuple[Literal["zh", "en"], ...] = option("The languages people can choose; the first is the default.", ("zh", "en"), minItems=1)
    timezone: str = option("The time zone of people who chose none.", "Asia/Shanghai")
    currency: str = option("The currency of money fields that name none (ISO 4217).", "CNY", pattern="^[A-Z]{3}$")
    roles: Mapping[str, Role] = option("The roles.", {})
    forms: Mapping[str, Form] = option("The forms.", minProperties=1)
    rules: Mapping[str, Rule] = option("The automation rules.", {})
    pages: Mapping[str, Page] = option("Screens of cards.", {})
    menu: tuple[MenuGroup, ...] = option("The side bar. Default: all pages, then all forms that are not lines.", ())
    demo_users: Mapping[str, DemoUser] = option("People to try the application as, by sign-in name.", {})

    # SHA-256 over the file's bytes (first 16 hex digits): every event and message carries it.
    hash: str = field(default="", metadata={"derived": True})


# Columns every record has beside its fields; their names cannot be taken by a field, and expressions, columns and sort
# orders may name them like fields.
SYSTEM_FIELDS = (
    "id", "version", "state", "state_since", "state_due", "owner", "owner_role",
    "created_at", "created_by", "updated_at", "updated_by", "deleted_at",
)  # fmt: skip
RESERVED_FIELDS = frozenset({*SYSTEM_FIELDS, "record", "user", "none", "true", "false", "previous"})
RESERVED_FORMS = frozenset({"api", "static", "admin", "sign_in", "sign_out", "me", "search", "files", "pages", "jobs", "health"})
ADMIN = RoleName("admin")  # built in: may do everything with every form, and manages people
