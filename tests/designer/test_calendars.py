"""Calendars in the designer: shifts of a week and days that differ, and what people see of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from drafting import after, draft, refusal
from preview_world import designing
from visiting import Grounds

from engine.publishing import changes
from engine.texts import say

TEXT = """\
app: plant
label: Plant
languages: [en]
calendars:
  # of the halls
  plant:
    label: Plant
    default: true
    shifts:
      mon-fri: ["08:00-12:00", "13:30-17:30"]
    holidays: cn_public
    closed: ["2026-07-01", "2026-08-03..2026-08-07"]
forms:
  repair:
    label: Repair
    fields: {name: {type: text}}
    workflow:
      initial: open
      states:
        open: {label: Open, within: 4wh, calendar: plant}
        done: {label: Done, final: true}
      transitions: {finish: {label: Finish, from: [open], to: done, roles: [fitter]}}
    permissions: {fitter: {create: true, read: true}}
roles: {fitter: {label: Fitter}}
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


def plant(workspace: Any) -> dict[str, Any]:
    return workspace.data["calendars"]["plant"]


def test_weekdays_with_the_same_shifts_are_written_as_one() -> None:
    base = draft(TEXT)
    more = after(base, "calendar.week", calendar="plant", weekday="sat", shifts="08:00-12:00")
    assert plant(more)["shifts"] == {"mon-fri": ["08:00-12:00", "13:30-17:30"], "sat": ["08:00-12:00"]}
    other = after(more, "calendar.week", calendar="plant", weekday="wed", shifts="13:30-17:30，08:00-11:00")
    assert plant(other)["shifts"] == {
        "mon-tue": ["08:00-12:00", "13:30-17:30"], "wed": ["08:00-11:00", "13:30-17:30"],
        "thu-fri": ["08:00-12:00", "13:30-17:30"], "sat": ["08:00-12:00"],
    }  # fmt: skip
    again = after(other, "calendar.week", calendar="plant", weekday="wed", shifts="08:00-12:00 13:30-17:30")
    assert plant(after(again, "calendar.week", calendar="plant", weekday="sat", shifts="")) == plant(base)
    assert "# of the halls" in again.document.text


def test_a_day_is_closed_worked_otherwise_or_as_usual() -> None:
    base = draft(TEXT)
    closed = after(base, "calendar.day", calendar="plant", day="2026-07-02", way="closed")
    assert plant(closed)["closed"] == ["2026-07-01", "2026-08-03..2026-08-07", "2026-07-02"]
    opened = after(closed, "calendar.day", calendar="plant", day="2026-07-02", way="open", shifts="08:00-10:00")
    assert plant(opened)["open"] == {"2026-07-02": ["08:00-10:00"]}
    usual = after(opened, "calendar.day", calendar="plant", day="2026-07-02", way="usual")
    assert plant(usual) == plant(base)
    parted = after(base, "calendar.day", calendar="plant", day="2026-08-04", way="usual")
    assert plant(parted)["closed"] == ["2026-07-01", "2026-08-03", "2026-08-05..2026-08-07"]


def test_what_is_no_shift_is_refused_in_words() -> None:
    base = draft(TEXT)
    wrong = refusal(base, "calendar.week", calendar="plant", weekday="mon", shifts="8-12")
    assert say(wrong.reason, "en") == "'8-12' is no shift; expected one such as \"08:00-12:00\"."
    lone = draft(TEXT.replace("mon-fri:", "mon:"))
    nothing = refusal(lone, "calendar.week", calendar="plant", weekday="mon", shifts="")
    assert say(nothing.reason, "en") == "A calendar needs a day on which something is worked."
    when = refusal(base, "calendar.day", calendar="plant", day="2026-07-02", way="open", shifts="")
    assert say(when.reason, "en") == "Say when it is worked, such as 08:00-12:00."


def test_a_calendar_is_renamed_wherever_it_is_used_and_stays_while_it_is_needed() -> None:
    renamed = after(draft(TEXT), "rename", path=["calendars", "plant"], new="halls")
    assert list(renamed.data["calendars"]) == ["halls"]
    assert renamed.data["forms"]["repair"]["workflow"]["states"]["open"]["calendar"] == "halls"
    needed = refusal(draft(TEXT), "remove", path=["calendars", "plant"])
    assert [place for place, _sentence in needed.places] == [
        ("forms", "repair", "workflow", "states", "open", "calendar"),
    ]  # fmt: skip


def test_the_first_calendar_is_the_default_one() -> None:
    bare = draft(re.sub(r"calendars:.*?forms:", "forms:", TEXT, flags=re.S).replace("4wh, calendar: plant", "4h"))
    made = after(bare, "calendar.add", label="Main hall")
    assert made.data["calendars"] == {
        "main_hall": {"label": "Main hall", "default": True, "shifts": {"mon-fri": ["08:00-12:00", "13:30-17:30"]}}
    }
    assert not made.reading.errors
    assert "default" not in after(made, "calendar.add", label="Night").data["calendars"]["night"]


def test_the_year_is_drawn_with_its_open_and_closed_days(make_app: Any) -> None:
    grounds = Grounds(make_app(TEXT, people={"ada": "admin"}, registry=designing()))
    app = grounds.app
    with app.database.write() as conn:
        id = changes.begin(conn, app.tables, title="T", base=app.definition.hash, base_text=TEXT, text=TEXT,
                           by=grounds.user("ada").id, now=app.clock()).id  # fmt: skip
    ada = grounds.visitor("ada")
    page = ada.get(f"/designer/{id}/calendars").get_data(as_text=True)
    ways = dict(re.findall(r'data-day="([\d-]+)" data-way="(\w+)"', page))
    assert len(ways) == 365
    assert {day: ways[day] for day in ("2026-05-01", "2026-05-09", "2026-05-11", "2026-05-16", "2026-08-04")} == {
        "2026-05-01": "holiday", "2026-05-09": "worked", "2026-05-11": "open", "2026-05-16": "closed",
        "2026-08-04": "shut",
    }  # fmt: skip
    later = ada.get(f"/designer/{id}/calendars/picture?year=2031").get_data(as_text=True)
    assert "The public holidays of 2031 are not known yet" in later
    path = json.dumps(["calendars", "plant"])
    assert "value=\"plant\"" in page
    assert ada.get(f"/designer/{id}/go?path={path}").location.endswith("/calendars?path=%5B%22calendars%22%2C%20%22plant%22%5D")
