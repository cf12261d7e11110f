"""What a plugin may import; everything else may change without notice.

A plugin is a module with ``register(registry)``. It enters types by decorating classes, and functions of expressions:

    from engine.api import Action, Expression, Notify, Registry, option

    def register(registry: Registry) -> None:
        @registry.function
        def doubled(value: int) -> int:
            "The number twice."
            return value * 2

**Types.** ``Field``, ``OnRecord`` (a ``Trigger`` a change of a record pulls), ``Action``, ``View``, ``Card``,
``FormCard`` are subclassed as frozen, keyword-only dataclasses with ``type``, a docstring (its first line is the
palette's text) and ``option(...)`` for each key of the YAML. Types of those keys: ``Expression``, ``Template``,
``Label``, ``Duration``, ``Condition``, ``FieldName``, ``FormName``, ``StateName``, ``TransitionName``, ``ViewName``,
``RoleName``, ``Colour``. Fields, views and states are those of the form around; where another option tells the form,
say ``option(…, of="form")``, so that a rename finds them. A trigger says in ``wakes_on`` which kinds of ``Change`` it
is asked about; an action answers effects: ``SetValues``, ``CreateRecord``, ``UpdateMatching``, ``TakeTransition``,
``Reassign``, ``Refuse``, ``Notify``.

**Changing records.** ``save``, ``take``, ``delete``, ``restore``, ``press``, ``adopt`` walk the one walk: permissions,
checks, rules and history apply to a plugin as to a person. ``system_actor(name)`` acts without asking for grants.

**The world outside.** A connector subclasses ``Connection`` or ``HttpConnection`` with ``operations()``, which answers
each ``Operation`` by name, and ``perform(operation, values, task, surroundings)``, which answers JSON.
``send(connection, Call(…), task, surroundings)`` requests within the limits of an ``HttpConnection``; what writes
otherwise says
``surroundings.about_to_send()`` right before it does. What feeds read it names in ``readings()`` and answers from
``begin``, ``read`` and ``told`` as ``Item``, ``Part``, ``Told``; ``usual_limits()`` are kept where it says
``surroundings.turn(operation)`` before a call; ``surroundings.kept(name, get)`` keeps a token that runs out.
``settled`` is told what became of the items of a version it ``awaits``; ``mistakes()`` says which of its options do
not go together. ``try_out`` is what the test button does. ``registry.connector``, ``registry.credential`` enter them.
``Network`` makes lines guarded like those of HTTP, within a ``Deadline``; ``convert_table`` and ``converted_rows`` read
workbooks, ``guarded`` and ``csv_line`` write what no spreadsheet runs as a formula.

**Work that follows.** An action answers ``Outside("kind", data)``; ``registry.errand("kind", function)`` carries it
out after the change is saved, with the application, in transactions of its own: ``together`` makes many changes in
one. ``registry.work("kind", function)`` is long work that a person begins with ``begin_work`` and follows with
``look_at_work`` and ``cancel_work``; the function is given a ``Word`` to say how far it is. ``engine.api.screens`` is
for pages.

**Reading records.** ``get``, ``find``, ``records`` answer rows (plain dicts) with what the actor may see, ``every``
all there are, also of lines;
``may``, ``readable_fields``, ``doors`` answer what they may do. ``users_of`` lists who may sign in.

**Simulations.** ``registry.simulation("app", function, size="tickets")``: the function is given a ``Simulation`` and
enters each ``Agent``, or a generator with ``follow``; everything is done as a person, by ``create``, ``change``,
``take``, ``press``, ``answer``, which answer an ``Outcome``. ``Hours`` say when somebody works.
``registry.invariant("app", "name", function)``: the function is given a ``Looking`` and answers each ``Broken``;
``appmill check-data`` looks at it too.

**Texts.** ``learn(folder)`` adds catalogues (``zh/*.po``): English patterns and their translations.

**Saying no.** Raise ``Invalid``, ``Refused``, ``Denied``, ``Missing`` with ``message("English {pattern}", …)``.
"""

from __future__ import annotations

from engine.actions import Action, Context
from engine.application import Application, open_application
from engine.calendars import exact_seconds
from engine.cards import Card, FormCard
from engine.connectors import (
    Connection,
    Failure,
    Forged,
    HttpConnection,
    Item,
    Operation,
    Part,
    Pushed,
    Rate,
    Reading,
    Span,
    Told,
)
from engine.credentials import (
    BasicCredential,
    BearerCredential,
    Credential,
    OAuthClientCredential,
    QueryCredential,
    Secret,
    Signing,
)
from engine.definition import AppDefinition, Form, Rule, State, Transition
from engine.effects import (
    CreateRecord,
    Effect,
    Notify,
    Outside,
    Reassign,
    Refuse,
    SetValues,
    TakeTransition,
    UpdateMatching,
)
from engine.errors import (
    AppmillError,
    DefinitionError,
    DeliveryFailed,
    Denied,
    Invalid,
    Message,
    Missing,
    Problem,
    Refused,
    Stale,
    message,
)
from engine.expressions import to_sql
from engine.fields.base import Field, Operator
from engine.formats import Reader
from engine.imports.mapping import folded
from engine.imports.tables import announced_delimiter, delimiter_of
from engine.imports.tables import convert as convert_table
from engine.imports.tables import rows as converted_rows
from engine.invariants.looking import Broken, Looking
from engine.language import (
    Colour,
    Condition,
    Duration,
    Expression,
    FieldName,
    FormName,
    Label,
    RoleName,
    StateName,
    Template,
    TransitionName,
    ViewName,
    option,
)
from engine.longwork import LongWork, Word
from engine.longwork import begin as begin_work
from engine.longwork import cancel as cancel_work
from engine.longwork import look as look_at_work
from engine.outside.answers import Answer
from engine.outside.http import Call, send
from engine.outside.network import Deadline, Network, reason_of
from engine.outside.task import Surroundings, Task, Within
from engine.people import Actor, load_actor, system_actor
from engine.permissions import FieldSet, Verdict, may, may_record, readable_fields, row_filter, updatable_fields
from engine.reading import every, find, get, records, users_of
from engine.registry import Registry
from engine.service import adopt, delete, press, restore, save, take
from engine.simulating.hours import Hours
from engine.simulating.simulation import Agent, Outcome, Simulation
from engine.spreadsheets import csv_line, guarded, unguarded
from engine.storage.page import Page, Query
from engine.texts import learn, say
from engine.together import Together, together
from engine.triggers import Change, OnRecord, Trigger
from engine.views import View
from engine.walking import Saved
from engine.workflow import Door, Obstacle, doors
from engine.worktime import open_spans

__all__ = [
    "Action",
    "Actor",
    "Agent",
    "Answer",
    "AppDefinition",
    "Application",
    "AppmillError",
    "BasicCredential",
    "BearerCredential",
    "Broken",
    "Call",
    "Card",
    "Change",
    "Colour",
    "Condition",
    "Connection",
    "Context",
    "CreateRecord",
    "Credential",
    "Deadline",
    "DefinitionError",
    "DeliveryFailed",
    "Denied",
    "Door",
    "Duration",
    "Effect",
    "Expression",
    "Failure",
    "Field",
    "FieldName",
    "FieldSet",
    "Forged",
    "Form",
    "FormCard",
    "FormName",
    "Hours",
    "HttpConnection",
    "Invalid",
    "Item",
    "Label",
    "LongWork",
    "Looking",
    "Message",
    "Missing",
    "Network",
    "Notify",
    "OAuthClientCredential",
    "Obstacle",
    "OnRecord",
    "Operation",
    "Operator",
    "Outcome",
    "Outside",
    "Page",
    "Part",
    "Problem",
    "Pushed",
    "Query",
    "QueryCredential",
    "Rate",
    "Reader",
    "Reading",
    "Reassign",
    "Refuse",
    "Refused",
    "Registry",
    "RoleName",
    "Rule",
    "Saved",
    "Secret",
    "SetValues",
    "Signing",
    "Simulation",
    "Span",
    "Stale",
    "State",
    "StateName",
    "Surroundings",
    "TakeTransition",
    "Task",
    "Template",
    "Together",
    "Told",
    "Transition",
    "TransitionName",
    "Trigger",
    "UpdateMatching",
    "Verdict",
    "View",
    "ViewName",
    "Within",
    "Word",
    "adopt",
    "announced_delimiter",
    "begin_work",
    "cancel_work",
    "convert_table",
    "converted_rows",
    "csv_line",
    "delete",
    "delimiter_of",
    "doors",
    "every",
    "exact_seconds",
    "find",
    "folded",
    "get",
    "guarded",
    "learn",
    "load_actor",
    "look_at_work",
    "may",
    "may_record",
    "message",
    "open_application",
    "open_spans",
    "option",
    "press",
    "readable_fields",
    "reason_of",
    "records",
    "restore",
    "row_filter",
    "save",
    "say",
    "send",
    "system_actor",
    "take",
    "to_sql",
    "together",
    "unguarded",
    "updatable_fields",
    "users_of",
]
