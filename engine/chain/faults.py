"""What a verification finds, in words, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import Message, message

Kind = Literal[
    "changed", "missing", "added", "seal broken", "link broken", "seal missing", "seal added", "uncovered",
    "amendment changed", "amendment missing", "amendment added", "no reason", "anchor",
]  # fmt: skip

SAID: dict[Kind, Message] = {
    "changed": message("The event was changed after it was sealed."),
    "missing": message("The event is gone. It was there when it was sealed."),
    "added": message("The event was not there when its time was sealed: it was added later."),
    "seal broken": message("The seal is not what it was when it was made."),
    "link broken": message("The seal does not continue the one before it: one of the two is not what it was."),
    "seal missing": message("The seal is gone."),
    "seal added": message("The seal stands where none can be."),
    "uncovered": message("The event is covered by no seal, though later ones are."),
    "amendment changed": message("The note that says what was lawfully changed was itself changed."),
    "amendment missing": message("The note that says what was lawfully changed is gone."),
    "amendment added": message("The note that says what was lawfully changed was added later."),
    "no reason": message("The event was changed, and the event that should say why is not there."),
    "anchor": message("The chain does not have the seal that was kept in the file: it was cut off or written anew."),
}


@dataclass(frozen=True)
class Fault:
    """``seal``: its number; ``event_id``, ``form``, ``record_id``, ``at``: the event, as far as it is known; for an
    anchor ``at`` is when it was kept, for a seal when it was made (ISO 8601 texts); ``amendment``: its id."""

    kind: Kind
    seal: int | None = None
    event_id: int | None = None
    form: Any = None
    record_id: Any = None
    at: Any = None
    amendment: int | None = None

    @property
    def said(self) -> Message:
        return SAID[self.kind]
