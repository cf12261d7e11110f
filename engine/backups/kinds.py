"""What a column holds, in words both databases share, and how its values stand in an archive.

A table is kept as PostgreSQL's COPY writes it as text (https://www.postgresql.org/docs/current/sql-copy.html, "Text
Format"): a line per row, tabs between the cells, ``\\N`` for nothing. PostgreSQL writes and reads that by itself; for
SQLite a ``Kind`` turns a stored value into the cell PostgreSQL would write, and back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from engine.errors import Refused, message
from engine.fields.columns import Exact, Ids, Moment, Seconds, Tags, json_type
from engine.storage.columns import BigInt

NOTHING = "\\N"
MILLION = 1_000_000


@dataclass(frozen=True)
class Kind:
    """``write`` turns what SQLite keeps into a cell, ``read`` a cell into what SQLite keeps; neither meets NULL.
    ``type`` makes a column of it where no definition knows one."""

    name: str
    type: Callable[[], Any]
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _same(text: str) -> str:
    return text


def _flag(value: Any) -> str:
    return "t" if value else "f"


def _flag_read(cell: str) -> int:
    return {"t": 1, "f": 0}[cell]


def _exact(millionths: int) -> str:
    whole, rest = divmod(abs(millionths), MILLION)
    return f"{'-' if millionths < 0 else ''}{whole}.{rest:06d}"


def _exact_read(cell: str) -> int:
    whole, _point, rest = cell.lstrip("-").partition(".")
    found = int(whole) * MILLION + int(f"{rest:0<6}")
    return -found if cell.startswith("-") else found


def _clipped(text: str) -> str:
    """Without zeros at the end of the fraction, as PostgreSQL writes a time."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _filled(text: str) -> str:
    """With six digits after the point, as SQLite keeps a time: so that texts sort as moments do."""
    whole, _point, rest = text.partition(".")
    return f"{whole}.{rest:0<6}"


def _moment(text: str) -> str:
    return f"{_clipped(text)}+00"


def _moment_read(cell: str) -> str:
    if not cell.endswith("+00"):
        raise ValueError(cell)
    return _filled(cell[:-3])


def _float(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _json(value: Any) -> str:
    """SQLite makes a number of a JSON text that is nothing but a number."""
    return _text(value) if isinstance(value, str) else repr(value)


def _bytes(value: bytes) -> str:
    return f"\\\\x{value.hex()}"  # the backslash of \x is escaped like any other


def _bytes_read(cell: str) -> bytes:
    return bytes.fromhex(cell.removeprefix("\\x"))


_ESCAPES = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
_SPECIAL = re.compile("[\\\\\b\f\n\r\t\v]")
_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)
_PLAIN = {escape[1]: plain for plain, escape in _ESCAPES.items()}
_TABLE = str.maketrans(_ESCAPES)


def _text(value: str) -> str:
    return value.translate(_TABLE) if _SPECIAL.search(value) else value


def unescaped(cell: str) -> str:
    """Raises KeyError for an escape that no archive has."""
    return _ESCAPED.sub(lambda found: _PLAIN[found[1]], cell) if "\\" in cell else cell


KINDS = {
    kind.name: kind
    for kind in (
        Kind("integer", sa.Integer, int.__repr__, int),
        Kind("bigint", lambda: BigInt, int.__repr__, int),
        Kind("float", sa.Float, _float, float),
        Kind("exact", lambda: Exact(6), _exact, _exact_read),
        Kind("boolean", sa.Boolean, _flag, _flag_read),
        Kind("text", sa.Text, _text, _same),
        Kind("json", json_type, _json, _same),
        Kind("bytes", sa.LargeBinary, _bytes, _bytes_read),
        Kind("moment", Moment, _moment, _moment_read),
        Kind("date", sa.Date, _same, _same),
        Kind("time", sa.Time, _clipped, _filled),
    )
}

# Asked from the top: the types that stand further up are also those further down, or look like them.
_BY_TYPE: tuple[tuple[type[Any] | tuple[type[Any], ...], str], ...] = (
    (Exact, "exact"), (Moment, "moment"), (Seconds, "bigint"), ((Tags, Ids), "text"),
    (sa.Boolean, "boolean"), (sa.JSON, "json"), (sa.BigInteger, "bigint"), (sa.Integer, "integer"),
    (sa.DateTime, "moment"), (sa.Date, "date"), (sa.Time, "time"), (sa.Float, "float"), (sa.Numeric, "exact"),
    (sa.String, "text"), (sa.LargeBinary, "bytes"),
)  # fmt: skip


def kind_of(type: Any, place: str) -> str:
    """The name of the kind that a column of this type holds; raises Refused, naming the ``place`` (table.column)."""
    for known, name in _BY_TYPE:
        if isinstance(type, known):
            return name
    raise Refused(
        message("The column {place} is of the type {type}, which no backup can hold.", place=place, type=type)
    )


# --- whole rows ------------------------------------------------------------------------------------------------------


def lines(kinds: Sequence[Kind], rows: Iterable[Sequence[Any]]) -> str:
    """Rows of SQLite as they stand in an archive."""
    writers = [kind.write for kind in kinds]
    return "".join(
        "\t".join([NOTHING if value is None else write(value) for write, value in zip(writers, row, strict=True)])
        + "\n"
        for row in rows
    )


def row_of(kinds: Sequence[Kind], line: str) -> list[Any]:
    """A line, without its end, as SQLite keeps it. Raises ValueError or KeyError for what is none."""
    cells = line.split("\t")
    return [
        None if cell == NOTHING else kind.read(unescaped(cell)) for kind, cell in zip(kinds, cells, strict=True)
    ]  # fmt: skip
