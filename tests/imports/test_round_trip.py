"""Given records that are exported, when the file is brought in elsewhere, then the same values are there."""

import datetime as dt
import io
from dataclasses import replace
from decimal import Decimal

import pytest
import sqlalchemy as sa
from desk import DESK, Importing, counts, tickets
from werkzeug.datastructures import MultiDict

from engine.columns import columns_of
from engine.exporting import csv_lines, write_xlsx
from engine.queries import parse_query

TRICKY = [
    {"reference": "007", "subject": "=1+1", "level": "high", "pay": "1234.50", "share": "12.5", "urgent": True,
     "due_on": "2026-11-22", "seen_at": "2026-11-22T09:30:15+08:00", "project": 1, "agent": "lea"},
    {"reference": "００１", "subject": "'=2", "level": "low", "pay": "0", "urgent": False, "due_on": "1999-01-01"},
    {"reference": "1e5", "subject": "-5, \"quoted\"; and\tmore", "pay": "999999.99", "share": "-0.01"},
    {"reference": "12345678901234567890", "subject": "全角，逗号；（括号）", "project": 2},
    {"reference": "TRUE", "subject": "2026-01-02", "seen_at": "2026-11-22T00:00:00+08:00"},
    {"reference": "+86", "subject": "@cmd|' /C calc'!A0"},
]  # fmt: skip
KEPT = (
    "number",
    "reference",
    "subject",
    "project",
    "level",
    "pay",
    "share",
    "urgent",
    "due_on",
    "seen_at",
    "agent",
    "state",
)


def exported(lea, kind, language):
    form = lea.app.definition.forms["ticket"]
    columns = columns_of(lea.app, lea.actor, form)
    query = parse_query(lea.app, lea.actor, form, MultiDict({"columns": ",".join(KEPT), "sort": "id"}))
    reader = replace(lea.actor, language=language).reader(lea.app.definition)
    if kind == "csv":
        return "".join(csv_lines(lea.app, lea.actor, reader, query, columns)).encode()
    file = io.BytesIO()
    write_xlsx(file, lea.app, lea.actor, reader, query, columns)
    return file.getvalue()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_exported_comes_back_as_it_was(make_app, kind, language):
    made = make_app(DESK, people={"lea": "lead"})
    lea = Importing(made)
    for name in ("甲", "Tower, the second"):
        made.create("project", name=name)
    for values in TRICKY:
        values = {**values, **({"agent": made.id_of("lea")} if "agent" in values else {})}
        made.create("ticket", **values)
    made.take("ticket", 1, "close")
    before = [{name: row[name] for name in KEPT} for row in tickets(made)]
    content = exported(lea, kind, language)
    tables = made.application.tables
    with made.application.database.write() as conn:
        for name in ("ticket", "task"):
            conn.execute(sa.delete(tables.form[name]))

    job = lea.upload("ticket", content, f"tickets.{kind}", clear=True)
    assert None not in job.settings.columns
    job = lea.bring_in(job)
    assert lea.problems(job) == []
    assert counts(job) == {"created": len(TRICKY)}
    after = [{name: row[name] for name in KEPT} for row in tickets(made)]
    assert after == before
    assert before[0]["pay"] == Decimal("1234.50")
    assert before[0]["seen_at"] == dt.datetime(2026, 11, 22, 1, 30, 15, tzinfo=dt.UTC)


def test_the_same_file_again_changes_nothing(make_app):
    made = make_app(DESK, people={"lea": "lead"})
    lea = Importing(made)
    made.create("ticket", reference="R1", subject="One", text="<p>Some <b>bold</b> words</p>", secret="quiet")
    text = "Reference,Subject,Text,Secret\nR1,One,Some bold words,•••••\n"
    job = lea.upload("ticket", text, mode="update", key="reference")
    secret = lea.app.definition.forms["ticket"].fields["secret"]
    masked = secret.masked("quiet", lea.actor.reader(lea.app.definition))
    job = lea.upload("ticket", text.replace("•••••", masked), mode="update", key="reference")
    assert counts(lea.bring_in(job)) == {"same": 1}
    assert made.get("ticket", 1)["text"] == "<p>Some <b>bold</b> words</p>"
