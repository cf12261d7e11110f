"""What is said when there was too much, and how long is waited."""

from __future__ import annotations

import dataclasses

import pytest
from contracts.vendor import Said, said
from driving import desk_of

from engine.credentials import Secret
from engine.errors import DeliveryFailed


def failing(desk, operation="listing", **values):
    with pytest.raises(DeliveryFailed) as caught:
        desk.does(operation, **({"sku": "TEA-01"} | values))
    return caught.value


def test_shopify_is_asked_again_when_enough_points_are_restored():
    with desk_of("shopify") as desk:
        desk.vendor.points = desk.vendor.bucket.left = desk.vendor.bucket.burst = 60.0
        desk.vendor.order()
        desk.around.limited = False
        with pytest.raises(DeliveryFailed) as caught:
            for _ in range(20):
                desk.does("listing", sku="TEA-01")
        failure = caught.value
        assert failure.again
        assert 0 < failure.after < 1.01
        desk.clock.advance(seconds=failure.after)
        assert desk.does("listing", sku="TEA-01")["listed"]


@pytest.mark.parametrize(("operation", "rate"), [("listing", 5.0), ("ship", 0.5)])
def test_amazon_is_asked_again_at_the_rate_it_tells(operation, rate):
    with desk_of("amazon") as desk:
        order = desk.vendor.order(("TEA-01", 1))
        desk.vendor.mishaps.next("limited")
        failure = failing(desk, operation, **({"number": order.no, "carrier": "DHL", "tracking": "A1"} if operation == "ship" else {}))
        assert (failure.again, failure.after) == (True, pytest.approx(1 / rate))


def test_amazons_orders_wait_three_minutes():
    with desk_of("amazon") as desk:
        desk.vendor.mishaps.next("limited")
        with pytest.raises(DeliveryFailed) as caught:
            desk.read("orders", desk.begin())
        assert caught.value.after == pytest.approx(1 / 0.0056)


@pytest.mark.parametrize("kind", ["amazon", "shopify", "vendure", "woocommerce"])
@pytest.mark.parametrize(("headers", "least"), [({"Retry-After": "17"}, 17.0), ({}, 0.2)])
def test_too_many_requests_wait_as_long_as_is_told(kind, headers, least):
    with desk_of(kind) as desk:
        desk.does("listing", sku="TEA-01")  # signed in
        busy = said({"errors": [{"message": "Too many"}]}, 429)
        desk.vendor.answer = lambda asked: Said(429, busy.body, {**busy.headers, **headers})
        desk.clock.advance(seconds=10)
        failure = failing(desk)
        assert failure.again
        assert failure.after >= least
        assert failure.after == least or not headers


@pytest.mark.parametrize("kind", ["amazon", "shopify", "vendure", "woocommerce"])
@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b"null", b'"no"', b"[]x", b'{"data": {"a": NaN}}'])
def test_the_page_of_a_proxy_is_no_answer(kind, body):
    with desk_of(kind) as desk:
        desk.does("listing", sku="TEA-01")
        desk.vendor.answer = lambda asked: Said(200, body, {"Content-Type": "text/html" if body[:1] == b"<" else "application/json"})
        desk.clock.advance(seconds=60)
        for wrong in (lambda: desk.read("orders", desk.begin()), lambda: desk.does("listing", sku="TEA-01")):
            with pytest.raises(DeliveryFailed) as caught:
                wrong()
            assert caught.value.again


@pytest.mark.parametrize("kind", ["amazon", "shopify", "vendure", "woocommerce"])
def test_an_answer_that_means_something_else_is_not_an_empty_list(kind):
    with desk_of(kind) as desk:
        desk.does("listing", sku="TEA-01")
        for answer in ({}, {"message": "ok"}, {"errors": "Not Found"}, {"errors": [{"message": "no"}]}, {"data": None}):
            desk.vendor.answer = lambda asked, answer=answer: said(answer)
            desk.clock.advance(seconds=200)
            with pytest.raises(DeliveryFailed):
                desk.read("orders", desk.begin())


@pytest.mark.parametrize(
    ("kind", "words"),
    [("shopify", "Internal error"), ("vendure", "Query runner already released")],
)
def test_an_error_inside_an_answer_is_tried_again_and_said(kind, words):
    with desk_of(kind) as desk:
        desk.vendor.mishaps.next("error_inside", only=lambda asked: "token" not in asked.path and "SignIn" not in asked.body.decode())
        failure = failing(desk)
        assert failure.again
        assert words in str(failure)


def test_what_amazon_finds_invalid_is_said_and_final():
    with desk_of("amazon") as desk:
        desk.vendor.mishaps.next("error_inside")
        failure = failing(desk, "set_stock", quantity="3")
        assert not failure.again
        assert "The catalogue could not be updated at this time" in str(failure)


def test_what_vendure_refuses_as_a_result_is_said_and_final():
    with desk_of("vendure") as desk:
        order = desk.vendor.order(("SET/8", 2))
        desk.vendor.stock["SET/8"] = 0
        failure = failing(desk, "ship", number=order.no, carrier="DHL", tracking="A1")
        assert not failure.again
        assert "INSUFFICIENT_STOCK_ON_HAND_ERROR" in str(failure)
        assert "has insufficient stockOnHand (0)" in str(failure)


def test_what_shopify_calls_a_users_error_is_said_and_final():
    with desk_of("shopify") as desk:
        failure = failing(desk, "set_stock", quantity="2000000000")
        assert not failure.again
        assert "The total quantity can't be higher than 1,000,000,000." in str(failure)


def test_shopify_lets_in_by_a_token_of_old():
    with desk_of("shopify") as desk:
        desk.connection = dataclasses.replace(desk.connection, client_id=None, client_secret=None, token=Secret("SHOPIFY_TOKEN"))
        desk.restart()
        assert desk.does("listing", sku="TEA-01")["listed"]
        assert not any("access_token" in asked.path for asked in desk.vendor.asked)
        desk.connection = dataclasses.replace(desk.connection, token=None)
        desk.restart()
        assert "client_id and client_secret" in str(failing(desk))
