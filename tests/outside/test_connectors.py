"""A connector of a plugin: its operations, what they may use, and what becomes of their mistakes."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import ClassVar

import pytest
from recorders import HttpRecorder
from surroundings import World, task

import engine.api as api
from engine.builtin import default_registry
from engine.errors import DeliveryFailed
from engine.outside.carrying import carry_out


@dataclass(frozen=True, kw_only=True)
class ShopConnection(api.HttpConnection):
    """A web shop."""

    type: ClassVar[str] = "shop"

    def operations(self):
        return {
            "stock": api.Operation(api.Label({"en": "Set stock"}), {"item": {"type": "string"}, "count": {}}, frozenset({"item"})),
            "break": api.Operation(api.Label({"en": "Break"}), {}),
        }  # fmt: skip

    def perform(self, operation, values, task, surroundings):
        if operation == "break":
            surroundings.about_to_send()
            raise ZeroDivisionError(f"with {surroundings.secret('TOKEN', 'shop.example')}")
        found = api.send(self, api.Call(method="GET", path="/items", query={"no": values["item"]}), task, surroundings)
        made = api.send(self, api.Call(path="/stock", json=dict(values), part="stock"), task, surroundings)
        return {"found": found.json, "status": made.status}


@pytest.fixture
def shop():
    with HttpRecorder() as recorder:
        yield recorder


def connection(shop):
    return ShopConnection(
        name="shop", base_url=shop.url, private=True, auth=api.BearerCredential(token=api.Secret("TOKEN"))
    )


def calling(shop, world=None, **data):
    return carry_out(default_registry(), task("call", connection(shop), **data), world or World({"TOKEN": "geheim-1"}))


def failure(*arguments, **data):
    with pytest.raises(DeliveryFailed) as caught:
        calling(*arguments, **data)
    return str(caught.value), caught.value.again, caught.value.unsure


def test_an_operation_of_several_requests_has_a_key_for_each(shop):
    world = World({"TOKEN": "geheim-1"})
    assert calling(shop, world, operation="stock", values={"item": "A1", "count": 3}) == {"found": {"ok": True}, "status": 200}
    assert [(one["method"], one["path"], one["key"]) for one in shop.arrivals] == [
        ("GET", "/items?no=A1", "k-1"), ("POST", "/stock", "k-1-stock"),
    ]  # fmt: skip
    assert world.sent == 1


def test_what_an_operation_needs_is_asked_for(shop):
    assert failure(shop, operation="stock", values={"count": 3, "item": None}) == ("'shop' stock needs item.", False, False)
    assert failure(shop, operation="buy", values={}) == ("'shop' has no operation 'buy'.", False, False)
    assert shop.arrivals == []


def test_what_a_connector_did_not_foresee_shows_no_secret(shop, caplog):
    with caplog.at_level(logging.ERROR, "appmill.outside"):
        assert failure(shop, operation="break") == (
            "'call' failed: ZeroDivisionError: with •••", True, True,
        )  # fmt: skip
    assert "ZeroDivisionError" in caplog.text
    assert "geheim-1" not in caplog.text


def test_a_connection_without_operations(shop):
    http = api.HttpConnection(name="plain", base_url=shop.url, private=True)
    with pytest.raises(DeliveryFailed, match=r"^'plain' has no operation 'x'\.$"):
        carry_out(default_registry(), task("call", http, operation="x"), World())
    with pytest.raises(DeliveryFailed, match=r"^A call needs a connection\.$"):
        carry_out(default_registry(), task("call", None, operation="x"), World())
