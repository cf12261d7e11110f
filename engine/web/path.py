"""The path of a record through its states: what is behind it, where it stands and for how long, what comes next."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine import formats
from engine.application import Application
from engine.definition import Form, State, Workflow
from engine.errors import Message, message
from engine.forecasts import ExpectedStep
from engine.formats import Reader
from engine.texts import say
from engine.web.lateness import is_near, lateness


@dataclass(frozen=True)
class Stay:
    """One visit to a state."""

    state: str
    entered_at: dt.datetime
    entered_by: int | None
    left_at: dt.datetime | None
    left_by: int | None


@dataclass(frozen=True)
class Step:
    """One state of the main path. ``note``: when it was left, or how long it lasts against what is expected."""

    name: str
    label: str
    css: str
    now: bool
    note: str
    title: str
    who: str
    late: bool


@dataclass(frozen=True)
class Aside:
    label: str
    note: str
    before: str
    why: str = ""


def stays_of(conn: sa.Connection, app: Application, form: Form, record_id: int) -> list[Stay]:
    table = app.tables.stay
    names = ("state", "entered_at", "entered_by", "left_at", "left_by")

    def build() -> Any:
        select = sa.select(*(table.c[name] for name in names))
        return select.where(
            table.c.form == sa.bindparam("form_", type_=sa.Text),
            table.c.record_id == sa.bindparam("record_", type_=sa.BigInteger),
        ).order_by(table.c.id)

    prepared = app.tables.statements.get(("stays of record",), conn.dialect, build)
    return [Stay(**row) for row in prepared.rows(conn, {"form_": form.name, "record_": record_id})]


def people_of(stays: Sequence[Stay]) -> set[int]:
    return {one for stay in stays for one in (stay.entered_by, stay.left_by) if one is not None}


def steps(
    workflow: Workflow, row: Mapping[str, Any], stays: Sequence[Stay], names: Mapping[int, str], reader: Reader,
    now: dt.datetime, expected: Sequence[ExpectedStep] = (),
) -> tuple[Step, ...]:  # fmt: skip
    """The main path; of a record that stands aside, its last step on it is where it would go on. ``expected``: when it
    will have left the states to come."""
    latest = {stay.state: stay for stay in stays}
    here = row.get("state")
    main = [state for state in workflow.states.values() if not state.aside]
    order = {state.name: place for place, state in enumerate(main)}
    reached = max((order[stay.state] for stay in stays if stay.state in order and stay.left_at), default=-1)
    at = order.get(str(here), reached)
    ends = {step.state.name: step.end for step in expected if step.place == "ahead" and step.end is not None}
    return tuple(_step(state, place, at, here, latest.get(state.name), row, names, reader, now,
                       ends.get(state.name))
                 for place, state in enumerate(main))  # fmt: skip


def _step(
    state: State, place: int, at: int, here: Any, stay: Stay | None, row: Mapping[str, Any], names: Mapping[int, str],
    reader: Reader, now: dt.datetime, end: dt.datetime | None,
) -> Step:  # fmt: skip
    is_here = state.name == here
    label = state.label.text(reader.language)
    css = " ".join(word for word, holds in (("now", is_here), ("past", place < at or (place == at and not is_here and
                   stay is not None)), ("end", state.final)) if holds)  # fmt: skip
    if is_here:
        due = row.get("state_due")
        late = due is not None and due < now
        title = formats.moment(row["state_since"], reader) if row.get("state_since") else ""
        return Step(state.name, label, css, True, lasting(row, state, reader, now), title, "", late)
    if stay is not None and stay.left_at is not None:
        left = stay.left_at.astimezone(reader.zone)
        who = names.get(stay.left_by, "") if stay.left_by is not None else ""
        title = formats.moment(stay.left_at, reader)
        return Step(state.name, label, css, False, formats.date(left.date(), reader.language), title, who, False)
    allowed = _within(state, reader.language)
    if end is None:
        return Step(state.name, label, css, False, allowed, "", "", False)
    words = message("expected until {moment}", moment=formats.moment(end, reader))
    title = " · ".join(filter(None, (allowed, say(words, reader.language))))
    return Step(state.name, label, css, False, f"≈ {_day(end, reader)}", title, "", False)


def _day(moment: dt.datetime, reader: Reader) -> str:
    return formats.date(moment.astimezone(reader.zone).date(), reader.language)


def lasting(row: Mapping[str, Any], state: State, reader: Reader, now: dt.datetime) -> str:
    """How long it has been there, against what is expected: 3 d / 2 working days."""
    since = row.get("state_since")
    if since is None or state.final:
        return formats.date(since.astimezone(reader.zone).date(), reader.language) if since else ""
    lasted = short_duration(now - since, reader.language)
    if state.within is None:
        return lasted
    return f"{lasted} / {_within(state, reader.language)}"


def short_duration(length: dt.timedelta, language: str) -> str:
    """The largest two units at most: 3 d 4 h, 25 min."""
    minutes = max(0, int(length.total_seconds() // 60))
    if minutes >= 2880:
        rounded = dt.timedelta(days=minutes // 1440)
    elif minutes >= 120:
        rounded = dt.timedelta(hours=minutes // 60)
    else:
        rounded = dt.timedelta(minutes=minutes)
    return formats.duration(rounded, language)


_UNITS: Mapping[str, Mapping[str, str]] = {
    "zh": {"s": "秒", "m": "分钟", "h": "小时", "d": "天", "w": "周", "wh": "个工时", "wd": "个工作日"},
    "en": {"s": " s", "m": " min", "h": " h", "d": " d", "w": " wk", "wh": " working hours", "wd": " working days"},
}


def _within(state: State, language: str) -> str:
    within = state.within
    if within is None:
        return ""
    unit = _UNITS["zh" if language == "zh" else "en"][within.unit]
    return f"{within.amount}{unit.removesuffix('s') if within.amount == 1 and within.unit in ('wd', 'wh') else unit}"


def why_aside(conn: sa.Connection, app: Application, form: Form, row: Mapping[str, Any]) -> str:
    """The reason somebody, or a rule, gave for leaving the main path; nothing is asked of a record that is on it."""
    state = form.workflow.states.get(str(row.get("state"))) if form.workflow else None
    if state is None or not state.aside:
        return ""
    event = app.tables.event
    entered = (event.c.form == form.name, event.c.record_id == row["id"], event.c.to_state == state.name)
    newest = sa.select(event.c.reason).where(*entered).order_by(event.c.id.desc()).limit(1)
    return conn.scalar(newest) or ""


def aside(workflow: Workflow, row: Mapping[str, Any], reader: Reader, now: dt.datetime, why: str = "") -> Aside | None:
    """The exception a record stands in, if it does."""
    state = workflow.states.get(str(row.get("state")))
    if state is None or not state.aside:
        return None
    before = workflow.states.get(str(row.get("_previous")))
    return Aside(
        state.label.text(reader.language),
        lasting(row, state, reader, now),
        before.label.text(reader.language) if before else "",
        why,
    )


def due_note(row: Mapping[str, Any], reader: Reader, now: dt.datetime) -> tuple[str, bool]:
    """(when it is due, whether that has passed)."""
    due = row.get("state_due")
    if due is None:
        return "", False
    moment = lateness(due, now, reader) if is_near(due, now, reader) else formats.moment(due, reader)
    words: Message = message("{moment} ({relative})", moment=moment,
                             relative=formats.relative(due, now, reader.language))  # fmt: skip
    return say(words, reader.language), due < now


@dataclass(frozen=True)
class Badge:
    name: str
    label: str
    colour: str


def badge(form: Form, row: Mapping[str, Any], reader: Reader) -> Badge | None:
    state = form.workflow.states.get(str(row.get("state"))) if form.workflow else None
    return Badge(state.name, state.label.text(reader.language), state.colour) if state else None
