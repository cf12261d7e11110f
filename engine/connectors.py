"""Connections to the world outside: what a definition says of them, and what a connector offers.

A connection names a connector by ``type`` and holds its settings; whatever is secret stands in it by name only
(``{secret: ERP_TOKEN}``) and is looked up when it is used, by ``engine.secrets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.language import Duration, Label, from_key, option


@dataclass(frozen=True)
class Secret:
    """The name of a secret. Its value never stands in the definition, an export, a log or a page."""

    secret: str = option("The name of the secret, such as ERP_TOKEN.", pattern="^[A-Z][A-Z0-9_]{0,62}$")


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A system outside that rules send to or call."""

    type: ClassVar[str]
    name: str = from_key()
    stable_id: str = option("An id that outlives renaming.", "", alias="id")
    renamed_from: str | None = option("The former name.", None)
    label: Label | None = option("What people call it.", None)
    timeout: Duration = option("How long one call may take.", Duration(30, "s"))
    attempts: int = option("How often a call is tried before it becomes a dead letter.", 8, minimum=1, maximum=50)
    together: int = option("How many calls may be under way at once.", 4, minimum=1, maximum=64)
    unsure: str = option(
        "What to do when the answer to a call was lost: 'repeat' it, where the other side knows a call by its key, or "
        "'ask' an administrator.",
        "ask", enum=["ask", "repeat"],
    )  # fmt: skip

    def operations(self) -> Mapping[str, Operation]:
        """What ``call`` may name on this connection."""
        return {}


@dataclass(frozen=True)
class Operation:
    """One thing a connector can do. ``takes``: name → JSON Schema of each value; ``needs``: which must be given."""

    label: Label
    takes: Mapping[str, Any]
    needs: frozenset[str] = frozenset()
    writes: bool = True
