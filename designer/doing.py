"""Carrying out what was intended: on the draft that was seen, as one step that can be taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from designer.inforce import InForce
from designer.operations import Made, perform
from designer.text import EditRefused, Splice, Undo, Unreadable, apply, merge
from designer.workspace import Readings, Workspace
from engine.application import Application
from engine.errors import Message, Stale, message
from engine.publishing import changes
from engine.publishing.changes import Change
from engine.texts import say

LARGEST = 1_000_000  # bytes of a definition


def do(app: Application, readings: Readings, seen: Workspace, name: str, arguments: Mapping[str, Any]) -> tuple[
    Workspace, Made
]:  # fmt: skip
    """Carry out an operation on a draft. Raises Stale when somebody else changed it meanwhile; refusals of the
    operation leave it as it is."""
    made = perform(seen, name, arguments)
    if not made.edits:
        return seen, made
    applied = apply(seen.document, made.edits)
    undo = Undo.from_data(dict(seen.change.undo))
    undo.add(say(made.label, seen.language), applied)
    return _kept(app, readings, seen, applied.text, undo), made


def write(app: Application, readings: Readings, seen: Workspace, base: str, text: str) -> Workspace:
    """Another text for the whole draft, typed on the ground of ``base``. Where the draft went on meanwhile both are
    merged; raises Clashing with what they disagree about. A text that is no YAML is kept as well: nothing typed is
    lost."""
    _bounded(text)
    if base != seen.text:
        text = _merged(base, text, seen.text)
    return _kept(app, readings, seen, text, _noted(seen, text, message("The text is edited")))


def merged_in(app: Application, readings: Readings, seen: Workspace, now: InForce, text: str) -> Workspace:
    """The draft with what was put in force meanwhile, from which it goes on. Raises Stale as well."""
    undo = _noted(seen, text, message("Merged with what is in force"))
    return _kept(app, readings, seen, text, undo, base=now.hash, base_text=now.text)


def _noted(seen: Workspace, text: str, label: Message) -> Undo:
    """The steps of undo with another text as the newest."""
    undo = Undo.from_data(dict(seen.change.undo))
    undo.note(say(label, seen.language), seen.text, text, *one_splice(seen.text, text))
    return undo


def _bounded(text: str) -> None:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise EditRefused(message("A definition has at most {count} bytes.", count=LARGEST))


class Clashing(EditRefused):
    """Two edits of one text disagree; ``conflicts`` are designer.text.Conflict."""

    code = "clashing"

    def __init__(self, reason: Message, conflicts: Any = ()) -> None:
        super().__init__(reason)
        self.conflicts = tuple(conflicts)


def _merged(base: str, mine: str, theirs: str) -> str:
    try:
        merged = merge(base, mine, theirs)
    except Unreadable as error:
        raise Clashing(message("The draft was changed elsewhere, and this text cannot be read to put both together: "
                               "{reason}", reason=error.reason)) from error  # fmt: skip
    if merged.text is None:
        raise Clashing(message("The draft was changed elsewhere in the same places."), merged.conflicts)
    return merged.text


def one_splice(old: str, new: str) -> tuple[tuple[Splice, ...], tuple[Splice, ...]]:
    """One splice from the first to the last character that differs, and the one back."""
    start = _shared(old, new)
    end = _shared(old[start:][::-1], new[start:][::-1])
    removed, written = old[start : len(old) - end], new[start : len(new) - end]
    return (Splice(start, start + len(removed), written),), (Splice(start, start + len(written), removed),)


def _shared(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
                min(len(one), len(other)))  # fmt: skip


def undo(app: Application, readings: Readings, seen: Workspace) -> tuple[Workspace, str]:
    """Take the newest step back; answers the label of that step. Raises EditRefused when there is none."""
    return _stepped(app, readings, seen, Undo.undo)


def redo(app: Application, readings: Readings, seen: Workspace) -> tuple[Workspace, str]:
    return _stepped(app, readings, seen, Undo.redo)


def _stepped(
    app: Application, readings: Readings, seen: Workspace, step: Callable[[Undo, str], tuple[str, str]]
) -> tuple[Workspace, str]:
    steps = Undo.from_data(dict(seen.change.undo))
    text, label = step(steps, seen.text)
    return _kept(app, readings, seen, text, steps), label


def _kept(
    app: Application, readings: Readings, seen: Workspace, text: str, undo: Undo, **values: str
) -> Workspace:  # fmt: skip
    if text == seen.text and not values:
        return seen
    _bounded(text)
    reading = readings.of(text)  # read before the transaction: writers wait for nobody's checks
    with app.database.write() as conn:
        change = changes.keep(conn, app.tables, seen.change, now=app.clock(), text=text, undo=undo.as_data(),
                              **values)  # fmt: skip
    return Workspace(change, reading, seen.language)


def seen_as(change: Change, version: int) -> None:
    """Raise Stale unless the draft is the one a page was drawn from."""
    if change.version != version:
        raise Stale(message("This draft was changed elsewhere meanwhile. What is there now is shown."))


def opened(app: Application, title: str, text: str, base: str, base_text: str, by: int | None, now: dt.datetime) -> (
    Change
):  # fmt: skip
    """A new draft. Raises EditRefused for a text no definition has the size of."""
    _bounded(text)
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title=title, base=base, base_text=base_text, text=text, by=by, now=now)
