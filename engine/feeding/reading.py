"""Asking a connector, through the same door as every call: secrets masked, whatever breaks a DeliveryFailed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from engine.application import Application
from engine.calendars import seconds_of
from engine.connectors import Connection, Failure, Item, Part, Pushed, Told
from engine.feeds import Feed
from engine.jobs.surroundings import Usual
from engine.outside.carrying import guarded
from engine.outside.task import Surroundings, Task
from engine.storage.exchanges import keep


def read(app: Application, feed: Feed, connection: Connection, cursor: Mapping[str, Any]) -> Part:
    """One call's worth of what changed. Raises DeliveryFailed for whatever goes wrong."""

    def work(around: Surroundings) -> dict[str, Any]:
        part = connection.read(feed.read, cursor, _task(feed, connection), around)
        return {"items": [asdict(item) for item in part.items], "cursor": dict(part.cursor), "more": bool(part.more)}

    found = _guarded(app, feed, connection, work)
    return Part(_items(found["items"]), found["cursor"], found["more"])


def settled(
    app: Application, feed: Feed, connection: Connection, cursor: Mapping[str, Any], version: str,
    failures: Sequence[Failure],
) -> Mapping[str, Any]:  # fmt: skip
    """Tell what became of a version; answers the cursor to go on from. Raises DeliveryFailed."""
    task = _task(feed, connection)

    def work(around: Surroundings) -> Mapping[str, Any]:
        return connection.settled(feed.read, cursor, version, failures, task, around)

    found: Mapping[str, Any] = _guarded(app, feed, connection, work)
    return found


def told(app: Application, feed: Feed, connection: Connection, pushed: Pushed) -> Told | None:
    """What a webhook tells. Raises Forged, or DeliveryFailed for whatever else goes wrong."""

    def work(around: Surroundings) -> dict[str, Any] | None:
        said = connection.told(feed.read, pushed, around)
        return None if said is None else {"items": [asdict(item) for item in said.items], "delivery": said.delivery}

    found = _guarded(app, feed, connection, work)
    return None if found is None else Told(_items(found["items"]), found["delivery"])


def _guarded(app: Application, feed: Feed, connection: Connection, work: Callable[[Surroundings], Any]) -> Any:
    """Through the one door; what was said over the line is kept, however it ended."""
    around = Usual(app, connection)
    try:
        return guarded(_task(feed, connection), around, work)
    finally:
        if around.exchanges:
            with app.database.write() as conn:
                keep(conn, app.tables, connection.name, around.exchanges, feed=feed.stable_id)


def _task(feed: Feed, connection: Connection) -> Task:
    key = f"feed:{feed.stable_id}:{connection.name}"
    return Task("read", {"operation": feed.read}, connection, key, 1, seconds_of(connection.timeout))


def _items(found: Sequence[Mapping[str, Any]]) -> list[Item]:
    return [Item(str(one["key"]), str(one["version"]), one["data"]) for one in found]
