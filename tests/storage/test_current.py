"""A definition applied in one process is in force in the others."""

from __future__ import annotations

from making import MakeApp

from engine.current import EVERY, Current

ROOM = """
    app: room
    label: Room
    forms:
      seat: {label: Seat, fields: {name: {type: text}%s}}
"""


def test_what_another_process_applied_is_taken_up(make_app: MakeApp) -> None:
    made = make_app(ROOM % "")
    clock = [0.0]
    here = Current(made.application, ticks=lambda: clock[0])
    made.redefine(ROOM % ", row: {type: integer}")
    assert "row" not in here.application().definition.forms["seat"].fields  # looked a moment ago
    clock[0] = EVERY + 1
    assert "row" in here.application().definition.forms["seat"].fields
