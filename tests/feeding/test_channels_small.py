"""The small forms of benchmarks/channels.py: three shops that misbehave, one pool, and a process that dies."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from engine import faults
from engine.application import Application, start
from engine.extensions import registry_for
from engine.feeding import looking
from engine.jobs import sweeping
from engine.load import load_file
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.web.factory import make_web

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import channels_asked
import channels_homes
import channels_shops


class Died(BaseException):
    """The process is gone: nothing of it goes on, and nothing is said."""


class Mortal(channels_asked.Hours):
    """The process dies at points where it may; another one begins with what the database holds."""

    def __init__(self, reopen: Callable[[], Application], deaths: int, shops: Any, clock: Any) -> None:
        super().__init__(reopen(), shops, clock, seed=3)
        self.reopen, self.left, self.chance, self.alive = reopen, deaths, random.Random(5), False

    def watch(self, _name: str) -> None:
        if self.alive and self.left and self.chance.random() < 0.01:
            self.left -= 1
            raise Died

    def work(self) -> Any:
        try:
            self.alive = True
            return super().work()
        except Died:
            self.alive = False
            self.app.database.close()
            self.app = self.reopen()
            self.clock.now += looking.LEASE  # by then nobody waits for the one that died
            sweeping.sweep(self.app, self.desk, orphans=True, ring=False)
            self.next_look = self.clock.now
            return self.clock.now


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[faults.Killer], None]]:
    return lambda killer: monkeypatch.setattr(faults, "watcher", killer)


def test_shops_misbehave_and_the_process_dies_and_every_order_is_there_once(
    database_url: str, tmp_path: Path, watched: Callable[[faults.Killer], None]
) -> None:
    clock = channels_asked.Clock()
    with channels_shops.opened(4, clock) as shops:
        file = tmp_path / "channels.yaml"
        file.write_text(shops.definition(), encoding="utf-8")
        shops.trouble(0.1, hang=0.0)
        registry = registry_for(file, [channels_homes.PLUGIN])
        loaded = load_file(file, registry)

        def reopen() -> Application:
            database = Database(database_url, synchronous="NORMAL")
            return start(loaded, database, registry=registry, files=FileStore(tmp_path / "files"), clock=clock,
                         sources=channels_shops.sources())  # fmt: skip

        lived = Mortal(reopen, 4, shops, clock)
        watched(lived.watch)
        judged = lived.live(per_hour=600, hours=0.025, changes=0.5)
        lived.app.database.close()
        assert lived.left == 0
        assert {"error", "lost"} <= shops.mishaps().keys()
        assert [said for line in judged.lines for said in line.wrong] == []
        assert judged.left == 0
        assert min(line.effects for line in judged.lines) >= 2


def test_what_webhooks_tell_is_in_the_pool_once(sqlite_url: str, tmp_path: Path) -> None:
    clock = channels_asked.Clock()
    with channels_shops.opened(4, clock) as shops:
        file = tmp_path / "channels.yaml"
        file.write_text(shops.definition(), encoding="utf-8")
        app = channels_homes.opened(file, sqlite_url, clock)
        client = make_web(app, secret_key="small").test_client()
        answers = []
        for name in ("shopify", "woo"):
            for _ in range(3):
                headers, body = shops.all[name].vendor.webhook(shops.all[name].place())
                answers += [client.post(f"/feeds/orders/{name}", data=body, headers=headers).status_code for _ in range(2)]
        assert answers == [202, 200] * 6
        channels_asked.Hours(app, shops, clock, 1).work()
        with app.database.read() as conn:
            assert conn.scalar(sa.select(sa.func.count()).select_from(app.tables.form["order"])) == 6
        app.database.close()


def test_looking_keeps_to_the_published_limits() -> None:
    clock = channels_asked.Clock()
    with channels_shops.opened(4, clock, published=True) as shops, channels_asked.published(shops, clock) as app:
        judged = channels_asked.Hours(app, shops, clock, 1).live(per_hour=1000, hours=0.01)
        assert judged.left == 0
        assert [shop.vendor.limited for shop in shops] == [0, 0, 0, 0]
