"""What happens to an approval, as events of its record and as notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from engine import notices
from engine.application import Application
from engine.approvals.model import Approval
from engine.approve import LINK
from engine.passage import Walk
from engine.reach import Kind
from engine.storage import events


def note(
    app: Application, conn: sa.Connection, approval: Approval, did: str, actor_id: int | None, *,
    reason: str | None = None, step: Mapping[str, str] | None = None, **more: Any,
) -> None:  # fmt: skip
    """Keep an event of the record: ``did`` is one of ``words.DEEDS``, ``step`` the label of the step it is about."""
    told = {"approval": approval.id, "rule": approval.rule, "label": dict(approval.label), "did": did,
            "step": dict(step or {}), **more}  # fmt: skip
    events.append(conn, app.tables, events.Event(
        at=app.clock(), form=approval.form, record_id=approval.record_id, kind="approval", actor_id=actor_id,
        actor_kind="user" if actor_id is not None else "system", reason=reason, cause=approval.event_id, trace=told,
        definition=app.definition.hash,
    ))  # fmt: skip


def tell(
    walk: Walk, approval: Approval, people: Iterable[int], texts: Mapping[str, str], kind: Kind = "told",
    question_id: int | None = None,
) -> dict[int, int]:  # fmt: skip
    return notices.write(walk, people, *approval.place, texts, approval.event_id, kind, question_id)


def linked(texts: Mapping[str, str], address: str) -> dict[str, str]:
    """The texts with the address in the place of ``{{ link }}``."""
    return {language: text.replace(LINK, address) for language, text in texts.items()}


def path_of(approval_id: int) -> str:
    """Where an approval is on this site."""
    return f"/approvals/{approval_id}"
