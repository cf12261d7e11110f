"""People who use an application in simulated time: the same seed makes the same records, and all holds afterwards."""

from __future__ import annotations

import datetime as dt
import re
import signal
from argparse import Namespace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from engine.builtin import default_registry
from engine.cli import main
from engine.commands.simulate import more
from engine.errors import Refused
from engine.invariants.examining import examine
from engine.load import load_file, load_text
from engine.simulating.hours import Hours
from engine.simulating.opening import opened, simulate
from engine.simulating.simulation import Stopped
from engine.simulating.telling import progress, stopped_by_hand

MAINTENANCE = Path(__file__).parents[1] / "apps" / "maintenance.yaml"
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = dt.datetime(2026, 3, 2, tzinfo=BERLIN)
DESK = """
app: desk
label: Desk
languages: [en]
timezone: Europe/Berlin
roles: {clerk: {label: Clerk}, boss: {label: Boss}}
demo_users:
  ann: {name: Ann, roles: [clerk]}
  bob: {name: Bob, roles: [boss]}
forms:
  note:
    label: Note
    title: record.name
    fields:
      name: {type: text, required: true}
      amount: {type: integer, min: 0}
    permissions: {clerk: {create: true, read: true, update: true}, boss: {read: true, update: true}}
    workflow:
      initial: open
      states:
        open: {label: Open}
        asked: {label: Asked}
        closed: {label: Closed, final: true}
      transitions:
        ask: {label: Ask, from: [open], to: asked, roles: [clerk]}
        close: {label: Close, from: [open, asked], to: closed, roles: [boss]}
connections:
  post: {type: smtp, host: smtp.example.com, sender: desk@example.com}
rules:
  may_it:
    trigger: {type: entered, form: note, state: asked}
    actions:
      - {type: ask, to: [boss], message: May it?, as: boss, answers: {yes: {label: "Yes"}, no: {label: "No"}}}
      - {type: mail, connection: post, to: ["'a@example.com'"], subject: S, message: M}
"""


def simulated(loaded, folder, days, seed=1, registry=None, then=lambda simulation: None, **more):
    """What stands in every table afterwards; ``then`` looks at the simulation before it closes."""
    folder.mkdir()
    with opened(
        loaded,
        registry or default_registry(),
        folder,
        begin=MONDAY,
        end=MONDAY + dt.timedelta(days=days),
        seed=seed,
        **more,
    ) as simulation:
        figures = simulate(simulation)
        then(simulation)
        return figures, content(simulation.app)


def content(app):
    kept = [
        *app.tables.form.items(),
        *((name, getattr(app.tables, name)) for name in ("event", "stay", "run", "question")),
    ]
    with app.database.read() as conn:
        return {
            name: [tuple(row) for row in conn.execute(sa.select(table).order_by(table.c.id))] for name, table in kept
        }


@pytest.fixture(scope="module")
def maintenance():
    return load_file(MAINTENANCE, default_registry())


def test_the_same_seed_makes_the_same_records_and_another_others(tmp_path):
    loaded = load_text(DESK, default_registry())
    first, one = simulated(loaded, tmp_path / "a", 5)
    _again, two = simulated(loaded, tmp_path / "b", 5)
    _other, three = simulated(loaded, tmp_path / "c", 5, seed=2)
    assert one == two
    assert one != three
    assert first.done > 50
    assert first.complete


def test_a_crowd_uses_an_application_it_knows_nothing_of_and_everything_holds(maintenance, tmp_path):
    results = []
    figures, rows = simulated(maintenance, tmp_path / "a", 2, seed=3, then=lambda one: results.extend(examine(one.app)))
    assert [(one.name, one.as_json()["broken"]) for one in results if not one.holds] == []
    assert {"repair create", "round take close"} <= set(figures.acts)
    assert {"olga", "tom", "sven", "chris"} <= set(figures.by)
    assert figures.events == len(rows["event"]) >= figures.done


def test_questions_are_answered_and_what_would_leave_is_counted(tmp_path):
    loaded = load_text(DESK, default_registry())
    figures, rows = simulated(loaded, tmp_path / "a", 10)
    assert any(act.startswith("answer ") for act in figures.acts)
    assert figures.sent["mail"] == figures.messages["mail done"] > 0
    assert rows["question"]


def test_people_act_in_their_hours_only(tmp_path):
    loaded = load_text(DESK, default_registry())
    at_work = Hours(BERLIN, 7, 18.5)
    moments = []

    def look(simulation):
        with simulation.app.database.read() as conn:
            event = simulation.app.tables.event
            moments.extend(conn.scalars(sa.select(event.c.at).where(event.c.actor_kind == "user")))

    simulated(loaded, tmp_path / "a", 10, then=look)
    assert moments
    assert all(at_work.at_work(moment) for moment in moments)


class Clerk:
    """Writes a note every hour; the third time it takes a step that is not theirs."""

    def __init__(self):
        self.turns = 0

    def begin(self, simulation):
        return simulation.hours().next(simulation.start)

    def act(self, simulation):
        self.turns += 1
        made = simulation.create("ann", "note", {"name": f"n{self.turns}"})
        if self.turns == 3:
            assert not simulation.take("ann", "note", made.saved.id, "close")
        return simulation.hours().after(simulation.now, dt.timedelta(hours=1))


def test_a_plugin_brings_its_own_people_and_a_refusal_is_an_outcome(tmp_path):
    registry = default_registry()
    sizes = []

    def build(simulation):
        sizes.append(simulation.size)
        simulation.enter(Clerk())
        simulation.follow(story(simulation))

    def story(simulation):
        yield simulation.start + dt.timedelta(days=1)
        simulation.note("it rains")

    registry.simulation("desk", build, size="notes")
    figures, rows = simulated(load_text(DESK, registry), tmp_path / "a", 2, registry=registry, size=7)
    assert sizes == [7]
    assert figures.acts == {"note create": 18}
    assert figures.noted == {"it rains": 1}
    [((act, sentence), count)] = figures.refused.items()
    assert (act, count) == ("note take close", 1)
    assert sentence == "Denied: “Close” cannot be taken: This step is for: Boss."
    assert len(rows["note"]) == 18


def test_it_can_be_stopped_and_says_so(tmp_path):
    registry = default_registry()

    def stop(simulation):
        raise Stopped

    registry.simulation("desk", lambda simulation: simulation.at(simulation.start, stop))
    figures, _rows = simulated(load_text(DESK, registry), tmp_path / "a", 2, registry=registry)
    assert not figures.complete


def test_real_records_are_not_mixed_with_simulated_ones(tmp_path):
    loaded = load_text(DESK, default_registry())
    simulated(loaded, tmp_path / "a", 0)
    again = opened(loaded, default_registry(), tmp_path / "a", begin=MONDAY, end=MONDAY, seed=1)
    with pytest.raises(Refused) as refused:
        again.__enter__()
    assert str(refused.value) == "A simulation needs an empty database; this one holds: user."


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-02 07:00", "2026-03-02 08:00"),
        ("2026-03-02 16:30", "2026-03-03 08:30"),
        ("2026-03-06 16:59", "2026-03-09 08:59"),  # over the weekend
        ("2026-03-27 16:30", "2026-03-30 08:30"),  # and the night the clocks go forth
    ],
)
def test_working_time_goes_on_the_next_working_day(moment, expected):
    hours = Hours(BERLIN)
    length = dt.timedelta(hours=1) if "07:00" not in moment else dt.timedelta()
    at = dt.datetime.fromisoformat(moment).replace(tzinfo=BERLIN)
    assert hours.after(at, length).astimezone(BERLIN) == dt.datetime.fromisoformat(expected).replace(tzinfo=BERLIN)


def test_nobody_works_on_days_away():
    away = frozenset({dt.date(2026, 3, 2), dt.date(2026, 3, 3)})
    assert Hours(BERLIN, away=away).next(MONDAY).date() == dt.date(2026, 3, 4)


def test_the_command_tells_figures_and_invariants_and_keeps_the_database(tmp_path, capsys):
    file = tmp_path / "desk.yaml"
    file.write_text(DESK)
    kept = tmp_path / "kept"
    assert main(["simulate", str(file), "--people", "--days", "2", "--seed", "4", "--keep", str(kept)]) == 0
    told = capsys.readouterr().out
    assert "2026-03-02 to 2026-03-04, seed 4" in told
    assert "holds " in told
    assert "BROKEN" not in told
    assert main(["check-data", str(file), "--database", f"sqlite:///{kept}/simulation.db", "--only", "paths"]) == 0
    assert "Every way through the states is a way of the workflow" in capsys.readouterr().out


def test_an_option_nobody_knows_is_refused(tmp_path, capsys):
    file = tmp_path / "desk.yaml"
    file.write_text(DESK)
    assert main(["simulate", str(file), "--notes", "7"]) == 1
    assert capsys.readouterr().err.strip() == "There is no option --notes."


@pytest.mark.parametrize("said", [["--notes", "7"], ["--notes=7"]])
def test_what_a_plugin_counts_is_an_option_by_that_name(said):
    options = Namespace(more=said, size=None)
    more(options, "notes")
    assert options.size == 7


def test_what_a_plugin_counts_is_a_number():
    with pytest.raises(Refused) as refused:
        more(Namespace(more=["--notes", "many"], size=None), "notes")
    assert str(refused.value) == "--notes takes a number; got many."


def test_ctrl_c_ends_it_after_what_is_being_done(tmp_path, capsys):
    """What was done until then stands, and everything holds; afterwards Ctrl-C means what it meant before."""
    registry, former = default_registry(), signal.getsignal(signal.SIGINT)
    middle = MONDAY + dt.timedelta(days=3)
    with opened(
        load_text(DESK, registry), registry, tmp_path, begin=MONDAY, end=MONDAY + dt.timedelta(days=6), seed=1
    ) as simulation:
        simulation.at(middle, lambda _simulation: signal.raise_signal(signal.SIGINT))
        with stopped_by_hand(simulation):
            figures = simulate(simulation)
        assert (figures.complete, simulation.now) == (False, middle.astimezone(dt.UTC))
        assert figures.done > 0
        assert figures.events > 0
        assert [one.name for one in examine(simulation.app) if not one.holds] == []
    assert "Stopping" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is former


def test_how_far_it_is_and_how_long_it_will_take(tmp_path):
    registry = default_registry()
    said = []
    with opened(
        load_text(DESK, registry), registry, tmp_path, begin=MONDAY, end=MONDAY + dt.timedelta(days=2), seed=1
    ) as simulation:
        simulation.at(MONDAY + dt.timedelta(days=1), lambda simulation: said.append(progress(simulation)))
        simulate(simulation)
    assert re.fullmatch(r" 50%  2026-03-03  \d+ done, \d+ refused, \d+ per second, (less than )?\d+ min to go", said[0])
