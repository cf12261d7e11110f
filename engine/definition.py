"""What a definition file says, as frozen dataclasses: built once by ``load``, trusted ever after.

The JSON Schema, the designer's palette and the reference in ``docs/`` are generated from these classes: a class
docstring's first line is its text, a field's ``doc`` metadata its options' text, and the type of a field says what the
YAML may hold. Names that refer to something else in the file (``FormName``, ``FieldName`` …) are types of their own, so
that one walk checks every reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.actions import Action, nested
from engine.calendars import Calendar
from engine.cards import Card
from engine.connectors import Connection
from engine.feeds import Feed
from engine.fields.base import Field
from engine.language import (
    NAME_PATTERN,
    CalendarName,
    Colour,
    Condition,
    Duration,
    EntryName,
    Expression,
    FieldName,
    FormName,
    Label,
    Named,
    RoleName,
    StateName,
    option,
)
from engine.portals import Portal
from engine.prints import PrintFormat
from engine.reach import Reach
from engine.scenario import Scenario
from engine.task import Task
from engine.triggers import Trigger
from engine.views import View


@dataclass(frozen=True, kw_only=True)
class Role(Named):
    """A role people can have."""

    label: Label = option("What people call the role.")
    help: Label | None = option("What the role is for.", None)
    stands_for: FormName | None = option(
        "People of this role are outside, and each stands for one record of this form: user.stands_for.", None
    )
    second_factor: bool = option("People of this role confirm each sign-in with a code of an authenticator app.", False)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A block of a form: a heading and its fields in columns."""

    label: Label | None = option("The heading.", None)
    fields: tuple[FieldName, ...] = option("The fields, in order; a section without any is not shown.", ())
    columns: int = option("How many columns on a wide screen.", 2, minimum=1, maximum=4)
    tab: Label | None = option("The tab it stands on; sections with the same tab stand together.", None)
    visible_when: Expression | None = option("Shown only when this holds.", None)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Something every saved record must fulfil."""

    that: Expression = option("What must hold.")
    message: Label = option("What to say when it does not.")
    field: FieldName | None = option("The field to show the message at.", None)


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
    owner_expression: Expression | None = option(
        "The user responsible, such as record.sales_person; the role answers when it gives none.", None
    )
    within: Duration | None = option("The expected time in this state, such as 4h, 2d, 4wh (working hours), 3wd.", None)
    due_by: Expression | None = option(
        "The date or moment by which it should be left, such as record.due_on - days(3); beside `within` the earlier "
        "counts. Of a date the end of work on that day. It follows the fields it reads when the record is saved.",
        None,
    )
    planned: FieldName | None = option(
        "The field with the date or moment at which it is planned to be left. Where that is filled it stands in the "
        "place of `within`, and the forecast of records in a state before follows it as well.",
        None,
    )
    calendar: CalendarName | None = option("The calendar its times are counted by. Default: the default one.", None)
    leave_with: tuple[FieldName, ...] = option("Deliverables: fields that must be filled before the state is left.", ())
    colour: Colour = option("The colour of the badge.", "blue")
    final: bool = option("The life of the record ends here.", False)
    aside: bool = option("An exception beside the main path, such as frozen; not shown as a step.", False)
    pauses: bool = option(
        "Of an aside state: the time of the state before stands still, and goes on when the record comes back to it.",
        False,
    )
    help: Label | None = option("What happens in this state.", None)

    @property
    def timed(self) -> bool:
        """Whether anything says when it is to be left."""
        return bool(self.within or self.due_by or self.planned)


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
    deliverables: bool = option("Whether what the state it leaves is to be left with must be there.", True)
    confirm: Label | None = option("A question to confirm first.", None)
    reason: Literal["none", "optional", "required"] = option("Whether to ask for a reason.", "none")
    style: Literal["primary", "secondary", "danger"] = option("The look of the button.", "primary")


@dataclass(frozen=True, kw_only=True)
class Workflow:
    """The states of a form's records and the moves between them."""

    initial: StateName = option("The state a new record starts in.")
    states: Mapping[str, State] = option("The states, in order of the main path.", minProperties=1)
    transitions: Mapping[str, Transition] = option("The moves.", {})
    promised: FieldName | None = option(
        "The date or moment by which a record should be at its end. Without one only the present step can be late.",
        None,
    )
    slack: Duration = option("At risk is what would be done later than this before the promise.", Duration(1, "d"))


# --- forms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Form(Named):
    """A kind of record: its fields, screens, permissions and workflow."""

    label: Label = option("What one record is called.")
    plural: Label | None = option("What many are called. Default: the label.", None)
    icon: str = option("An icon of the set in static/, such as package or users.", "file-text")
    help: Label | None = option("What the records are for.", None)
    title: Expression | None = option(
        "The text that names a record; over its own stored fields. Default: the first text or series field.",
        None,
    )
    fields: Mapping[str, Field] = option("The fields, in order.", minProperties=1)
    sections: tuple[Section, ...] = option("How the form is laid out. Default: one section with all fields.", ())
    views: Mapping[str, View] = option(
        "The views, the first is the default. Default: a list of the first six fields.", {}
    )
    permissions: Mapping[RoleName, Grant] = option("What each role may do. Line forms follow their parent.", {})
    workflow: Workflow | None = option("The life of a record.", None)
    unique: tuple[tuple[FieldName, ...], ...] = option("Groups of fields that together must be unique.", ())
    checks: tuple[Check, ...] = option("What every saved record must fulfil.", ())
    comments: bool = option("People may comment on records.", True)
    prints: Mapping[str, PrintFormat] = option("Paper formats beside the plain sheet.", {})

    # Filled by load from the lines field that names this form: the form whose records own these as lines.
    parent_form: str | None = field(default=None, metadata={"derived": True})
    parent_field: str | None = field(default=None, metadata={"derived": True})


@dataclass(frozen=True, kw_only=True)
class Rule(Named):
    """When something happens, if a condition holds, do this."""

    label: Label | None = option("What the rule is for.", None)
    trigger: Trigger = option("What wakes it.")
    when: Expression | None = option("Only when this holds.", None)
    actions: tuple[Action, ...] = option("What it does, in order.", minItems=1)
    enabled: bool = option("Whether it is switched on.", True)
    shadow: bool = option("Watch only: it decides and is logged, and nothing is done.", False)
    mode: Literal["parallel", "single", "restart", "queued"] = option(
        "What to do when it wakes while an earlier run of the same key is not finished: go side by side, leave it to "
        "the earlier one, end the earlier one, or wait for it.",
        "parallel",
    )
    key: Expression | None = option("What makes runs the same, for the mode. Default: the record.", None)
    cap: int | None = option("How many runs may be unfinished at once; more wait.", None, minimum=1, maximum=1000)
    pause_after: int = option("Pause the rule after so many failed runs in a row.", 10, minimum=1, maximum=1000)
    owner: RoleName | None = option("Who is told when it fails. Default: administrators.", None)
    calendar: CalendarName | None = option(
        "The calendar its working days and hours are counted by. Default: that of the state it watches, else the "
        "default one.",
        None,
    )

    @property
    def form(self) -> FormName | None:
        """The form whose records wake it; None where no record does."""
        return getattr(self.trigger, "form", None)

    def steps(self) -> Iterator[tuple[tuple[str | int, ...], Action, FormName | None]]:
        """Every action, nested ones too: (place in the rule, action, form of its ``record``)."""
        return nested(("actions",), self.actions, self.form)


@dataclass(frozen=True, kw_only=True)
class FilteredField:
    """A field of a form that a filter of a page asks."""

    form: FormName = option("The form.")
    field: FieldName = option("Its field.", of="form")


@dataclass(frozen=True, kw_only=True)
class PageFilter:
    """A choice above the cards of a page; it narrows the cards of the forms it names."""

    label: Label | None = option("The name of the filter. Default: that of the first field.", None)
    fields: tuple[FilteredField, ...] = option("One field of each form, all of the same kind.", minItems=1)


@dataclass(frozen=True, kw_only=True)
class Page(Named):
    """A screen of cards."""

    label: Label = option("The name of the page.")
    icon: str = option("An icon of the set in static/.", "layout-dashboard")
    roles: tuple[RoleName, ...] = option("Who may open it. Empty: everyone signed in.", ())
    filters: tuple[PageFilter, ...] = option("What can be chosen above the cards.", (), maxItems=8)
    period: Literal["day", "week", "month", "quarter", "year"] | None = option(
        "Offer a choice of the span of time above the cards, at first the present one of these; cards that show a "
        "period show the chosen one.",
        None,
    )
    cards: tuple[Card, ...] = option("The cards, in order.")


@dataclass(frozen=True, kw_only=True)
class MenuGroup:
    """A heading of the side bar with its entries."""

    label: Label = option("The heading.")
    items: tuple[EntryName, ...] = option("Names of forms and pages, in order.")


@dataclass(frozen=True, kw_only=True)
class DemoUser:
    """A person to try the application as; made only by ``appmill run --demo``."""

    name: str = option("The person's name.")
    roles: tuple[RoleName, ...] = option("The person's roles.", ())


@dataclass(frozen=True, kw_only=True)
class AppDefinition:
    """A whole application."""

    app: str = option("The short name of the application.", pattern=NAME_PATTERN)
    label: Label = option("What people call the application.")
    icon: str = option("Its icon, also on the home screen of a phone; of the set in static/.", "stack-2")
    colour: Colour = option("The colour behind its icon.", "blue")
    languages: tuple[Literal["zh", "en"], ...] = option(
        "The languages people can choose; the first is the default.", ("zh", "en"), minItems=1
    )
    timezone: str = option("The time zone of people who chose none.", "Asia/Shanghai")
    currency: str = option("The currency of money fields that name none (ISO 4217).", "CNY", pattern="^[A-Z]{3}$")
    roles: Mapping[str, Role] = option("The roles.", {})
    designers: tuple[RoleName, ...] = option(
        "Roles that may draft and publish changes in the designer. What rights and systems outside are, administrators "
        "publish.",
        (),
    )
    calendars: Mapping[str, Calendar] = option("When is worked. None: Monday to Friday.", {})
    forms: Mapping[str, Form] = option("The forms. None yet is where the designer begins.", {})
    connections: Mapping[str, Connection] = option("The systems outside that rules send to or call.", {})
    feeds: Mapping[str, Feed] = option("What is read from systems outside, and becomes records.", {})
    rules: Mapping[str, Rule] = option("The automation rules.", {})
    pages: Mapping[str, Page] = option("Screens of cards.", {})
    tasks: Mapping[str, Task] = option("Quick work with large buttons, on the phone also without network.", {})
    portals: Mapping[str, Portal] = option("Doors for people outside.", {})
    reach: Reach | None = option("How people are reached outside. Default: they are told in the application.", None)
    menu: tuple[MenuGroup, ...] = option("The side bar. Default: all pages, then all forms that are not lines.", ())
    demo_users: Mapping[str, DemoUser] = option("People to try the application as, by sign-in name.", {})
    scenarios: Mapping[str, Scenario] = option("Stories that must go as told: the application's own tests.", {})

    # SHA-256 over the file's bytes (first 16 hex digits): every event and message carries it.
    hash: str = field(default="", metadata={"derived": True})
