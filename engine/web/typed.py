"""What somebody typed into a form: the posted names as raw values, lines included, in the order they stand.

``due_on=…`` is a field, ``lines.3.quantity=…`` a cell of the row with the key 3, ``lines.3.id`` the stored row it
edits, ``lines.3._delete`` its removal. Keys only tell rows apart; the order of the rows is the order of the post.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from engine.definition import AppDefinition, Form
from engine.errors import Invalid, Problem, message
from engine.fields.base import Field

MAX_LINES = 500


@dataclass(frozen=True)
class Row:
    """One line as typed: ``raw`` holds what ``Field.parse`` takes, ``id`` is None for a new row."""

    key: str
    raw: Mapping[str, Any]
    id: int | None = None
    deleted: bool = False

    @property
    def empty(self) -> bool:
        return self.id is None and not any(_filled(value) for value in self.raw.values())


@dataclass(frozen=True)
class Typed:
    """Everything typed: ``raw`` per field that was on the form, ``lines`` per lines field that was on it."""

    raw: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)

    def values(self) -> dict[str, Any]:
        """As ``service.save`` takes it: removed and untouched empty rows left out."""
        out = dict(self.raw)
        for name in self.lines:
            out[name] = [_row_values(row) for row in self.kept(name)]
        return out

    def kept(self, name: str) -> list[Row]:
        return [row for row in self.lines.get(name, ()) if not row.deleted and not row.empty]

    def input_path(self, path: str) -> str:
        """A problem's place as the walk counts (kept rows from 0) → the place on the form (row keys)."""
        name, *rest = path.split(".")
        if name not in self.lines or not rest or not rest[0].isdigit():
            return path
        kept = self.kept(name)
        index = int(rest[0])
        return ".".join([name, kept[index].key, *rest[1:]]) if index < len(kept) else path

    def with_lines(self, name: str, rows: tuple[Row, ...]) -> Typed:
        return replace(self, lines={**self.lines, name: rows})


def _row_values(row: Row) -> dict[str, Any]:
    return dict(row.raw) if row.id is None else {"id": row.id, **row.raw}


def _filled(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_filled(part) for part in value.values())
    return value not in (None, "", [], (), "false", "0", False)


def read_typed(definition: AppDefinition, form: Form, posted: MultiDict[str, str]) -> Typed:
    """Raw values of the fields of ``form`` that were on the posted form. Raises Invalid over ``MAX_LINES`` rows."""
    raw: dict[str, Any] = {}
    lines: dict[str, tuple[Row, ...]] = {}
    for one in form.fields.values():
        if one.kind == "lines":
            if one.name in posted:
                lines[one.name] = _read_rows(one, definition.forms[one.form], posted)  # type: ignore[attr-defined]
        elif one.writable and _on_form(one, one.name, posted) and not _untouched(one, one.name, posted):
            raw[one.name] = one.raw(posted, one.name)
    return Typed(raw, lines)


def _untouched(one: Field, name: str, posted: MultiDict[str, str]) -> bool:
    """A sensitive value is never put into its input; left empty it stays, unless emptying it is asked for."""
    return one.sensitive and not _filled(one.raw(posted, name)) and f"_clear.{name}" not in posted


def _on_form(one: Field, name: str, posted: MultiDict[str, str]) -> bool:
    return name in posted or any(f"{name}.{part}" in posted for part in one.parts)


def _read_rows(lines: Field, row_form: Form, posted: MultiDict[str, str]) -> tuple[Row, ...]:
    keys = list(dict.fromkeys(_keys(lines.name, posted)))
    if len(keys) > MAX_LINES:
        raise Invalid(
            message("{label} takes at most {most} rows, got {got}", label=lines.title, most=MAX_LINES, got=len(keys)),
            [Problem(lines.name, message("At most {most} rows, got {got}", most=MAX_LINES, got=len(keys)))],
        )
    return tuple(_read_row(row_form, lines.name, key, posted) for key in keys)


def _keys(name: str, posted: MultiDict[str, str]) -> Iterator[str]:
    start = name + "."
    for posted_name in posted:
        if posted_name.startswith(start):
            key = posted_name[len(start) :].split(".", 1)[0]
            if key.isascii() and key.isdigit() and len(key) < 10:
                yield key


def _read_row(row_form: Form, name: str, key: str, posted: MultiDict[str, str]) -> Row:
    at = f"{name}.{key}."
    raw = {
        one.name: one.raw(posted, at + one.name)
        for one in row_form.fields.values()
        if one.writable and one.kind != "lines" and _on_form(one, at + one.name, posted)
        and not _untouched(one, at + one.name, posted)
    }  # fmt: skip
    identity = posted.get(at + "id", "")
    return Row(
        key=key,
        raw=raw,
        id=int(identity) if identity.isascii() and identity.isdigit() and len(identity) < 19 else None,
        deleted=posted.get(at + "_delete", "") not in ("", "0"),
    )


# --- drafts keep it as JSON ------------------------------------------------------------------------------------------


def to_json(typed: Typed, definition: AppDefinition, form: Form) -> dict[str, Any]:
    """Sensitive values are not kept beside the record."""
    return {
        "raw": _plain_only(form, typed.raw),
        "lines": {
            name: [
                {"key": row.key, "raw": _plain_only(_row_form(definition, form, name), row.raw), "id": row.id,
                 "deleted": row.deleted}
                for row in rows
            ]
            for name, rows in typed.lines.items()
        },
    }  # fmt: skip


def _plain_only(form: Form, raw: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if not form.fields[name].sensitive}


def _row_form(definition: AppDefinition, form: Form, name: str) -> Form:
    return definition.forms[form.fields[name].form]  # type: ignore[attr-defined]


def from_json(kept: Mapping[str, Any], form: Form) -> Typed:
    """Drafts outlive definitions: what the form no longer has is left out."""
    raw = {name: value for name, value in kept.get("raw", {}).items() if name in form.fields}
    lines = {
        name: tuple(Row(key=row["key"], raw=row["raw"], id=row["id"], deleted=row["deleted"]) for row in rows)
        for name, rows in kept.get("lines", {}).items()
        if name in form.fields
    }
    return Typed(raw, lines)


def next_key(rows: tuple[Row, ...]) -> int:
    return max((int(row.key) for row in rows), default=-1) + 1
