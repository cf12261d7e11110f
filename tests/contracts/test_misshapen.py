"""Whatever our side sends, a vendor answers: each valid call is sent again and again with one part of it replaced by
something that does not belong there, and every time there must be an answer and a JSON one."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from contracts import jd, test_bots, test_jd, test_kingdee_cloud, test_kingdee_k3wise, test_taobao
from contracts.asking import ask
from contracts.bots import DingTalk, Feishu, WeCom
from contracts.graphql_shop import GraphQLShop
from contracts.jd import JD
from contracts.kingdee_cloud import KingdeeCloud
from contracts.kingdee_k3wise import KingdeeK3Wise
from contracts.rest_shop import RestShop
from contracts.taobao import METHODS as TAOBAO
from contracts.taobao import Taobao
from fake_clock import FakeClock

OTHERS = (None, "", "x", 0, -1, 1.5, True, [], [1], {}, {"x": 1})


def misshapen(value: Any) -> Iterator[Any]:
    """The value with each of its parts replaced by each of OTHERS."""
    for path in paths(value):
        for other in OTHERS:
            changed = copy.deepcopy(value)
            if not path:
                changed = other
            else:
                place = changed
                for step in path[:-1]:
                    place = place[step]
                place[path[-1]] = other
            yield changed


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from paths(inner, (*path, step))


def is_answer(said: Any) -> bool:
    return said.body.startswith(b"response_error:") or json.loads(said.body) is not None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_jd_answers(clock):
    shop = JD(clock)
    good = shop.goods["CUP-RU"]
    calls = (
        (jd.SEARCH, {"start_date": "2026-03-04 00:00:00", "end_date": "2026-03-04 09:30:00", "page": "1", "page_size": "9",
                     "order_state": test_jd.ALL, "optional_fields": "orderId", "dateType": "1", "sortType": "1"}),
        (jd.SHIPMENT, {"orderId": shop.order().no, "logiCoprId": "467", "logiNo": "1"}),
        (jd.DETAIL, {"order_id": shop.order().no, "optional_fields": "orderId"}),
        (jd.UP_OR_DOWN, {"wareId": good.item_id, "opType": 1}),
        (jd.SET_STOCK, {"skuId": good.sku_id, "stockNum": 1}),
        (jd.READ_SKUS, {"pageNo": 1, "pageSize": 1}),
    )  # fmt: skip
    for method, values in calls:
        for changed in misshapen(values):
            assert is_answer(ask(shop, "POST", "/routerjson", form=test_jd.form(shop, method, changed)))


def test_taobao_answers(clock):
    shop = Taobao(clock)
    values = {"tid": shop.order().no, "fields": "tid", "start_modified": "2026-03-04 00:00:00", "page_no": "1",
              "end_modified": "2026-03-04 09:30:00", "page_size": "9", "out_sid": "1", "company_code": "SF",
              "num_iid": str(shop.goods["CUP-RU"].item_id), "num": "1", "quantity": "1", "skuid_quantities": "1:2"}  # fmt: skip
    for method in TAOBAO:
        for changed in misshapen(values):
            if isinstance(changed, dict):
                assert is_answer(ask(shop, "POST", "/router/rest", form=test_taobao.form(shop, method, **changed)))


def test_kingdee_cloud_answers(clock):
    server = KingdeeCloud(clock)
    numbers = {"formid": "SAL_SaleOrder", "data": {"Numbers": ["SO1"], "TargetFormId": "SAL_OUTSTOCK"}}
    query = {"data": {"FormId": "SAL_SaleOrder", "FieldKeys": "FBillNo,FQty", "FilterString": "FQty>0 and FBillNo='a'",
                      "OrderString": "FQty", "TopRowCount": 0, "StartRow": 0, "Limit": 9}}  # fmt: skip
    for service, body in (("Save", test_kingdee_cloud.order()), ("ExecuteBillQuery", query), ("Submit", numbers),
                          ("Audit", numbers), ("Push", numbers), ("View", {"formid": "SAL_SaleOrder", "data": {"Number": "SO1"}})):  # fmt: skip
        path, headers = test_kingdee_cloud.FORM.format(service), test_kingdee_cloud.signed(server, service)
        for changed in misshapen(body):
            if service == "Save":
                server.bills["SAL_SaleOrder"].clear()
            assert is_answer(ask(server, "POST", path, data=changed, headers=headers))
    login = {"parameters": [server.acct, server.user, server.password, 2052]}
    for name in ("ValidateUser", "LoginBySign", "LoginByAppSecret"):
        for changed in misshapen(login):
            assert is_answer(ask(server, "POST", test_kingdee_cloud.AUTH.format(name), data=changed))


def test_kingdee_k3wise_answers(clock, tmp_path):
    server = KingdeeK3Wise(clock, folder=tmp_path)
    server.tokens["T"] = clock().replace(year=2030)
    bill = {"FBillNo": "SO1", "FChecker": "x", "FCheckDirection": "1"}
    lists = {"Top": 9, "PageSize": 3, "PageIndex": 1, "Fields": "FBillNo", "Filter": "FBillNo='a'", "OrderBy": "FBillNo"}
    for operation, data in (("Save", test_kingdee_k3wise.order()), ("Update", test_kingdee_k3wise.order()), ("GetList", lists),
                            ("CheckBill", bill), ("GetDetail", bill), ("Delete", bill)):  # fmt: skip
        for changed in misshapen({"Data": data}):
            if operation == "Save":
                server.bills.clear()
            assert is_answer(ask(server, "POST", f"/K3API/SO/{operation}", query={"Token": "T"}, data=changed))
    for operation in ("Save", "Update", "GetDetail", "Delete"):
        for changed in misshapen({"Data": {"FNumber": "N", "FName": "x", "FModel": "y"}}):
            assert is_answer(ask(server, "POST", f"/K3API/Material/{operation}", query={"Token": "T"}, data=changed))


def test_bots_answer(clock):
    for body in (test_bots.text_notice(jump_list=[{"title": "x"}], card_image={"url": "https://a.cn"}),
                 {"msgtype": "image", "image": test_bots.IMAGE},
                 {"msgtype": "news", "news": {"articles": [{"title": "a", "url": "https://a.cn"}]}},
                 {"msgtype": "text", "text": {"content": "x", "mentioned_list": ["a"]}}):  # fmt: skip
        for changed in misshapen(body):
            bot = WeCom(clock)
            assert is_answer(ask(bot, "POST", bot.path, query={"key": bot.key}, data=changed))
    for body in (test_bots.card(), {**test_bots.HELLO, "at": {"atMobiles": ["1"], "isAtAll": True}},
                 {"msgtype": "feedCard", "feedCard": {"links": [{"title": "t", "messageURL": "https://a.cn", "picURL": "https://a.cn"}]}}):  # fmt: skip
        for changed in misshapen(body):
            bot = DingTalk(clock, secret="")
            assert is_answer(ask(bot, "POST", bot.path, query={"access_token": bot.token}, data=changed))
    button = {"tag": "action", "actions": [test_bots.BUTTON]}
    div = {"tag": "div", "fields": [{"text": {"tag": "lark_md", "content": "a"}}]}
    for body in (test_bots.lark_card(div, button), {"msg_type": "post", "content": test_bots.POST}, test_bots.LARK):
        for changed in misshapen(body):
            bot = Feishu(clock, secret="")
            assert is_answer(ask(bot, "POST", bot.path, data=changed))


def test_plain_shops_answer(clock):
    rest = RestShop(clock, auth="none", pages="cursor")
    number = rest.order().no
    for method, path, body in (("POST", f"/api/orders/{number}/shipments", {"carrier": "SF", "tracking_number": "1"}),
                               ("PUT", "/api/products/CUP-RU/stock", {"quantity": 1}),
                               ("PATCH", "/api/products/CUP-RU", {"listed": True})):  # fmt: skip
        for changed in misshapen(body):
            assert is_answer(ask(rest, method, path, data=changed))
    for cursor in ("x", "WzFd", "WzEsMl0=", "e30=", "bnVsbA==", "WyIyMDI2LTAzLTA0IiwiMSJd"):
        assert is_answer(ask(rest, "GET", "/api/orders", query={"cursor": cursor}))
        assert is_answer(ask(rest, "GET", "/api/products", query={"cursor": cursor}))
    graph = GraphQLShop(clock)
    body = {"query": "query Q($n: ID!, $a: String) { order(number: $n) { no: number } orders(first: 1, after: $a) { totalCount } }",
            "variables": {"n": graph.order().no, "a": "x"}, "operationName": "Q"}  # fmt: skip
    for changed in misshapen(body):
        assert is_answer(ask(graph, "POST", "/graphql", data=changed, headers={"Authorization": f"Bearer {graph.token}"}))
