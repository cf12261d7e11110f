"""A draft for tests of operations: no database, no page."""

from __future__ import annotations

import datetime as dt
from textwrap import dedent
from typing import Any

from designer.operations import perform
from designer.text import apply
from designer.workspace import Workspace, read
from engine.builtin import default_registry
from engine.publishing.changes import NOTHING_TO_UNDO, Change
from engine.registry import Registry

NOW = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)


def draft(text: str, *, base: str | None = None, language: str = "en", registry: Registry | None = None) -> Workspace:
    """A draft of this YAML; ``base``: what is in force."""
    text = dedent(text)
    change = Change(
        id=1, title="A change", text=text, base="", base_text=dedent(base) if base is not None else text,
        undo=NOTHING_TO_UNDO, decisions={}, state="open", token="", version=1, author_id=1, guests=(), created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    return Workspace(change, read(text, registry or default_registry()), language)


def after(workspace: Workspace, operation: str, **arguments: Any) -> Workspace:
    """The draft after one operation, as the browser asks for it: arguments are JSON."""
    made = perform(workspace, operation, arguments)
    return workspace.with_text(apply(workspace.document, made.edits).text) if made.edits else workspace


def refusal(workspace: Workspace, operation: str, **arguments: Any) -> Exception:
    """What an operation says no with."""
    try:
        after(workspace, operation, **arguments)
    except Exception as error:
        return error
    raise AssertionError(f"{operation} was not refused")
