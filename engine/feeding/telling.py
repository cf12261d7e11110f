"""What administrators are told of arrivals nobody can take: at most once an hour per feed, the rest is on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from engine import notices
from engine.errors import Message, message
from engine.feeding.knowing import called
from engine.feeds import Feed
from engine.language import ADMIN, Label
from engine.passage import Walk
from engine.people import people_with_roles, system_actor
from engine.sight import Sight
from engine.storage import upsert
from engine.texts import say

if TYPE_CHECKING:
    from engine.application import Application

LONGEST = 2000  # characters of a reason


def in_words(app: Application, said: Message | None) -> str | None:
    """In the first language of the application, as ledgers keep it."""
    return say(said, app.definition.languages[0])[:LONGEST] if said is not None else None


def fell_down(app: Application, conn: sa.Connection, feed: Feed, arrival: Any, reason: Message | None) -> None:
    now = app.clock()
    if upsert.count(conn, app.tables, f"feed-failed:{feed.stable_id}", now, 3600) > 1:
        return
    actor = system_actor()
    walk = Walk(app, conn, actor, now, Sight(app, conn, actor))
    said = message("“{feed}” could not take {thing} of {connection}: {reason}",
                   feed=feed.label or Label({"": called(feed, "")}), thing=arrival.item_key,
                   connection=arrival.connection, reason=reason or "")  # fmt: skip
    people = people_with_roles(conn, app.tables, [ADMIN])
    texts: dict[str, str] = {language: say(said, language) for language in app.definition.languages}
    notices.write(walk, people, "_app", 0, texts, None)
