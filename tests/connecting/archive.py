"""A small system outside with an interface in every style, and what tests need to reach it by YAML alone."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from contracts.vendor import Asked, Effect, Said, Vendor, said
from fake_clock import START
from surroundings import REGISTRY, World

from engine.connecting.declared import DeclaredConnection
from engine.connectors import Item, Span
from engine.errors import DeliveryFailed
from engine.load import load_text
from engine.outside.task import Task

APP = """
app: desk
label: Desk
languages: [en]
roles: {member: {label: Member}}
forms:
  note: {label: Note, fields: {name: {type: text}}, permissions: {member: {read: true}}}
connections:
  archive:
"""
REST = """
type: rest
base_url: URL/api
private: true
"""
SINCE = START - dt.timedelta(days=2)


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.strip("\n").splitlines())


def connection(yaml: str, url: str) -> Any:
    """The connection of a definition without mistakes."""
    loaded = load_text(APP + indented(yaml.replace("URL", url)), REGISTRY)
    assert [str(one) for one in loaded.findings if one.severity == "error"] == []
    made = loaded.definition.connections["archive"]
    assert isinstance(made, DeclaredConnection)
    return made


def task(connection: Any, key: str = "k-1", seconds: float = 2.0, attempt: int = 1) -> Task:
    return Task("read", {}, connection, key, attempt, seconds)


class Reader:
    """Reads as feeds do: a cursor that went through JSON, the same one again after a failure."""

    def __init__(self, connection: Any, world: World | None = None, seconds: float = 2.0) -> None:
        self.connection, self.world, self.seconds = connection, world or World({"TOKEN": "t-123", "SECRET": "s-456"}), seconds
        self.failures: list[str] = []
        self.cursor: Any = None

    def all(self, reading: str = "things", since: dt.datetime = SINCE, patience: int = 0, most: int = 60) -> list[Item]:
        items: list[Item] = []
        self.cursor, more = self.connection.begin(reading, Span(since)), True
        while more:
            most -= 1
            assert most, "it does not end"
            try:
                part = self.connection.read(reading, json.loads(json.dumps(self.cursor)), task(self.connection, seconds=self.seconds), self.world)
            except DeliveryFailed as failure:
                self.failures.append(str(failure))
                if len(self.failures) > patience:
                    raise
                continue
            items += part.items
            self.cursor, more = part.cursor, part.more
        return items

    def keys(self, **how: Any) -> list[str]:
        return [item.key for item in self.all(**how)]


class Archive(Vendor):
    """Things with id, name and changed_at; what is asked for is answered oldest first."""

    own_mishaps = ("duplicate_page", "missing_page", "expired_token", "error_inside", "html", "no_list")

    def __init__(self, count: int = 5, page: int = 2) -> None:
        super().__init__(lambda: START)
        self.hang = 0.6
        self.page = page
        self.things = [self.thing(number) for number in range(1, count + 1)]
        self.tokens: list[str] = []
        self.guard = ""
        self.done: set[str] = set()
        self.limits: list[str] = []
        self.gone: set[str] = set()  # cursors that ran out
        self.forgets = True

    def thing(self, number: int) -> dict[str, Any]:
        changed = START - dt.timedelta(hours=30) + dt.timedelta(minutes=number)
        return {"id": number, "name": f"thing {number}", "changed_at": f"{changed:%Y-%m-%dT%H:%M:%S}+00:00", "price": 19.99}

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        if asked.path == "/token":
            return self.token(asked)
        if self.limits:
            return said({"error": "slow down"}, 429, Retry_After=self.limits.pop())
        if self.guard and (self.strikes("expired_token", asked) or asked.headers.get("authorization") != f"Bearer {self.guard}"):
            return said({"error": "token expired"}, 401)
        if self.strikes("html", asked):
            return Said(200, b"<html><body>Please sign in</body></html>", {"Content-Type": "text/html"})
        if self.strikes("error_inside", asked):
            return said({"error": {"message": "the index is being built"}})
        if self.strikes("no_list", asked):
            return said({"data": None, "meta": {"total": 0}})
        return self.inside(asked)

    def token(self, asked: Asked) -> Said:
        form = asked.form
        if form.get("client_secret") != "s-456" and asked.headers.get("authorization") != "Basic ZGVzazpzLTQ1Ng==":
            return said({"error": "invalid_client", "secret": form.get("client_secret")}, 401)
        self.guard = f"token-{len(self.tokens) + 1}"
        self.tokens.append(self.guard)
        return said({"access_token": self.guard, "expires_in": 3600, "scope": form.get("scope")})

    def inside(self, asked: Asked) -> Said:
        if asked.path == "/api/me":
            return said({"name": "Archive of the north"})
        if asked.path.startswith("/api/things/"):
            return self.act(asked)
        return self.listed(asked)

    def listed(self, asked: Asked) -> Said:
        params = asked.json if asked.method == "POST" else asked.params
        if params.get("cursor") in self.gone:
            self.gone -= {params["cursor"]} if self.forgets else set()
            return said({"error": "this cursor ran out"}, 410)
        since = params.get("since", "").replace("Z", "+00:00")
        found = [one for one in self.things if one["changed_at"] >= since]
        start = self.start(params)
        if start and self.strikes("duplicate_page", asked):
            start -= self.page
        part = found[start : start + self.page]
        if start and self.strikes("missing_page", asked):
            part = []
        end = start + self.page
        further = end < len(found)
        headers = {"Link": f'<{self.url(asked, end)}>; rel="next", </api/things>; rel="first"'} if further else {}
        meta = {"total": len(found), "next": f"c{end}" if further else None}
        return said({"data": part, "meta": meta}, **headers)

    def url(self, asked: Asked, start: int) -> str:
        key = f"&key={asked.params['key']}" if "key" in asked.params else ""
        return f"/api/things?offset={start}&since={asked.params.get('since', '')}{key}"

    def start(self, params: dict[str, str]) -> int:
        if "page" in params:
            return (int(params["page"]) - 1) * self.page
        return int(params.get("offset") or params.get("cursor", "c0")[1:])

    def act(self, asked: Asked) -> Said:
        key = asked.headers.get("idempotency-key", "")
        name = asked.path.split("/")[3]
        if name in self.done:
            return said({"code": "already_stamped", "id": name}, 409)
        if asked.json and asked.json.get("mark") == "no":
            return said({"error": "the ink is dry"})
        self.done.add(name)
        self.effects.append(Effect("stamp", name, asked.json or asked.form, key))
        return said({"stamp": {"id": f"S-{name}"}}, 201)
