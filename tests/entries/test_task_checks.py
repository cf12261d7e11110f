"""A task that cannot be done is found when the file is read, with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.builtin import default_registry
from engine.load import examine

TEXT = (Path(__file__).parents[1] / "apps" / "workshop.yaml").read_text()
TASK = "  report_work:"


def said(task: str, name: str = "odd") -> list[str]:
    text = TEXT.replace(TASK, f"  {name}: {{label: Odd, form: job, {task}}}\n{TASK}", 1)
    _definition, _source, findings = examine(text, default_registry(), "workshop.yaml")
    return [str(one).partition(": ")[2] for one in findings]


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ("fields: [good], adds: [good]", "adds: 'adds' is about a record that is there; say 'record: existing'."),
        ("fields: [good], where: record.good > 1", "where: 'where' is about a record that is there; say 'record: existing'."),
        ("record: existing, fields: [place], adds: [place]", "adds.0: 'place' is no number that adds up."),
        ("record: existing, fields: [place], adds: [good]", "adds.0: 'good' is not among the 'fields' of the task."),
        ("record: existing, fields: [place], scan: place", "scan: The record itself is scanned here; leave 'scan' out."),
        ("fields: [photo], keep: [photo]", "keep.0: Files of 'photo' are new each time."),
        ("fields: [shift], scan: shift", "scan: 'shift' is no link, code or text that can be scanned."),
        ("record: existing", "A task asks for something; say 'fields'."),
        ("fields: [goo]", "fields.0: 'job' has no field 'goo'; did you mean 'good'?"),
        ("transition: relase", "transition: 'job' has no transition 'relase'; did you mean 'release'?"),
    ],
)
def test_what_makes_no_sense_is_said_at_its_place(task: str, complaint: str) -> None:
    (found,) = said(task)
    at = f"tasks.odd.{complaint}" if not complaint.startswith("A task") else f"tasks.odd: {complaint}"
    assert found == at


def test_a_page_beside_the_tasks_is_no_name_for_one() -> None:
    assert said("fields: [number, name]", name="waiting") == [
        "tasks.waiting: 'waiting' is a page of its own; call the task differently."
    ]
