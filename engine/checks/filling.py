"""Whether what must be filled can be filled: by whom, on which screen, in which state, before it is needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.actions import Action, CreateRecord, SetValues, UpdateMatching
from engine.checks.chance import Chance, all_of, any_of, condition_holds, holds, opposite
from engine.checks.names import linked_form
from engine.checks.review import Review
from engine.checks.workflows import backwards, reached, steps
from engine.definition import Form, Grant, State, Transition, Workflow
from engine.errands import Print
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.fields.base import Field
from engine.fields.relations import LinkField
from engine.language import Condition
from engine.yamlfile import Path


def check_filling(review: Review) -> None:
    for form in review.forms:
        Filling(review, form).check()


class Filling:
    """What one form asks to be filled."""

    def __init__(self, review: Review, form: Form) -> None:
        self.review = review
        self.form = form
        self.path: Path = ("forms", form.name)
        # People act on lines through the parent; a line form's own permissions only tell fields apart.
        self.actor_form = review.form(form.parent_form) or form
        sections = [section for section in form.sections if holds(section.visible_when, None) is not False]
        self.shown = frozenset(name for section in sections for name in section.fields)
        self.set_by_rules = frozenset(self._set_by_rules())

    def check(self) -> None:
        self._required()
        if self.form.workflow:
            before = backwards(steps(self.form.workflow))
            for state in self.form.workflow.states.values():
                self._deliverables(self.form.workflow, state, reached([state.name], before))
            for transition in self.form.workflow.transitions.values():
                self._asked(self.form.workflow, transition)
                self._guard(self.form.workflow, transition, reached(transition.from_, before))

    # --- required fields

    def _required(self) -> None:
        creators = self._creators()
        if not creators and not self._is_created_by_rules() and self.form.permissions and not self.form.parent_form:
            said = message("Only administrators can create records of '{form}'.", form=self.form.name)
            self.review.warning((*self.path, "permissions"), said, at_key=True)
        if not creators:
            return
        for field in self.form.fields.values():
            if field.required and field.writable and not self._is_given(field):
                self._creatable(field, creators)

    def _creators(self) -> list[str]:
        grants = self.actor_form.permissions.items()
        return [role for role, grant in grants if grant.create != Condition.NEVER]

    def _is_given(self, field: Field) -> bool:
        return field.default is not None or field.default_expression is not None

    def _creatable(self, field: Field, creators: list[str]) -> None:
        path = (*self.path, "fields", field.name)
        if reason := self._out_of_sight(field):
            said = message("'{field}' is required, but {reason}.", field=field.name, reason=reason)
            self.review.error(path, said, at_key=True)
            return
        grants = (self.form.permissions.get(role) for role in creators)  # type: ignore[call-overload]
        if all(grant is not None and _denied(grant, field.name) for grant in grants):
            said = message(
                "'{field}' is required, but no role that may create the record may write it.", field=field.name
            )
            self.review.error(path, said, at_key=True)

    # --- deliverables, questions, guards

    def _deliverables(self, workflow: Workflow, state: State, before: Iterable[str]) -> None:
        for index, name in enumerate(state.leave_with):
            path = (*self.path, "workflow", "states", state.name, "leave_with", index)
            self._needed(workflow, name, before, path, message("The state '{state}'", state=state.name))

    def _asked(self, workflow: Workflow, transition: Transition) -> None:
        for index, name in enumerate(transition.ask):
            field = self.form.fields.get(name)
            if field is None:
                continue
            path = (*self.path, "workflow", "transitions", transition.name, "ask", index)
            if not field.writable:
                self.review.error(path, message("'{field}' is worked out, so nobody can be asked for it.", field=name))
            elif field.readonly:
                self.review.error(path, message("'{field}' is read-only, so nobody can be asked for it.", field=name))
            elif self._hidden(field, [workflow.states.get(start) for start in transition.from_]):
                said = message("'{field}' is hidden in every state this transition leaves.", field=name)
                self.review.error(path, said)

    def _guard(self, workflow: Workflow, transition: Transition, before: Iterable[str]) -> None:
        path = (*self.path, "workflow", "transitions", transition.name, "when")
        for name in _own_fields(transition.when, self.review):
            if name not in transition.ask and name in self.form.fields:
                self._needed(workflow, name, before, path, message("The guard"))

    def _needed(self, workflow: Workflow, name: str, before: Iterable[str], path: Path, what: Message) -> None:
        field = self.form.fields.get(name)
        if field is None or not field.writable or self._is_given(field) or name in self.set_by_rules:
            return
        states = [workflow.states[state] for state in before if state in workflow.states]
        if any(name in ask for ask in self._asks_before(workflow, states)):
            return
        if reason := self._out_of_sight(field) or self._never(field, states):
            self.review.error(
                path, message("{what} needs '{field}', but {reason}.", what=what, field=name, reason=reason)
            )
        elif self._fillable(field, states) is None and self._permits(field, states) is None:
            said = message(
                "Not analysed: whether someone can fill '{field}' before, because that depends on the record.",
                field=name,
            )
            self.review.note(path, said)

    def _asks_before(self, workflow: Workflow, states: list[State]) -> Iterator[Iterable[str]]:
        names = {state.name for state in states}
        return (transition.ask for transition in workflow.transitions.values() if names & set(transition.from_))

    def _never(self, field: Field, states: list[State]) -> Message | None:
        if self._hidden(field, states):
            return message("it is hidden in every state before")
        if all(holds(field.readonly_when, state) is True for state in states):
            return message("it is read-only in every state before")
        if self._permits(field, states) is False:
            return message("no role may change it in any state before")
        return (
            message("it is never shown and writable in the same state before") if self._blocked(field, states) else None
        )

    def _blocked(self, field: Field, states: list[State]) -> bool:
        return self._fillable(field, states) is False

    def _fillable(self, field: Field, states: list[State]) -> Chance:
        return any_of(self._fillable_in(field, state) for state in states)

    def _fillable_in(self, field: Field, state: State) -> Chance:
        fixed = holds(field.readonly_when, state) if field.readonly_when else False
        return all_of([self._visible(field, state), opposite(fixed), self._permitted(field, state)])

    def _visible(self, field: Field, state: State | None) -> Chance:
        sections = [section for section in self.form.sections if field.name in section.fields]
        return all_of(
            [
                True if field.visible_when is None else holds(field.visible_when, state),
                any_of(section.visible_when is None or holds(section.visible_when, state) for section in sections),
            ]
        )

    def _permits(self, field: Field, states: list[State]) -> Chance:
        return any_of(self._permitted(field, state) for state in states)

    def _permitted(self, field: Field, state: State) -> Chance:
        assert self.form.workflow is not None  # asked for its states
        if not self.form.permissions:
            return True  # administrators, or whoever may write the record these are lines of
        starts = state.name == self.form.workflow.initial
        return any_of(_may_write(grant, field.name, state, starts) for grant in self.form.permissions.values())

    # --- shared

    def _out_of_sight(self, field: Field) -> Message | None:
        if getattr(field, "match", None):
            return None  # it fills itself
        if field.readonly:
            return message("it is read-only")
        if field.name not in self.shown:
            return message("it stands in no section")
        if holds(field.visible_when, None) is False:
            return message("it is never shown")
        if holds(field.readonly_when, None) is True:
            return message("it is always read-only")
        return None

    def _hidden(self, field: Field, states: Iterable[State | None]) -> bool:
        return all(self._visible(field, state) is False for state in states)

    def _set_by_rules(self) -> Iterator[str]:
        for rule in self.review.rules:
            for _path, action, form in rule.steps():
                if isinstance(action, SetValues):
                    yield from action.values if form == self.form.name else ()
                elif isinstance(action, Print):
                    yield from (action.into,) if form == self.form.name else ()
                elif isinstance(action, UpdateMatching | CreateRecord):
                    yield from action.values if action.form == self.form.name else ()
                if isinstance(action, CreateRecord):
                    yield from self._copied(action)

        for feed in self.review.definition.feeds.values():
            yield from (*feed.match, *feed.values) if feed.form == self.form.name else ()

    def _copied(self, action: CreateRecord) -> Iterator[str]:
        made = self.review.form(action.form)
        for name, copy in action.lines.items():
            if made and linked_form(self.review, made.fields.get(name)) is self.form:
                yield from copy.values

    def _is_created_by_rules(self) -> bool:
        actions = (action for rule in self.review.rules for _path, action, _form in rule.steps())
        return (
            any(self._makes(action) for action in actions)
            or self._is_made_by_links()
            or any(feed.form == self.form.name and feed.creates for feed in self.review.definition.feeds.values())
        )

    def _makes(self, action: Action) -> bool:
        own = isinstance(action, CreateRecord) and action.form == self.form.name
        return own or self.form.name in action.makes

    def _is_made_by_links(self) -> bool:
        """Whether some link makes records of this form where none matches."""
        links = (field for form in self.review.forms for field in form.fields.values() if isinstance(field, LinkField))
        return any(link.make and link.form == self.form.name for link in links)


def _denied(grant: Grant, field: str) -> bool:
    own = grant.fields.get(field)  # type: ignore[call-overload]
    return own is not None and own.update == Condition.NEVER


def _may_write(grant: Grant, name: str, state: State, starts: bool) -> Chance:
    """Whether a role may change a field in a state: by changing the record, or when the record starts there."""
    own = grant.fields.get(name)  # type: ignore[call-overload]
    if own is not None and own.update is not None:
        return condition_holds(own.update, state)
    creating = condition_holds(grant.create, state) if starts else False
    return any_of([condition_holds(grant.update, state), creating])


def _own_fields(source: str | None, review: Review) -> list[str]:
    if source is None:
        return []
    try:
        paths = compile_expression(source, review.registry).paths
    except ExpressionRefused:
        return []  # reported with all expressions
    return list(dict.fromkeys(path[1] for path in paths if path[0] == "record" and len(path) > 1))
