"""A year passes in a copy: what time wakes, exactly, and nothing of it in the original."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.application import start
from engine.builtin import default_registry
from engine.cli import main
from engine.load import load_text
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.timing.simulate import Hands, Story, simulate

UTC, BERLIN = dt.UTC, ZoneInfo("Europe/Berlin")
SITE = """
app: site
label: Site
languages: [en]
timezone: Europe/Berlin
roles: {clerk: {label: Clerk}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text}
      due_on: {type: date}
    permissions: {clerk: {create: true, read: true, update: true}}
    workflow:
      initial: open
      states:
        open: {label: Open, within: 4h}
        late: {label: Late}
        closed: {label: Closed, final: true}
      transitions:
        miss: {label: Miss, from: [open], to: late}
        close: {label: Close, from: [open, late], to: closed, roles: [clerk]}
connections:
  post: {type: smtp, host: smtp.example.com, sender: desk@example.com}
rules:
  nightly:
    trigger: {type: schedule, cron: "30 2 * * *"}
    actions: [{type: mail, connection: post, to: ["'a@example.com'"], subject: S, message: M}]
  weekly:
    trigger: {type: schedule, at: ["08:00"], weekdays: [mon]}
    actions: [{type: create, form: ticket, values: {name: "'Weekly'", due_on: "today() + days(10)"}}]
  miss:
    trigger: {type: timeout, form: ticket, state: open}
    actions: [{type: take, transition: miss}]
  nag:
    trigger: {type: timeout, form: ticket, state: late, within: 1d, every: 2d}
    actions: [{type: notify, to: [clerk], message: "{{ record.name }}"}]
  on_the_day:
    trigger: {type: date, form: ticket, field: due_on}
    when: record.state == 'late'
    actions: [{type: wait, for: 1h}, {type: take, transition: close}]
"""


def story_of(text: str, folder: Path, begin: dt.datetime, end: dt.datetime) -> Story:
    registry, hands = default_registry(), Hands(begin)
    database = Database(f"sqlite:///{folder}/copy.db", synchronous="OFF")
    try:
        app = start(load_text(text, registry), database, registry=registry, files=FileStore(folder), clock=hands)
        return simulate(app, hands, end)
    finally:
        database.close()


def test_a_year_to_the_last_firing(tmp_path: Path) -> None:
    begin, end = dt.datetime(2026, 1, 1, tzinfo=BERLIN), dt.datetime(2027, 1, 1, tzinfo=BERLIN)
    story = story_of(SITE, tmp_path, begin.astimezone(UTC), end.astimezone(UTC))
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(365)]
    mondays = [day for day in days if day.weekday() == 0]

    def on(day: dt.date, at: dt.time) -> dt.datetime:
        return dt.datetime.combine(day, at, BERLIN).astimezone(UTC)

    expected = Counter({("nightly", on(day, dt.time(2, 30))): 1 for day in days})
    for monday in mondays:
        made = on(monday, dt.time(8))
        missed = made + dt.timedelta(hours=4)
        wanted = [("weekly", made), ("miss", missed), ("on_the_day", on(monday + dt.timedelta(days=10), dt.time(8)))]
        local = missed.astimezone(BERLIN)
        wanted += [("nag", on(local.date() + dt.timedelta(days=n), local.time())) for n in (1, 3, 5, 7, 9)]
        expected.update(firing for firing in wanted if firing[1] <= end)
    assert Counter((firing.rule, firing.at) for firing in story.acted()) == expected
    assert (story.sent, story.failed, story.complete) == (Counter(mail=365), 0, True)
    idle = Counter(firing.rule for firing in story.firings if not firing.acted)
    assert idle == {"nag": 50}, "once more for each that was closed meanwhile"


def test_rules_that_wake_each_other_are_followed(tmp_path: Path) -> None:
    text = SITE + """
  one:
    trigger: {type: finished, rule: nightly}
    actions: [{type: notify, to: [clerk], message: "x"}]
  two:
    trigger: {type: finished, rule: one}
    when: run.id > 0
    actions: [{type: notify, to: [clerk], message: "x"}]
  three:
    trigger: {type: finished, rule: two, outcome: any}
    actions: [{type: create, form: ticket, values: {name: "'x'"}}]
"""
    begin = dt.datetime(2026, 1, 1, tzinfo=UTC)
    story = story_of(text, tmp_path, begin, begin + dt.timedelta(days=2))
    assert story.complete
    assert Counter(firing.rule for firing in story.acted())["three"] == 2


def test_the_command_leaves_the_original_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, path = tmp_path / "site.yaml", tmp_path / "site.db"
    file.write_text(SITE)
    registry, hands = default_registry(), Hands(dt.datetime(2026, 1, 1, tzinfo=UTC))
    database = Database(f"sqlite:///{path}")
    app = start(load_text(SITE, registry), database, registry=registry, files=FileStore(tmp_path), clock=hands)
    simulate(replace(app), hands, dt.datetime(2026, 1, 5, 7, 30, tzinfo=UTC))  # one ticket is there, and open
    database.close()
    before = path.read_bytes()
    options = ["--database", f"sqlite:///{path}", "--from", "2026-01-05T09:00", "--to", "2026-01-08"]
    assert main(["simulate", str(file), *options]) == 0
    assert path.read_bytes() == before
    assert capsys.readouterr().out == """\
2026-01-05 09:00 to 2026-01-08 00:00 (Europe/Berlin)

      2  nightly
      1  miss
      1  nag
      2  mail: not sent

Next:
  2026-01-05 12:00  miss ticket 1
  2026-01-06 02:30  nightly
  2026-01-06 12:00  nag ticket 1
  2026-01-07 02:30  nightly
"""


def test_a_wrong_stretch_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(SITE)
    assert main(["simulate", str(file), "--from", "2026-02-01", "--to", "2026-01-01"]) == 2
    assert "is not after the start" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["simulate", str(file), "--from", "soon"])
    assert "a day is written like 2026-12-31, not soon" in capsys.readouterr().err
