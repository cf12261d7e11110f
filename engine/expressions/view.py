"""What `record` and `user` are inside an expression: read-only windows on plain rows, never Python objects.

A link is a View of the record it names, loaded when something of it is read; lines and links are tuples of Views. A
moment is seen in the reader's time zone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from engine.calendars import Weekdays
from engine.errors import message
from engine.expressions.errors import EvaluationFailed
from engine.expressions.guards import word_for
from engine.language import SYSTEM_MOMENTS

Row = Mapping[str, Any]
_ABSENT = object()

USER_ATTRIBUTES = ("id", "name", "login", "roles", "groups", "stands_for")
STATE_ATTRIBUTES = ("final", "aside", "label")
_USER_COLUMNS = frozenset({"owner", "created_by", "updated_by"})
_PLAIN_COLUMNS = frozenset({"id", "version", "owner_role"})


class Loader(Protocol):
    """Where Views get what their row does not hold. Answers should be kept for the length of one walk.

    ``names``: what computed fields may read beside `record`: `today`, `now`, `reader` (see `names_for`).
    """

    @property
    def definition(self) -> Any: ...
    @property
    def registry(self) -> Any: ...
    @property
    def names(self) -> Mapping[str, Any]: ...

    def load(self, form: str, id: int) -> Row | None: ...
    def lines(self, form: str, parent_id: int) -> Sequence[Row]:
        """The rows of the line form ``form`` under ``parent_id``, in order."""

    def linked(self, form: str, field: str, id: int) -> Sequence[Row]:
        """The rows the links field of the record points to, in order."""

    def user(self, id: int) -> Row | None:
        """Keys id, name, login, roles, groups."""

    def rollup(self, form: str, field: str, id: int) -> Any:
        """The figure of a rollup that the record's row does not hold."""


class StateText(str):
    """The state of a record: a text that also knows what the workflow says of it."""

    __slots__ = ("aside", "final", "label", "state")

    def __new__(cls, name: str, state: Any, language: str) -> StateText:
        text = super().__new__(cls, name)
        text.final = bool(state and state.final)
        text.aside = bool(state and state.aside)
        text.label = state.label.text(language) if state else name
        text.state = state
        return text

    final: bool
    aside: bool
    label: str
    state: Any  # of the workflow; None once the state is gone from it

    def label_in(self, language: str) -> str:
        return self.state.label.text(language) if self.state else str(self)


class UserView:
    """A person: id, name, login, roles, groups. Equal to its id."""

    __slots__ = ("_loader", "_row", "id")

    def __init__(self, id: int | None, loader: Loader | None = None, row: Row | None = None) -> None:
        self.id = id
        self._loader = loader
        self._row = row

    @classmethod
    def of(cls, actor: Any) -> UserView:
        """The window on anything that has these attributes, such as the actor of a walk."""
        return cls(actor.id, None, {name: getattr(actor, name) for name in USER_ATTRIBUTES})

    def read(self, name: str) -> Any:
        if name == "id":
            return self.id
        if name not in USER_ATTRIBUTES:
            raise EvaluationFailed(message("A user has no {name}", name=name))
        if self._row is None and self._loader is not None and self.id is not None:
            self._row = self._loader.user(self.id)
        return self._row.get(name) if self._row else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, UserView):
            return self.id is not None and self.id == other.id
        return type(other) is int and self.id == other

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<user {self.id}>"


class View:
    """A record: its fields, its system fields, and through links those of others. Equal to its id."""

    __slots__ = ("_cache", "_row", "form", "id", "loader")

    def __init__(self, form: Any, row: Row | None, loader: Loader, id: int | None = None) -> None:
        self.form = form
        self.loader = loader
        self.id: int | None = id if row is None else row.get("id")
        self._row = row
        self._cache: dict[str, Any] = {}

    @property
    def row(self) -> Row:
        """The stored row; empty when the record no longer exists."""
        if self._row is None:
            self._row = (self.loader.load(self.form.name, self.id) if self.id is not None else None) or {}
        return self._row

    def read(self, name: str) -> Any:
        """The value of a field or system field; raises EvaluationFailed for any other name."""
        value = self._cache.get(name, _ABSENT)
        if value is _ABSENT:
            self._cache[name] = _WORKING
            try:
                value = self._read(name)
            except BaseException:
                del self._cache[name]
                raise
            self._cache[name] = value
        if value is _WORKING:
            raise EvaluationFailed(message("{name} is worked out from itself", name=name))
        return value

    def _read(self, name: str) -> Any:
        field = self.form.fields.get(name)
        if field is None:
            return self._system(name)
        if field.kind in _BY_KIND:
            return _BY_KIND[field.kind](self, field)
        value = self.row.get(name, _ABSENT)
        if value is _ABSENT:
            derive = _BY_TYPE.get(field.type)
            return derive(self, field) if derive else None
        if field.parts and value is not None:
            return Group(value, field.parts)
        return self.local(value) if type(value) is dt.datetime else value

    def _system(self, name: str) -> Any:
        if name == "id":
            return self.id
        if name == "state" and self.form.workflow is not None:
            return self._state()
        if name in _USER_COLUMNS:
            return self.user(self.row.get(name))
        if name in SYSTEM_MOMENTS:
            return self.local(self.row.get(name))
        if name in _PLAIN_COLUMNS:
            return self.row.get(name)
        if name == "parent" and self.form.parent_form:
            return self.linked(self.form.parent_form, self.row.get("_parent"))
        raise EvaluationFailed(message("{form} has no field {name}", form=self.form.name, name=name))

    def _state(self) -> StateText | None:
        name = self.row.get("state")
        if name is None:
            return None
        return StateText(name, self.form.workflow.states.get(name), self.loader.names["reader"].language)

    def local(self, moment: dt.datetime | None) -> dt.datetime | None:
        return None if moment is None else moment.astimezone(self.loader.names["reader"].zone)

    def user(self, id: int | None) -> UserView | None:
        return None if id is None else UserView(id, self.loader)

    def linked(self, form: str, id: int | None) -> View | None:
        return None if id is None else View(self.loader.definition.forms[form], None, self.loader, id)

    def views(self, form: str, rows: Sequence[Row]) -> tuple[View, ...]:
        target = self.loader.definition.forms[form]
        return tuple(View(target, row, self.loader) for row in rows)

    @property
    def title(self) -> str | None:
        return self.row.get("_title")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, View):
            return self is other or (self.id is not None and self.id == other.id and self.form.name == other.form.name)
        return type(other) is int and self.id == other

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"<{self.form.name} {self.id}>"


_WORKING = object()


# --- fields that are more than the value in the row ------------------------------------------------------------------


def _value(view: View, field: Any) -> Any:
    """The row's value; a derived field the row does not hold is worked out."""
    value = view.row.get(field.name, _ABSENT)
    if value is not _ABSENT:
        return value
    derive = _BY_TYPE.get(field.type)
    return plain(derive(view, field)) if derive else None


def _link(view: View, field: Any) -> View | None:
    return view.linked(target_of(view.form, field, view.loader.definition), _value(view, field))


def _user(view: View, field: Any) -> UserView | None:
    return view.user(_value(view, field))


def _users(view: View, field: Any) -> tuple[UserView, ...]:
    return tuple(UserView(id, view.loader) for id in _value(view, field) or ())


def _links(view: View, field: Any) -> tuple[View, ...]:
    target = target_of(view.form, field, view.loader.definition)
    ids = _value(view, field)
    if ids is not None:
        form = view.loader.definition.forms[target]
        return tuple(View(form, None, view.loader, id) for id in ids)
    return () if view.id is None else view.views(target, view.loader.linked(view.form.name, field.name, view.id))


def _lines(view: View, field: Any) -> tuple[View, ...]:
    rows = view.row.get(field.name)
    if rows is None:
        rows = () if view.id is None else view.loader.lines(field.form, view.id)
    return view.views(field.form, rows)


def _computed(view: View, field: Any) -> Any:
    from engine.expressions.compile import compile_expression

    value = compile_expression(field.value, view.loader.registry).run({**view.loader.names, "record": view})
    return field.settled(value)


def _lookup(view: View, field: Any) -> Any:
    linked = view.read(field.via)
    return None if linked is None else linked.read(field.field)


def _rollup(view: View, field: Any) -> Any:
    return None if view.id is None else view.loader.rollup(view.form.name, field.name, view.id)


_BY_KIND: Mapping[str, Callable[[View, Any], Any]] = {
    "link": _link,
    "links": _links,
    "lines": _lines,
    "user": _user,
    "users": _users,
}
_BY_TYPE: Mapping[str, Callable[[View, Any], Any]] = {"computed": _computed, "lookup": _lookup, "rollup": _rollup}


def target_of(form: Any, field: Any, definition: Any) -> str:
    """The form a link, links or lines field points to; a derived field points where the field it shows points."""
    if field.type == "lookup":
        via = definition.forms[target_of(form, form.fields[field.via], definition)]
        return target_of(via, via.fields[field.field], definition)
    name: str = getattr(field, "like", field).form
    return name


# --- attributes ------------------------------------------------------------------------------------------------------


def _state_attribute(state: StateText, name: str) -> Any:
    if name not in STATE_ATTRIBUTES:
        raise EvaluationFailed(message("A state has no {name}", name=name))
    return getattr(state, name)


DATE_ATTRIBUTES = ("year", "month", "day", "weekday")
TIME_ATTRIBUTES = ("hour", "minute")


def _date_attribute(value: dt.date, name: str) -> int:
    if name not in DATE_ATTRIBUTES:
        raise EvaluationFailed(message("A date has no {name}", name=name))
    return value.isoweekday() if name == "weekday" else getattr(value, name)


def _time_attribute(value: dt.time, name: str) -> int:
    if name not in TIME_ATTRIBUTES:
        raise EvaluationFailed(message("A time has no {name}", name=name))
    found: int = getattr(value, name)
    return found


def _moment_attribute(value: dt.datetime, name: str) -> int:
    return _time_attribute(value.time(), name) if name in TIME_ATTRIBUTES else _date_attribute(value, name)


class Group(dict[str, Any]):
    """A value of named parts, such as an address, that knows which there can be."""

    def __init__(self, values: Mapping[str, Any], parts: tuple[str, ...]) -> None:
        super().__init__(values)
        self.parts = parts


def _part(value: Group, name: str) -> Any:
    if name not in value.parts:
        raise EvaluationFailed(
            message("There is no {name} in it; there are {parts}", name=name, parts=", ".join(value.parts))
        )
    return value.get(name)


def _key(value: dict[str, Any], name: str) -> Any:
    return value.get(name)


_READERS: Mapping[type, Callable[[Any, str], Any]] = {
    View: View.read,
    UserView: UserView.read,
    StateText: _state_attribute,
    dt.date: _date_attribute,
    dt.time: _time_attribute,
    dt.datetime: _moment_attribute,
    Group: _part,
    dict: _key,
}


def attribute(thing: Any, name: str) -> Any:
    """What `thing.name` is: never a Python attribute. Of nothing: nothing."""
    if thing is None:
        return None
    reader = _READERS.get(type(thing))
    if reader is None:
        raise EvaluationFailed(message("{thing} has no {name}", thing=word_for(thing), name=name))
    return reader(thing, name)


def plain(value: Any) -> Any:
    """A result as it is stored and passed on: ids for records and users, UTC for moments."""
    kind = type(value)
    if kind is View or kind is UserView:
        return value.id
    if kind is StateText:
        return str(value)
    if kind is Group:
        return dict(value)
    if kind is dt.datetime:
        return value.astimezone(dt.UTC)
    if kind is tuple or kind is list:
        return tuple(plain(item) for item in value)
    return value


def names_for(now: dt.datetime, reader: Any, user: Any = None, **more: Any) -> dict[str, Any]:
    """The names every expression may read: `today` and `now` as the reader's clock shows them, `user`, and ``more``.

    ``now`` is aware; ``user`` an Actor or anything with id, name, login, roles, groups; ``more`` Views such as record,
    and ``times``, the calendar that working days and hours are counted by.
    """
    local = now.astimezone(reader.zone)
    names = {"now": local, "today": local.date(), "reader": reader, **more}
    if "times" not in more:
        names["times"] = Weekdays(reader.zone)
    if user is not None:
        names["user"] = user if isinstance(user, UserView) else UserView.of(user)
    return names
