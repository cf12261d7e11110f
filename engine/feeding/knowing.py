"""What a feed is called where it is kept, and what it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.connectors import Connection, Reading
from engine.errors import Missing, message
from engine.feeds import Feed

if TYPE_CHECKING:
    from engine.application import Application


def feed_of(app: Application, stable_id: str) -> Feed | None:
    """The feed with this stable id; None once it is gone from the definition."""
    kept: dict[str, Feed] = app.plans.kept.get("feeds") or app.plans.kept.setdefault(
        "feeds", {feed.stable_id: feed for feed in app.definition.feeds.values()}
    )
    return kept.get(stable_id)


def named(app: Application, name: str) -> Feed:
    """The feed of this name; raises Missing."""
    feed = app.definition.feeds.get(name)
    if feed is None:
        raise Missing(message("There is no feed {name}.", name=name))
    return feed


def reading_of(connection: Connection, feed: Feed) -> Reading | None:
    return connection.readings().get(feed.read)


def pairs(app: Application) -> Iterator[tuple[Feed, Connection, Reading]]:
    """Every feed with each of its connections that can be read."""
    for feed in app.definition.feeds.values():
        for name in feed.from_:
            connection = app.definition.connections.get(name)
            reading = reading_of(connection, feed) if connection is not None else None
            if connection is not None and reading is not None:
                yield feed, connection, reading


def lane_of(feed: str, connection: str, key: str) -> str:
    """Versions of one thing are taken one after the other, different things side by side."""
    return f"feed:{feed}:{connection}:{key}"


def called(feed: Feed, language: str) -> str:
    return feed.label.text(language) if feed.label else feed.name.replace("_", " ")
