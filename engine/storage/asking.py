"""What is asked about the data while a migration is planned, and what the answers come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from engine.errors import Invalid, Message, message
from engine.storage.decisions import Affected, Decisions, MigrationQuestion
from engine.storage.steps import lightweight

SHOWN = 10  # records that are shown of those a question is about
LONGEST = 80  # characters of a value that are shown
CONCEALED = "•••"

Read = Callable[[str], Any]  # what was typed → the value; raises Invalid
Condition = Callable[[sa.FromClause], sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Answer:
    """``choice`` is empty while nobody has chosen (and nothing is chosen by itself); ``value`` as it is kept."""

    choice: str = ""
    value: Any = None


class Asking:
    """Collects the questions of one plan. ``given`` are the decisions so far, ``problems`` what is wrong with them."""

    def __init__(self, given: Decisions) -> None:
        self.given = given
        self.questions: list[MigrationQuestion] = []
        self.problems: dict[str, Message] = {}

    def ask(self, question: MigrationQuestion, read: Read = str) -> Answer:
        self.questions.append(question)
        decision = self.given.get(question.id)
        if decision is None:
            return Answer(question.default or "")
        choice = next((one for one in question.choices if one.name == decision.choice), None)
        if choice is None:
            return self._wrong(question, _unknown(question, decision.choice))
        if choice.takes == "option" and decision.value not in (choice.options or {}):
            return self._wrong(question, _no_option(decision.value, choice.options or {}))
        try:
            value = read(decision.value) if choice.takes == "value" else decision.value
        except Invalid as invalid:
            return self._wrong(question, invalid.reason)
        if choice.takes == "value" and value is None:
            return self._wrong(question, message("Say which value the records get."))
        return Answer(choice.name, value)

    def _wrong(self, question: MigrationQuestion, problem: Message) -> Answer:
        self.problems[question.id] = problem
        return Answer()


def _unknown(question: MigrationQuestion, choice: str) -> Message:
    known = [one.name for one in question.choices]
    if not known:
        return message("Nothing can be chosen here; the records must be changed first.")
    return message("There is no choice {choice}; there are: {known}.", choice=choice, known=known)


def _no_option(value: str, options: Mapping[str, Any]) -> Message:
    if not value:
        return message("Say which; there are: {known}.", known=list(options))
    return message("There is no {value}; there are: {known}.", value=value, known=list(options))


# --- the records it is about -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Group:
    """Records of one table: how many, and the first of them."""

    count: int
    rows: tuple[Affected, ...]


def group(
    conn: sa.Connection,
    table: str,
    columns: Mapping[str, Any],
    condition: Condition,
    *,
    shown: str | None = None,
    concealed: bool = False,
    titled: bool = True,
) -> Group:
    """``columns`` are those the condition reads, with their types; ``shown`` the one whose values stand in the rows."""
    told = {"_title": sa.Text()} if titled else {}
    source = lightweight(table, {"id": sa.BigInteger(), **told, **columns}.items())
    where = condition(source)
    count = conn.execute(sa.select(sa.func.count()).select_from(source).where(where)).scalar_one()
    return Group(count, _first(conn, source, where, shown, concealed) if count else ())


def _first(
    conn: sa.Connection, source: Any, where: sa.ColumnElement[bool], shown: str | None, concealed: bool
) -> tuple[Affected, ...]:
    title = source.c["_title"] if "_title" in source.c else sa.literal("")
    value = source.c[shown] if shown else sa.literal("")
    rows = conn.execute(sa.select(source.c.id, title, value).where(where).order_by(source.c.id).limit(SHOWN))
    return tuple(Affected(id, title or "", _text(value, concealed)) for id, title, value in rows)


def named(
    conn: sa.Connection, table: str, values: Sequence[tuple[int, Any]], concealed: bool = False
) -> tuple[Affected, ...]:
    """Records known by id and value, with their titles."""
    source = lightweight(table, (("id", sa.BigInteger()), ("_title", sa.Text())))
    query = sa.select(source.c.id, source.c["_title"]).where(source.c.id.in_([id for id, _value in values]))
    titles = {row.id: row._title for row in conn.execute(query)}
    return tuple(Affected(id, titles.get(id) or "", _text(value, concealed)) for id, value in values)


def _text(value: Any, concealed: bool) -> str:
    text = as_text(value)
    if concealed and text:
        return CONCEALED
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def as_text(value: Any) -> str:
    """A stored value as a line of text, the same in every language."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
