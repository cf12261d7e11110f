"""What depends on the definition alone, worked out once: the walk then only looks it up.

A plan names what to compute, check and write for the records of one form, with every expression compiled and with what
each one reads, so that a save works out nothing that its changes cannot touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.actions import Wait
from engine.approve import Approve
from engine.calendars import Times
from engine.definition import AppDefinition, Check, Form, Rule, State, Transition
from engine.errors import Missing, message
from engine.expressions import Compiled, compile_expression
from engine.fields.base import Field
from engine.fields.derived import RollupField
from engine.fields.relations import LinkField
from engine.fields.series import SeriesField
from engine.formats import Reader
from engine.language import Expression
from engine.needs import Needs, derived_needs, needs_of
from engine.program import Program, program_of
from engine.promises import Promise
from engine.registry import Registry
from engine.storage.search import searched_fields
from engine.storage.tables import Tables, linked_form
from engine.timing.planning import timed_rules
from engine.worktime import calendars_of

PREVIOUS = "previous"


@dataclass(frozen=True)
class Watched:
    """An expression of one field (or of a check) and what it reads."""

    compiled: Compiled
    needs: Needs


@dataclass(frozen=True)
class LinkPlan:
    """A link or links field: the form it points to and what its targets must fulfil."""

    field: Field
    target: str
    where: Compiled | None


@dataclass(frozen=True)
class MatchPlan:
    """A link that is found by what is in some ``fields`` of its target; ``make``: made where nothing matches."""

    target: str
    fields: Mapping[str, Watched]
    make: bool


@dataclass(frozen=True)
class LinesPlan:
    """A lines field and the plan of its line form. ``follow``: something in a line reads the record around it."""

    field: Field
    name: str
    plan: FormPlan
    least: int | None
    most: int | None
    follow: bool


@dataclass(frozen=True)
class TransitionPlan:
    """A transition with its guard compiled. ``asked`` are the fields it asks for."""

    transition: Transition
    guard: Compiled | None
    asked: frozenset[str]


@dataclass(frozen=True)
class FormPlan:
    """Everything the walk asks about a form."""

    form: Form
    table: sa.Table
    columns: frozenset[str]
    blank: dict[str, Any]  # every column but the computed ones, empty; to be copied
    fields: Mapping[str, Field]
    lines: Mapping[str, LinesPlan]
    many: tuple[str, ...]  # links fields, which have a table of their own
    links: Mapping[str, LinkPlan]
    matched: Mapping[str, MatchPlan]  # links that are found, not chosen
    line_links: Mapping[str, str]  # link fields any expression reads through, and their forms: read in one go for lines
    users: Mapping[str, frozenset[str]]  # user fields and the roles they admit; none: everybody
    files: tuple[str, ...]
    constants: Mapping[str, Any]
    defaults: Mapping[str, Compiled]
    series: tuple[SeriesField, ...]
    computed: Mapping[str, Watched]  # stored ones
    fed: frozenset[str]  # stored computed fields that read a rollup, which changes without a save
    required: tuple[str, ...]
    required_when: Mapping[str, Watched]
    visible_when: Mapping[str, tuple[Compiled, ...]]
    readonly_when: Mapping[str, Compiled]
    guarded: tuple[Field, ...]  # fields that are read-only, always or on a condition
    roles: tuple[Field, ...]  # fields that hold a role
    checks: tuple[tuple[Check, Watched], ...]
    unique: tuple[tuple[str, ...], ...]
    title: Watched | None
    sensitive: frozenset[str]
    searched: Mapping[str, str | None]  # fields in the search index; links with the form whose titles stand there
    transitions: Mapping[str, TransitionPlan]
    leaving: Mapping[str, tuple[TransitionPlan, ...]]  # by the state they leave
    owners: Mapping[str, Watched]  # states with an owner expression
    order: Mapping[str, int]  # states in the order of the main path
    promise: Promise | None  # what its time is held against; None where there are no steps
    times: Mapping[str, Times]  # the calendar each state is counted by
    deadlines: Mapping[str, Watched]  # states with a time to be done by
    planned: Mapping[str, str]  # states with a field that holds when they are planned to be left
    deadlines_fed: bool  # one of them reads a rollup, which changes without a save
    pausing: frozenset[str]  # aside states in which the time of the state before stands still

    @property
    def states(self) -> Mapping[str, State]:
        return self.form.workflow.states if self.form.workflow else {}


@dataclass(frozen=True)
class RulePlan:
    """A rule with its condition compiled; ``place`` is its place in the file."""

    rule: Rule
    when: Compiled | None
    place: int
    program: Program


class Plans:
    """The plans of one definition, each made when it is first asked for."""

    def __init__(self, definition: AppDefinition, registry: Registry, tables: Tables) -> None:
        self.definition = definition
        self.registry = registry
        self.tables = tables
        self.kept: dict[Any, Any] = {}  # what other rooms work out once per definition, under keys of their own
        self._forms: dict[str, FormPlan] = {}
        self.rule = _rule_plans(definition, registry)
        self._rules = _rules_by_kind(definition, self.rule)
        self.parking = frozenset(
            form for plan in self.rule.values() for _path, action, form in plan.rule.steps()
            if isinstance(action, Wait) and action.holds and form
        )  # fmt: skip
        self.approving = frozenset(
            form for plan in self.rule.values() for _path, action, form in plan.rule.steps()
            if isinstance(action, Approve) and form
        )  # fmt: skip
        self.awaited = frozenset(
            feed.form for feed in definition.feeds.values() if feed.ready is not None or not feed.creates
        )  # forms that arrivals may wait for
        self.timed = timed_rules(definition)
        self.times = calendars_of(definition)
        self.live_computed = {name: derived_needs(form, registry) for name, form in definition.forms.items()}

    def form(self, form: Form | str) -> FormPlan:
        """The plan of a form; raises Missing when there is no such form."""
        name = form if isinstance(form, str) else form.name
        found = self._forms.get(name)
        if found is None:
            if name not in self.definition.forms:
                raise Missing(message("There is no form {name}.", name=name))
            found = self._forms[name] = _plan(self, self.definition.forms[name])
        return found

    def rules(self, form: str, kinds: Iterable[str]) -> tuple[RulePlan, ...]:
        """The rules that changes of these kinds may wake, in the order of the file."""
        found = [self._rules[form, kind] for kind in kinds if (form, kind) in self._rules]
        if not found:
            return ()
        distinct = {plan.place: plan for plans in found for plan in plans}
        return tuple(distinct[place] for place in sorted(distinct))

    def compile(self, source: str) -> Compiled:
        return compile_expression(source, self.registry)


# --- making a plan ---------------------------------------------------------------------------------------------------


def _plan(plans: Plans, form: Form) -> FormPlan:
    table = plans.tables.form[form.name]
    fields = form.fields
    columns = frozenset(name for name in fields if name in table.c)
    watch = _Watcher(plans, form)
    computed = {
        name: watch(field.value)  # type: ignore[attr-defined]
        for name, field in fields.items()
        if field.type == "computed" and name in columns
    }
    rollups = frozenset(name for name, field in fields.items() if field.type == "rollup")
    own = {name: field for name, field in fields.items() if field.writable}
    return FormPlan(
        form=form,
        table=table,
        columns=columns,
        blank={column.name: _of_nothing(fields.get(column.name)) for column in table.c if column.name not in computed},
        fields=fields,
        lines={name: _lines(plans, field) for name, field in fields.items() if field.kind == "lines"},
        many=tuple(name for name, field in own.items() if (form.name, name) in plans.tables.link),
        links={name: _link(plans, field) for name, field in own.items() if field.kind in ("link", "links")},
        matched={
            name: MatchPlan(field.form, {key: watch(source) for key, source in field.match.items()}, field.make)
            for name, field in own.items()
            if isinstance(field, LinkField) and field.match
        },
        line_links={
            name: field.form
            for name, field in fields.items()
            if field.kind == "link" and name in columns and hasattr(field, "form") and form.parent_form
        },
        users={
            name: frozenset(getattr(field, "roles", ()) or ())
            for name, field in own.items()
            if field.kind in ("user", "users")
        },
        files=tuple(name for name, field in own.items() if field.kind == "files"),
        constants=_constants(own, plans.definition),
        defaults={
            name: plans.compile(field.default_expression) for name, field in own.items() if field.default_expression
        },
        series=tuple(field for field in fields.values() if isinstance(field, SeriesField)),
        computed=computed,
        fed=frozenset(name for name, watched in computed.items() if watched.needs.touched(rollups)),
        required=tuple(name for name, field in own.items() if field.required),
        required_when={name: watch(field.required_when) for name, field in own.items() if field.required_when},
        visible_when=_visible_when(plans, form),
        readonly_when={
            name: plans.compile(field.readonly_when) for name, field in own.items() if field.readonly_when
        },
        guarded=tuple(field for field in own.values() if field.readonly or field.readonly_when),
        roles=tuple(field for field in own.values() if field.type == "role"),
        checks=tuple((check, watch(check.that)) for check in form.checks),
        unique=_unique(form, columns),
        title=_title(form, watch),
        sensitive=frozenset(name for name, field in fields.items() if field.sensitive),
        searched={field.name: linked_form(field) for field in searched_fields(form)},
        **_workflow(plans, form, watch),
    )  # fmt: skip


def _of_nothing(field: Field | None) -> Any:
    """Sums and counts over nothing are 0, as the database works them out too; everything else is empty."""
    return field.of_nothing if isinstance(field, RollupField) else None


class _Watcher:
    def __init__(self, plans: Plans, form: Form) -> None:
        self.plans, self.form = plans, form

    def __call__(self, source: str) -> Watched:
        compiled = self.plans.compile(source)
        return Watched(compiled, needs_of(compiled, self.plans.live_computed[self.form.name]))


def _constants(fields: Mapping[str, Field], definition: AppDefinition) -> dict[str, Any]:
    reader = Reader(definition.languages[0], definition.timezone, definition.currency)
    given = {name: field for name, field in fields.items() if field.default is not None and field.kind != "lines"}
    return {name: field.parse(field.default, reader) for name, field in given.items()}


def _lines(plans: Plans, field: Any) -> LinesPlan:
    plan = plans.form(field.form)
    found = (watched for match in plan.matched.values() for watched in match.fields.values())
    reads_parent = any("parent" in watched.needs.fields for watched in (*plan.computed.values(), *found))
    return LinesPlan(field, field.name, plan, getattr(field, "min", None), getattr(field, "max", None), reads_parent)


def _link(plans: Plans, field: Any) -> LinkPlan:
    where: Expression | None = getattr(field, "where", None)
    return LinkPlan(field, field.form, plans.compile(where) if where else None)


def _visible_when(plans: Plans, form: Form) -> dict[str, tuple[Compiled, ...]]:
    """A field is hidden by itself, or by its section when it stands in one only."""
    found: dict[str, list[str]] = {}
    places = [name for section in form.sections for name in section.fields]
    for section in form.sections:
        if section.visible_when:
            for name in section.fields:
                if places.count(name) == 1:
                    found.setdefault(name, []).append(section.visible_when)
    for field in form.fields.values():
        if field.visible_when:
            found.setdefault(field.name, []).append(field.visible_when)
    return {name: tuple(plans.compile(source) for source in found[name]) for name in form.fields if name in found}


def _unique(form: Form, columns: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    singles = ((name,) for name, field in form.fields.items() if field.unique and name in columns)
    return (*singles, *(tuple(group) for group in form.unique))


def _title(form: Form, watch: _Watcher) -> Watched | None:
    if form.title:
        return watch(form.title)
    first = next((name for name, field in form.fields.items() if field.type in ("text", "series")), None)
    return watch(f"record.{first}") if first else None


_OF_STATES = ("transitions", "leaving", "owners", "order", "times", "deadlines", "planned")


def _workflow(plans: Plans, form: Form, watch: _Watcher) -> dict[str, Any]:
    workflow = form.workflow
    if workflow is None:
        nothing: dict[str, Any] = {"deadlines_fed": False, "pausing": frozenset(), "promise": None}
        return {**nothing, **{name: {} for name in _OF_STATES}}
    deadlines = {name: watch(state.due_by) for name, state in workflow.states.items() if state.due_by}
    rollups = frozenset(name for name, field in form.fields.items() if field.type == "rollup")
    transitions = {
        name: TransitionPlan(
            transition,
            plans.compile(transition.when) if transition.when else None,
            frozenset(transition.ask),
        )
        for name, transition in workflow.transitions.items()
    }
    return {
        "transitions": transitions,
        "promise": Promise(workflow.promised, workflow.slack, plans.times.of(None)),
        "leaving": {
            state: tuple(plan for plan in transitions.values() if state in plan.transition.from_)
            for state in workflow.states
        },
        "owners": {
            name: watch(state.owner_expression) for name, state in workflow.states.items() if state.owner_expression
        },
        "order": {name: place for place, name in enumerate(workflow.states)},
        "times": {name: plans.times.of(state.calendar) for name, state in workflow.states.items()},
        "deadlines": deadlines,
        "planned": {name: state.planned for name, state in workflow.states.items() if state.planned},
        "deadlines_fed": any(watched.needs.touched(rollups) for watched in deadlines.values())
        or any(state.planned in rollups for state in workflow.states.values()),
        "pausing": frozenset(name for name, state in workflow.states.items() if state.pauses),
    }


def _rule_plans(definition: AppDefinition, registry: Registry) -> dict[str, RulePlan]:
    """Every rule by its stable id, those that are switched off too: what began with them is finished."""
    return {
        rule.stable_id: RulePlan(
            rule, compile_expression(rule.when, registry) if rule.when else None, place, program_of(rule.actions)
        )
        for place, rule in enumerate(definition.rules.values())
    }


def _rules_by_kind(
    definition: AppDefinition, by_id: Mapping[str, RulePlan]
) -> dict[tuple[str, str], tuple[RulePlan, ...]]:
    found: dict[tuple[str, str], list[RulePlan]] = {}
    for rule in definition.rules.values():
        if not rule.enabled:
            continue
        for kind in rule.trigger.wakes_on if rule.form else ():
            found.setdefault((str(rule.form), kind), []).append(by_id[rule.stable_id])
    return {key: tuple(plans) for key, plans in found.items()}
