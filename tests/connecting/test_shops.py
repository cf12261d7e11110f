"""The contract shops, connected by the YAML of docs/connectors.md alone, in every manner of paging and signing in."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest
from connecting.archive import Reader, connection, task
from contracts.graphql_shop import GraphQLShop
from contracts.rest_shop import RestShop
from contracts.vendor import Bucket, serving
from fake_clock import START
from surroundings import World

from engine.errors import DeliveryFailed
from engine.yamlfile import read_source

PAGE = (Path(__file__).parents[2] / "docs" / "connectors.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^<!-- (\w+) -->\n```yaml\n(.*?)^```$", PAGE, re.S | re.M))
SECRETS = {"SHOP_SECRET": "shop-secret", "SHOP_TOKEN": "graphql-token-1", "HOOK_SECRET": "hook-secret"}
SINCE = START - dt.timedelta(days=1)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


def described(block, shop, **replaced):
    """The connection a block of the page describes, pointed at the contract server."""
    [(name, data)] = read_source(BLOCKS[block]).data["connections"].items()
    text = json.dumps(data, ensure_ascii=False)
    text = re.sub(r"https://shop\.example\.com", shop.url, text)
    for old, new in replaced.items():
        assert old in data, f"{name} has no {old}"
        data[old] = new
    made = {**json.loads(text), **replaced, "private": True}
    return connection(json.dumps(made, ensure_ascii=False), shop.url)


def with_pages(block, shop, pages, query=None, **replaced):
    [(_, data)] = read_source(BLOCKS[block]).data["connections"].items()
    reads = data["reads"]
    reads["orders"] |= {"pages": pages, **({"query": query} if query else {})}
    if pages["by"] in ("cursor", "link"):
        del reads["orders"]["total"]  # this shop tells none then
    return described(block, shop, reads=reads, **replaced)


def filled(vendor, count=23):
    for number in range(count):
        vendor.order(at=START - dt.timedelta(hours=20) + dt.timedelta(minutes=number))
    return vendor


def numbers(vendor):
    return list(vendor.orders)


def read(made, patience=0, seconds=2.0):
    reading = Reader(made, World(dict(SECRETS)), seconds)
    found = [item.key for item in reading.all("orders", SINCE, patience=patience)]
    return list(dict.fromkeys(found)), reading


# --- what the page shows


def test_every_block_of_the_page_is_run_here():
    assert set(BLOCKS) == {"rest", "graphql", "feed"}
    assert PAGE.count("```yaml") == len(BLOCKS)


def test_the_rest_example_reads_ships_and_sets_stock():
    with serving(filled(RestShop(Clock(), pages="page", auth="oauth2_client"))) as shop:
        made = described("rest", shop)
        found, reading = read(made)
        assert sorted(found) == numbers(shop.vendor)
        assert shop.vendor.refused == []
        number = found[0]
        values = {"number": number, "carrier": "SF", "tracking": "SF100"}
        assert made.perform("ship", values, task(made, "k-1"), reading.world) == {"status": "shipped"}
        assert made.perform("ship", values, task(made, "k-2"), reading.world) == {"status": None}
        assert shop.vendor.effected("ship") == {number: 1}
        assert shop.vendor.effects[0].call == "k-1"
        made.perform("set_stock", {"sku": "CUP-RU", "quantity": 7}, task(made, "k-3"), reading.world)
        assert shop.vendor.stock["CUP-RU"] == 7
        assert str(made.try_out(task(made), reading.world)) == "It answered: 8"
        assert set(reading.world.turns) == {"orders", "ship", "set_stock"}


def test_the_graphql_example_reads_ships_and_says_what_was_refused():
    with serving(filled(GraphQLShop(Clock()), 120)) as shop:
        made = described("graphql", shop)
        found, reading = read(made)
        assert sorted(found) == numbers(shop.vendor)
        values = {"number": found[0], "carrier": "SF", "tracking": "SF100"}
        assert made.perform("ship", values, task(made, "k-1"), reading.world) == {"status": "shipped"}
        assert made.perform("ship", values, task(made, "k-2"), reading.world) == {"status": None}
        assert [effect.call for effect in shop.vendor.effects] == ["k-1"]
        with pytest.raises(DeliveryFailed, match=r"failed: carrier must be one of SF") as caught:
            made.perform("ship", {**values, "number": found[1], "carrier": "X"}, task(made, "k-9"), reading.world)
        assert not caught.value.again
        assert str(made.try_out(task(made), reading.world)) == "It answered: 8"


# --- every manner of paging, with every mishap of the shop

MISHAPS = ("error", "half", "lost", "timeout", "duplicate_page", "missing_page", "moving_page", "error_inside")
PAGES = {
    "page": ({"by": "page", "size": 5}, {"updated_after": "since", "page": "page", "per_page": "size"}),
    "offset": ({"by": "offset", "size": 5}, {"updated_after": "since", "offset": "offset", "limit": "size"}),
    "cursor": ({"by": "cursor", "next": "answer.next_cursor"}, {"updated_after": "since", "cursor": "cursor", "limit": "5"}),
    "link": ({"by": "link"}, {"updated_after": "since", "limit": "5"}),
}


QUICK = [mishap for mishap in MISHAPS if mishap not in ("timeout", "lost")]


@pytest.mark.parametrize(
    ("pages", "mishap"), [*((one, mishap) for one in PAGES for mishap in QUICK), ("page", "timeout"), ("cursor", "lost")]
)
def test_no_order_is_lost_whatever_happens_between_pages(pages, mishap):
    with serving(filled(RestShop(Clock(), pages=pages, auth="bearer"))) as shop:
        shop.vendor.hang = 0.35
        made = with_pages("rest", shop, *PAGES[pages], auth={"type": "bearer", "token": {"secret": "SHOP_SECRET"}})
        shop.vendor.mishaps.next(mishap, only=lambda asked: len(shop.vendor.asked) > 1)
        found, _ = read(made, patience=1, seconds=0.3)
        assert sorted(found) == numbers(shop.vendor)
        assert shop.vendor.mishaps.happened == {mishap: 1}


@pytest.mark.parametrize("mishap", ["error", "lost", "missing_page", "moving_page", "error_inside"])
def test_no_order_is_lost_over_graphql(mishap):
    with serving(filled(GraphQLShop(Clock()), 120)) as shop:
        shop.vendor.hang = 0.35
        shop.vendor.mishaps.next(mishap, only=lambda asked: len(shop.vendor.asked) > 1)
        found, _ = read(described("graphql", shop), patience=1, seconds=0.3)
        assert sorted(found) == numbers(shop.vendor)


# --- every manner of signing in

AUTHS = {
    "basic": {"type": "basic", "user": "shop-client", "password": {"secret": "SHOP_SECRET"}},
    "bearer": {"type": "bearer", "token": {"secret": "SHOP_SECRET"}},
    "header": {"type": "header", "values": {"X-Api-Key": {"secret": "SHOP_SECRET"}}},
    "hmac": {"type": "hmac", "key": {"secret": "SHOP_SECRET"}, "over": "{timestamp}.{method}.{path}.{body}", "timestamp": "X-Timestamp"},
}


@pytest.mark.parametrize("auth", AUTHS)
def test_the_shop_knows_who_calls(auth):
    with serving(filled(RestShop(Clock(), auth=auth), 2)) as shop:
        made = described("rest", shop, auth=AUTHS[auth])
        found, reading = read(made)
        assert found == numbers(shop.vendor)
        made.perform("ship", {"number": found[0], "carrier": "SF", "tracking": "SF100"}, task(made), reading.world)
        assert shop.vendor.refused == []


def test_a_token_that_ends_between_pages_and_one_that_ran_out():
    with serving(filled(RestShop(Clock(), auth="oauth2_client"))) as shop:
        made = with_pages("rest", shop, *PAGES["page"])
        shop.vendor.mishaps.next("expired_token", only=lambda asked: len(shop.vendor.asked) > 2)
        found, _ = read(made)
        assert sorted(found) == numbers(shop.vendor)
        assert shop.vendor.issued == 2


def test_a_shop_that_is_asked_too_often_says_when_to_come_again():
    with serving(filled(RestShop(Clock(), auth="bearer"))) as shop:
        made = described("rest", shop, auth=AUTHS["bearer"])
        shop.vendor.limit = Bucket(0.1, 0)
        with pytest.raises(DeliveryFailed) as caught:
            read(made)
        assert caught.value.after == 10.0
    with serving(filled(GraphQLShop(Clock()))) as shop:
        shop.vendor.limit = Bucket(0.1, 0)
        with pytest.raises(DeliveryFailed) as caught:
            read(described("graphql", shop))
        assert caught.value.after == 10.0


def test_the_feed_of_the_page_reads_what_its_connection_describes():
    feed = read_source(BLOCKS["feed"]).data["feeds"]["shop_orders"]
    for block in ("rest", "graphql"):
        [(name, data)] = read_source(BLOCKS[block]).data["connections"].items()
        assert feed["from"] == [name]
        assert feed["read"] in data["reads"]
