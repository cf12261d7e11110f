"""The sample records of the Order Hub: what stands in them can have happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fake_clock import FakeClock

from engine import demo
from engine.application import Application, start
from engine.extensions import registry_for
from engine.load import load_file
from engine.storage.database import Database
from engine.storage.files import FileStore

HUB = Path(__file__).parents[2] / "apps" / "order_hub.yaml"


@pytest.fixture
def hub(sqlite_url: str, tmp_path: Path, clock: FakeClock) -> Any:
    registry, database = registry_for(HUB), Database(sqlite_url, synchronous="OFF")
    files = FileStore(tmp_path / "files")
    app = start(load_file(HUB, registry), database, registry=registry, files=files, clock=clock)
    demo.make_people(app, demo.people(app.definition))
    yield app
    database.close()


def test_no_machine_runs_longer_than_its_day_nor_faster_than_it_can(hub: Application) -> None:
    demo.seed(hub, 40)
    days, reports = (hub.tables.form[name].c for name in ("machine_day", "work_report"))
    with hub.database.read() as conn:
        used = conn.execute(sa.select(days.run, days.available)).all()
        made = conn.execute(sa.select(reports.standard, reports.minutes)).all()
    assert len(used) > 30
    assert [day for day in used if day.run > day.available] == []
    assert [one for one in made if one.standard > one.minutes] == []
