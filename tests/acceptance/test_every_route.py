"""Every route of the site is asked by a stranger, and every changing one without its token. A new route is asked too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from canaries import APPS, World, make_world
from visiting import csrf_token_for
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

# Whoever adds to this says why a stranger needs it.
OPEN_TO_STRANGERS = {
    "auth.sign_in_page": "the way in",
    "auth.sign_in": "the way in; its own token is asked for",
    "static_files.static_file": "style and scripts of the sign-in page",
    "walls.enter": "the browser of a wall screen, by a link an administrator made",
    "static_files.favicon": "asked by browsers before anybody signs in",
    "feeds.receive_item": "systems outside; the connector of the connection judges what they sign",
    "hooks.receive_message": "other systems; they sign what they send, and it is held against a secret",
    "deciding.show": "a link for one decision; its secret is asked for",
    "deciding.decide": "a link for one decision; its secret and its own token are asked for",
    "phone.manifest": "browsers ask without a cookie; it says what the sign-in page says",
    "phone.app_icon": "the icon of the application, as on the sign-in page",
    "phone.worker": "a script without data; browsers look for a newer one at any time",
    "phone.offline": "kept by the worker for times without network; nothing of anybody",
    "me.browser_language": "the sign-in page is read in one's own language",
    "health.live": "load balancers and service managers; a word and no more",
    "health.ready": "the same",
    "health.metrics": "by the operator's token alone; where none is set it is not there",
    "portal.sign_in_page": "the way into a portal",
    "portal.sign_in": "the way into a portal; its own token is asked for",
    "portal.sign_out": "ends what there is of a session",
    "portal.language": "the way into a portal is read in one's own language",
    "portal.invitation": "the way in for whoever was invited; nobody else knows its address",
    "portal.accept": "the same, with a password",
    "portal.link": "the way to one record for whoever was given the link",
    "portal.open_link": "the same, opened",
}
VALUES: dict[str, Any] = {
    "form_name": "order", "other_name": "receipt", "record_id": 1, "field_name": "note", "name": "overview",
    "transition_name": "freeze", "transition": "freeze", "rule_name": "none", "rule": "none", "direction": "next",
    "secret": "none", "which": "mistakes", "kind": "csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(APPS[0], Path(tmp_path_factory.mktemp("routes")))
    yield made
    made.app.database.close()


def routes(world: World) -> list[tuple[Rule, str, str]]:
    """(rule, method, an address of it)"""
    found = []
    adapter = world.grounds.web.url_map.bind("localhost")
    for rule in world.grounds.web.url_map.iter_rules():
        values = {name: VALUES.get(name, 1) for name in rule.arguments}
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        found += [(rule, one, adapter.build(rule.endpoint, values, method=one)) for one in methods]
    return found


def asked(world: World, method: str, address: str, **headers: str) -> TestResponse:
    client = world.grounds.web.test_client()
    return client.open(address, method=method, headers=headers)


def test_a_stranger_is_sent_to_sign_in_everywhere(world: World) -> None:
    before, open_doors = world.snapshot(), set()
    for rule, method, address in routes(world):
        if rule.endpoint in OPEN_TO_STRANGERS:
            continue
        answer = asked(world, method, address)
        refused = answer.status_code in (401, 403) or (
            answer.status_code == 303 and answer.location.startswith("/sign_in")
        )
        if not refused:
            open_doors.add((rule.endpoint, method, answer.status_code))
        answer.close()
    assert open_doors == set()
    assert world.snapshot() == before


def test_what_is_open_to_strangers_is_still_there(world: World) -> None:
    there = {rule.endpoint for rule, _method, _address in routes(world)}
    assert set(OPEN_TO_STRANGERS) <= there


def test_the_api_says_so_in_json_and_asks_for_a_token(world: World) -> None:
    for _rule, method, address in routes(world):
        if address.startswith("/api/") and address != "/api/v1/docs" and method == "GET":
            answer = asked(world, method, address)
            assert answer.status_code == 401, address
            assert answer.json["error"]["code"], address
            assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("login", ["he", "admin"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF-Token": "0" * 43},
        {"X-CSRF-Token": "right", "Sec-Fetch-Site": "cross-site"},
        {"X-CSRF-Token": "right", "Origin": "https://elsewhere.example"},
    ],
    ids=["no token", "wrong token", "from another site", "of another origin"],
)
def test_no_change_without_the_token_of_the_session(world: World, login: str, headers: dict[str, str]) -> None:
    visitor, before, done = world.visitor(login), world.snapshot(), set()
    right = csrf_token_for(visitor.cookie)
    sent = {name: right if value == "right" else value for name, value in headers.items()}
    for rule, method, address in routes(world):
        # hooks and the extension's door look at no session, portals at none of the inside: tests/web/test_portals.py
        machine = rule.endpoint in ("hooks.receive_message", "feeds.receive_item", "ingest.receive")
        if method == "GET" or machine or rule.endpoint.startswith("portal."):
            continue
        answer = visitor.client.open(address, method=method, headers=sent, data={"csrf_token": "0" * 43})
        if answer.status_code != 403:
            done.add((rule.endpoint, method, answer.status_code))
        answer.close()
    assert done == set()
    assert world.snapshot() == before


def test_asking_for_a_page_changes_nothing(world: World) -> None:
    visitor, before = world.visitor("he"), world.snapshot()
    for _rule, method, address in routes(world):
        if method == "GET":
            answer = visitor.get(address)
            assert answer.status_code < 500, (address, answer.text[:300])
            answer.close()
    assert world.snapshot() == before


@pytest.mark.parametrize("login", ["he", "li", "nobody"])
def test_the_rooms_of_administrators_are_closed_to_others(world: World, login: str) -> None:
    visitor = world.visitor(login)
    for rule, method, address in routes(world):
        if address.startswith("/admin"):
            answer = visitor.get(address) if method == "GET" else visitor.post(address)
            assert answer.status_code in (403, 404), (rule.endpoint, answer.status_code)
