"""Every address of a draft: closed to strangers, to whoever does not design, and to designers without the draft."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from preview_world import DESK, designing
from visiting import Grounds

from engine.publishing import changes
from engine.publishing.changes import Change

PEOPLE = {"pia": "planner", "max": "planner", "ann": "agent", "ada": "admin"}
MORE = """\
rules:
  told:
    label: {zh: 通知, en: Told}
    trigger: {type: created, form: ticket}
    actions: [{type: notify, to: [lead], message: New}]
pages:
  wall: {label: {zh: 看板, en: Wall}, cards: [{type: number, label: Tickets, form: ticket}]}
"""
NAMES = {"/rule/<name>": "/rule/told", "/page/<name>": "/page/wall", "<name>": "ticket", "<form>": "ticket",
         "<look>": "-.en.light", "<path:path>": "ticket", "<int:job>": "1", "<int:job_id>": "1"}  # fmt: skip
QUERIES = {"/panel": ["forms", "ticket"], "/at": ["roles"], "/go": ["forms", "ticket"],
           "/rights-tab": ["forms", "ticket", "fields", "subject"],
           "/state-tab": ["forms", "ticket", "workflow", "states", "open"]}  # fmt: skip
NOT_YET = ("/history/1", "/jobs/1", "/publishing/1")  # there is no job until somebody begins one
SENT = {"version": 1, "operation": "form.add", "arguments": {"label": "Thing"}, "base": DESK + MORE, "text": "app: desk",
        "path": ["forms", "ticket"], "group": {"all": []}}  # fmt: skip


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_app: Any) -> Grounds:
    grounds = Grounds(make_app(DESK + MORE, people=PEOPLE, registry=designing()))
    grounds.id = drafted(grounds, DESK + MORE)
    return grounds


def addresses(site: Grounds, method: str) -> Iterator[str]:
    for rule in site.web.url_map.iter_rules():
        if rule.rule.startswith("/designer/<int:id>") and method in (rule.methods or ()):
            address = rule.rule.replace("<int:id>", str(site.id))
            for place, name in NAMES.items():
                address = address.replace(place, name)
            assert "<" not in address, f"NAMES has nothing for {rule.rule}"
            path = QUERIES.get(address.removeprefix(f"/designer/{site.id}"))
            yield address + (f"?path={json.dumps(path)}" if path else "")


def drafted(site: Grounds, source: str) -> int:
    app = site.app
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title="Mine", base=app.definition.hash, base_text=DESK + MORE, text=source,
                             by=site.user("pia").id, now=app.clock()).id  # fmt: skip


def draft(site: Grounds) -> Change:
    with site.app.database.read() as conn:
        return changes.find(conn, site.app.tables, site.id)


def test_what_is_read_opens_for_who_has_the_draft_and_for_nobody_else(site):
    found = list(addresses(site, "GET"))
    assert len(found) > 35
    pia, other, ann, nobody = (site.visitor(login) for login in ("pia", "max", "ann", None))
    for address in found:
        mine = pia.get(address).status_code
        assert mine == 404 if address.endswith(NOT_YET) else mine in (200, 303), (address, mine)
        assert other.get(address).status_code == 404, address
        assert ann.get(address).status_code == 403, address
        assert "/sign_in" in nobody.get(address).headers.get("Location", ""), address


def test_nothing_is_done_to_a_draft_of_somebody_else(site):
    found, before = list(addresses(site, "POST")), draft(site)
    assert len(found) > 15
    other, ann, nobody = (site.visitor(login) for login in ("max", "ann", None))
    for address in found:
        answer = other.post(address, json.dumps(SENT), content_type="application/json")
        told = answer.status_code == 422 and answer.json == {"reason": "There is no such draft."}
        assert told or answer.status_code == 404, (address, answer.status_code)
        assert ann.post(address, {}).status_code == 403, address
        assert nobody.post(address, {}).status_code in (303, 401, 403), address
    assert draft(site) == before


def test_names_nobody_gave_are_not_there(site):
    pia = site.visitor("pia")
    for address in addresses(site, "GET"):
        strange = re.sub(r"/(told|wall|ticket)\b", "/nothing", address)
        assert pia.get(strange).status_code in (200, 303, 404, 409), strange


ODD = [
    "", "- 1", "a: [", "app: desk\nlabel: Desk\n", "forms: [a]\nrules: [1]\npages: [wall]\nmenu: x\nroles: 3\n",
    """
forms: {ticket: 1, other: {fields: [x]}}
rules: {told: {actions: 3, trigger: 5}, more: 4}
pages: {wall: {cards: {a: 1}}, other: 3}
menu: [1, {items: 3, label: 4}, {items: [1, [2], {a: 1}]}]
""",
    """
forms: {ticket: {label: [1], fields: {subject: {type: [text]}, client: 3}, sections: {a: 1}, workflow: {states: [1]}, permissions: [1]}}
roles: [a]
languages: zh
rules: {told: {trigger: {type: created, form: [1]}, actions: [1, {type: [x]}]}}
pages: {wall: {cards: [1, {type: [number]}], filters: 3, label: [3]}}
""",
]  # fmt: skip


@pytest.mark.parametrize("source", ODD)
def test_a_draft_of_any_shape_has_its_screens(site, source):
    site.id, pia = drafted(site, source), site.visitor("pia")
    for address in addresses(site, "GET"):
        assert pia.get(address).status_code in (200, 303, 404, 409, 422), address
    for operation, arguments in ADDING.items():
        body = {"version": 1, "operation": operation, "arguments": arguments}
        answer = pia.post(f"/designer/{drafted(site, source)}/do", json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 422), operation


ADDING = {"form.add": {"label": "Thing"}, "page.add": {"label": "Wall"}, "page.remove": {"page": "wall"},
          "menu.add": {"entry": "ticket"}, "rule.add": {"label": "New"}, "field.add": {"form": "ticket", "type": "text"},
          "card.add": {"page": "wall", "kind": "number"}, "flow.start": {"form": "ticket"}}  # fmt: skip
