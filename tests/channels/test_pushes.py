"""What a shop is asked to do has one effect, however often it has to be asked; what was taken off sale comes back as it
was."""

from __future__ import annotations

import pytest
from driving import KINDS, TROUBLE, Desk, desk_of

from engine.errors import DeliveryFailed

AFTER = ("lost", "late_error", "half")


@pytest.fixture(params=KINDS)
def desk(request):
    with desk_of(request.param) as desk:
        yield desk


def is_write(asked) -> bool:
    """Whether a request changes something at the shop; signing in does not."""
    if "token" in asked.path or asked.method == "GET":
        return False
    query = asked.json.get("query", "") if isinstance(asked.json, dict) else ""
    return not query or (query.lstrip().startswith("mutation") and "SignIn" not in query)


@pytest.mark.parametrize("name", [*AFTER, "error", "refuse", "timeout"])
def test_a_shipment_is_told_once_though_its_answer_was_lost(desk, name):
    order = desk.vendor.order(("TEA-01", 2), ("CUP-WH", 1))
    desk.vendor.mishaps.next(name, only=is_write)
    first = desk.until_done("ship", number=order.no, carrier="DHL", tracking="00340434161094021501")
    assert desk.vendor.mishaps.happened[name] == 1
    assert desk.vendor.effected("ship") == {order.no: 1}
    (effect,) = [one for one in desk.vendor.effects if one.kind == "ship"]
    assert (effect.values["carrier"], effect.values["number"]) == ("DHL", "00340434161094021501")
    assert effect.values["lines"] == {"TEA-01": 2, "CUP-WH": 1}
    again = desk.until_done("ship", key="k-2", number=order.no, carrier="DHL", tracking="00340434161094021501")
    assert again == first
    assert first["shipment"]
    assert desk.vendor.effected("ship") == {order.no: 1}


@pytest.mark.parametrize("name", [*AFTER, "error"])
def test_stock_is_set_once_though_the_answer_was_lost(desk, name):
    desk.vendor.mishaps.next(name, only=is_write)
    desk.until_done("set_stock", sku="SET/8", quantity="2")
    assert desk.vendor.effected("stock") == {"SET/8": 1}
    desk.settle()
    assert desk.vendor.saleable("SET/8") == 2
    assert desk.does("listing", sku="SET/8")["quantity"] == "2"


def test_stock_that_is_there_already_is_no_effect(desk):
    desk.until_done("set_stock", sku="TEA-02", quantity="40")
    assert desk.vendor.effects == []


@pytest.mark.parametrize("name", [None, *TROUBLE])
def test_what_was_paused_is_resumed_as_it_was(desk, name):
    if name:
        desk.vendor.mishaps.next(name, only=is_write)
    was = desk.does("listing", sku="KET_1.7L")
    assert (was["listed"], was["quantity"]) == (True, "8")
    desk.clock.advance(seconds=5)
    paused = desk.until_done("pause", sku="KET_1.7L")
    desk.settle()
    assert not desk.vendor.buyable("KET_1.7L")
    assert not desk.until_done("listing", sku="KET_1.7L")["listed"]
    if name:
        desk.vendor.mishaps.next(name, only=is_write)
    desk.clock.advance(seconds=5)
    desk.until_done("resume", key="k-2", sku="KET_1.7L", was=paused["was"])
    desk.settle()
    assert desk.vendor.buyable("KET_1.7L")
    assert desk.until_done("listing", sku="KET_1.7L") == was
    assert desk.vendor.effected("pause") == desk.vendor.effected("resume") == {"KET_1.7L": 1}


def test_a_process_that_began_to_pause_and_died_is_followed_by_one_that_ends_it(desk):
    """How many there were it cannot know where the shop keeps nothing of it; whoever resumes tells how many there are."""
    desk.vendor.mishaps.next("lost", only=is_write)
    with pytest.raises(DeliveryFailed):
        desk.does("pause", sku="KET_1.7L")
    desk.settle()
    desk.restart()
    paused = desk.does("pause", attempt=2, sku="KET_1.7L")
    desk.settle()
    assert not desk.vendor.buyable("KET_1.7L")
    desk.clock.advance(seconds=5)
    desk.until_done("resume", key="k-2", sku="KET_1.7L", was=paused["was"], quantity="8")
    desk.settle()
    assert desk.vendor.buyable("KET_1.7L")
    assert desk.until_done("listing", sku="KET_1.7L")["quantity"] == "8"


def test_a_listing_is_resumed_with_what_is_there_now(desk):
    paused = desk.until_done("pause", sku="TEA-02")
    desk.settle()
    desk.until_done("resume", key="k-2", sku="TEA-02", was=paused["was"], quantity="25")
    desk.settle()
    assert desk.vendor.saleable("TEA-02") == 25
    assert desk.until_done("listing", sku="TEA-02") == {**desk.until_done("listing", sku="TEA-02"), "listed": True, "quantity": "25"}


def test_what_was_read_back_is_verified(desk):
    if desk.connection.name == "amazon":
        desk.vendor.processing *= 0  # otherwise it shows later what it has accepted
    paused = desk.until_done("pause", sku="CUP-WH")
    assert paused["verified"] is True
    assert paused["now"]["listed"] is False
    resumed = desk.until_done("resume", key="k-2", sku="CUP-WH", was=paused["was"])
    assert resumed["verified"] is True
    assert resumed["now"]["listed"] is True
    assert desk.until_done("set_stock", key="k-3", sku="CUP-WH", quantity="3.9")["verified"] is True
    assert desk.vendor.saleable("CUP-WH") == 3  # never more than there is


def test_part_of_an_order_is_shipped_and_then_the_rest(desk):
    order = desk.vendor.order(("TEA-01", 3), ("CUP-WH", 1))
    first, second = {"number": order.no, "carrier": "DHL", "tracking": "A1"}, {"number": order.no, "carrier": "UPS", "tracking": "B2"}
    for attempt in ("k-1", "k-2"):
        desk.until_done("ship", key=attempt, **first, lines=[{"sku": "TEA-01", "quantity": "2"}])
    for attempt in ("k-3", "k-4"):
        desk.clock.advance(seconds=5)
        desk.until_done("ship", key=attempt, **second)
    if desk.connection.name != "woocommerce":  # which knows no packages: it is completed with the last of them
        assert [effect.values["lines"] for effect in desk.vendor.effects] == [{"TEA-01": 2}, {"TEA-01": 1, "CUP-WH": 1}]
    assert order.state == "shipped"


@pytest.mark.parametrize(
    ("operation", "values"),
    [
        ("ship", {"number": "no such order", "carrier": "DHL", "tracking": "A1"}),
        ("set_stock", {"sku": "NO-SUCH", "quantity": "1"}),
        ("pause", {"sku": "NO-SUCH"}),
        ("listing", {"sku": "' OR sku:*"}),
    ],
)
def test_what_does_not_exist_is_a_refusal_that_is_final(desk, operation, values):
    with pytest.raises(DeliveryFailed) as caught:
        desk.does(operation, **values)
    assert not caught.value.again
    assert not caught.value.unsure
    assert desk.vendor.effects == []


def test_an_order_that_was_cancelled_is_not_shipped(desk):
    order = desk.vendor.order(("TEA-01", 1))
    desk.vendor.cancel(order)
    with pytest.raises(DeliveryFailed) as caught:
        desk.does("ship", number=order.no, carrier="DHL", tracking="A1")
    assert not caught.value.again
    assert desk.vendor.effected("ship") == {}


def test_a_wrong_key_is_said_and_not_tried_again(desk, monkeypatch):
    monkeypatch.setitem(desk.around.__class__.secret.__globals__["SECRETS"], *wrong_key(desk))
    with pytest.raises(DeliveryFailed) as caught:
        desk.does("listing", sku="TEA-01")
    assert not caught.value.again


def wrong_key(desk: Desk) -> tuple[str, str]:
    names = {"amazon": "LWA_REFRESH", "shopify": "SHOPIFY_SECRET", "vendure": "VENDURE_PASSWORD", "woocommerce": "WOO_SECRET"}
    return names[desk.connection.name], "wrong-key"


def test_it_can_be_tried_out(desk):
    said = str(desk.connection.try_out(desk.task(), desk.around))
    assert {"amazon": "ATVPDKIKX0DER", "shopify": "tea-and-cups.myshopify.com", "vendure": "superadmin", "woocommerce": "127.0.0.1"}[desk.connection.name] in said
    assert desk.vendor.effects == []


def test_the_answers_of_our_own_calls_are_what_the_vendor_allows(desk):
    """Nothing we sent was refused, ignored or warned about."""
    order = desk.vendor.order(("TEA-01", 1))
    desk.clock.advance(minutes=5)
    desk.pull()
    desk.until_done("ship", number=order.no, carrier="DHL", tracking="A1")
    desk.until_done("set_stock", key="k-2", sku="SET/8", quantity="2")
    paused = desk.until_done("pause", key="k-3", sku="TEA-01")
    desk.until_done("resume", key="k-4", sku="TEA-01", was=paused["was"])
    assert desk.vendor.refused == []


def test_only_what_changes_something_cannot_be_taken_back(desk):
    """Looking is not: neither a GraphQL query nor signing in, although both are POSTs."""
    desk.vendor.order()
    desk.clock.advance(minutes=5)
    desk.pull()
    desk.does("listing", sku="TEA-01")
    assert desk.around.sent == 0
    desk.clock.advance(seconds=5)
    desk.does("set_stock", sku="TEA-01", quantity="3")
    assert desk.around.sent == 1


def test_shipments_and_pauses_have_one_effect_each_among_faults_of_every_kind(desk):
    orders = desk.vendor.bulk(8)
    for sku in desk.vendor.stock:
        desk.vendor.stock[sku] += 500
    faults = {*TROUBLE, *desk.vendor.own_mishaps} - {"error_inside", "clock_skew"}  # final, where they are in a write
    desk.vendor.mishaps.share.update(dict.fromkeys(faults, 0.05))
    desk.vendor.hang = 0.0
    for order in orders:
        desk.until_done("ship", key=f"ship-{order.no}", number=order.no, carrier="DHL", tracking=f"T-{order.no}")
    for turn in range(4):
        paused = desk.until_done("pause", key=f"pause-{turn}", sku="TEA-01")
        desk.settle()
        desk.until_done("resume", key=f"resume-{turn}", sku="TEA-01", was=paused["was"])
        desk.settle()
    assert desk.vendor.effected("ship") == {order.no: 1 for order in orders}
    assert desk.vendor.effected("pause") == desk.vendor.effected("resume") == {"TEA-01": 4}
    assert sum(desk.vendor.mishaps.happened.values()) > 5


def test_the_ledger_is_told_no_secret_and_no_token(desk):
    desk.does("listing", sku="TEA-01")
    desk.clock.advance(seconds=5)
    desk.does("set_stock", sku="TEA-01", quantity="3")
    vendor = desk.vendor
    tokens = {*getattr(vendor, "tokens", ()), *getattr(vendor, "sessions", ())}
    written = "".join(f"{one.url} {one.sent} {one.answered} {one.error}" for one in desk.around.noted)
    assert len(desk.around.noted) >= 4
    assert tokens or desk.connection.name == "woocommerce"
    hidden = {*tokens, "client-secret", "amzn1.oa2-cs.v1.test", "Atzr|test", "Atzr%7Ctest", "cs_test"}
    assert {secret for secret in hidden if secret in written} == set()
    assert desk.connection.name == "woocommerce" or "(a token)" in written
