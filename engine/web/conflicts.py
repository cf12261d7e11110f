"""Somebody saved first: what they changed, what both changed, and what is saved in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.definition import Form
from engine.errors import Invalid, Message, message
from engine.fields.base import Field
from engine.storage.events import Event, of_record
from engine.texts import say
from engine.web.boxes import Sheet
from engine.web.context import actor, application, reader
from engine.web.merging import REMOVED, Clash, merge, settle
from engine.web.seen import Seen, points_at, titles_of
from engine.web.sheets import SheetMaker
from engine.web.timeline import Teller, pointed_at, undo
from engine.web.typed import Typed

MOST_EVENTS = 200
CHOOSE = "_choose."


@dataclass(frozen=True)
class Conflict:
    """Values in JSON form. ``others`` are the ids of the people who saved meanwhile."""

    clashes: tuple[Clash, ...]
    taken: tuple[str, ...]
    stored_rows: Mapping[str, Sequence[int]]
    others: tuple[int, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True)
class ShownClash:
    path: str
    label: str
    base: str
    yours: str
    theirs: str


@dataclass(frozen=True)
class Told:
    """The conflict in words: who, what was taken over, what is to be chosen."""

    name: str
    taken: str
    clashes: tuple[ShownClash, ...]


def chosen(typed: Typed, posted: Mapping[str, str], seen: Seen) -> Typed:
    """What is typed after the choices of a conflict page: the places of the other side are left as stored."""
    leave = {name.removeprefix(CHOOSE) for name, value in posted.items()
             if name.startswith(CHOOSE) and value == "theirs"}  # fmt: skip
    return settle(typed, leave, _row_ids(seen.form, stored_lines(seen))) if leave else typed


def stored_lines(seen: Seen) -> dict[str, list[Mapping[str, Any]]]:
    return {
        field.name: list(seen.view.loader.lines(field.form, seen.id))  # type: ignore[attr-defined]
        for field in seen.form.fields.values()
        if field.kind == "lines"
    }


def compare(conn: sa.Connection, maker: SheetMaker, seen: Seen, typed: Typed, since: int) -> Conflict:
    """``since``: the last event known when the form was opened; what came after is taken back to find the base."""
    events = [event for event in of_record(conn, application().tables, seen.form.name, seen.id, limit=MOST_EVENTS)
              if event.id > since]  # fmt: skip
    lines = stored_lines(seen)
    theirs = _dumped(seen.form, seen.row, lines, by_id=False)
    base = _by_name(seen.form, undo(_dumped(seen.form, seen.row, lines, by_id=True), seen.form, events))
    yours = _dumped_typed(maker, typed)
    merged = merge(base, yours, theirs, list(lines))
    others = tuple(dict.fromkeys(event.actor_id for event in events if event.actor_id is not None))
    return Conflict(merged.clashes, merged.taken, _row_ids(seen.form, lines), others, tuple(events))


def merged(conflict: Conflict, typed: Typed) -> Typed:
    return settle(typed, set(conflict.taken), conflict.stored_rows)


def _row_ids(form: Form, lines: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[int]]:
    return {name: [row["id"] for row in rows] for name, rows in lines.items()}


# --- values in JSON form ---------------------------------------------------------------------------------------------


def _dumped(
    form: Form, row: Mapping[str, Any], lines: Mapping[str, Sequence[Mapping[str, Any]]], *, by_id: bool
) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field in form.fields.values():
        key = field.stable_id if by_id else field.name
        if field.kind == "lines":
            columns = application().definition.forms[field.form].fields.values()  # type: ignore[attr-defined]
            out[key] = [_dumped_row(columns, line, by_id=by_id) for line in lines.get(field.name, ())]
        else:
            out[key] = dumped(field, row.get(field.name))
    return out


def _dumped_row(columns: Any, line: Mapping[str, Any], *, by_id: bool) -> dict[str, Any]:
    values = {(column.stable_id if by_id else column.name): dumped(column, line.get(column.name)) for column in columns}
    return {"id": line["id"], **values}


def dumped(field: Field, value: Any) -> Any:
    found = None if value is None else field.dump(value)
    return list(found) if isinstance(found, tuple) else found or (None if found in ("", [], ()) else found)


def _by_name(form: Form, values: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for field in form.fields.values():
        value = values.get(field.stable_id)
        if field.kind == "lines":
            columns = application().definition.forms[field.form].fields.values()  # type: ignore[attr-defined]
            names = {column.stable_id: column.name for column in columns}
            value = [{names.get(key, key): cell for key, cell in row.items()} for row in value or ()]
        out[field.name] = value
    return out


def _dumped_typed(maker: SheetMaker, typed: Typed) -> dict[str, Any]:
    """What does not parse differs from everything, so that it is asked about."""
    form, forms = maker.form, application().definition.forms
    out = {name: _dump_raw(maker, form.fields[name], raw) for name, raw in typed.raw.items()}
    for name in typed.lines:
        columns = forms[form.fields[name].form].fields  # type: ignore[attr-defined]
        out[name] = [
            {"id": row.id, **{cell: _dump_raw(maker, columns[cell], raw) for cell, raw in row.raw.items()}}
            for row in typed.kept(name)
        ]
    return out


def _dump_raw(maker: SheetMaker, field: Field, raw: Any) -> Any:
    try:
        return dumped(field, field.parse(raw, maker.reader))
    except Invalid:
        return {"typed": raw}


# --- in words --------------------------------------------------------------------------------------------------------


def tell(conn: sa.Connection, conflict: Conflict, sheet: Sheet, seen: Seen) -> Told:
    app, who = application(), actor()
    wanted = pointed_at(app.definition, seen.form, conflict.events)
    for clash in conflict.clashes:
        _want(sheet, clash, wanted)
    titles = titles_of(conn, app, who, wanted)
    teller = Teller(
        app.definition, seen.form, lambda form, name: name in sheet.readable.get(form, ()), titles, reader()
    )
    names = titles.get("_user", {})
    return Told(
        name=", ".join(names.get(one, f"#{one}") for one in conflict.others if one != who.id) or who.name,
        taken=taken_text(conflict, seen.form, reader().language),
        clashes=tuple(_shown(teller, clash, sheet) for clash in conflict.clashes),
    )


def _field_of(sheet_form: Form, path: str) -> tuple[Field, Field | None]:
    """The field a path begins with, and the column when it names a cell."""
    parts = path.split(".")
    field = sheet_form.fields[parts[0]]
    if len(parts) < 3:
        return field, None
    return field, application().definition.forms[field.form].fields[parts[2]]  # type: ignore[attr-defined]


def _want(sheet: Sheet, clash: Clash, wanted: dict[str, set[int]]) -> None:
    field, column = _field_of(sheet.form, clash.path)
    target = points_at(column or field)
    if target:
        for side in (clash.base, clash.yours, clash.theirs):
            ids = side if isinstance(side, list) else [side]
            wanted.setdefault(target, set()).update(one for one in ids if isinstance(one, int))


def _shown(teller: Teller, clash: Clash, sheet: Sheet) -> ShownClash:
    field, column = _field_of(sheet.form, clash.path)
    language = teller.reader.language
    label = field.label_in(language)
    if field.kind == "lines":
        label += f" · #{clash.path.split('.')[1]}"
    if column is not None:
        label += f" · {column.label_in(language)}"

    def text(value: Any) -> str:
        if value is REMOVED:
            return say(message("(removed)"), language)
        if isinstance(value, Mapping) and set(value) == {"typed"}:
            return str(value["typed"])
        if column is None and field.kind == "lines":
            return teller._row_text(teller.definition.forms[field.form], value)  # type: ignore[attr-defined]
        return teller.text(column or field, value) or "—"

    return ShownClash(clash.path, label, text(clash.base), text(clash.yours), text(clash.theirs))


def taken_text(conflict: Conflict, form: Form, language: str) -> str:
    names = dict.fromkeys(path.split(".")[0] for path in conflict.taken)
    return ("、" if language == "zh" else ", ").join(form.fields[name].label_in(language) for name in names)


def merged_note(conflict: Conflict, form: Form, language: str) -> Message:
    if not conflict.taken:
        return message("Saved. Someone else saved meanwhile; your changes do not touch theirs.")
    return message(
        "Saved. Someone else had changed {places} meanwhile; both changes were kept.",
        places=taken_text(conflict, form, language),
    )
