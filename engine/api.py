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
``surroundings.about_to_send()`` right before it does. ``registry.connector``, ``registry.credential`` enter them.

**Reading records.** ``get``, ``find``, ``records`` answer rows (plain dicts) with what the actor may see;
``may``, ``readable_fields``, ``doors`` answer what they may do. ``users_of`` lists who may sign in.

**Simulations.** ``registry.simulation("app", function, size="tickets")``: the function is given a ``Simulation`` and
enters each ``Agent``, or a generator with ``follow``; everything is done as a person, by ``create``, ``change``,
``take``, ``press``, ``answer``, which answer an ``Outcome``. ``Hours`` say when somebody works.
``registry.invariant("app", "name", function)``: the function is given a ``Looking`` and answers each ``Broken``;
``appmill check-data`` looks at it too.

**Saying no.** Raise ``Invalid``, ``Refused``, ``Denied``, ``Missing`` with ``message("English {pattern}", …)``.
"""

from __future__ import annotations

from engine.actions import Action, Context
from engine.application import Application, open_application
from engine.cards import Card, FormCard
from engine.connectors import (
    BasicCredential,
    BearerCredential,
    Connection,
    Credential,
    HttpConnection,
    Operation,
    Secret,
    Signing,
)
from engine.definition import AppDefinition, Form, Rule, State, Transition
from engine.effects import CreateRecord, Effect, Notify, Reassign, Refuse, SetValues, TakeTransition, UpdateMatching
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
from engine.outside.answers import Answer
from engine.outside.http import Call, send
from engine.outside.task import Surroundings, Task
from engine.people import Actor, load_actor, system_actor
from engine.permissions import FieldSet, Verdict, may, may_record, readable_fields, row_filter, updatable_fields
from engine.reading import find, get, records, users_of
from engine.registry import Registry
from engine.service import adopt, delete, press, restore, save, take
from engine.simulating.hours import Hours
from engine.simulating.simulation import Agent, Outcome, Simulation
from engine.storage.page import Page, Query
from engine.texts import say
from engine.triggers import Change, OnRecord, Trigger
from engine.views import View
from engine.walking import Saved
from engine.workflow import Door, Obstacle, doors

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
    "DefinitionError",
    "DeliveryFailed",
    "Denied",
    "Door",
    "Duration",
    "Effect",
    "Expression",
    "Field",
    "FieldName",
    "FieldSet",
    "Form",
    "FormCard",
    "FormName",
    "Hours",
    "HttpConnection",
    "Invalid",
    "Label",
    "Looking",
    "Message",
    "Missing",
    "Notify",
    "Obstacle",
    "OnRecord",
    "Operation",
    "Operator",
    "Outcome",
    "Page",
    "Problem",
    "Query",
    "Reader",
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
    "Stale",
    "State",
    "StateName",
    "Surroundings",
    "TakeTransition",
    "Task",
    "Template",
    "Transition",
    "TransitionName",
    "Trigger",
    "UpdateMatching",
    "Verdict",
    "View",
    "ViewName",
    "adopt",
    "delete",
    "doors",
    "find",
    "get",
    "load_actor",
    "may",
    "may_record",
    "message",
    "open_application",
    "option",
    "press",
    "readable_fields",
    "records",
    "restore",
    "row_filter",
    "save",
    "say",
    "send",
    "system_actor",
    "take",
    "to_sql",
    "updatable_fields",
    "users_of",
]
