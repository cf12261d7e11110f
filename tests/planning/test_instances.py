"""The reader of public instances, and the small form of benchmarks/instances.py."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import instances
from planning_instances import names, parsed, read, solved_alone

from plugins.planning.axis import axis_of
from plugins.planning.shapes import After, Mode
from plugins.planning.starts import active


def test_a_job_shop_is_read() -> None:
    problem = parsed("2 2\n0 3 1 4\n1 5 0 6\n", flexible=False)

    assert [(one.id, one.modes, one.after) for one in problem.operations.values()] == [
        ("J0.0", (Mode("M0", 3),), ()),
        ("J0.1", (Mode("M1", 4),), (After("J0.0"),)),
        ("J1.0", (Mode("M1", 5),), ()),
        ("J1.1", (Mode("M0", 6),), (After("J1.0"),)),
    ]


def test_a_flexible_job_shop_is_read() -> None:
    problem = parsed("1 2 1.5\n2 2 1 3 2 4 1 2 5\n", flexible=True)

    assert [one.modes for one in problem.operations.values()] == [(Mode("M0", 3), Mode("M1", 4)), (Mode("M1", 5),)]


def test_a_file_with_more_than_its_jobs_is_refused() -> None:
    with pytest.raises(ValueError, match="1 jobs were announced, and 2 numbers are left after them"):
        parsed("1 1\n0 3\n0 4\n", flexible=False)


@pytest.mark.parametrize("name", names())
def test_no_instance_has_a_plan_shorter_than_its_longest_job(name: str) -> None:
    instance = read(name)
    jobs: dict[str, int] = {}
    for one in instance.problem.operations.values():
        jobs[one.order] = jobs.get(one.order, 0) + min(mode.work for mode in one.modes)

    assert max(jobs.values()) <= instance.best


def test_cp_sat_alone_knows_the_same_optimum() -> None:
    assert solved_alone(read("ft06").problem, 20, lambda: 0.0) == 55


def test_the_quick_form_prints_how_near_it_came(capsys: pytest.CaptureFixture[str]) -> None:
    instances.main(["--quick"])

    ft06, mk01, mean = capsys.readouterr().out.splitlines()[1:]
    assert ft06.split()[:6] == ["ft06", "36", "2", "55", "69", "55"]
    assert mk01.split()[0] == "mk01"
    assert mean.startswith("mean of 2 at 2 s: ")


def test_an_unknown_instance_is_named_with_those_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        instances.main(["--only", "ft06,ft07"])

    assert "no such instance: ft07; there are ft06, ft10, ft20," in capsys.readouterr().err


@pytest.mark.parametrize("name", ["ft06", "mk01"])
def test_an_active_schedule_is_made_of_every_task(name: str) -> None:
    axis = axis_of(read(name).problem)
    assert axis is not None

    timing = active(axis, 0.0, Random(0))

    assert sorted(timing.order) == list(range(len(axis.tasks)))
    assert read(name).best <= timing.span < 2 * read(name).best
