"""Whole applications out of a few lines of YAML: given this, when a person does that, then these records."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest
import sqlalchemy as sa
import templates
from fake_clock import FakeClock
from reading import loaded, registry_of

from engine import service
from engine.application import Application, start
from engine.errors import AppmillError
from engine.jobs import delivering
from engine.jobs.claiming import Outcome
from engine.jobs.desk import Desk
from engine.load import Loaded
from engine.outside.task import Performer, Surroundings, Task
from engine.people import Actor, load_actor
from engine.registry import Registry
from engine.sight import Sight
from engine.storage import events, records
from engine.storage.database import Database
from engine.storage.events import Event
from engine.storage.files import FileStore
from engine.walking import Saved
from engine.workflow import Door, doors

__all__ = ["Made", "Recorder", "make", "make_app", "reasons", "with_performer"]

MakeApp = Callable[..., "Made"]


class Recorder:
    """Takes the place of everything outside: keeps every task, and answers what it is told to, or raises it."""

    def __init__(self, answer: Callable[[Task], Any] = lambda _task: {}) -> None:
        self.tasks: list[Task] = []
        self.answer = answer

    def __call__(self, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        surroundings.about_to_send()
        self.tasks.append(task)
        answered = self.answer(task)
        if isinstance(answered, BaseException):
            raise answered
        return answered


def with_performer(app: Application, performer: Performer | None) -> Application:
    """The same application, whose performers all are this one."""
    if performer is None:
        return app
    kinds = {*app.registry.performers, "mail", "http", "call"}
    other = copy.copy(app)
    object.__setattr__(other, "registry", replace(app.registry, performers=dict.fromkeys(kinds, performer)))
    return other


class Made:
    """A running application, with people who have roles and a clock that is moved by hand."""

    def __init__(self, application: Application, clock: FakeClock) -> None:
        self.application = application
        self.clock = clock
        self._people: dict[str, int] = {}

    # --- people

    def person(self, login: str, *roles: str, name: str | None = None) -> int:
        """A person with these roles, made now; answers the id. No password: nobody signs in here."""
        tables = self.application.tables
        with self.application.database.write() as conn:
            made = conn.execute(
                sa.insert(tables.user).values(login=login, name=name or login.title(), created_at=self.clock())
            )
            id = int(made.inserted_primary_key[0])
            for role in roles:
                conn.execute(sa.insert(tables.user_role).values(user_id=id, role=role))
        self._people[login] = id
        return id

    def id_of(self, login: str) -> int:
        return self._people[login]

    def actor(self, login: str, **changes: Any) -> Actor:
        """The person as an actor, with their roles as they are now; ``changes`` such as ``scopes``."""
        with self.application.database.read() as conn:
            found = load_actor(conn, self.application.tables, self._people[login])
        return replace(found, language="en", **changes)

    def redefine(self, source: str | Path, *, rules: str = "") -> None:
        """The same database under a new definition, as an administrator applies it."""
        app = self.application
        loaded = _read(source, rules, app.registry)
        self.application = start(loaded, app.database, registry=app.registry, files=app.files, clock=self.clock)

    # --- the doors; ``as_`` is a login or an Actor

    def _who(self, who: str | Actor) -> Actor:
        return who if isinstance(who, Actor) else self.actor(who)

    def create(self, form: str, *, as_: str | Actor = "admin", **values: Any) -> Saved:
        return service.save(self.application, self._who(as_), form, values)

    def update(
        self, form: str, record: Saved | int, *, as_: str | Actor = "admin", version: int | None = None, **values: Any
    ) -> Saved:
        return service.save(self.application, self._who(as_), form, values, id=_id(record), version=version)

    def take(
        self,
        form: str,
        record: Saved | int,
        transition: str,
        *,
        as_: str | Actor = "admin",
        version: int | None = None,
        reason: str | None = None,
        **values: Any,
    ) -> Saved:
        return service.take(
            self.application, self._who(as_), form, _id(record), transition, version=version, values=values,
            reason=reason,
        )  # fmt: skip

    def delete(self, form: str, record: Saved | int, *, as_: str | Actor = "admin") -> Saved:
        return service.delete(self.application, self._who(as_), form, _id(record))

    def restore(self, form: str, record: Saved | int, *, as_: str | Actor = "admin") -> Saved:
        return service.restore(self.application, self._who(as_), form, _id(record))

    def press(self, form: str, record: Saved | int, rule: str, *, as_: str | Actor = "admin") -> Saved:
        return service.press(self.application, self._who(as_), form, _id(record), rule)

    def adopt(
        self, form: str, *, as_: str | Actor = "admin", state: str | None = None, history: Any = (), **values: Any
    ) -> Saved:
        return service.adopt(self.application, self._who(as_), form, values, state=state, history=history)

    # --- what rules left to be done

    def deliver(self, outside: Performer | None = None, *, desk: Desk | None = None) -> list[Outcome]:
        """Deliver everything that is due by the clock, and what follows from it, one after the other.

        ``outside``: called in the place of every performer, such as a ``Recorder``.
        """
        app, desk, outcomes = with_performer(self.application, outside), desk or Desk(), list[Outcome]()
        while ids := self._due():
            tried = (delivering.deliver(app, id, desk) for id in ids)
            moved = [each for each in tried if each.state not in ("gone", "not_now")]
            outcomes += moved
            if not moved:
                break
        return outcomes

    def _due(self) -> list[int]:
        table = self.application.tables.message
        due = (table.c.state.in_(("waiting", "parked")), table.c.due_at <= self.clock())
        with self.application.database.read() as conn:
            return list(conn.scalars(sa.select(table.c.id).where(*due).order_by(table.c.due_at, table.c.id)))

    def ledger(self, name: str) -> list[dict[str, Any]]:
        """The rows of ``run``, ``message``, ``rule_state`` or ``connection``, in order."""
        table = self.application.tables.system[name]
        with self.application.database.read() as conn:
            return [dict(row) for row in conn.execute(sa.select(table).order_by(*table.primary_key)).mappings()]

    # --- what is there afterwards

    def get(self, form: str, record: Saved | int) -> dict[str, Any]:
        """The stored row, deleted or not."""
        with self.application.database.read() as conn:
            found = records.get(conn, self.application.tables, form, _id(record))
        assert found is not None, f"there is no {form} {_id(record)}"
        return found

    def lines(self, form: str, record: Saved | int) -> list[dict[str, Any]]:
        """The rows of the line form ``form`` under a record, in order."""
        with self.application.database.read() as conn:
            return records.lines_of(conn, self.application.tables, form, [_id(record)])[_id(record)]

    def count(self, form: str) -> int:
        """How many records there are that are not deleted."""
        table = self.application.tables.form[form]
        with self.application.database.read() as conn:
            found = conn.execute(sa.select(sa.func.count()).where(table.c.deleted_at.is_(None))).scalar()
        return int(found or 0)

    def events(self, form: str, record: Saved | int) -> list[Event]:
        """The events of a record, oldest first."""
        with self.application.database.read() as conn:
            found = events.of_record(conn, self.application.tables, form, _id(record), limit=1000)
        return found[::-1]

    def stays(self, form: str, record: Saved | int) -> list[Mapping[str, Any]]:
        """The visits of a record to states, in order."""
        table = self.application.tables.stay
        query = sa.select(table).where(table.c.form == form, table.c.record_id == _id(record)).order_by(table.c.id)
        with self.application.database.read() as conn:
            return [dict(row) for row in conn.execute(query).mappings()]

    def messages(self) -> list[tuple[str, str]]:
        """(login, English text) of every notification, oldest first."""
        tables = self.application.tables
        table, user = tables.notification, tables.user
        query = sa.select(user.c.login, table.c.message).join(user, user.c.id == table.c.user_id).order_by(table.c.id)
        with self.application.database.read() as conn:
            return [(login, _english(text)) for login, text in conn.execute(query)]

    def doors(self, form: str, record: Saved | int, *, as_: str | Actor = "admin") -> dict[str, Door]:
        """The transitions out of the record's state, by name."""
        actor = self._who(as_)
        with self.application.database.read() as conn:
            sight = Sight(self.application, conn, actor)
            row = sight.load(form, _id(record))
            assert row is not None, f"there is no {form} {_id(record)}"
            view = sight.view(self.application.definition.forms[form], row)
            return {door.transition.name: door for door in doors(self.application, actor, form, view)}


def _id(record: Saved | int) -> int:
    return record if isinstance(record, int) else record.id


def _english(texts: Mapping[str, str]) -> str:
    return texts.get("en") or texts.get("") or next(iter(texts.values()))


def reasons(error: AppmillError | pytest.ExceptionInfo[Any]) -> list[str]:
    """What was said, with the place in front: ``due_on: Due on is required.``"""
    raised = error.value if isinstance(error, pytest.ExceptionInfo) else error
    if not raised.problems:
        return [str(raised.reason)]
    return [f"{one.where}: {one.message}" if one.where else str(one.message) for one in raised.problems]


def _definition_text(source: str | Path, rules: str) -> str:
    text = source.read_text() if isinstance(source, Path) else dedent(source)
    if not rules:
        return text
    block = indent(dedent(rules).strip("\n"), "  ")
    if "\nrules:\n" in text:
        return text.replace("\nrules:\n", f"\nrules:\n{block}\n", 1)
    return f"{text.rstrip()}\nrules:\n{block}\n"


def _read(source: str | Path, rules: str, registry: Registry) -> Loaded:
    return loaded(source if isinstance(source, Path) and not rules else _definition_text(source, rules), registry)


def make(
    source: str | Path, url: str, folder: Path, clock: FakeClock, rules: str = "",
    people: Mapping[str, Any] | None = None, registry: Registry | None = None,
) -> Made:  # fmt: skip
    """An application on the database of this URL; the caller closes it."""
    types = registry or registry_of()
    read = _read(source, rules, types)

    def begin(url: str) -> Application:
        database = Database(url, synchronous="NORMAL")
        return start(read, database, registry=types, files=FileStore(folder / "files"), clock=clock)

    key = (read.definition.hash, clock.now, *sorted(types.fields))
    templates.prepare(url, key, lambda url: begin(url).database.close())
    made = Made(begin(url), clock)
    made.person("admin", "admin", name="Admin")
    everyone = (
        people if people is not None else {login: user.roles for login, user in read.definition.demo_users.items()}
    )
    for login, roles in everyone.items():
        user = read.definition.demo_users.get(login)
        made.person(login, *([roles] if isinstance(roles, str) else roles), name=user.name if user else None)
    return made


@pytest.fixture
def make_app(database_url: str, tmp_path: Path, clock: FakeClock) -> Iterator[MakeApp]:
    """``make_app(yaml text or path, rules="more rules", people={"li": "sales"})`` → Made, on SQLite and PostgreSQL.

    Beside ``people`` (default: the definition's demo users, without passwords) there always is ``admin``.
    """
    made: list[Made] = []

    def made_here(
        source: str | Path,
        *,
        rules: str = "",
        people: Mapping[str, Any] | None = None,
        registry: Registry | None = None,
        now: dt.datetime | None = None,
    ) -> Made:
        if now is not None:
            clock.now = now
        made.append(make(source, database_url, tmp_path, clock, rules, people, registry))
        return made[-1]

    yield made_here
    for one in made:
        one.application.database.close()
