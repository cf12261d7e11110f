"""What tests of every room share: empty databases of both kinds, a clock that is moved by hand, a real browser."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import deep
import memory
import pytest
import servers
import templates
import webs
from fake_clock import FakeClock
from making import *  # noqa: F403 - the fixtures of applications
from playwright.sync_api import Browser, Playwright, sync_playwright

from engine.storage.database import Database

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage",
]  # fmt: skip


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    on_the_other = [item for item in items if _database_of(item) == "postgresql"]
    places = deep.left_out([item.path.parent.name for item in on_the_other])
    gone = {on_the_other[place] for place in places}
    if gone:
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [item for item in items if item not in gone]


def _database_of(item: pytest.Item) -> str | None:
    return getattr(getattr(item, "callspec", None), "params", {}).get("database_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database; the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/test.db"
    else:
        made_later = "make_app" in request.fixturenames and "database" not in request.fixturenames
        with servers.postgresql_place() if made_later else servers.postgresql_database() as url:
            yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an empty SQLite database, for what does not depend on the database."""
    return f"sqlite:///{tmp_path}/test.db"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, synchronous="NORMAL")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.fail(f"There is no {CHROMIUM}; python tools/browser.py installs it.")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
    yield browser
    browser.close()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    webs.give_back()


def pytest_configure(config: pytest.Config) -> None:
    if config.option.basetemp is None and memory.place() == memory.MEMORY:
        config.option.basetemp = memory.MEMORY / f"appmill-tests-{os.getpid()}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that began the run clears away what it put into memory."""
    folder = Path(str(config.option.basetemp or ""))
    if folder.name == f"appmill-tests-{os.getpid()}":
        shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector need not go through it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def pytest_sessionfinish() -> None:
    templates.close()
    servers.close()
