"""Questions rules put to people: written with the change that asks them, closed when they are answered, when their time
is over or when nobody needs the answer any more. ``answering`` takes the answers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from engine import notices
from engine.effects import Ask, Choice
from engine.errors import Message, Refused, message
from engine.faults import point
from engine.language import text_in
from engine.passage import Walk
from engine.people import inside, people_with_roles
from engine.storage.automation import OPEN_MESSAGES, in_state
from engine.storage.tables import Tables

WITHDRAWN: Mapping[str, Message] = {
    "deleted": message("The record was deleted, so the question is withdrawn."),
    "cancelled": message("The run of the rule was cancelled, so the question is withdrawn."),
    "over": message("The approval is over or went another way, so nobody is asked here any more."),
}


@dataclass(frozen=True)
class Voice:
    """A person who is asked. ``answer`` is None until there is one; ``active``: may still sign in."""

    user_id: int
    name: str
    active: bool = True
    answer: str | None = None
    comment: str | None = None
    at: dt.datetime | None = None
    for_id: int | None = None
    for_name: str = ""
    added_by: int | None = None
    handed_to: int | None = None
    after_id: int | None = None
    auto: bool = False
    saw: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    """A row of ``_question`` with everybody who is asked, those who answered first, in the order they did.

    Of an approval, ``kind`` is part (a group of a step), instead (those asked instead of such a group), before or
    after (a signer that was added), or mending (asked of the applicant to whom it was sent back).
    """

    id: int
    message_id: int
    run_id: int
    rule: str
    form: str | None
    record_id: int | None
    texts: Mapping[str, str]
    choices: tuple[Choice, ...]
    needs: str
    event_id: int | None
    asked_at: dt.datetime
    due_at: dt.datetime | None
    state: str
    answer: str | None
    why: str | None
    closed_at: dt.datetime | None
    voices: tuple[Voice, ...]
    approval_id: int | None = None
    round: int | None = None
    step: int | None = None
    part: int | None = None
    kind: str | None = None
    back_to: int | None = None

    def text(self, language: str) -> str:
        return text_in(self.texts, language)

    def choice(self, name: str | None) -> Choice | None:
        return next((one for one in self.choices if one.name == name), None)

    def voice(self, user_id: int | None) -> Voice | None:
        return next((one for one in self.voices if one.user_id == user_id), None)

    @property
    def given(self) -> tuple[Voice, ...]:
        return tuple(one for one in self.voices if one.answer is not None)

    @property
    def missing(self) -> tuple[Voice, ...]:
        """Those who could still answer."""
        return tuple(one for one in self.voices if one.answer is None and one.active and one.handed_to is None)

    def is_open(self, now: dt.datetime) -> bool:
        return self.state == "open" and (self.due_at is None or now < self.due_at)


# --- asking ----------------------------------------------------------------------------------------------------------


def put(walk: Walk, effect: Ask, *, run_id: int, rule: str, message_id: int, event_id: int | None) -> None:
    """Write the question, and tell everybody who is asked; raises Refused when those can never settle it."""
    people, of_record = _asked(walk, effect), effect.id != 0
    row = {
        "message_id": message_id, "run_id": run_id, "rule": rule, "form": effect.form if of_record else None,
        "record_id": effect.id if of_record else None, "texts": dict(effect.texts),
        "choices": [asdict(one) for one in effect.choices], "needs": str(effect.needs), "event_id": event_id,
        "due_at": effect.due,
    }  # fmt: skip
    write(walk, row, {person: {} for person in people}, (effect.form, effect.id))


def write(walk: Walk, row: Mapping[str, Any], people: Mapping[int, Mapping[str, Any]], place: tuple[str, int]) -> int:
    """Write a question and tell those it asks; answers its id. ``people``: person → more of their row in ``_asked``."""
    tables = walk.app.tables
    new = {**row, "asked_at": walk.now}
    id = walk.conn.execute(sa.insert(tables.question).values(new).returning(tables.question.c.id)).scalar_one()
    ask_more(walk, id, people, place, row["texts"], row["event_id"])
    point("question asked")
    return int(id)


def ask_more(
    walk: Walk, question_id: int, people: Mapping[int, Mapping[str, Any]], place: tuple[str, int],
    texts: Mapping[str, str], event_id: int | None,
) -> None:  # fmt: skip
    """Ask these people, too, and tell them."""
    told = notices.write(walk, people, *place, texts, event_id, "asked", question_id)
    for person in sorted(people):
        row = {"question_id": question_id, "user_id": person, "notification_id": told[person], **people[person]}
        walk.conn.execute(sa.insert(walk.app.tables.asked), [row])


def _asked(walk: Walk, effect: Ask) -> set[int]:
    user = walk.app.tables.user
    named = sa.select(user.c.id).where(user.c.id.in_(sorted(effect.users)), user.c.active, inside(walk.app.tables))
    people = set(people_with_roles(walk.conn, walk.app.tables, effect.roles))
    people |= set(walk.conn.scalars(named)) if effect.users else set()
    wanted = effect.needs if isinstance(effect.needs, int) else 1
    if not people:
        raise Refused(message("There is nobody to ask: no active person is meant."))
    if wanted > len(people):
        raise Refused(
            message("{needs} equal answers are needed, but only {count} people can be asked.",
                    needs=wanted, count=len(people))
        )  # fmt: skip
    return people


# --- what answers come to --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """The question is settled; ``answer`` is None where people did not agree."""

    answer: str | None


def verdict(needs: str, choices: Sequence[Choice], given: Sequence[str], missing: int) -> Verdict | None:
    """What the answers so far, in their order, come to; None while ``missing`` more could decide it."""
    decisive = {one.name for one in choices if one.decisive}
    settled = next((answer for answer in given if answer in decisive), None)
    if settled is not None:
        return Verdict(settled)
    if needs == "any":
        return Verdict(given[0]) if given else None
    if needs == "all":
        return None if missing else Verdict(given[0] if given and len(set(given)) == 1 else None)
    counts = Counter(given)
    first = next((answer for answer in given if counts[answer] >= int(needs)), None)
    if first is not None:
        return Verdict(first)
    most = max(counts.values(), default=0)
    return Verdict(None) if most + missing < int(needs) else None


def vote(needs: str, given: Sequence[str], missing: int) -> Verdict | None:
    """What an approval of one group comes to: approve, refuse or return; None while ``missing`` more could decide it.

    ``needs`` is any, all, a number of approvals, or a share of everybody asked such as 60%, rounded up.
    """
    if "return" in given:
        return Verdict("return")
    if needs in ("any", "all"):
        every = [Choice("approve", {}), Choice("refuse", {}, decisive=True)]
        return verdict(needs, every, given, missing) if given else None
    approved, everybody = given.count("approve"), len(given) + missing
    wanted = -(-everybody * int(needs[:-1]) // 100) if needs.endswith("%") else int(needs)
    if approved >= wanted:
        return Verdict("approve")
    return Verdict("refuse") if approved + missing < wanted else None


def settled(question: Question) -> Verdict | None:
    """What the answers given so far settle, if anything. An approval nobody can give any more has no answer."""
    given, missing = [str(one.answer) for one in question.given], len(question.missing)
    if question.approval_id is not None and not given and not missing:
        return Verdict(None)
    if question.approval_id is None or question.kind == "mending":
        return verdict(question.needs, question.choices, given, missing)
    return vote(question.needs, given, missing)


def outcome(question: Question) -> dict[str, Any]:
    """What the steps after the question read, as JSON: the deciding answer with who gave it, when and why."""
    agreed = [one for one in question.given if one.answer == question.answer]
    last = agreed[-1] if question.state == "answered" and agreed else None
    return {
        "answer": question.answer if question.state == "answered" else None,
        "by": last.user_id if last else None, "by_name": last.name if last else None,
        "comment": last.comment if last else None, "at": _iso(last.at) if last else None,
        "timed_out": question.state == "timed_out",
        "answers": [
            {"answer": one.answer, "by": one.user_id, "by_name": one.name, "comment": one.comment, "at": _iso(one.at)}
            for one in question.given
        ],
        "missing": [one.user_id for one in question.voices if one.answer is None],
    }  # fmt: skip


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat() if moment else None


# --- reading ---------------------------------------------------------------------------------------------------------


def found(conn: sa.Connection, tables: Tables, *clauses: Any, limit: int = 200) -> list[Question]:
    """Questions that meet the clauses over ``tables.question``, the newest first; two statements."""
    table = tables.question
    rows = conn.execute(sa.select(table).where(*clauses).order_by(table.c.id.desc()).limit(limit)).mappings().all()
    voices = _voices(conn, tables, [row["id"] for row in rows])
    return [_question(row, voices.get(row["id"], ())) for row in rows]


def one(conn: sa.Connection, tables: Tables, *clauses: Any) -> Question | None:
    return next(iter(found(conn, tables, *clauses, limit=1)), None)


def open_for(
    conn: sa.Connection, tables: Tables, user_id: int, now: dt.datetime, *, before: int | None = None,
    form: str | None = None, record_id: int | None = None, limit: int = 50, of_approvals: bool = False,
) -> list[Question]:  # fmt: skip
    """The questions that wait for this person, the newest first; ``before`` an id, to go on from there;
    ``of_approvals``: no others."""
    table, asked = tables.question, tables.asked
    mine = sa.select(asked.c.question_id).where(asked.c.user_id == user_id, asked.c.over_at.is_(None))
    clauses: list[Any] = [in_state(table, "open"), table.c.id.in_(mine)]
    clauses.append(sa.or_(table.c.due_at.is_(None), table.c.due_at > now))
    if form is not None:
        clauses += [table.c.form == form, table.c.record_id == record_id]
    if before is not None:
        clauses.append(table.c.id < before)
    if of_approvals:
        clauses.append(table.c.approval_id.is_not(None))
    return found(conn, tables, *clauses, limit=limit)


def of_notices(conn: sa.Connection, tables: Tables, notice_ids: Iterable[int]) -> dict[int, Question]:
    """notice id → the question it told somebody of."""
    asked, ids = tables.asked, list(notice_ids)
    if not ids:
        return {}
    rows = conn.execute(
        sa.select(asked.c.notification_id, asked.c.question_id).where(asked.c.notification_id.in_(ids))
    ).all()
    if not rows:
        return {}
    questions = found(conn, tables, tables.question.c.id.in_({row.question_id for row in rows}))
    by_id = {question.id: question for question in questions}
    return {row.notification_id: by_id[row.question_id] for row in rows if row.question_id in by_id}


def _voices(conn: sa.Connection, tables: Tables, ids: Sequence[int]) -> dict[int, tuple[Voice, ...]]:
    if not ids:
        return {}
    asked, user, other = tables.asked, tables.user, tables.user.alias()
    query = (
        sa.select(asked, user.c.name, user.c.active, other.c.name.label("for_name"))
        .join_from(asked, user, user.c.id == asked.c.user_id)
        .outerjoin(other, other.c.id == asked.c.for_id)
        .where(asked.c.question_id.in_(ids))
        .order_by(asked.c.at.is_(None), asked.c.at, user.c.name, user.c.id)
    )
    voices: dict[int, list[Voice]] = {}
    for row in conn.execute(query):
        voice = Voice(row.user_id, row.name, row.active, row.answer, row.comment, row.at, row.for_id,
                      row.for_name or "", row.added_by, row.handed_to, row.after_id, row.auto, row.saw)  # fmt: skip
        voices.setdefault(row.question_id, []).append(voice)
    return {id: tuple(several) for id, several in voices.items()}


def _question(row: Any, voices: Sequence[Voice]) -> Question:
    choices = tuple(Choice(**choice) for choice in row["choices"])
    return Question(**{**row, "choices": choices, "voices": tuple(voices)})


# --- closing ---------------------------------------------------------------------------------------------------------


def close(
    conn: sa.Connection, tables: Tables, now: dt.datetime, question_id: int, state: str, answer: str | None = None
) -> None:
    table = tables.question
    closed = {"state": state, "answer": answer, "closed_at": now}
    conn.execute(sa.update(table).where(table.c.id == question_id, in_state(table, "open")).values(closed))
    _let_go(conn, tables, now, [question_id])


def withdraw(conn: sa.Connection, tables: Tables, now: dt.datetime, why: str, *clauses: Any) -> bool:
    """Close the open questions that meet the clauses; answers whether there were any. ``why``: see ``WITHDRAWN``."""
    table = tables.question
    ids = conn.scalars(sa.select(table.c.id).where(in_state(table, "open"), *clauses)).all()
    if not ids:
        return False
    withdrawn = {"state": "withdrawn", "why": why, "closed_at": now}
    conn.execute(sa.update(table).where(table.c.id.in_(ids), in_state(table, "open")).values(withdrawn))
    _let_go(conn, tables, now, ids)
    return True


def _let_go(conn: sa.Connection, tables: Tables, now: dt.datetime, ids: Sequence[int]) -> None:
    """Nobody is waited for any more, and nobody has to look at what is settled."""
    notice, asked = tables.notification, tables.asked
    these = asked.c.question_id.in_(ids)
    conn.execute(sa.update(asked).where(these, asked.c.over_at.is_(None)).values(over_at=now))
    unread = (notice.c.id.in_(sa.select(asked.c.notification_id).where(these)), notice.c.read_at.is_(None))
    conn.execute(sa.update(notice).where(*unread).values(read_at=now))


def record_gone(walk: Walk, form: str, record_id: int) -> None:
    """The record was deleted: what was asked about it is withdrawn, and the runs that waited are taken up to end."""
    tables, question = walk.app.tables, walk.app.tables.question
    here = (question.c.form == form, question.c.record_id == record_id, in_state(question, "open"))
    waiting = walk.conn.scalars(sa.select(question.c.message_id).where(*here)).all()
    if not waiting:
        return
    wake(walk.app, walk.conn, waiting, walk.now)
    withdraw(walk.conn, tables, walk.now, "deleted", question.c.message_id.in_(waiting))


def wake(app: Any, conn: sa.Connection, message_ids: Sequence[int], now: dt.datetime) -> None:
    """Let the runs that wait behind these messages be taken up."""
    table = app.tables.message
    waiting = (table.c.id.in_(message_ids), in_state(table, *OPEN_MESSAGES))
    conn.execute(sa.update(table).where(*waiting).values(state="waiting", due_at=now))
    for id in message_ids:
        app.database.posted(conn, id, now)
