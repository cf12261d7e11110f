"""Feeds: what systems outside tell again and again becomes records, each thing once and always by the newest version.

A connector offers *readings* (``engine.connectors.Reading``); a feed takes one reading of one or several connections,
looks every so often or is told by webhook (``/feeds/<feed>/<connection>``), and says what becomes of each *item*. What
came is kept as an *arrival* before anything is made of it, so that it can be looked at and taken once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.language import KEY, ConnectionName, Duration, Expression, FieldName, FormName, Label, Named, option


@dataclass(frozen=True, kw_only=True)
class FeedLines:
    """What becomes of a list in an item: one line each."""

    of: Expression = option("The list, such as item.lines.")
    values: Mapping[FieldName, Expression] = option(
        "Fields of the line and what they become; `line` is what stands in the list. A line that is there already is "
        "known by the first of them.",
        of=KEY, minProperties=1,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FeedStamp:
    """A record that says up to when everything was read.

    It is written also when nothing was new: by it one knows how fresh the records of the feed are.
    """

    form: FormName = option("Its form.")
    match: Mapping[FieldName, Expression] = option(
        "By which fields it is found, and what stands in them; `source` is the connection's name. Without a record one"
        " is made.",
        of="form", minProperties=1,
    )  # fmt: skip
    field: FieldName = option("The field for the moment, of type datetime.", of="form")


@dataclass(frozen=True, kw_only=True)
class Feed(Named):
    """Things of systems outside become records.

    In its expressions ``item`` is the thing, ``source`` the name of the connection and ``codes`` the code tables.
    """

    label: Label | None = option("What people call it.", None)
    read: str = option("What is read of the connections: one of their readings.", minLength=1)
    from_: tuple[ConnectionName, ...] = option("The connections.", alias="from", minItems=1)
    every: Duration = option("How often it is looked for what is new.", Duration(5, "m"))
    overlap: Duration = option(
        "How far back a look begins before the last one ended: some systems tell of a change late.", Duration(2, "m")
    )
    since: Duration = option("How far back the very first look goes.", Duration(7, "d"))
    form: FormName = option("The form whose records the things become.")
    match: Mapping[FieldName, Expression] = option(
        "By which fields a thing finds its record, and what stands in them; they belong into `unique` of the form.",
        of="form", minProperties=1,
    )  # fmt: skip
    values: Mapping[FieldName, Expression] = option("Fields of the record and what they become.", {}, of="form")
    lines: Mapping[FieldName, FeedLines] = option("Lines fields of the record and what they become.", {}, of="form")
    codes: Mapping[str, Mapping[str, str]] = option(
        "Code tables: name → what the system writes → what is written here; read by decode(item.status, codes.status).",
        {},
    )
    when: Expression | None = option("Only things for which this holds.", None)
    creates: bool = option("A thing without a record makes one; otherwise it waits for it.", True)
    changes: bool = option("A newer version of a thing changes its record.", True)
    waits: Duration = option("How long a thing waits for what it needs before somebody is told.", Duration(2, "d"))
    ready: Expression | None = option("A thing waits until this holds; `record` is its record, or none.", None)
    stamp: FeedStamp | None = option("A record that says up to when everything was read.", None)
