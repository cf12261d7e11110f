from __future__ import annotations

import datetime as dt

import pytest
from contracts.asking import ask, content, nos, over_http
from contracts.taobao import Taobao, sign
from contracts.trade import CANCELLED, SoldOut, local
from contracts.vendor import Bucket, serving
from fake_clock import FakeClock

INCREMENT, FULL = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"
FIELDS = "tid,status,payment,modified,receiver_name,receiver_address,orders"
EXAMPLE = {"method": "taobao.item.seller.get", "app_key": "12345678", "session": "test", "timestamp": "2016-01-01 12:00:00",
           "format": "json", "v": "2.0", "fields": "num_iid,title,nick,price,num", "num_iid": "11223344"}  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock):
    return Taobao(clock)


def form(shop, method, *, sign_method="hmac-sha256", **values):
    given = {"method": method, "app_key": shop.app_key, "session": shop.session, "timestamp": local(shop.clock()),
             "format": "json", "v": "2.0", "sign_method": sign_method, **values}  # fmt: skip
    fields = {name: str(value) for name, value in given.items()}
    return {"sign": sign(fields, shop.secret, sign_method), **fields}


def call(shop, method, **values):
    said = ask(shop, "POST", "/router/rest", form=form(shop, method, **values))
    assert said.status == 200
    return content(said)


def listed(shop, page=1, size=100, **over):
    values = {"fields": FIELDS, "start_modified": local(shop.clock() - dt.timedelta(days=1)),
              "end_modified": local(shop.clock()), "page_no": page, "page_size": size, **over}  # fmt: skip
    return call(shop, INCREMENT, **values)["trades_sold_increment_get_response"]


def numbers(answer):
    return [str(trade["tid"]) for trade in answer.get("trades", {}).get("trade", [])]


def error(data):
    return data["error_response"]["code"], data["error_response"].get("sub_code")


def test_the_signature_is_that_of_the_vendors_own_example():
    """The MD5 is printed in the vendor's documentation; the HMACs are from openssl dgst -hmac of the same text."""
    assert sign({**EXAMPLE, "sign_method": "md5"}, "helloworld", "md5") == "66987CB115214E59E6EC978214934FB8"
    assert sign({**EXAMPLE, "sign_method": "hmac"}, "helloworld", "hmac") == "D56D7858309C31B6251083A874D48273"
    assert sign({**EXAMPLE, "sign_method": "hmac-sha256"}, "helloworld", "hmac-sha256") == (
        "04DB15AD0774D5CFCE2C837DE43E3FCEA9011ED74F3038FB6AB5F3C4CEA119E8")  # fmt: skip


@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
def test_each_way_to_sign_is_taken(shop, sign_method):
    number = shop.order().no
    trade = call(shop, FULL, sign_method=sign_method, tid=number, fields=FIELDS)["trade_fullinfo_get_response"]["trade"]
    assert trade["tid"] == int(number)


def test_the_list_says_the_latest_change_first_and_no_address(shop):
    placed = nos(shop.bulk(5))
    first, second = listed(shop, 1, 3), listed(shop, 2, 3)
    assert numbers(first) + numbers(second) == placed[::-1]
    assert first["total_results"] == 5
    assert set(first["trades"]["trade"][0]) == {"tid", "status", "payment", "modified", "orders"}
    assert [listed(shop, page, 3, use_has_next="true")["has_next"] for page in (1, 2)] == [True, False]
    assert "trades" not in listed(shop, 3, 3)


def test_the_full_trade_is_masked_and_exact(shop):
    number = shop.order(("TEA-500", 2), ("CUP-RU", 1)).no
    fields = "tid,payment,post_fee,total_fee,receiver_name,receiver_mobile,receiver_state,receiver_address,oaid,orders.title"
    trade = call(shop, FULL, tid=number, fields=fields)["trade_fullinfo_get_response"]["trade"]
    lines = [(line["oid"], line["outer_sku_id"], line["num"], line["price"]) for line in trade.pop("orders")["order"]]
    assert lines == [(int(number), "TEA-500", 2, "399.50"), (int(number) + 10**15, "CUP-RU", 1, "89.90")]
    assert trade == {
        "tid": int(number), "payment": "888.90", "post_fee": "0.00", "total_fee": "888.90", "receiver_name": "王*",
        "receiver_mobile": "138****0000", "receiver_state": "浙江省", "receiver_address": "文三路4****",
        "oaid": f"1{number}oaid",
    }  # fmt: skip


@pytest.mark.parametrize(("over", "says"), [
    ({"start_modified": "2026-03-02 09:30:00"}, (41, "isv.invalid-parameter:end_modified")),
    ({"page_size": 101}, (41, "isv.invalid-parameter:page_size")),
    ({"page_no": 0}, (41, "isv.invalid-parameter:page_no")),
    ({"fields": ""}, (40, "isv.missing-parameter:fields")),
    ({"status": "PAID"}, (41, "isv.invalid-parameter:status")),
])  # fmt: skip
def test_a_wrong_list_is_refused(shop, over, says):
    values = {"fields": FIELDS, "start_modified": local(shop.clock()), "end_modified": local(shop.clock()), **over}
    assert error(call(shop, INCREMENT, **values)) == says


@pytest.mark.parametrize(("over", "code"), [
    ({"sign": "0" * 64}, 25), ({"sign": ""}, 24), ({"timestamp": "2026-03-04 09:41:00"}, 31), ({"session": "old"}, 27),
    ({"session": ""}, 26), ({"app_key": "1"}, 29), ({"method": "taobao.nothing"}, 22), ({"format": "xml"}, 23),
    ({"v": "1.0"}, 33),
])  # fmt: skip
def test_the_gate_refuses(shop, over, code):
    fields = {**form(shop, FULL, tid="1", fields="tid"), **over}
    fields = fields if "sign" in over else {**fields, "sign": sign(fields, shop.secret, "hmac-sha256")}
    assert error(content(ask(shop, "POST", "/router/rest", form=fields)))[0] == code
    assert len(shop.refused) == 1


def test_within_ten_minutes_is_in_time(shop):
    shop.order()
    assert "error_response" not in call(shop, "taobao.item.seller.get", fields="num", timestamp="2026-03-04 09:39:59",
                                        num_iid=shop.goods["TEA-250"].item_id)  # fmt: skip


@pytest.mark.parametrize("method", ["taobao.logistics.online.send", "taobao.logistics.offline.send"])
def test_a_shipment_happens_once(shop, method):
    number = shop.order().no
    values = {"tid": number, "out_sid": "SF1001", "company_code": "SF"}
    assert call(shop, method, **values)[method.removeprefix("taobao.").replace(".", "_") + "_response"]["shipping"] == {
        "is_success": True}  # fmt: skip
    assert error(call(shop, method, **values)) == (15, "isv.logistics-offline-service-error:B150")
    assert shop.effected("ship") == {number: 1}
    assert error(call(shop, method, **{**values, "tid": "1"})) == (15, "isv.trade-not-exist")
    gone = shop.order(state=CANCELLED).no
    assert error(call(shop, method, **{**values, "tid": gone})) == (15, "isv.logistics-offline-service-error:B27")
    assert error(call(shop, method, **{**values, "company_code": "POST"}))[1].endswith("B04")


def test_delisting_listing_and_quantity(shop):
    tea = shop.goods["TEA-250"]
    call(shop, "taobao.item.update.delisting", num_iid=tea.item_id)
    with pytest.raises(SoldOut, match="paused"):
        shop.sell("TEA-250")
    assert error(call(shop, "taobao.item.update.listing", num_iid=tea.item_id, num=0))[0] == 15
    call(shop, "taobao.item.update.listing", num_iid=tea.item_id, num=7)
    assert (shop.listed["TEA-250"], shop.stock["TEA-250"]) == (True, 7)
    after = call(shop, "taobao.item.quantity.update", num_iid=tea.item_id, quantity=-3, type=2)
    assert after["item_quantity_update_response"]["item"]["num"] == 4
    assert error(call(shop, "taobao.item.quantity.update", num_iid=tea.item_id, quantity=-5, type=2))[0] == 15
    assert [(effect.kind, effect.key) for effect in shop.effects] == [
        ("pause", "TEA-250"), ("stock", "TEA-250"), ("resume", "TEA-250"), ("stock", "TEA-250")]  # fmt: skip


def test_stock_of_variants_is_set_all_or_none(shop):
    tea = shop.goods["TEA-250"]
    bag = shop.good("TEA-251", "明前龙井 袋装", "99.00", like="TEA-250")
    assert error(call(shop, "taobao.item.quantity.update", num_iid=tea.item_id, quantity=1))[0] == 41
    wrong = f"{tea.sku_id}:5;1:6"
    assert error(call(shop, "taobao.skus.quantity.update", num_iid=tea.item_id, skuid_quantities=wrong))[0] == 41
    assert shop.effects == []
    call(shop, "taobao.skus.quantity.update", num_iid=tea.item_id, skuid_quantities=f"{tea.sku_id}:5;{bag.sku_id}:6")
    assert (shop.stock["TEA-250"], shop.stock["TEA-251"]) == (5, 6)


def test_who_pages_from_the_first_loses_a_trade_and_who_pages_from_the_last_does_not(clock):
    def read(pages):
        shop = Taobao(clock)
        placed = nos(shop.bulk(9, until=clock() - dt.timedelta(minutes=1)))
        end = local(clock() - dt.timedelta(minutes=1))
        found = []
        for count, page in enumerate(pages):
            if count == 1:
                shop.mishaps.next("moving_page")
            found += numbers(listed(shop, page, 3, end_modified=end))
        return set(placed) - set(found), placed[-1]

    lost, moved = read([1, 2, 3])
    assert len(lost) == 1
    assert moved not in lost
    lost, moved = read([3, 2, 1])
    assert lost == {moved}  # it has a later change now and comes with the next span


def test_limits_answer_code_7(shop, clock):
    shop.limit = Bucket(1, 1)
    shop.order()
    listed(shop)
    assert error(call(shop, INCREMENT)) == (7, "accesscontrol.limited-by-api-access-count")
    clock.advance(seconds=1)
    assert numbers(listed(shop))
    few = Taobao(clock, calls_a_day=0)
    assert error(call(few, INCREMENT))[0] == 7
    assert (shop.limited, few.limited, shop.refused) == (1, 1, [])


def test_mishaps(shop):
    placed = nos(shop.bulk(6))[::-1]
    shop.mishaps.next("duplicate_page")
    assert numbers(listed(shop, 2, 3)) == placed
    shop.mishaps.next("missing_page")
    missing = listed(shop, 1, 3)
    assert (numbers(missing), missing["total_results"]) == ([], 6)
    shop.mishaps.next("error_inside")
    assert error(call(shop, INCREMENT)) == (15, "isp.remote-service-error")
    shop.mishaps.next("clock_skew")
    assert error(call(shop, INCREMENT))[0] == 31
    shop.mishaps.next("expired_token")
    assert error(call(shop, INCREMENT))[0] == 27
    assert error(call(shop, INCREMENT))[0] == 27
    shop.renew()
    assert len(numbers(listed(shop))) == 6


def test_over_http(shop):
    number = shop.order().no
    with serving(shop) as served:
        status, data, _ = over_http("POST", f"{served.url}/router/rest", form=form(shop, FULL, tid=number, fields="tid"))
    assert (status, data["trade_fullinfo_get_response"]["trade"]) == (200, {"tid": int(number)})
