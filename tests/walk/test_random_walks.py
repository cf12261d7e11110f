"""Whatever people do in whatever order, history stays a path through the machine and nothing is lost or double."""

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from fake_clock import FakeClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from making import make

from engine.errors import AppmillError

TICKETS = Path(__file__).parents[1] / "apps" / "tickets.yaml"
PEOPLE = st.sampled_from(["cleo", "carl", "bob", "gus", "admin"])
STEPS = st.sampled_from(["start", "finish", "reopen", "wait", "resume", "drop"])
MOVES = {
    ("open", "start"): "working", ("working", "finish"): "done", ("working", "reopen"): "open",
    ("open", "wait"): "waiting", ("working", "wait"): "waiting", ("open", "drop"): "dropped",
    ("waiting", "drop"): "dropped", ("waiting", "resume"): None,
}  # fmt: skip


class Life(RuleBasedStateMachine):
    """One ticket, several people, one clock."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.app = make(
            TICKETS, f"sqlite:///{self.folder.name}/x.db", Path(self.folder.name), self.clock, "", None, None
        )

    @initialize()
    def begin(self):
        self.project = self.app.create("project", name="Bridge", budget="500", as_="bob")
        self.ticket = self.app.create(
            "ticket", subject="Paint", project=self.project.id, lines=[{"what": "x", "hours": 1}], as_="cleo"
        )
        self.saves, self.began = 1, self.clock()

    def attempt(self, act):
        try:
            saved = act()
        except AppmillError:
            return
        self.saves += saved.event_id is not None

    @rule(who=PEOPLE, step=STEPS, report=st.sampled_from([None, "done it"]), minutes=st.integers(0, 500))
    def take(self, who, step, report, minutes):
        self.clock.advance(minutes=minutes)
        values = {"report": report} if report and step == "finish" else {}
        values |= {"worker": self.app.id_of("carl")} if step == "start" else {}
        self.attempt(lambda: self.app.take("ticket", self.ticket, step, as_=who, reason="r", **values))

    @rule(who=PEOPLE, hours=st.integers(0, 9), keep=st.booleans())
    def change_lines(self, who, hours, keep):
        old = [{"id": line["id"]} for line in self.app.lines("ticket_line", self.ticket)] if keep else []
        lines = [*old, {"what": "more", "hours": hours}]
        self.attempt(lambda: self.app.update("ticket", self.ticket, lines=lines, as_=who))

    @rule(who=PEOPLE, name=st.sampled_from(["state", "id", "owner", "due_on"]), version=st.sampled_from([None, 1, 99]))
    def change_anything(self, who, name, version):
        self.attempt(lambda: self.app.update("ticket", self.ticket, as_=who, version=version, **{name: "2026-04-01"}))

    @invariant()
    def history_is_a_path(self):
        events = self.app.events("ticket", self.ticket)
        row = self.app.get("ticket", self.ticket)
        state, before = "open", None
        for event in events[1:]:
            if event.kind != "taken":
                assert event.to_state is None
                continue
            assert (event.from_state, event.transition) in MOVES
            target = MOVES[event.from_state, event.transition] or before
            assert (event.from_state, event.to_state) == (state, target)
            before, state = (event.from_state if target == "waiting" else None), target
        assert row["state"] == state

    @invariant()
    def one_version_and_one_event_per_save(self):
        row = self.app.get("ticket", self.ticket)
        assert row["version"] == len(self.app.events("ticket", self.ticket)) == self.saves

    @invariant()
    def visits_follow_each_other_and_add_up(self):
        visits = self.app.stays("ticket", self.ticket)
        assert [visit["left_at"] for visit in visits[:-1]] == [visit["entered_at"] for visit in visits[1:]]
        assert visits[0]["entered_at"] == self.began
        assert visits[-1]["left_at"] is None
        spent = sum(visit["dwell_seconds"] for visit in visits[:-1])
        assert dt.timedelta(seconds=spent) == visits[-1]["entered_at"] - self.began

    @invariant()
    def totals_are_current(self):
        row, lines = self.app.get("ticket", self.ticket), self.app.lines("ticket_line", self.ticket)
        assert row["cost"] == sum(line["hours"] * line["rate"] for line in lines)
        project = self.app.get("project", self.project)
        assert project["spent"] == row["cost"]
        assert project["left"] == 500 - row["cost"]

    def teardown(self):
        self.app.application.database.close()
        self.folder.cleanup()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
class TestLife(Life.TestCase):
    settings = settings(max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
