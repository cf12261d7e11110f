"""What an archive says of itself: ``manifest.json``, checked as anything that comes from outside.

Format 1. ``definition.yaml`` is the definition in force; ``tables/<name>.tsv`` the rows of a table (see ``kinds``);
``files/<two letters>/<SHA-256>`` the attachments. Nothing else may be in it, and everything in it is named here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import jsonschema

from engine.backups.kinds import KINDS
from engine.errors import Message, Refused, message

FORMAT = 1
MANIFEST, DEFINITION = "manifest.json", "definition.yaml"
LARGEST = 256 * 1024 * 1024  # bytes of a manifest: about two million attachments
LARGEST_DEFINITION = 16 * 1024 * 1024
MOST = 2**62
SHA256 = re.compile("[0-9a-f]{64}")
LOST = ("missing", "damaged")


@dataclass(frozen=True)
class Column:
    name: str
    kind: str
    null: bool


@dataclass(frozen=True)
class Reference:
    """A column that names rows of another table; ``on_delete`` as in SQL, or nothing."""

    column: str
    table: str
    target: str
    on_delete: str | None = None


@dataclass(frozen=True)
class Shape:
    """A table without its rows. ``next``: the largest id that was ever given, where the database keeps it."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...]
    next: int | None = None


@dataclass(frozen=True)
class Figures:
    """``size`` in bytes, uncompressed."""

    size: int
    sha256: str
    rows: int = 0


@dataclass(frozen=True)
class Table:
    shape: Shape
    figures: Figures

    @property
    def entry(self) -> str:
        return table_entry(self.shape.name)


@dataclass(frozen=True)
class KeyNeed:
    """The keys that the secrets in the archive are encrypted under, by their fingerprints (``engine.secrets``).
    ``unknown``: how many are under a key that was not there when the backup was made."""

    secrets: int = 0
    fingerprints: tuple[str, ...] = ()
    unknown: int = 0


@dataclass(frozen=True)
class Manifest:
    """``files``: SHA-256 → size in bytes; ``lost``: files that the data names and the store did not have whole, with
    ``missing`` or ``damaged``."""

    product: str
    application: str
    definition: str
    definition_file: Figures
    dialect: str
    at: dt.datetime
    key: KeyNeed
    tables: tuple[Table, ...]
    files: Mapping[str, int] = field(default_factory=dict)
    lost: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(table.figures.rows for table in self.tables)

    @property
    def size(self) -> int:
        """Bytes of everything, uncompressed."""
        return sum(self.entries().values())

    def entries(self) -> dict[str, int]:
        """The names of everything in the archive but the manifest itself, with their sizes in bytes."""
        tables = {table.entry: table.figures.size for table in self.tables}
        files = {file_entry(sha256): size for sha256, size in self.files.items()}
        return {DEFINITION: self.definition_file.size, **tables, **files}


def table_entry(name: str) -> str:
    return f"tables/{name}.tsv"


def file_entry(sha256: str) -> str:
    return f"files/{sha256[:2]}/{sha256}"


# --- as JSON ---------------------------------------------------------------------------------------------------------


def write(manifest: Manifest) -> bytes:
    data = {**asdict(manifest), "at": manifest.at.astimezone(dt.UTC).isoformat()}
    data["files"], data["lost"] = dict(manifest.files), dict(manifest.lost)
    return json.dumps(data, indent=1).encode()


def read(raw: bytes) -> Manifest:
    """Raises Refused for what is no manifest, or one of a newer format."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refused(message("{file} of the archive is no JSON; it is damaged.", file=MANIFEST)) from None
    if isinstance(data, dict) and type(data.get("format")) is int and data["format"] > FORMAT:
        raise Refused(
            message("The archive has the format {got}; this version of Appmill reads up to {known}. Use a newer one.",
                    got=data["format"], known=FORMAT)
        )  # fmt: skip
    wrong = jsonschema.exceptions.best_match(_VALIDATOR.iter_errors(data))
    if wrong is not None:
        raise Refused(_not_so(".".join(map(str, wrong.absolute_path)), wrong.message))
    return _manifest(data)


def _not_so(place: str, said: str) -> Message:
    return message("{file} of the archive is not as it must be, at {place}: {reason}",
                   file=MANIFEST, place=place or "the beginning", reason=said[:300])  # fmt: skip


def _manifest(data: Mapping[str, Any]) -> Manifest:
    tables = tuple(Table(_shape(each["shape"]), Figures(**each["figures"])) for each in data["tables"])
    twice = _twice([table.shape.name for table in tables])
    if twice:
        raise Refused(_not_so("tables", f"{twice} stands there twice"))
    for table in tables:
        _whole(table.shape)
    _files("files", data["files"], lambda size: type(size) is int and 0 <= size <= MOST)
    _files("lost", data["lost"], lambda why: why in LOST)
    key = KeyNeed(data["key"]["secrets"], tuple(data["key"]["fingerprints"]), data["key"]["unknown"])
    try:
        at = dt.datetime.fromisoformat(data["at"])
    except ValueError:
        raise Refused(_not_so("at", "no moment")) from None
    return Manifest(**{**data, "tables": tables, "key": key, "at": at.astimezone(dt.UTC),
                       "definition_file": Figures(**data["definition_file"])})  # fmt: skip


def _shape(data: Mapping[str, Any]) -> Shape:
    columns = tuple(Column(**each) for each in data["columns"])
    references = tuple(Reference(**each) for each in data["references"])
    return Shape(data["name"], columns, tuple(data["key"]), references, data["next"])


def _whole(shape: Shape) -> None:
    names = [column.name for column in shape.columns]
    place = f"tables.{shape.name}"
    if twice := _twice(names):
        raise Refused(_not_so(place, f"the column {twice} stands there twice"))
    strange = {*shape.key, *(each.column for each in shape.references)} - set(names)
    if strange:
        raise Refused(_not_so(place, f"it has no column {min(strange)}"))


def _files(place: str, found: Mapping[str, Any], fits: Callable[[Any], bool]) -> None:
    for name, value in found.items():
        if not SHA256.fullmatch(name) or not fits(value):
            raise Refused(_not_so(place, f"{name[:80]}: {value!r}"[:200]))


def _twice(names: list[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: Any, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "maxItems": most}


_NAME = {"type": "string", "pattern": r"^[a-z_][a-z0-9_]{0,62}\Z"}
_SHA256 = {"type": "string", "pattern": rf"^{SHA256.pattern}\Z"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": MOST}
_WORD = {"type": "string", "maxLength": 200}
_FIGURES = _object(size=_COUNT, sha256=_SHA256, rows=_COUNT)
_COLUMN = _object(name=_NAME, kind={"enum": list(KINDS)}, null={"type": "boolean"})
_ON_DELETE = {"enum": [None, "CASCADE", "SET NULL", "RESTRICT", "NO ACTION", "SET DEFAULT"]}
_REFERENCE = _object(column=_NAME, table=_NAME, target=_NAME, on_delete=_ON_DELETE)
_SHAPE = _object(
    name=_NAME, columns={**_list(_COLUMN, 2000), "minItems": 1}, key=_list(_NAME, 100),
    references=_list(_REFERENCE, 2000), next={"anyOf": [{"type": "null"}, _COUNT]},
)  # fmt: skip
_PRINT = {"type": "string", "pattern": r"^[0-9a-f]{16}\Z"}
_VALIDATOR = jsonschema.Draft202012Validator(
    _object(
        product=_WORD,
        application=_NAME,
        definition={"type": "string", "pattern": r"^[0-9a-f]{8,64}\Z"},
        definition_file=_FIGURES,
        dialect={"enum": ["sqlite", "postgresql"]},
        at=_WORD,
        key=_object(secrets=_COUNT, fingerprints=_list(_PRINT, 100), unknown=_COUNT),
        tables=_list(_object(shape=_SHAPE, figures=_FIGURES), 20_000),
        files={"type": "object"},  # there may be a million: `_files` looks at them
        lost={"type": "object"},
        format={"const": FORMAT},
    )
)
