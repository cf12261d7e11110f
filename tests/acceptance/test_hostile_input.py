"""Whatever stands in an address or in a record is a value: no statement, no template, no markup. Every route is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest
from canaries import APPS, SETUP, World, make_world
from deep import some
from test_every_route import VALUES
from visiting import Visitor

from engine import service
from engine.definition import Form
from engine.errors import AppmillError
from engine.scenarios.doors import addresses

# What pages and calls read from an address. All of them are sent at once, with the same value.
NAMES = (
    "sort", "order", "group", "limit", "page", "fields", "q", "view", "from", "after", "before", "since", "shown", "record",
    "zoom", "code", "box", "show", "kind", "with", "columns", "filter", "where", "period", "cursor", "field", "operator",
    "value", "version", "next", "look", "role", "until", "form", "actor", "month", "day", "ids", "expand", "amount[gt]",
)  # fmt: skip
HOSTILE = (
    "9" * 400, "' OR '1'='1", "1; DROP TABLE \"order\"--", "id) UNION SELECT password_hash FROM _user--", "-1", "\x00",
    "created_at DESC, (SELECT 1)", "[]", "{{7*7}}", "%", "record.state == 'x'", "2026-13-45", "../../etc/passwd",
    "😀", "a," * 500, "<script>alert(1)</script>", "NaN", "١٢",
)  # fmt: skip
TELLS = re.compile(r"Traceback|sqlite3\.|psycopg|sqlalchemy|OperationalError|near \"|syntax error at", re.I)
MARK = '{{7*7}}${7*7}<img src=x onerror=alert(1)><svg onload=alert(2)>"\' onfocus=alert(3) x="'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(APPS[0], Path(tmp_path_factory.mktemp("hostile")))
    yield made
    made.app.database.close()


@pytest.fixture(scope="module")
def admin(world: World) -> Visitor:
    return world.visitor("admin")


# --- addresses


def readable(world: World) -> list[str]:
    """An address of every page and call that is read, without what leads out of the session."""
    adapter, found = world.grounds.web.url_map.bind("localhost"), set()
    for rule in world.grounds.web.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.rule.startswith(("/static", "/portal")):
            found.add(adapter.build(rule.endpoint, {name: VALUES.get(name, 1) for name in rule.arguments}))
    return sorted(found)


@pytest.mark.parametrize("value", some(HOSTILE, 3))
def test_a_hostile_value_in_an_address_is_refused_or_found_nowhere(world: World, admin: Visitor, value: str) -> None:
    before, query = world.snapshot(), urlencode(dict.fromkeys(NAMES, value))
    wrong = []
    for address in some(readable(world), 90):
        answer = admin.get(f"{address}?{query}")
        told = answer.data.decode("utf-8", "replace")
        if answer.status_code >= 500 or TELLS.search(told):
            wrong.append((address, answer.status_code, told[:200]))
        answer.close()  # a file is sent as it is read
    assert not wrong
    assert world.snapshot() == before


# --- records


class Markup(HTMLParser):
    """Whatever of a page would run: attributes that are scripts, scripts in the page, addresses that are scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = tag == "script" and given.get("type") not in ("application/json", "importmap")
        self.runs += [f"<{tag} {name}={value!r}>" for name, value in attrs if self._would_run(name, value or "")]

    @staticmethod
    def _would_run(name: str, value: str) -> bool:
        script = re.match(r"\s*(javascript|vbscript):", value, re.I)
        return name.startswith(("on", "hx-on", "data-hx-on")) or script is not None

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.runs.append(f"<script>{data[:80]}")

    def handle_endtag(self, _tag: str) -> None:
        self._script = False


def texts_of(form: Form) -> list[str]:
    kinds = ("text", "long_text", "rich_text")
    return [name for name, field in form.fields.items() if field.type in kinds and field.writable]


def poisoned(world: World) -> int:
    """Put the mark into every text of a record of every form that takes it; answers into how many."""
    done = 0
    for form in world.app.definition.forms.values():
        for id in list(world.oracle.rows.get(form.name, ()))[:1]:
            for name in texts_of(form):
                limit = getattr(form.fields[name], "max_length", None) or len(MARK)
                try:
                    service.save(world.app, SETUP, form.name, {name: MARK[:limit]}, id=id)
                    done += 1
                except AppmillError:
                    continue  # a code with a pattern of its own, or a state in which it cannot be changed
    return done


def test_texts_of_records_are_texts_on_every_page(world: World, admin: Visitor) -> None:
    assert poisoned(world) > 40
    with world.app.database.write() as conn:
        user = world.app.tables.user
        conn.execute(user.update().where(user.c.login == "li").values(name=MARK[:120]))
    ids = {form: list(rows)[:1] for form, rows in world.oracle.rows.items()}
    pages = list(dict.fromkeys(addresses(world.app.definition, ids, [], {})))
    wrong, seen = [], 0
    for address in some(pages, 60):
        answer = admin.get(address)
        told = answer.data.decode("utf-8", "replace")
        assert answer.status_code < 500, address
        wrong += [(address, one) for one in ran(told, answer.mimetype)]
        seen += MARK[:7] in told
        answer.close()
    assert not wrong[:10]
    assert seen > 8  # the mark is really there, as text


def ran(told: str, kind: str) -> list[str]:
    """What of an answer of this media type would run in a browser, or was worked out by a template."""
    found = ["a template: 49"] if "49${7" in told else []
    if kind != "text/html":
        return found
    page = Markup()
    page.feed(told)
    return found + page.runs
