"""Trying a feed out: a thing as JSON, what would become of it, and what is wrong with it. Nothing is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from engine.definition import Form
from engine.errors import Invalid, Message, Missing, Problem, message
from engine.feeding import finding
from engine.feeding.knowing import called
from engine.feeding.trying import Trial, try_out
from engine.feeds import Feed
from engine.fields.base import Field
from engine.web.automation.feeds import NO_ARRIVAL, at_of, feed_named, written
from engine.web.automation.frame import show, words_of
from engine.web.automation.telling import Telling
from engine.web.context import application, reader
from engine.web.numbers import whole

blueprint = Blueprint("feedtrials", __name__, url_prefix="/feeds")
LONGEST = 200_000  # characters of a thing
MOST_LINES = 50  # that are shown
SAYS: Mapping[str, Message] = {
    "skipped": message("It would be left out."), "parked": message("It would wait."),
    "failed": message("It could not be taken."),
}  # fmt: skip


@blueprint.get("/<name>/try")
def ask(name: str) -> str:
    """``arrival``: the one whose data is tried; the last one without."""
    feed, app = feed_named(name), application()
    id = whole(request.args.get("arrival"))
    with app.database.read() as conn:
        found = finding.one(app, conn, feed, id) if id is not None else None
        data = found[1] if found is not None else finding.newest(app, conn, feed)
    if id is not None and found is None:
        raise Missing(NO_ARRIVAL)
    connection = found[0].connection if found is not None else feed.from_[0]
    return _page(feed, connection, written(data) if data is not None else "{\n}")


@blueprint.post("/<name>/try")
def tried(name: str) -> tuple[str, int]:
    feed = feed_named(name)
    typed, asked = request.form.get("data", ""), request.form.get("connection", "")
    connection = asked if asked in feed.from_ else feed.from_[0]
    try:
        data = read(typed)
    except Invalid as wrong:
        return _page(feed, connection, typed, problem=words_of().say(wrong.reason)), 422
    return _page(feed, connection, typed, try_out(application(), feed, connection, data)), 200


def read(text: str) -> dict[str, Any]:
    if len(text) > LONGEST:
        raise Invalid(message("This is too long: {most} characters at most.", most=LONGEST))
    try:
        data = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise Invalid(
            message("This is not JSON: line {line}, column {column}.", line=wrong.lineno, column=wrong.colno)
        ) from None
    except RecursionError:
        raise Invalid(message("This is nested too deeply.")) from None
    if not isinstance(data, dict):
        raise Invalid(message("Expected an object in braces."))
    return data


def _page(feed: Feed, connection: str, typed: str, trial: Trial | None = None, problem: str = "") -> str:
    words = words_of()
    connections = [(name, words.connection_label(name)) for name in feed.from_]
    told = _told(feed, trial) if trial is not None else {}
    return show("feed_try", "connections", feed=feed, called=called(feed, reader().language), typed=typed, trial=trial,
                problem=problem, connection=connection, connections=connections, at=at_of(feed),
                **told)  # fmt: skip


def _told(feed: Feed, trial: Trial) -> dict[str, Any]:
    """The trial in words: labels of fields, and values as they came."""
    words, form = words_of(), application().definition.forms[feed.form]
    plain = [(words.field_label(feed.form, name), _plain(value)) for name, value in trial.values.items()
             if name not in feed.lines]  # fmt: skip
    several = [_lines(form.fields[str(name)], trial.values[name]) for name in feed.lines if name in trial.values]
    with application().database.read() as conn:
        telling = Telling(conn, words)
        telling.know({feed.form: {trial.record_id}} if trial.record_id is not None else {})
        record, href = telling.record(feed.form, trial.record_id)
    return {"values": plain, "lines": several, "record": record, "record_href": href, "says": says(trial),
            "problems": [_problem(form, one) for one in trial.problems]}  # fmt: skip


def says(trial: Trial) -> str:
    words = words_of()
    if trial.state == "taken":
        known = trial.record_id is not None
        return words.say(message("It would change this record.") if known else message("It would become a new record."))
    return " ".join(words.say(one) for one in (SAYS[trial.state], trial.reason) if one is not None)


def _lines(field: Field, rows: Any) -> tuple[str, list[str], list[list[str]]]:
    words, form = words_of(), str(getattr(field, "form", ""))
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_plain(row.get(name)) for name in names] for row in rows[:MOST_LINES]]
    title = words.say(message("{field}: {count}", field=field.title, count=len(rows)))
    return title, [words.field_label(form, name) for name in names], cells


def _problem(form: Form, problem: Problem) -> tuple[str, str]:
    """(where, in words): the label of a field, with the number of the line counted from 1."""
    words = words_of()
    first, *rest = problem.where.split(".")
    where = words.field_label(form.name, first) if first in form.fields else problem.where
    if len(rest) == 2 and rest[0].isdigit() and first in form.fields:
        inner = str(getattr(form.fields[first], "form", ""))
        where = f"{where} {int(rest[0]) + 1} · {words.field_label(inner, rest[1])}"
    return where, words.say(problem.message)


def _plain(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
