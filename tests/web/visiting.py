"""People who visit a site: a Flask test client with the cookies, tokens and headers of a browser."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from making import Made
from webs import web_for
from werkzeug.test import TestResponse

from engine import accounts, passwords, sessions
from engine.web.context import Settings
from engine.web.security import csrf_token_for

PASSWORD = "a quiet harbour town"
HASH = passwords.hashed(PASSWORD)

TICKETS = """
app: helpdesk
label: {zh: 服务台, en: Help desk}
roles:
  agent: {label: {zh: 客服, en: Agent}}
  lead: {label: {zh: 主管, en: Lead}}
  guest: {label: {zh: 访客, en: Guest}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    plural: {zh: 工单, en: Tickets}
    icon: ticket
    title: record.subject
    fields:
      subject: {type: text, label: {zh: 主题, en: Subject}, required: true, max_length: 80}
      pay: {type: integer, label: {zh: 费用, en: Pay}}
    permissions:
      agent: {create: true, read: true, update: true, fields: {pay: {read: false}}}
      lead: {create: true, read: true, update: true, delete: true, export: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, owner: agent, within: 4h, colour: orange}
        checking: {label: {zh: 复核, en: Checking}, owner: lead, colour: blue}
        done: {label: {zh: 完成, en: Done}, final: true, colour: green}
      transitions:
        submit: {label: {zh: 提交, en: Submit}, from: [open], to: checking, roles: [agent]}
        close: {label: {zh: 关闭, en: Close}, from: [checking], to: done, roles: [lead]}
  secret_plan:
    label: {zh: 计划, en: Plan}
    fields: {name: {type: text, label: {zh: 名称, en: Name}}}
    permissions: {lead: {create: true, read: true, update: true}}
pages:
  wall:
    label: {zh: 看板, en: Wall}
    roles: [lead]
    cards: [{type: number, label: {zh: 工单数, en: Tickets}, form: ticket}]
menu:
  - {label: {zh: 工作, en: Work}, items: [ticket, wall, secret_plan]}
"""
PEOPLE = {"ann": "agent", "bob": "lead", "gus": "guest"}


class Visitor:
    """One browser. ``get`` and ``post`` send what a browser's page of this site sends."""

    def __init__(self, web: Flask) -> None:
        self.client: FlaskClient = web.test_client()
        self.client.set_cookie("language", "en")

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("appmill")
        return found.value if found else ""

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.client.get(path, **options)

    def post(self, path: str, data: Any = None, *, token: str | None = None, **options: Any) -> TestResponse:
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "X-CSRF-Token": csrf_token_for(self.cookie) if token is None else token,
        }
        return self.client.post(path, data=data or {}, headers={**headers, **options.pop("headers", {})}, **options)

    def htmx(self, method: str, path: str, **options: Any) -> TestResponse:
        headers = {"HX-Request": "true", **options.pop("headers", {})}
        return self.get(path, headers=headers) if method == "GET" else self.post(path, headers=headers, **options)

    def sign_in(self, login: str, password: str = PASSWORD, *, next: str = "") -> TestResponse:
        self.get("/sign_in")
        return self.post("/sign_in", {"login": login, "password": password, "next": next})


class Grounds:
    """A site with its application, and people who can sign in to it."""

    def __init__(self, made: Made, **options: Any) -> None:
        self.made = made
        self.app = made.application
        self.web = web_for(self.app, **options)
        user = self.app.tables.user
        with self.app.database.write() as conn:
            conn.execute(user.update().values(password_hash=HASH, password_changed_at=made.clock(), language="en"))

    def visitor(self, login: str | None = None) -> Visitor:
        """A browser, signed in as ``login`` if given."""
        made = Visitor(self.web)
        if login is not None:
            made.client.set_cookie("appmill", self._session(login))
        return made

    def _session(self, login: str) -> str:
        """What signing in would open, without working on the password for it."""
        lasts, now = dt.timedelta(hours=Settings().session_hours), self.made.clock()
        with self.app.database.write() as conn:
            id = accounts.find_user(conn, self.app.tables, login=login).id
            return sessions.open_session(conn, self.app.tables, id, now=now, lasts=lasts, agent="", address="127.0.0.1")

    def user(self, login: str) -> accounts.User:
        with self.app.database.read() as conn:
            return accounts.find_user(conn, self.app.tables, login=login)

    def token(self, login: str, scopes: list[str] | None = None, **options: Any) -> str:
        with self.app.database.write() as conn:
            return sessions.create_token(
                conn, self.app.tables, self.user(login).id, name="test", scopes=scopes, now=self.made.clock(), **options
            )


def text(answer: TestResponse) -> str:
    """What a person reads in the main part of a page, in one line."""
    main = re.search(r"<main.*?</main>", answer.text, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", main.group() if main else answer.text).split())


# --- a small site, for the tests of more than one room


@pytest.fixture
def make_grounds(make_app: Any) -> Callable[..., Grounds]:
    """``make_grounds(yaml, people={…}, settings=…)``: a site with people who can sign in; default: a help desk."""

    def make(source: Any = TICKETS, *, people: Any = PEOPLE, **options: Any) -> Grounds:
        return Grounds(make_app(source, people=people), **options)

    return make


@pytest.fixture
def grounds(make_grounds: Callable[..., Grounds]) -> Grounds:
    return make_grounds()
