"""Every door through which records come out of the site: pages, fragments, exports and the API."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from werkzeug.test import Client, TestResponse

from engine import sessions
from engine.definition import AppDefinition, Form
from engine.scenarios.world import World
from engine.web.security import csrf_token_for

Ids = Mapping[str, Sequence[int]]


class Visitor:
    """A browser in which somebody is signed in."""

    def __init__(self, world: World, who: str) -> None:
        self.world, self.id = world, world.people[who]
        self._client: Client = world.web.test_client()
        self._read: dict[str, tuple[int, str]] = {}

    @cached_property
    def _headers(self) -> Mapping[str, str]:
        app = self.world.app
        with app.database.write() as conn:
            secret = sessions.open_session(
                conn, app.tables, self.id, now=app.clock(), lasts=dt.timedelta(hours=1), agent="scenario", address="-"
            )
        self._client.set_cookie("appmill", secret)
        return {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(secret)}

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an address; asked once, as nothing changes while doors are tried."""
        found = self._read.get(path)
        if found is None:
            answer = self._client.get(path, headers=self._headers)
            found = self._read[path] = answer.status_code, text_of(answer)
            answer.close()
        return found

    def send(self, method: str, path: str, *, data: Any = None, json: Any = None) -> TestResponse:
        return self._client.open(path, method=method, data=data, json=json, headers=self._headers)


def text_of(answer: TestResponse) -> str:
    """All text of an answer, of a workbook too."""
    if (answer.mimetype or "").endswith("spreadsheetml.sheet"):
        with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
            return " ".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    return str(answer.data, "utf-8", "replace")


# --- what can be read


def addresses(
    definition: AppDefinition,
    ids: Ids,
    files: Collection[int],
    named: Mapping[str, Sequence[str]],
    closed: Collection[str] = (),
) -> Iterator[str]:
    """Everything that can be read of records. ``named``: form → fields that are asked for one by one. ``closed``:
    forms that are tried at their main doors only, as another one like them is tried at all."""
    yield from ("/", "/search", "/search?q=0", "/find", "/find?code=0", "/admin/walls", "/notifications",
                "/notifications/questions", "/me", "/me/messages", "/admin/messages", "/notifications/count",
                "/approvals", "/approvals?box=mine", "/approvals?box=done")  # fmt: skip
    yield from (f"/api/v1/{name}" for name in ("", "me", "notifications", "notifications/questions", "openapi.json"))
    yield from (f"/api/v1/approvals{more}" for more in ("", "?box=mine", "?box=done", "/1"))
    yield "/approvals/1"
    for page in definition.pages.values():
        yield from (f"/pages/{page.name}{more}" for more in ("", "/print"))
        yield from (f"/pages/{page.name}/cards/{place}" for place in range(len(page.cards)))
    for name in closed:
        yield from (f"/{name}", f"/api/v1/records/{name}")
        yield from (f"{at}/{name}/{id}" for id in ids.get(name, ())[:1] for at in ("", "/api/v1/records"))
    for form in definition.forms.values():
        if form.parent_form is None and form.name not in closed:
            yield f"/live?forms={form.name}&after=0&record={next(iter(ids.get(form.name, ())), 0)}&version=0"
            yield from _of_form(form, ids.get(form.name, ()), named.get(form.name, ()))
            for id in ids.get(form.name, ()):
                yield from _of_record(definition, form, id, named.get(form.name, ()))
    yield from (f"{at}/{file}{more}" for file in files for at, more in _OF_FILE)
    yield from _of_tasks(definition, ids)
    yield from _of_automation(definition)


def _of_tasks(definition: AppDefinition, ids: Ids) -> Iterator[str]:
    yield from ("/tasks", "/tasks/entries", "/tasks/entries/1", "/tasks/entries/1/files/1")
    for name in (*definition.tasks, "none"):
        yield from (f"/tasks/{name}{more}" for more in ("", "/data", "/resolve?code=0"))
    for name, task in definition.tasks.items():
        yield from (f"/tasks/{name}?record={id}" for id in ids.get(task.form, ()))


_OF_FILE = (("/files", ""), ("/files", "/thumb"), ("/api/v1/files", ""))
_OF_LIST = (
    "", "/new", "/count", "/totals", "/columns", "/filter", "/filter_by", "/quick", "/quick?q=0", "/saved",
    "/export.csv", "/export.xlsx", "/options", "/options?q=0", "/import", "/import/template.xlsx",
)  # fmt: skip
_OF_RECORD = (
    "", "/edit", "/delete", "/events",
    "/events?with=linked",
    "/events?with=linked&kind=files",
    "/events?kind=changes",
    "/nudge", "/print", "/related", "/people", "/step/next", "/step/previous", "/access",
)  # fmt: skip


def _of_form(form: Form, ids: Sequence[int], named: Sequence[str]) -> Iterator[str]:
    at, columns = f"/{form.name}", ",".join(form.fields)
    yield from (f"{at}{more}" for more in _OF_LIST)
    for view in form.views.values():
        yield from (f"{at}{more}?view={view.name}" for more in ("", "/count", "/totals", "/export.csv"))
        yield f"{at}/fresh?view={view.name}&since=0&shown={','.join(map(str, ids))}"
        yield from (f"{at}?view={view.name}&show={look}" for look in ("kanban", "timeline") if view.type == "tower")
        yield f"{at}/cards?view={view.name}&lane={form.workflow.initial if form.workflow else ''}"
        yield from (f"{at}/children?view={view.name}&parent={id}" for id in ids[:1])
    yield from (f"{at}?columns={columns}", f"{at}/export.csv?columns={columns}")
    yield from (f"{at}/new?from={id}" for id in ids[:1])
    for name, one in form.fields.items():
        if one.kind in ("link", "links", "user"):
            yield from (f"{at}/options/{name}", f"{at}/options/{name}?q=0", f"/api/v1/forms{at}/options/{name}")
    for name in named:
        yield from (f"{at}/filter?field={name}", f"{at}?columns={name}", f"{at}/export.xlsx?columns={name}",
                    f"{at}?sort={name}")  # fmt: skip
    yield from (f"/api/v1/forms{at}", f"/api/v1/forms{at}/views", f"/api/v1/records{at}?lines=true&count=true")


def _of_record(definition: AppDefinition, form: Form, id: int, named: Sequence[str]) -> Iterator[str]:
    at = f"/{form.name}/{id}"
    yield from (f"{at}{more}" for more in _OF_RECORD)
    yield from (f"{at}/cell?field={name}" for name in named)
    for other in definition.forms.values():
        links = (name for name, one in other.fields.items() if getattr(one, "form", None) == form.name)
        yield from (f"{at}/related/{other.name}/{name}" for name in links)
    yield from (f"{at}/print/{name}" for name in form.prints)
    if form.workflow:
        yield from (f"{at}/take/{name}" for name in form.workflow.transitions)
    yield from (f"/api/v1/records{at}{more}" for more in ("", "/events", "/comments", "/transitions"))


def _of_automation(definition: AppDefinition) -> Iterator[str]:
    at = "/api/v1/automation"
    yield from (f"{at}/{name}" for name in ("rules", "queue", "schedules", "webhooks", "connections"))
    yield from (f"{at}/{name}{more}" for name in ("runs", "messages", "back_tests") for more in ("", "/1"))
    yield from (f"{at}/rules/{rule.stable_id}{more}" for rule in definition.rules.values() for more in ("", "/shadow"))


# --- what answers to being asked about a field


def questions_about(form: Form, name: str, ids: Sequence[int]) -> Iterator[str]:
    """Addresses that are refused for a field one may not read, as for one there is not."""
    at = f"/{form.name}"
    yield from (
        f"{at}?where.{name}.empty=true", f"{at}?sort={name}", f"{at}?columns={name}",
        f"{at}/count?where.{name}.empty=true", f"{at}/export.csv?columns={name}",
        f"{at}/totals?where.{name}.empty=true", f"/api/v1/records{at}?where.{name}.empty=true",
        f"/api/v1/records{at}?sort={name}", f"/api/v1/records{at}?columns={name}",
    )  # fmt: skip
    yield from (f"{at}/{id}/cell?field={name}" for id in ids[:1])


# --- what changes records


def changing(verb: str, form: Form, rows: Sequence[tuple[int, int]]) -> Iterator[tuple[str, str, Any, Any]]:
    """(method, address, form data, JSON) of every door of a verb; ``rows``: (id, version). What they send is never
    enough to change anything, so a door that is open says so with an error of another kind."""
    at, api = f"/{form.name}", f"/api/v1/records/{form.name}"
    if verb == "create":
        yield from (("GET", f"{at}/new", None, None), ("POST", f"{at}/new", {"_version": "x"}, None),
                    ("POST", api, None, {"no_such_field": 1}))  # fmt: skip
    elif verb == "import":
        yield from (("GET", f"{at}/import", None, None),
                    ("POST", f"/api/v1/forms/{form.name}/import", None, {"values": {"no_such_field": 1}}))  # fmt: skip
    elif verb == "export":
        yield from (("GET", f"{at}/export.{kind}", None, None) for kind in ("csv", "xlsx"))
    elif verb == "read":
        yield from (("GET", at, None, None), ("GET", api, None, None))
    for id, version in rows:
        yield from _changing_one(verb, f"{at}/{id}", f"{api}/{id}", version)


def _changing_one(verb: str, at: str, api: str, version: int) -> Iterator[tuple[str, str, Any, Any]]:
    if verb == "read":
        yield from (("GET", f"{at}{more}", None, None) for more in ("", "/print", "/events"))
        yield "GET", api, None, None
    elif verb == "update":
        yield from (("GET", f"{at}/edit", None, None), ("POST", at, {"_version": version + 7}, None),
                    ("PATCH", api, None, {"version": version + 7, "no_such_field": 1}))  # fmt: skip
    elif verb == "delete":
        yield from (("GET", f"{at}/delete", None, None), ("POST", f"{at}/delete", {"_version": version + 7}, None),
                    ("DELETE", f"{api}?version={version + 7}", None, None))  # fmt: skip
