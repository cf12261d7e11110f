"""A real server for the real browser. An error in the console, a refused resource or a foreign host fails the test."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import templates
import waitress
import waitress.wasyncore
from playwright.sync_api import Browser, BrowserContext, Page, expect
from reading import loaded, registry_of
from webs import web_for

from engine import accounts, passwords, sessions
from engine.application import Application, start
from engine.demo import PASSWORD
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.web.context import Settings

SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
HASH = passwords.hashed(PASSWORD)
expect.set_options(timeout=15_000)  # a busy machine is no mistake of the screens


@dataclass
class Served:
    """An application that is being served. ``url`` has no slash at its end."""

    app: Application
    url: str
    current: Callable[[], Application]  # the application in force, which a publication replaces
    server: Any = None


class Server:
    """A waitress in a thread; ``close`` ends it."""

    def __init__(self, app: Application, port: int = 0) -> None:
        web = web_for(app, Settings(idle_minutes=600))
        self.current = web.extensions["appmill"].current.application
        self.server: Any = waitress.create_server(web, host="127.0.0.1", port=port, threads=4, ident="")
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.effective_port}"

    def close(self) -> None:
        self.server.task_dispatcher.shutdown()
        self.server.trigger.pull_trigger(self._end)
        self.thread.join(10)
        assert not self.thread.is_alive()

    def _end(self) -> None:
        """In the thread of the loop, so that no socket is closed under its eyes; without sockets it ends."""
        waitress.wasyncore.close_all(self.server._map)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """``serve(path, people={"li": ["sales"]})`` → Served; without ``people`` its demo users and an ``admin``, all with
    the password of demos. The database is a new SQLite file."""
    running: list[tuple[Server, Application]] = []

    def start(path: str | Path, people: dict[str, list[str]] | None = None) -> Served:
        app = opened(Path(path), tmp_path / f"{len(running)}.db")
        wanted = (
            people
            if people is not None
            else {login: list(user.roles) for login, user in app.definition.demo_users.items()}
        )
        with app.database.write() as conn:
            for login, roles in {**wanted, "admin": ["admin"]}.items():
                user = app.definition.demo_users.get(login)
                accounts.create_user(
                    conn, app.tables, login=login, name=user.name if user else login.title(), roles=roles,
                    password=PASSWORD, password_hash=HASH, now=app.clock(),
                )  # fmt: skip
        running.append((Server(app), app))
        return Served(app, running[-1][0].url, running[-1][0].current, running[-1][0])

    yield start
    for server, app in running:
        server.close()
        app.database.close()


def opened(file: Path, database: Path) -> Application:
    """As ``open_application`` on a new database. What earlier tests read and migrated is used again."""
    homes = (file.resolve().parent, file.resolve().parent.parent)
    registry = registry_of(next((home for home in homes if (home / "plugins/__init__.py").exists()), Path("/nowhere")))
    read = loaded(file, registry)
    url = f"sqlite:///{database}"

    def begin(url: str, file: Path | None = None) -> Application:
        files = FileStore(database.parent / "files")
        return start(read, Database(url), registry=registry, files=files, file=file)

    templates.prepare(url, (read.definition.hash, id(registry)), lambda url: begin(url).database.close())
    return begin(url, file)


class Watch:
    """Notes whatever a page must not do. ``expect`` names parts of messages that a test provokes on purpose."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def expect(self, *parts: str) -> None:
        self.expected += parts

    def follow(self, page: Page, home: str) -> None:
        page.on("console", lambda said: said.type == "error" and self.note(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.note(f"script: {error}"))
        page.on("request", lambda asked: self._look(asked.url, home))

    def _look(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:", "blob:", "about:")):
            self.note(f"foreign request: {url}")

    def note(self, complaint: str) -> None:
        self.complaints.append(complaint)

    @property
    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not any(part in one for part in self.expected)]


@pytest.fixture
def watch() -> Iterator[Watch]:
    noted = Watch()
    yield noted
    assert not noted.unexpected


@pytest.fixture
def open_page(chromium: Browser, watch: Watch, serve: Callable[..., Served]) -> Iterator[Callable[..., Page]]:
    """``open_page(served, size="phone", language="en", theme="dark", **context options)``: a new browser, nobody signed
    in. It asks for ``serve`` so that browsers are closed before the servers they still ask something of."""
    contexts: list[BrowserContext] = []

    def start(
        served: Served, *, size: str = "desktop", language: str = "zh", theme: str = "light", **options: Any
    ) -> Page:
        phone: dict[str, Any] = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        context = chromium.new_context(
            viewport=SIZES[size],  # type: ignore[arg-type]
            locale="zh-CN" if language == "zh" else "en-US",
            timezone_id="Asia/Shanghai",
            **phone,
            **options,
        )
        context.add_cookies(
            [
                {"name": "language", "value": language, "url": served.url},
                {"name": "theme", "value": theme, "url": served.url},
            ]
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        watch.follow(page, served.url)
        return page

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def page_as(open_page: Callable[..., Page]) -> Callable[..., Page]:
    """``page_as(served, "li", path="/order", size="phone", …)``: a new browser of somebody who has signed in; ``at``: at
    another address of the same application."""

    def start(served: Served, login: str, *, path: str = "/", at: str | None = None, **options: Any) -> Page:
        served = replace(served, url=at or served.url)
        page = open_page(served, **options)
        if options.get("language") == "en":
            _speak(served, login, "en")
        page.context.add_cookies([{"name": "appmill", "value": _session(served.app, login), "url": served.url}])
        page.goto(served.url + path)
        page.locator("html[data-ready]").wait_for()
        return page

    return start


@pytest.fixture
def session_of() -> Callable[[Served, str], str]:
    """The cookie of somebody who has signed in, in English."""

    def start(served: Served, login: str) -> str:
        _speak(served, login, "en")
        return _session(served.app, login)

    return start


def _session(app: Application, login: str) -> str:
    user = app.tables.user
    with app.database.write() as conn:
        id = conn.execute(user.select().with_only_columns(user.c.id).where(user.c.login == login)).scalar_one()
        lasts = dt.timedelta(hours=12)
        return sessions.open_session(conn, app.tables, id, now=app.clock(), lasts=lasts, agent="test", address="127.0.0.1")


def _speak(served: Served, login: str, language: str) -> None:
    user = served.app.tables.user
    with served.app.database.write() as conn:
        conn.execute(user.update().where(user.c.login == login).values(language=language))
