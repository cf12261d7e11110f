"""Schedules in a running application: every due time once, whoever is there to see it."""

from __future__ import annotations

import datetime as dt
import random
import threading
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from timing_world import DESK, deliver, messages, notices

from engine.application import Application
from engine.current import Current
from engine.storage.database import Database
from engine.timing.clockwork import Clockwork, next_times, tick

UTC = dt.UTC


def schedule(more: str, rule: str = "tidy") -> str:
    return f"""
      {rule}:
        trigger: {{type: schedule, {more}}}
        actions: [{{type: create, form: ticket, values: {{name: "'made ' + format(due)"}}}}]
    """


def dues(made: Made, rule: str = "tidy") -> list[dt.datetime]:
    return sorted(one["due_at"] for one in messages(made) if one["effect"]["rule"] == rule)


def three_of(made: Made) -> list[Application]:
    """The application as three processes have it; each with connections of its own where a database has room for it."""
    app = made.application
    own = app.database.dialect == "postgresql"
    return [replace(app, database=Database(str_of(app.database.url)) if own else app.database) for _ in range(3)]


def str_of(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


def close(processes: list[Application], made: Made) -> None:
    for process in processes:
        if process.database is not made.application.database:
            process.database.close()


def test_a_schedule_leaves_one_message_per_due_time_and_wakes_its_rule(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=schedule('cron: "0 10 * * *"'))
    assert tick(made.application) == dt.datetime(2026, 3, 4, 2, tzinfo=UTC), "ten in Shanghai"
    assert messages(made) == []
    made.clock.advance(minutes=30)
    assert tick(made.application) == dt.datetime(2026, 3, 5, 2, tzinfo=UTC)
    tick(made.application)
    assert [(one["key"], one["kind"], one["record_id"]) for one in messages(made)] == [
        ("schedule:tidy:2026-03-04T10:00[Asia/Shanghai]", "fire", None)
    ]
    assert deliver(made) == 1
    assert made.get("ticket", 1)["name"] == "made 2026-03-04 10:00"


def test_a_year_with_three_processes_that_come_and_go(make_app: MakeApp) -> None:
    """Each looks at its own moments, at times nobody does, and every due time is there once."""
    made = make_app(DESK, now=dt.datetime(2026, 1, 1, 11, tzinfo=UTC), rules=schedule(
        'cron: "30 2 * * *", timezone: Europe/Berlin, misfire: all') + schedule(
        'cron: "0 8-18/2 * * mon-fri", timezone: Europe/Berlin, misfire: all', "work"))  # fmt: skip
    processes = three_of(made)
    chance, end = random.Random(7), dt.datetime(2027, 1, 1, 11, tzinfo=UTC)
    tick(made.application)
    while made.clock.now < end:
        for process in chance.sample(processes, chance.randint(1, 3)):
            tick(process)
        made.clock.now = min(end, made.clock.now + dt.timedelta(hours=chance.choice((1, 5, 11, 60, 200))))
    tick(processes[0])
    close(processes, made)
    berlin = ZoneInfo("Europe/Berlin")
    days = [dt.date(2026, 1, 2) + dt.timedelta(days=n) for n in range(365)]
    nights = [dt.datetime.combine(day, dt.time(2, 30), berlin).astimezone(UTC) for day in days]
    hours = [
        dt.datetime.combine(day, dt.time(hour), berlin).astimezone(UTC)
        for day in [dt.date(2026, 1, 1), *days] for hour in range(8, 19, 2) if day.weekday() < 5
    ]  # fmt: skip
    start = dt.datetime(2026, 1, 1, 11, tzinfo=UTC)
    assert dues(made) == nights
    assert dues(made, "work") == [due for due in hours if start < due <= end]
    assert len(nights) == 365


@pytest.mark.parametrize(("misfire", "hours"), [("skip", []), ("once", [11]), ("all", range(2, 12))])
def test_down_over_ten_due_times(make_app: MakeApp, misfire: str, hours: Any) -> None:
    made = make_app(DESK, rules=schedule(f'cron: "0 * * * *", misfire: {misfire}'))
    tick(made.application)
    made.clock.now = dt.datetime(2026, 3, 4, 11, 20, tzinfo=UTC)
    tick(made.application)
    assert dues(made) == [dt.datetime(2026, 3, 4, hour, tzinfo=UTC) for hour in hours]
    made.clock.now = dt.datetime(2026, 3, 4, 12, tzinfo=UTC)
    tick(made.application)
    assert dues(made)[-1] == made.clock.now, "and on it goes"


def test_a_long_pause_of_a_busy_schedule_is_made_up_for_in_portions(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=schedule("every: 1m, misfire: all"))
    tick(made.application)
    made.clock.advance(days=1)
    while (coming := tick(made.application)) is not None and coming <= made.clock():
        pass
    assert len(set(dues(made))) == len(dues(made)) == 1440


def test_a_changed_schedule_begins_now(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=schedule('cron: "0 * * * *", misfire: all'))
    tick(made.application)
    made.clock.advance(hours=3)
    made.redefine(DESK, rules=schedule('cron: "15 * * * *", misfire: all'))
    assert tick(made.application) == dt.datetime(2026, 3, 4, 5, 15, tzinfo=UTC)
    assert dues(made) == []
    former = made.application
    made.clock.advance(hours=1)
    made.redefine(DESK, rules=schedule('cron: "15 * * * *", misfire: all').replace("made ", "brought "))
    assert tick(former) is None, "its definition is not in force any more"
    tick(made.application)
    assert dues(made) == [dt.datetime(2026, 3, 4, 5, 15, tzinfo=UTC)], "other actions, the same schedule"


def test_a_rule_that_is_switched_on_again_begins_now(make_app: MakeApp) -> None:
    from engine.timing.reconcile import reconcile

    made = make_app(DESK, rules=schedule('cron: "0 * * * *", misfire: all'))
    tick(made.application)
    for off in (True, False):
        made.clock.advance(hours=5)
        text = schedule('cron: "0 * * * *", misfire: all')
        made.redefine(DESK, rules=text.replace("        actions", "        enabled: false\n        actions") if off else text)
        reconcile(made.application)
        tick(made.application)
    assert dues(made) == []


def test_three_clocks_tick_at_the_same_moment(make_app: MakeApp) -> None:
    """As processes do: each with connections of its own, all at the due time, again and again."""
    made = make_app(DESK, rules=schedule("every: 1m, misfire: all"))
    tick(made.application)
    processes = three_of(made)
    for _ in range(25):
        made.clock.advance(minutes=1)
        together(processes)
    tick(made.application)
    close(processes, made)
    start = dt.datetime(2026, 3, 4, 1, 30, tzinfo=UTC)
    assert dues(made) == [start + dt.timedelta(minutes=n) for n in range(1, 26)]


def together(processes: list[Application]) -> None:
    failed: list[BaseException] = []

    def work(process: Application) -> None:
        try:
            ready.wait(timeout=10)
            tick(process)
        except BaseException as error:
            failed.append(error)

    ready = threading.Barrier(len(processes))
    threads = [threading.Thread(target=work, args=[process]) for process in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_the_next_times_of_a_schedule(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=schedule('at: ["08:00", "17:30"], weekdays: [mon, fri]'))
    rule = made.application.definition.rules["tidy"]
    shown = [f"{due.astimezone(ZoneInfo('Asia/Shanghai')):%a %d %H:%M}" for due in next_times(made.application, rule, 3)]
    assert shown == ["Fri 06 08:00", "Fri 06 17:30", "Mon 09 08:00"]


def test_the_clockwork_looks_when_something_is_due(make_app: MakeApp) -> None:
    made = make_app(DESK, rules=schedule('cron: "0 * * * *"'))
    looked, begun, twice = [], [], threading.Event()

    def work(app: Application) -> dt.datetime:
        looked.append(app.clock())
        if len(looked) > 1:
            twice.set()
        return made.clock.now

    clockwork = Clockwork(Current(made.application).application, work=work, begin=begun.append)
    clockwork.start()
    assert twice.wait(timeout=10)
    clockwork.stop()
    assert begun == [made.application]


def test_a_schedule_that_wants_what_has_no_record_tells_people(make_app: MakeApp) -> None:
    made = make_app(DESK, rules="""
      tell:
        trigger: {type: schedule, every: 1h}
        when: due.hour < 11
        actions: [{type: notify, to: [clerk], message: "It is {{ due.hour }}"}]
    """)  # fmt: skip
    for _ in range(3):
        tick(made.application)
        deliver(made)
        made.clock.advance(hours=1)
    assert notices(made) == [("li", "It is 10")]
    table = made.application.tables.run
    with made.application.database.read() as conn:
        assert conn.scalar(sa.select(sa.func.count()).select_from(table)) == 1
