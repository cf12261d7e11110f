from __future__ import annotations

import datetime as dt
import json

import pytest
from contracts import jd
from contracts.asking import ask, content, nos, over_http
from contracts.jd import JD, sign
from contracts.trade import CANCELLED, SoldOut, local
from contracts.vendor import Bucket, serving
from fake_clock import FakeClock

ALL = "WAIT_SELLER_STOCK_OUT,WAIT_GOODS_RECEIVE_CONFIRM,FINISHED_L,TRADE_CANCELED"
FIELDS = "orderId,orderState,orderPayment,orderTotalPrice,freightPrice,modified,consigneeInfo,itemInfoList"
EXAMPLE = {
    "method": "jingdong.pop.order.search", "app_key": "yourappkey", "access_token": "yourtoken", "v": "2.0",
    "timestamp": "2021-05-07 09:20:39.683+0800", "empty": "", "sign": "not of itself",
    "360buy_param_json": '{"end_date":null,"optional_fields":null,"order_state":"WAIT_SELLER_STOCK_OUT","page":"1",'
                         '"page_size":"200","start_date":null}',
}  # fmt: skip


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shop(clock):
    return JD(clock)


def form(shop, method, values, **over):
    fields = {"method": method, "app_key": shop.app_key, "access_token": shop.access_token, "v": "2.0",
              "timestamp": local(shop.clock()), "360buy_param_json": json.dumps(values), **over}  # fmt: skip
    return {"sign": sign(fields, shop.secret), **fields}


def call(shop, method, values, **over):
    said = ask(shop, "POST", "/routerjson", form=form(shop, method, values, **over))
    assert said.status == 200
    return content(said)


def search(shop, page=1, size=100, **over):
    values = {"start_date": local(shop.clock() - dt.timedelta(days=1)), "end_date": local(shop.clock()),
              "order_state": ALL, "optional_fields": FIELDS, "page": str(page), "page_size": str(size), **over}  # fmt: skip
    return call(shop, jd.SEARCH, values)["jingdong_pop_order_search_responce"]["searchorderinfo_result"]


def numbers(result):
    return [row["orderId"] for row in result["orderInfoList"]]


def gateway_error(data):
    return data["error_response"]["code"], data["error_response"]["en_desc"]


def test_the_signature_is_that_of_the_vendors_own_example():
    assert sign(EXAMPLE, "yourappSecret") == "D70825340F4084360B9362B60DFD7930"


def test_orders_are_found_in_pages_with_masked_people_and_exact_amounts(shop):
    placed = nos(shop.bulk(5))
    first, second = search(shop, 1, 3), search(shop, 2, 3)
    assert numbers(first) + numbers(second) == placed
    assert first["orderTotal"] == 5
    row = first["orderInfoList"][1]
    assert row["orderState"] == "WAIT_SELLER_STOCK_OUT"
    assert row["consigneeInfo"] == {
        "fullname": "李**", "mobile": "139****7919", "telephone": "", "province": "北京市", "city": "北京市",
        "county": "海淀区", "town": "", "fullAddress": "北京市北京市海淀区中关村南****",
    }  # fmt: skip
    assert [(line["outerSkuId"], line["jdPrice"], line["itemTotal"]) for line in row["itemInfoList"]] == [
        ("TEA-500", "399.50", "2"), ("CUP-RU", "89.90", "3")]  # fmt: skip
    assert (row["orderTotalPrice"], row["freightPrice"], row["orderPayment"]) == ("1076.70", "8.00", "1076.69")
    assert "orderRemark" not in row  # optional_fields did not name it


def test_the_span_is_of_changes_or_with_date_type_1_of_placing(shop, clock):
    number = shop.order().no
    clock.advance(days=2)
    assert numbers(search(shop)) == []
    shop.cancel(shop.orders[number])
    assert numbers(search(shop)) == [number]
    assert numbers(search(shop, dateType="1")) == []
    assert numbers(search(shop, order_state="WAIT_SELLER_STOCK_OUT")) == []
    assert numbers(search(shop, order_state="PAUSE,LOCKED")) == []


@pytest.mark.parametrize(("over", "says"), [
    ({"page_size": 50}, "page_size 须为 1 至 100 的字符串"),
    ({"page_size": "101"}, "page_size 须为 1 至 100 的字符串"),
    ({"start_date": "2026-01-01 00:00:00"}, "开始时间和结束时间不得相差超过1个月"),
    ({"start_date": "2026-03-04T09:30:00"}, "start_date 与 end_date 须为 yyyy-MM-dd HH:mm:ss"),
    ({"order_state": "1,2"}, "order_state 无效：1,2"),
    ({"optional_fields": ""}, "optional_fields 必填"),
])  # fmt: skip
def test_a_wrong_search_is_an_error_inside_http_200(shop, over, says):
    result = search(shop, **over)
    assert result["apiResult"]["success"] is False
    assert result["apiResult"]["chineseErrCode"] == says
    assert shop.refused == [says]


@pytest.mark.parametrize(("over", "error"), [
    ({"sign": "0" * 32}, ("12", "Invalid Signature")),
    ({"sign": ""}, ("11", "Missing Signature")),
    ({"timestamp": "2026-03-04 09:37:00"}, ("8", "Invalid Timestamp")),
    ({"timestamp": "2026-03-04 01:30:00"}, ("8", "Invalid Timestamp")),  # UTC instead of Beijing time
    ({"timestamp": "1772587800"}, ("8", "Invalid Timestamp")),
    ({"v": "1.0"}, ("5", "Unsupported Version")),
    ({"app_key": "other"}, ("21", "Invalid app_key")),
    ({"access_token": "old"}, ("19", "Invalid access_token")),
    ({"method": "jingdong.nothing"}, ("15", "Invalid Method")),
    ({"360buy_param_json": "[1]"}, ("61", "Invalid Parameter")),
])  # fmt: skip
def test_the_gate_refuses(shop, over, error):
    fields = {**form(shop, jd.SEARCH, {}), **over}
    fields = fields if "sign" in over else {**fields, "sign": sign(fields, shop.secret)}
    assert gateway_error(content(ask(shop, "POST", "/routerjson", form=fields))) == error
    assert shop.refused == [error[1]]


def test_a_lower_case_signature_and_json_instead_of_a_form_are_refused(shop):
    fields = form(shop, jd.SEARCH, {})
    assert gateway_error(content(ask(shop, "POST", "/routerjson", form={**fields, "sign": fields["sign"].lower()})))[0] == "12"
    assert gateway_error(content(ask(shop, "POST", "/routerjson", data=fields)))[0] == "14"


def test_a_shipment_happens_once(shop):
    number = shop.order().no
    values = {"orderId": number, "logiCoprId": "467", "logiNo": "SF1001"}
    results = [call(shop, jd.SHIPMENT, values)["jingdong_pop_order_shipment_responce"]["sopjosshipment_result"] for _ in "12"]
    assert [result["success"] for result in results] == ["true", "false"]
    assert results[1]["chineseErrCode"] == "订单已出库，不能重复出库"
    assert shop.effected("ship") == {number: 1}
    assert shop.orders[number].waybill == "SF1001"


@pytest.mark.parametrize(("over", "says"), [
    ({"logiCoprId": "SF"}, "logiCoprId 须为数字"),
    ({"logiCoprId": "9"}, "物流公司不存在"),
    ({"logiNo": ""}, "运单号不能为空"),
    ({"orderId": "1"}, "订单不存在"),
])  # fmt: skip
def test_a_wrong_shipment_is_refused(shop, over, says):
    values = {"orderId": shop.order().no, "logiCoprId": 467, "logiNo": "SF1", **over}
    result = call(shop, jd.SHIPMENT, values)["jingdong_pop_order_shipment_responce"]["sopjosshipment_result"]
    assert (result["success"], result["chineseErrCode"]) == ("false", says)
    assert shop.effects == []


def test_a_cancelled_order_is_not_shipped(shop):
    number = shop.order(state=CANCELLED).no
    result = call(shop, jd.SHIPMENT, {"orderId": number, "logiCoprId": 467, "logiNo": "1"})
    assert result["jingdong_pop_order_shipment_responce"]["sopjosshipment_result"]["chineseErrCode"] == "订单状态不正确：取消"


def test_what_is_paused_or_sold_out_is_not_bought(shop):
    tea = shop.goods["TEA-250"]
    assert call(shop, jd.UP_OR_DOWN, {"wareId": tea.item_id, "opType": 2})["jingdong_ware_write_upOrDown_responce"]["success"]
    with pytest.raises(SoldOut, match="TEA-250 is paused"):
        shop.sell("TEA-250")
    call(shop, jd.UP_OR_DOWN, {"wareId": tea.item_id, "opType": 1})
    call(shop, jd.SET_STOCK, {"skuId": tea.sku_id, "stockNum": 1})
    shop.sell("TEA-250")
    with pytest.raises(SoldOut, match="TEA-250: 0 left, 1 wanted"):
        shop.sell("TEA-250")
    assert [(effect.kind, effect.key) for effect in shop.effects] == [
        ("pause", "TEA-250"), ("resume", "TEA-250"), ("stock", "TEA-250")]  # fmt: skip


def test_variants_of_one_ware_are_paused_together_and_read_back(shop):
    other = shop.good("TEA-251", "明前龙井 袋装", "99.00", like="TEA-250")
    call(shop, jd.UP_OR_DOWN, {"wareId": other.item_id, "opType": 2})
    rows = call(shop, jd.READ_SKUS, {"pageNo": 1, "pageSize": 50})["jingdong_sku_read_searchSkuList_responce"]["page"]["data"]
    assert {row["outerId"] for row in rows if row["wareStatus"] == 2} == {"TEA-250", "TEA-251"}
    assert {row["stockNum"] for row in rows} == {100}


def test_the_method_that_sets_stock_is_one_of_two(clock):
    old = JD(clock, stock_method=jd.OLD_SET_STOCK)
    sku_id = old.goods["CUP-RU"].sku_id
    refused = call(old, jd.SET_STOCK, {"skuId": sku_id, "stockNum": 3})["jingdong_ware_stock_sku_set_responce"]
    assert refused["chineseErrCode"] == "该接口已下线"
    call(old, jd.OLD_SET_STOCK, {"skuId": sku_id, "stockNum": 3})
    assert old.stock["CUP-RU"] == 3


def refresh(shop, **over):
    values = {"app_key": shop.app_key, "app_secret": shop.secret, "grant_type": "refresh_token",
              "refresh_token": shop.refresh_token, **over}  # fmt: skip
    return content(ask(shop, "GET", "/oauth2/refresh_token", query=values))


def test_a_token_is_refreshed_only_in_the_day_before_its_end(shop, clock):
    old = shop.access_token
    assert refresh(shop)["access_token"] == old  # too early: the same one
    clock.advance(days=29, hours=12)
    renewed = refresh(shop)
    assert (renewed["access_token"], renewed["expires_in"]) == ("jd-access-0002", 30 * 86400)
    assert gateway_error(call(shop, jd.SEARCH, {}, access_token=old))[0] == "19"
    clock.advance(days=30)
    assert gateway_error(call(shop, jd.SEARCH, {}))[0] == "19"
    assert refresh(shop)["msg"] == "refresh_token 已过期，请重新授权"
    shop.codes.add("again")
    values = {"app_key": shop.app_key, "app_secret": shop.secret, "grant_type": "authorization_code", "code": "again"}
    assert content(ask(shop, "POST", "/oauth2/access_token", form=values))["access_token"] == "jd-access-0003"
    assert content(ask(shop, "POST", "/oauth2/access_token", form=values))["msg"] == "code 无效或已使用"


def test_the_answer_with_a_new_pair_may_be_lost_and_is_given_again_until_the_pair_is_used(shop, clock):
    old = shop.refresh_token
    clock.advance(days=29, hours=12)
    lost, again = refresh(shop), refresh(shop, refresh_token=old)
    assert lost["refresh_token"] == again["refresh_token"] != old
    call(shop, jd.SEARCH, {})
    assert refresh(shop, refresh_token=old)["msg"] == "refresh_token 无效"


def test_limits_answer_code_2(shop, clock):
    shop.limit = Bucket(1, 2)
    assert ["error_response" in call(shop, jd.READ_SKUS, {}) for _ in range(3)] == [False, False, True]
    few = JD(clock, calls_a_day=1)
    call(few, jd.READ_SKUS, {})
    assert gateway_error(call(few, jd.READ_SKUS, {})) == ("2", "App Call Limited")
    clock.advance(days=1)
    assert "error_response" not in call(few, jd.READ_SKUS, {})
    assert (shop.limited, few.limited, few.refused) == (1, 1, [])


def test_mishaps_of_pages(shop, clock):
    placed = nos(shop.bulk(9))
    clock.advance(seconds=5)
    end = local(clock() - dt.timedelta(seconds=5))
    shop.mishaps.next("duplicate_page")
    assert numbers(search(shop, 2, 3, end_date=end)) == placed[0:6]
    shop.mishaps.next("missing_page")
    missing = search(shop, 2, 3, end_date=end)
    assert (numbers(missing), missing["orderTotal"]) == ([], 9)
    shop.mishaps.next("moving_page")
    assert numbers(search(shop, 2, 3, end_date=end)) == placed[4:7]  # the fourth has slipped to the page before


def test_mishaps_of_calls(shop):
    shop.mishaps.next("error_inside", 2)
    values = {"skuId": shop.goods["CUP-RU"].sku_id, "stockNum": 3}
    assert gateway_error(call(shop, jd.SET_STOCK, values)) == ("43", "System Error")
    assert call(shop, jd.SET_STOCK, values)["jingdong_ware_stock_sku_set_responce"]["success"] is False
    shop.mishaps.next("clock_skew")
    assert gateway_error(call(shop, jd.SET_STOCK, values))[0] == "8"
    shop.mishaps.next("expired_token")
    assert gateway_error(call(shop, jd.SET_STOCK, values))[0] == "19"
    assert shop.effects == []
    refresh(shop)  # dropped before its end: a new one is given at once
    call(shop, jd.SET_STOCK, values)
    assert shop.effected("stock") == {"CUP-RU": 1}


def test_the_newer_name_of_the_result(clock):
    shop = JD(clock, newer=True)
    values = {"start_date": local(clock()), "end_date": local(clock()), "order_state": ALL, "optional_fields": "orderId",
              "page": "1", "page_size": "1"}  # fmt: skip
    assert call(shop, jd.SEARCH, values)["jingdong_pop_order_search_responce"]["orderInfoResult"]["orderTotal"] == 0


def test_a_late_page_is_cut_out_of_what_was_found_for_the_first(shop):
    placed = nos(shop.bulk(2_000))
    search(shop)
    found = shop.by_change.found[1]
    assert numbers(search(shop, 20)) == placed[1900:]
    assert shop.by_change.found[1] is found


def test_over_http(shop):
    number = shop.order().no
    with serving(shop) as served:
        status, data, _ = over_http("POST", f"{served.url}/routerjson", form=form(shop, jd.DETAIL, {
            "order_id": number, "optional_fields": "orderId,orderRemark"}))  # fmt: skip
    detail = data["jingdong_pop_order_get_responce"]["orderDetailInfo"]
    assert (status, detail["orderInfo"]) == (200, {"orderId": number, "orderRemark": ""})
