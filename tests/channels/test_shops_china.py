"""JD and Taobao: every order arrives whatever goes wrong, what is asked for has one effect, a session that ended is said."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import re

import pytest
from contracts.vendor import Bucket, Said, said
from driving import TROUBLE, versions
from driving_china import SHOPS, Around, desk_of

from engine.credentials import Secret
from engine.errors import DeliveryFailed, Throttled
from plugins.channels.channel import ORDER, PRODUCT

PAGES = ("duplicate_page", "missing_page", "moving_page", "clock_skew", "error_inside")


@pytest.fixture(params=SHOPS)
def desk(request):
    with desk_of(request.param) as desk:
        yield desk


def there(desk) -> dict[str, str]:
    return {sold.no: f"{sold.changed:%Y-%m-%dT%H:%M:%S.000Z}" for sold in desk.vendor.orders.values()}


def is_write(asked) -> bool:
    method = asked.form.get("method", "")
    return any(word in method for word in ("shipment", "upOrDown", "stock", "send", "update"))


def settled(desk, items, cursor):
    """A few looks later what was moved while pages were turned has come too."""
    desk.vendor.mishaps.share.clear()
    for _ in range(2):
        desk.clock.advance(minutes=1)
        more, cursor = desk.pull(cursor=cursor)
        items = [*items, *more]
    return items, cursor


def test_every_order_arrives_and_a_second_look_finds_what_is_new(desk):
    desk.vendor.bulk(110)
    desk.clock.advance(seconds=10)
    items, cursor = desk.pull()
    assert versions(items) == there(desk)
    assert len(items) == 110
    desk.clock.advance(minutes=5)
    first = next(iter(desk.vendor.orders.values()))
    desk.vendor.cancel(first)
    new = desk.vendor.order()
    desk.clock.advance(minutes=5)
    items, _ = desk.pull(cursor=cursor)
    assert {item.key: item.data["status"] for item in items} == {first.no: "cancelled", new.no: "paid"} | {
        item.key: item.data["status"] for item in items if item.key not in (first.no, new.no)
    }
    assert len(items) < 12


def test_faults_of_every_kind_lose_nothing(desk):
    desk.vendor.bulk(160)
    desk.vendor.mishaps.share.update(dict.fromkeys((*TROUBLE, *PAGES), 0.05))
    desk.clock.advance(seconds=10)
    items, cursor = desk.pull(cursor=desk.begin() | {"size": 7})
    items, _ = settled(desk, items, cursor)
    assert versions(items) == there(desk)
    assert {item.key: item.data["total"] for item in items} == {no: f"{sold.total.normalize():f}" for no, sold in desk.vendor.orders.items()}
    assert sum(desk.vendor.mishaps.happened.values()) >= 5
    assert desk.vendor.effects == []


@pytest.mark.parametrize("name", ["moving_page", "missing_page", "duplicate_page"])
def test_pages_that_move_are_read_whole(desk, name):
    desk.vendor.bulk(60)
    desk.clock.advance(seconds=10)
    desk.vendor.mishaps.share[name] = 0.4
    items, cursor = desk.pull(cursor=desk.begin() | {"size": 5})
    items, _ = settled(desk, items, cursor)
    assert desk.vendor.mishaps.happened[name] >= 1
    assert versions(items) == there(desk)


def test_a_count_that_grows_begins_the_span_anew(desk):
    """A shop that shows a change late, in a span that is being read, and behind the page where we are."""
    desk.vendor.bulk(30)
    desk.clock.advance(seconds=10)
    cursor = desk.begin() | {"size": 10}
    cursor, items = desk.read("orders", cursor).cursor, []
    late = desk.vendor.order(at=desk.clock() - dt.timedelta(hours=7))
    items, _ = desk.pull(cursor=cursor)
    assert late.no in versions(items)
    assert versions(items) == there(desk)


def test_another_process_can_go_on_after_every_call(desk):
    desk.vendor.bulk(50)
    desk.clock.advance(seconds=10)
    as_one, _ = desk.pull(cursor=desk.begin() | {"size": 9})
    in_parts, _ = desk.pull(cursor=desk.begin() | {"size": 9}, anew=True)
    assert versions(in_parts) == versions(as_one) == there(desk)
    desk.clock.advance(minutes=1)
    cursor = desk.begin() | {"size": 9}
    once, twice = desk.read("orders", cursor), desk.read("orders", cursor)
    assert once == twice


def test_a_span_of_the_past_is_cut_into_what_the_shop_answers_and_ends(desk):
    desk.vendor.bulk(60, span=dt.timedelta(days=70))
    desk.clock.advance(seconds=10)
    until = desk.clock() - dt.timedelta(days=3)
    items, cursor = desk.pull(cursor=desk.begin(back=dt.timedelta(days=72), until=until))
    assert set(versions(items)) == {sold.no for sold in desk.vendor.orders.values() if sold.changed < until}
    asked = len(desk.vendor.asked)
    assert not desk.read("orders", cursor).more
    assert len(desk.vendor.asked) == asked
    assert desk.vendor.refused == []


def test_an_order_has_the_names_of_the_common_shape(desk):
    sold = desk.vendor.order(("TEA-250", 2), ("POT-ZS", 1), note="要发票")
    desk.clock.advance(minutes=1)
    ((item,), _) = desk.pull()
    data = item.data
    assert set(data) == set(ORDER)
    assert json.loads(json.dumps(data)) == data
    assert (item.key, data["number"], data["status"], data["currency"], data["note"]) == (sold.no, sold.no, "paid", "CNY", "要发票")
    assert data["placed_at"] == data["paid_at"] == data["updated_at"] == item.version == "2026-03-04T01:30:00.000Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z", item.version)
    assert (data["total"], data["shipping"], data["discount"]) == ("1616", "0", "0")
    assert [(one["sku"], one["quantity"], one["price"], one["total"]) for one in data["lines"]] == [
        ("TEA-250", "2", "168", "336"), ("POT-ZS", "1", "1280", "1280"),
    ]  # fmt: skip
    to = data["recipient"]
    assert (to["province"], to["city"], to["district"], to["country"]) == ("浙江省", "杭州市", "西湖区", "CN")
    assert "*" in to["name"]
    assert "****" in to["phone"]
    assert to["street"].startswith("文三路4")


@pytest.mark.parametrize("name", ["error", "half", "lost", "refuse", "timeout", "late_error", "error_inside"])
def test_a_failed_call_is_never_an_empty_list(desk, name):
    desk.vendor.bulk(3)
    desk.clock.advance(minutes=1)
    desk.vendor.mishaps.next(name)
    with pytest.raises(DeliveryFailed) as caught:
        desk.read("orders", desk.begin())
    assert caught.value.again
    assert not caught.value.unsure
    assert len(desk.pull()[0]) == 3


@pytest.mark.parametrize("body", [b"<html>", b"", b"null", b"[]", b"{}", b'{"code": 0}', b'{"error_response": {"code": 15, "sub_code": "isp.x"}}'])
def test_an_answer_that_means_something_else_is_not_an_empty_list(desk, body):
    desk.does("listing", sku="TEA-250")
    desk.vendor.answer = lambda asked: Said(200, body, {"Content-Type": "application/json"})
    for _ in range(2):
        with pytest.raises(DeliveryFailed):
            desk.read("orders", desk.begin())


def test_a_layer_of_the_answer_that_says_no_is_heard():
    with desk_of("jd") as desk:
        answers = [
            {"jingdong_pop_order_search_responce": {"code": "0", "searchorderinfo_result": {"apiResult": {"success": False, "numberCode": "1", "chineseErrCode": "不行"}, "orderTotal": 0, "orderInfoList": []}}},
            {"jingdong_pop_order_search_responce": {"code": "1"}},
            {"jingdong_pop_order_search_responce": {"code": "0", "searchorderinfo_result": {"apiResult": {"success": True}, "orderInfoList": []}}},
            {"jingdong_pop_order_search_responce": {"code": "0", "success": "false"}},
        ]
        real = desk.vendor.answer
        for answer in answers:
            desk.vendor.answer = lambda asked, answer=answer: said(answer) if asked.path == "/routerjson" else real(asked)
            desk.clock.advance(minutes=1)
            with pytest.raises(DeliveryFailed):
                desk.read("orders", desk.begin())


def test_jd_names_its_result_in_two_ways():
    with desk_of("jd", {"newer": True}) as desk:
        desk.vendor.bulk(3)
        desk.clock.advance(minutes=1)
        assert len(desk.pull()[0]) == 3


@pytest.mark.parametrize("method", ["md5", "hmac", "hmac-sha256"])
def test_taobao_takes_each_signature(method):
    with desk_of("taobao", signature=method) as desk:
        assert desk.does("listing", sku="TEA-250")["listed"]
        assert desk.vendor.refused == [] or not any("ignature" in words for words in desk.vendor.refused)


def test_jds_articles_are_read():
    with desk_of("jd") as desk:
        items, cursor = desk.pull("products")
        assert {item.data["sku"] for item in items} == set(desk.vendor.goods)
        assert set(items[0].data) == set(PRODUCT)
        assert cursor == desk.begin("products")


# --- what they are asked to do


@pytest.mark.parametrize("name", [*TROUBLE, "error_inside", "clock_skew"])
def test_a_shipment_is_told_once_though_its_answer_was_lost(desk, name):
    sold = desk.vendor.order(("TEA-250", 2))
    desk.vendor.mishaps.next(name, only=is_write)
    desk.until_done("ship", number=sold.no, carrier="SF", tracking="SF1234567890")
    assert desk.vendor.mishaps.happened[name] == 1
    assert desk.until_done("ship", key="k-2", number=sold.no, carrier="SF", tracking="SF1234567890") == {"shipment": "SF1234567890"}
    assert desk.vendor.effected("ship") == {sold.no: 1}
    with pytest.raises(DeliveryFailed, match="SF1234567890") as caught:
        desk.does("ship", number=sold.no, carrier="SF", tracking="ANOTHER")
    assert not caught.value.again


@pytest.mark.parametrize("name", [None, *TROUBLE])
def test_what_was_paused_is_resumed_as_it_was(desk, name):
    if name:
        desk.vendor.mishaps.next(name, only=is_write)
    was = desk.does("listing", sku="KETTLE")
    assert (was["listed"], was["quantity"]) == (True, "100")
    desk.clock.advance(seconds=5)
    paused = desk.until_done("pause", sku="KETTLE")
    assert (paused["was"], paused["verified"]) == (was, True)
    assert not desk.vendor.listed["KETTLE"]
    assert not desk.until_done("listing", sku="KETTLE")["listed"]
    if name:
        desk.vendor.mishaps.next(name, only=is_write)
    resumed = desk.until_done("resume", key="k-2", sku="KETTLE", was=paused["was"])
    assert (resumed["now"], resumed["verified"]) == (was, True)
    assert desk.vendor.effected("pause") == desk.vendor.effected("resume") == {"KETTLE": 1}
    assert desk.vendor.effected("stock") == {}


def test_what_was_off_sale_before_stays_off_sale(desk):
    desk.vendor.listed["KETTLE"] = False
    paused = desk.until_done("pause", sku="KETTLE")
    resumed = desk.until_done("resume", key="k-2", sku="KETTLE", was=paused["was"], quantity="7")
    assert resumed["verified"]
    assert not desk.vendor.listed["KETTLE"]
    assert desk.vendor.stock["KETTLE"] == 7


def test_the_variants_of_a_listing_have_stock_of_their_own(desk):
    desk.vendor.good("KETTLE-RED", "红", "459.00", stock=5, like="KETTLE")
    assert desk.does("listing", sku="KETTLE-RED")["quantity"] == "5"
    assert desk.until_done("set_stock", sku="KETTLE-RED", quantity="3.9")["verified"]
    assert (desk.vendor.stock["KETTLE-RED"], desk.vendor.stock["KETTLE"]) == (3, 100)
    paused = desk.until_done("pause", key="k-2", sku="KETTLE-RED")
    desk.until_done("resume", key="k-3", sku="KETTLE-RED", was=paused["was"], quantity="4")
    assert desk.vendor.listed["KETTLE"]
    assert (desk.vendor.stock["KETTLE-RED"], desk.vendor.stock["KETTLE"]) == (4, 100)


@pytest.mark.parametrize("name", ["lost", "error", "half"])
def test_stock_is_set_once_though_the_answer_was_lost(desk, name):
    desk.vendor.mishaps.next(name, only=is_write)
    desk.until_done("set_stock", sku="CUP-RU", quantity="2")
    assert desk.vendor.effected("stock") == {"CUP-RU": 1}
    assert desk.vendor.stock["CUP-RU"] == 2


@pytest.mark.parametrize(("operation", "values"), [("ship", {"number": "404", "carrier": "SF", "tracking": "A"}), ("pause", {"sku": "NO"}), ("listing", {"sku": "NO"})])
def test_what_does_not_exist_is_a_refusal_that_is_final(desk, operation, values):
    with pytest.raises(DeliveryFailed) as caught:
        desk.does(operation, **values)
    assert not caught.value.again
    assert desk.vendor.effects == []


def test_a_cancelled_order_is_not_shipped(desk):
    sold = desk.vendor.order()
    desk.vendor.cancel(sold)
    with pytest.raises(DeliveryFailed, match="cancelled"):
        desk.does("ship", number=sold.no, carrier="SF", tracking="A")


def test_a_method_that_was_retired_is_said_and_the_other_one_can_be_named():
    with desk_of("jd", {"stock_method": "jingdong.stock.write.updateSkuStock"}) as desk:
        with pytest.raises(DeliveryFailed, match="该接口已下线"):
            desk.does("set_stock", sku="TEA-250", quantity="3")
        desk.connection = dataclasses.replace(desk.connection, stock_method="jingdong.stock.write.updateSkuStock")
        assert desk.does("set_stock", sku="TEA-250", quantity="3")["verified"]


# --- sessions, limits


def test_jd_asks_for_a_new_token_between_two_pages_and_keeps_it():
    with desk_of("jd") as desk:
        desk.vendor.bulk(30)
        desk.clock.advance(seconds=10)
        cursor = desk.read("orders", desk.begin() | {"size": 10}).cursor
        desk.vendor.mishaps.next("expired_token")
        assert desk.read("orders", cursor).items
        desk.vendor.mishaps.next("expired_token")
        desk.clock.advance(seconds=10)
        assert desk.read("orders", cursor).items  # by the second pair, then the third
        assert desk.vendor.issued == 3


def test_nobody_reads_jds_tokens_in_the_ledger():
    with desk_of("jd") as desk:
        for _ in range(3):
            desk.vendor.mishaps.next("expired_token")
            desk.does("listing", sku="TEA-250")
        told = " ".join(exchange.answered + exchange.sent for exchange in desk.around.exchanges)
        assert desk.vendor.issued == 4
        assert len(told) > 1000
        assert "jd-refresh" not in told
        assert "jd-access" not in told
        assert desk.vendor.secret not in told


def test_jds_token_is_renewed_in_its_last_day():
    with desk_of("jd", {"token_life": dt.timedelta(days=2)}) as desk:
        for _ in range(30):
            desk.clock.advance(hours=5)
            desk.does("listing", sku="TEA-250")
        assert desk.vendor.issued >= 3
        desk.restart()  # the secret that was entered is an old one now, and another process goes on with the new one
        assert desk.does("listing", sku="TEA-250")["listed"]
        desk.renewed.clear()
        desk.restart()
        with pytest.raises(DeliveryFailed, match="let the application in again") as caught:
            desk.does("listing", sku="TEA-250")
        assert caught.value.after == 600
        desk.secrets["JD_REFRESH"] = desk.vendor.refresh_token
        assert desk.does("listing", sku="TEA-250")["listed"]


def test_jd_with_a_token_that_is_renewed_by_hand():
    with desk_of("jd", refresh_token=None, access_token=Secret("JD_TOKEN")) as desk:
        assert desk.does("listing", sku="TEA-250")["listed"]
        desk.vendor.issue()
        with pytest.raises(DeliveryFailed, match="has ended") as caught:
            desk.does("listing", sku="TEA-250")
        assert caught.value.again
        desk.secrets["JD_TOKEN"] = desk.vendor.access_token
        assert desk.does("listing", sku="TEA-250")["listed"]


def test_taobaos_session_that_ends_mid_page_goes_on_with_the_new_one():
    with desk_of("taobao") as desk:
        desk.vendor.bulk(30)
        desk.clock.advance(seconds=10)
        cursor = desk.read("orders", desk.begin()).cursor
        desk.vendor.mishaps.next("expired_token", only=lambda asked: len(desk.vendor.asked) > 8)
        part = desk.read("orders", cursor)
        assert 0 < len(part.items) < 30
        desk.clock.advance(minutes=1)
        with pytest.raises(DeliveryFailed, match="session has ended") as caught:
            desk.read("orders", part.cursor)
        assert (caught.value.again, caught.value.after) == (True, 600)
        desk.secrets["TB_SESSION"] = desk.vendor.renew()
        rest, _ = desk.pull(cursor=part.cursor)
        assert versions([*part.items, *rest]) == there(desk)


def test_our_own_limit_leaves_the_rest_for_later_and_loses_nothing(desk):
    desk.vendor.bulk(60)
    desk.clock.advance(seconds=10)
    items, _ = desk.pull(cursor=desk.begin() | {"size": 6})
    assert versions(items) == there(desk)
    assert any(isinstance(failure, Throttled) for failure in desk.failures)
    assert desk.vendor.limited == 0


def test_a_ban_is_waited_for_as_it_is_told():
    with desk_of("taobao", {"calls_a_day": 1}) as desk:
        with pytest.raises(DeliveryFailed) as caught:
            desk.does("listing", sku="TEA-250")
        assert caught.value.again
        midnight = desk.clock() + dt.timedelta(seconds=caught.value.after)
        assert f"{midnight:%H:%M}" == "16:00"  # in China
        desk.vendor.calls_a_day, desk.vendor.limit = None, Bucket(1.0, 1.0)
        with pytest.raises(DeliveryFailed) as caught:
            desk.does("listing", sku="TEA-250")
        assert caught.value.after == 1.0
    with desk_of("jd") as desk:
        desk.vendor.limit = Bucket(0.001, 0.0)
        with pytest.raises(DeliveryFailed) as caught:
            desk.does("listing", sku="TEA-250")
        assert (caught.value.again, caught.value.after) == (True, 60.0)


def test_it_can_be_tried_out(desk):
    desk.vendor.bulk(3, span=dt.timedelta(minutes=10))
    desk.clock.advance(seconds=10)
    assert "3" in str(desk.connection.try_out(desk.task(), desk.around))
    name = {"jd": "JD_SECRET", "taobao": "TB_SECRET"}[desk.connection.name]
    desk.secrets[name] = "wrong"
    desk.around = Around(desk)
    with pytest.raises(DeliveryFailed) as caught:
        desk.connection.try_out(desk.task(), desk.around)
    assert not caught.value.again or "app_secret" in str(caught.value)


def test_nothing_we_send_is_refused(desk):
    sold = desk.vendor.order(("TEA-250", 1))
    desk.clock.advance(minutes=1)
    desk.pull()
    desk.until_done("ship", number=sold.no, carrier="YTO", tracking="A1")
    desk.until_done("set_stock", key="k-2", sku="CUP-RU", quantity="2")
    paused = desk.until_done("pause", key="k-3", sku="TEA-250")
    desk.until_done("resume", key="k-4", sku="TEA-250", was=paused["was"])
    assert [words for words in desk.vendor.refused if words != "没有找到宝贝"] == []
