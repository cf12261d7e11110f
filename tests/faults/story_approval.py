"""The order hub: finance approves before the voucher is there."""

from __future__ import annotations

from story_voucher import Application, approve, begin, definition, registry, tell, upload
from story_voucher import act as in_order

__all__ = ["act", "begin", "definition", "registry", "tell"]


def act(app: Application, id: int) -> None:
    in_order(app, id, (approve, upload))
