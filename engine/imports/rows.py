"""One record of a file on its way in: its texts as input, its walk, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.application import Application
from engine.definition import Form
from engine.errors import AppmillError, Invalid, Message, message
from engine.fields.base import Field
from engine.imports.bundles import Bundle, Trouble
from engine.imports.lookup import Lookup, Rehearsed
from engine.imports.mapping import ID, SINCE, STATE, Settings, Target, Targets
from engine.people import Actor
from engine.together import Together
from engine.walking import Saved

CREATED, UPDATED, SAME, WRONG = "created", "updated", "same", "wrong"
OUTCOMES = (CREATED, UPDATED, SAME, WRONG)
# What an export writes of these says less than what is stored; a cell that still says it changes nothing.
_SHORTENED = frozenset({"rich_text", "address"})


@dataclass(frozen=True)
class Outcome:
    """What became of the record that begins in row ``line``; ``rows`` is how many rows of the file it took."""

    line: int
    rows: int
    kind: str
    record_id: int | None = None
    version: int | None = None
    event_id: int | None = None
    troubles: tuple[Trouble, ...] = ()


class Bringer:
    """Brings the records of one file in, one after the other. ``rehearsing``: for a check, which keeps nothing."""

    def __init__(
        self, app: Application, actor: Actor, form: Form, targets: Targets, settings: Settings, *, rehearsing: bool
    ) -> None:
        self._form, self._settings, self._rehearsing = form, settings, rehearsing
        self._plan = app.plans.form(form)
        self._targets = {name: targets[name] for name in settings.used}
        self._history = any(target.history for target in self._targets.values())
        self._reader = actor.reader(app.definition)
        self._unique = [group for group in self._plan.unique if any(name in settings.used for name in group)]
        self._seen: dict[tuple[tuple[str, ...], tuple[Any, ...]], int] = {}
        self.lookup = Lookup(app, actor, form, targets, settings)

    def bring(self, walks: Together, bundle: Bundle) -> Outcome:
        """Walk one record; every refusal is an outcome."""
        id = self.lookup.record_of(bundle)
        draft = _Draft(self, bundle, self.lookup.stored.get(id) if id is not None else None)
        out_of_place = list(self._out_of_place(bundle, id))
        draft.troubles += out_of_place
        saved = None
        if not out_of_place:
            try:
                if draft.troubles:  # to find out what else is wrong with it
                    with walks.rehearsing():
                        self._walk(walks, draft, id)
                else:
                    saved = self._walk(walks, draft, id)
            except AppmillError as refused:
                draft.refused(refused)
        if saved is not None:
            draft.troubles += self._repeated_in_file(bundle, saved)
        if saved is None or draft.troubles:
            return Outcome(bundle.first, len(bundle.rows), WRONG, troubles=tuple(draft.troubles))
        self.lookup.learn(saved.row, rehearsed=self._rehearsing)
        kind = CREATED if id is None else UPDATED if saved.event_id is not None else SAME
        return Outcome(bundle.first, len(bundle.rows), kind, saved.id, saved.version, saved.event_id)

    def _walk(self, walks: Together, draft: _Draft, id: int | None) -> Saved:
        if id is not None:
            return walks.save(self._form, draft.values, id=id)
        if self._history and draft.has_history:
            return walks.adopt(self._form, draft.values, state=draft.state, history=draft.visits)
        return walks.save(self._form, draft.values)

    # --- the place of the row in the file

    def _out_of_place(self, bundle: Bundle, id: int | None) -> Iterator[Trouble]:
        settings = self._settings
        if settings.mode == "create":
            return
        column = settings.column_of(settings.key or "")
        label = self._targets[settings.key or ""].title
        got = bundle.values.get(settings.key or "", "")[:60]
        earlier = self.lookup.repeated(bundle)
        if earlier is not None:
            said = message("{label}: “{got}” stands in row {row} already.", label=label, got=got, row=earlier)
            yield Trouble(bundle.first, column, said)
        elif id is None and settings.mode == "update":
            said = message("There is no {form} with {label} “{got}”.", form=self._form.label, label=label, got=got)
            yield Trouble(bundle.first, column, said)

    def _repeated_in_file(self, bundle: Bundle, saved: Saved) -> Iterator[Trouble]:
        """A check keeps no row, so that the database cannot tell one row from the next."""
        if not self._rehearsing:
            return
        for group in self._unique:
            values = tuple(saved.row.get(name) for name in group)
            earlier = None if None in values else self._seen.setdefault((group, values), bundle.first)
            if earlier is not None and earlier != bundle.first:
                fields = [self._plan.fields[name] for name in group]
                yield Trouble(
                    bundle.first,
                    self._settings.column_of(group[0]),
                    message(
                        "{labels}: {values} stands in row {row} already.",
                        labels=[one.title for one in fields],
                        values=[one.format(value, self._reader) for one, value in zip(fields, values, strict=True)],
                        row=earlier,
                    ),
                )


class _Draft:
    """The input of one record and what is wrong with it so far. ``stored``: the record it changes."""

    def __init__(self, around: Bringer, bundle: Bundle, stored: Mapping[str, Any] | None) -> None:
        self._around, self._bundle, self._stored = around, bundle, stored
        self._settings: Settings = around._settings
        self._unread: set[str] = set()  # paths whose text means nothing that is there
        self.troubles: list[Trouble] = list(bundle.troubles)
        self.state: str | None = None
        self.visits: list[dict[str, Any]] = []
        self.values = self._own_values()
        self.values.update(self._line_values())
        self._read_state()

    @property
    def has_history(self) -> bool:
        """It comes with its past: a state, or a number of its own."""
        return self.state is not None or any(
            target.history and name in self.values for name, target in self._around._targets.items()
        )

    # --- texts to input

    def _own_values(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, text in self._bundle.values.items():
            target = self._around._targets[name]
            if name in (ID, STATE, SINCE) or self._left_alone(target, text):
                continue
            self._take(values, target, target.field.name, text, name, self._bundle.first)
        return values

    def _line_values(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, lines in self._bundle.lines.items():
            found[name] = []
            for place, (row, texts) in enumerate(lines):
                values: dict[str, Any] = {}
                for inner, text in texts.items():
                    if text or self._settings.clear:
                        target = self._around._targets[f"{name}.{inner}"]
                        self._take(values, target, inner, text, f"{name}.{place}.{inner}", row)
                found[name].append(values)
        return found

    def _take(self, values: dict[str, Any], target: Target, name: str, text: str, path: str, row: int) -> None:
        if not text or target.field.kind not in ("link", "links", "user", "users"):
            values[name] = text
            return
        found, problem = self._around.lookup.link(target, text)
        if problem is not None:
            self.troubles.append(Trouble(row, self._settings.column_of(target.name), problem))
        if problem is not None or isinstance(found, Rehearsed):
            self._unread.add(path)
        else:
            values[name] = list(found) if isinstance(found, tuple) else found

    def _left_alone(self, target: Target, text: str) -> bool:
        """An empty cell where those mean nothing; a cell that says no more than an export did of what is stored."""
        if not text:
            return not self._settings.clear
        if target.history and self._stored is not None:
            return True
        field: Field = target.field
        if self._stored is None or not (field.sensitive or field.type in _SHORTENED):
            return False
        value, reader = self._stored.get(field.name), self._around._reader
        return value is not None and text == (field.masked if field.sensitive else field.format)(value, reader).strip()

    def _read_state(self) -> None:
        text = self._bundle.values.get(STATE, "")
        if not text:
            return
        try:
            state = self._around._targets[STATE].field.parse(text, self._around._reader)
        except Invalid as invalid:
            self._trouble(STATE, invalid.reason)
            return
        if self._stored is None:
            self.state = state
            self._read_since(state)
        elif state != self._stored.get("state"):
            self._trouble(STATE, message("The state of a record that is there is changed by its steps, not by a file."))

    def _read_since(self, state: str) -> None:
        text = self._bundle.values.get(SINCE, "")
        if not text:
            return
        try:
            since = self._around._targets[SINCE].field.parse(text, self._around._reader)
        except Invalid as invalid:
            self._trouble(SINCE, invalid.reason)
            return
        self.visits = [{"state": state, "entered_at": since, "left_at": None}]

    def _trouble(self, target: str, what: Message) -> None:
        self.troubles.append(Trouble(self._bundle.first, self._settings.column_of(target), what))

    # --- what the walk said

    def refused(self, error: AppmillError) -> None:
        """Every problem at the cell it is about; a field whose text meant nothing is not said to be empty as well."""
        problems = [(one.where, one.message) for one in error.problems] or [("", error.reason)]
        for where, what in problems:
            if where in self._unread:
                continue
            row, target = self._place(where)
            self.troubles.append(Trouble(row, self._settings.column_of(target), what))

    def _place(self, where: str) -> tuple[int, str]:
        """``lines.2.product`` → the row of the third line, ``lines.product``."""
        name, _, rest = where.partition(".")
        place, _, inner = rest.partition(".")
        lines = self._bundle.lines.get(name, ())
        if place.isdigit() and int(place) < len(lines):
            return lines[int(place)][0], f"{name}.{inner}"
        if name == "history":
            return self._bundle.first, SINCE
        return self._bundle.first, name
