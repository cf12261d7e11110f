"""The edits of a session, to be taken back and made again, to the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from designer.text.refusals import EditRefused
from designer.text.splices import Splice, spliced
from designer.text.splicing import Applied
from engine.errors import message


@dataclass(frozen=True)
class Done:
    """An applied edit with what people call it; ``before`` and ``after`` are marks of the two texts."""

    label: str
    splices: tuple[Splice, ...]
    inverse: tuple[Splice, ...]
    before: str
    after: str


@dataclass
class Undo:
    """The newest edit is the last of ``done``; what was undone waits in ``undone`` until something else is done."""

    limit: int = 100
    done: list[Done] = field(default_factory=list)
    undone: list[Done] = field(default_factory=list)

    def add(self, label: str, applied: Applied) -> None:
        """Remember an edit; one that changed nothing is not worth a step."""
        if not applied.splices:
            return
        self.note(label, spliced(applied.text, applied.inverse), applied.text, applied.splices, applied.inverse)

    def note(
        self, label: str, before: str, after: str, splices: tuple[Splice, ...], inverse: tuple[Splice, ...]
    ) -> None:
        """Remember a step from one text to another by the splices that lead there and back."""
        done = Done(label, splices, inverse, _mark(before), _mark(after))
        self.done = [*self.done, done][-self.limit :]
        self.undone = []

    def undo(self, text: str) -> tuple[str, str]:
        """The text before the newest edit, and its label. Raises EditRefused when there is none, or when the text is
        not the one it left."""
        if not self.done:
            raise EditRefused(message("There is nothing to undo."))
        last = self.done[-1]
        found = _checked(text, last.after, last.inverse)
        self.done, self.undone = self.done[:-1], [*self.undone, last]
        return found, last.label

    def redo(self, text: str) -> tuple[str, str]:
        if not self.undone:
            raise EditRefused(message("There is nothing to redo."))
        last = self.undone[-1]
        found = _checked(text, last.before, last.splices)
        self.done, self.undone = [*self.done, last], self.undone[:-1]
        return found, last.label

    def as_data(self) -> dict[str, Any]:
        """Plain data for a draft's row, as JSON keeps it."""
        return {
            "limit": self.limit,
            "done": [_row(one) for one in self.done],
            "undone": [_row(one) for one in self.undone],
        }

    @staticmethod
    def from_data(data: dict[str, Any]) -> Undo:
        return Undo(data["limit"], [_done(row) for row in data["done"]], [_done(row) for row in data["undone"]])


def _mark(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]


def _checked(text: str, mark: str, splices: tuple[Splice, ...]) -> str:
    if _mark(text) != mark:
        raise EditRefused(message("The text was changed by somebody else since; this step cannot be taken any more."))
    return spliced(text, splices)


def _row(done: Done) -> list[Any]:
    return [
        done.label,
        [list(one) for one in done.splices],
        [list(one) for one in done.inverse],
        done.before,
        done.after,
    ]


def _done(row: list[Any]) -> Done:
    label, splices, inverse, before, after = row
    return Done(label, tuple(Splice(*one) for one in splices), tuple(Splice(*one) for one in inverse), before, after)
