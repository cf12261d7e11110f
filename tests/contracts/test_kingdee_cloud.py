from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal

import pytest
from contracts.asking import ask, content, over_http
from contracts.kingdee_cloud import KingdeeCloud
from contracts.kingdee_door import api_signature, client_secret, hexed, login_signature
from contracts.kingdee_query import BadQuery, conditions, window
from contracts.vendor import serving
from fake_clock import FakeClock

FORM = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.{}.common.kdsvc"
AUTH = "/k3cloud/Kingdee.BOS.WebApi.ServicesStub.AuthService.{}.common.kdsvc"
INVENTORY = "FMaterialId.FNumber,FStockId.FNumber,FBaseQty"
LOST = "会话信息已丢失，请重新登录"

# What kingdee.cdp.webapi.sdk 8.2.0 sends for these, at 2026-03-04 01:30:00 UTC
SDK_APP_ID, SDK_SECRET = "214293_MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1u", "the-app-secret-0123456789abcdef"
SDK_TIME = "1772587800"
SDK_APPDATA = "NWVjMmUwYzVjOWQ4ZjEs5o6l5Y+j55So5oi3LDIwNTIsMTAw"
SDK_CLIENT_SECRET = "AQIGAFMFDg9aBlNRV1dSXgVYUAkKWwld"
SDK_KD_SIGNATURE = "NTZjZDQzY2E1YTQxNzZmNzhjMTVhOGI1OTE3NGQ2OGVjYzMxZGYyYzU3ODBmNWYxN2VjZDhiOWY3Y2ExOTc1MA=="
SDK_API_SIGNATURES = {
    "ExecuteBillQuery": "MjUwMGNjMzNkOTQ4OGNkNDlmNGUyNGQ0YWJkODM2MjJkZDg4NDQyYWI0YzhjNmZjYmRkMmE2ZmQ1MDc5YjVmYg==",
    "Save": "YTdjNjI1ZWU3NWFjZTVhNGU5MTQwNjM5YTI1NTY0OTY2ODE2ZjhjNzQyYTEyNGZlOWRmZmE4Njk0ODZhYzczNA==",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock):
    return KingdeeCloud(clock)


def signed(server, service, **over):
    stamp = str(int(server.clock().timestamp()))
    return {
        "X-Api-ClientID": "214293", "X-Api-Auth-Version": "2.0", "x-api-timestamp": stamp, "x-api-nonce": stamp,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce", "X-Kd-Appkey": SDK_APP_ID, "X-Kd-Appdata": SDK_APPDATA,
        "X-Api-Signature": api_signature(SDK_APP_ID, FORM.format(service), stamp, stamp),
        "X-Kd-Signature": SDK_KD_SIGNATURE, **over,
    }  # fmt: skip


def call(server, service, body, headers=None):
    said = ask(server, "POST", FORM.format(service), data=body, headers=headers or signed(server, service))
    assert said.status == 200
    return content(said)


def query(server, form="STK_Inventory", fields=INVENTORY, headers=None, **data):
    return call(server, "ExecuteBillQuery", {"data": {"FormId": form, "FieldKeys": fields, **data}}, headers)


def wrapped(rows):
    """The errors hidden in the first cell of a query's answer."""
    status = rows[0][0]["Result"]["ResponseStatus"]
    assert status["IsSuccess"] is False
    return status["MsgCode"], status["Errors"][0]["Message"]


def order(number="SO1", **over):
    return {"formid": "SAL_SaleOrder", "data": {"NeedUpDateFields": [], "IsAutoSubmitAndAudit": "false", "Model": {
        "FBillNo": number, "FDate": "2026-03-04", "FCustId": {"FNumber": "CUST0001"}, "FSaleOrderEntry": [
            {"FMaterialId": {"FNumber": "TEA-250"}, "FQty": "2", "FTaxPrice": "168.00"},
            {"FMaterialId": {"FNumber": "CUP-RU"}, "FQty": "1.5", "FTaxPrice": "89.90"}], **over}}}  # fmt: skip


def result(data):
    status = data["Result"]["ResponseStatus"]
    return status["IsSuccess"], [(error["FieldName"], error["DIndex"]) for error in status["Errors"]]


def move(server, name, *numbers, form="SAL_SaleOrder", **more):
    return call(server, name, {"formid": form, "data": {"Numbers": list(numbers), **more}})


def test_the_signatures_are_those_of_the_official_client():
    assert client_secret(SDK_APP_ID.split("_")[1]) == SDK_CLIENT_SECRET
    assert hexed(SDK_SECRET, SDK_APP_ID + base64.b64decode(SDK_APPDATA).decode()) == SDK_KD_SIGNATURE
    assert {name: api_signature(SDK_APP_ID, FORM.format(name), SDK_TIME, SDK_TIME) for name in SDK_API_SIGNATURES} == (
        SDK_API_SIGNATURES)  # fmt: skip


def test_stock_is_a_list_of_lists(server):
    rows = query(server, FilterString="FBaseQty>100 and FStockId.FNumber='CK001'", OrderString="FBaseQty DESC", Limit=2)
    assert rows == [["CLOTH", "CK001", 107.0], ["SPOON", "CK001", 106.0]]


@pytest.mark.parametrize(("header", "value", "says"), [
    ("X-Api-Signature", "x", "x-api-signature 验证失败"),
    ("X-Kd-Signature", "x", "x-kd-signature 验证失败"),
    ("X-Kd-Appdata", base64.b64encode(b"other,user,2052,100").decode(), "x-kd-appdata 验证失败"),
    ("x-api-signheaders", "X-Api-Nonce", "x-api-signheaders 验证失败"),
    ("X-Api-Auth-Version", "1.0", "x-api-auth-version 验证失败"),
    ("x-api-timestamp", "1772587800000", "x-api-timestamp 或 x-api-nonce 无效"),
    ("x-api-timestamp", "1772587400", "x-api-timestamp 或 x-api-nonce 无效"),
])  # fmt: skip
def test_a_wrong_header_is_refused_in_plain_text(server, header, value, says):
    headers = signed(server, "Save", **{header: value})
    said = ask(server, "POST", FORM.format("Save"), data=order(), headers=headers)
    assert (said.status, said.body.decode()) == (200, f"response_error:{says}")
    assert server.effects == []


def session_of(server, name, parameters):
    said = ask(server, "POST", AUTH.format(name), data={"parameters": parameters})
    answer = content(said)
    if answer["LoginResultType"] != 1:
        return answer["Message"]
    assert said.headers["Set-Cookie"] == f"kdservice-sessionid={answer['KDSVCSessionId']}; path=/; HttpOnly"
    return answer["KDSVCSessionId"]


def test_logins(server):
    sign = login_signature(server.acct, server.user, server.app_id, server.app_secret, SDK_TIME)
    who = [server.acct, server.user]
    for name, parameters in (("LoginBySign", [*who, server.app_id, SDK_TIME, sign, 2052]),
                             ("LoginByAppSecret", [*who, server.app_id, server.app_secret, 2052]),
                             ("ValidateUser", [*who, server.password, 2052])):  # fmt: skip
        session = session_of(server, name, parameters)
        assert len(query(server, headers={"Cookie": f"Theme=standard;kdservice-sessionid={session}"})) == 8
        assert len(query(server, headers={"kdservice-sessionid": session})) == 8
    assert session_of(server, "LoginBySign", [*who, server.app_id, SDK_TIME, sign.upper(), 2052]).startswith("用户名")
    assert session_of(server, "ValidateUser", [*who, "wrong", 2052]).startswith("用户名")


def test_the_sign_of_a_login_is_of_the_sorted_five():
    """Made once with printf 1772587800acctapp-idapp-secretuser | openssl dgst -sha256."""
    assert login_signature("acct", "user", "app-id", "app-secret", "1772587800") == (
        "fb7fe66f4493f5c9bd5e17dcd036b8d8090a3106e440fbd4c9757c4ee77d5434")  # fmt: skip


def test_a_session_that_is_over_wins_over_a_good_signature(server, clock):
    session = session_of(server, "ValidateUser", [server.acct, server.user, server.password, 2052])
    clock.advance(minutes=21)
    headers = {**signed(server, "ExecuteBillQuery"), "Cookie": f"kdservice-sessionid={session}"}
    assert wrapped(query(server, headers=headers)) == (1, LOST)
    assert len(query(server)) == 8  # without the cookie the signature is enough
    saved = call(server, "Save", order(), {"Cookie": "kdservice-sessionid=none"})
    assert saved["Result"]["ResponseStatus"]["MsgCode"] == 1
    assert wrapped(query(server, headers={"X": "nothing"})) == (1, LOST)


@pytest.mark.parametrize(("data", "says"), [
    ({"form": "STK_Nothing"}, "业务对象 STK_Nothing 不存在"),
    ({"fields": "FBaseQty,FNope"}, "字段 FNope 不存在"),
    ({"Limit": 2001}, "Limit 不能超过 2000"),
    ({"StartRow": "0"}, "StartRow 须为非负整数"),
    ({"FilterString": "FBaseQty>0 or 1=1"}, "过滤条件语法错误：or 1=1"),
    ({"FilterString": "FNope=1"}, "字段 FNope 不存在"),
    ({"OrderString": "FNope"}, "排序语法错误：FNope"),
])  # fmt: skip
def test_a_wrong_query_is_an_error_that_looks_like_a_row(server, data, says):
    assert wrapped(query(server, **data)) == (0, says)


def test_top_row_count_is_an_absolute_end():
    assert list(window(range(10), 0, 4, 3)) == [4, 5, 6]
    assert list(window(range(10), 5, 4, 3)) == [4]
    assert list(window(range(10), 3, 3, 3)) == []


@pytest.mark.parametrize(("text", "found"), [
    ("FQty>=2", ["b"]), ("FNo='it''s'", ["c"]), ("FNo like 'a%'", ["a"]), ("FNo in ('a', 'b') and FQty<>1", ["b"]),
    ("FAt>='2026-03-04 09:30:00' and FAt<'2026-03-04 10:00:00'", ["a"]), ("", ["a", "b", "c"]),
    ("FAt>='2026-03-04T09:30:00' AND FQty=1", ["a"]),
])  # fmt: skip
def test_filters(text, found):
    rows = [{"FNo": "a", "FQty": Decimal(1), "FAt": "2026-03-04T09:30:00"}, {"FNo": "b", "FQty": Decimal(2), "FAt": "2026-01-01"},
            {"FNo": "it's", "FQty": Decimal(0), "FAt": "2026-01-01"}]  # fmt: skip
    tests = conditions(text, ["FNo", "FQty", "FAt"])
    assert [row["FNo"].replace("it's", "c") for row in rows if all(test(row) for test in tests)] == found


@pytest.mark.parametrize("text", ["FNo", "FNo=", "FNo='a", "FNo='a' FNo='b'", "FNo='a' and", "1=1", "(FNo='a')"])
def test_other_filters_are_not_understood(text):
    with pytest.raises(BadQuery):
        conditions(text, ["FNo"])


def test_a_bill_number_is_ours_and_is_taken_once(server):
    saved = call(server, "Save", order())
    assert result(saved) == (True, [])
    assert saved["Result"]["Number"] == "SO1"
    again = call(server, "Save", order())
    assert result(again) == (False, [("FBillNo", 0)])
    assert again["Result"]["ResponseStatus"]["Errors"][0]["Message"] == "单据编号“SO1”已存在，请重新输入"
    assert server.effected("bill") == {"SO1": 1}
    assert query(server, "SAL_SaleOrder", "FBillNo,FDocumentStatus,FMaterialId.FNumber,FQty", FilterString="FBillNo='SO1'") == [
        ["SO1", "A", "TEA-250", 2.0], ["SO1", "A", "CUP-RU", 1.5]]  # fmt: skip
    assert query(server, "SAL_SaleOrder", "FTaxPrice", FilterString="FTaxPrice>99") == [[168.0]]
    viewed = call(server, "View", {"formid": "SAL_SaleOrder", "data": {"Number": "SO1"}})["Result"]["Result"]
    assert (viewed["BillNo"], viewed["FCustId"]) == ("SO1", {"FNumber": "CUST0001"})
    assert call(server, "Save", order(""))["Result"]["Number"].startswith("XSDD")


def test_a_wrong_bill_names_every_field(server):
    lines = [{"FMaterialId": {"FNumber": "TEA-250"}, "FQty": "1"}, {"FMaterialId": {"FNumber": "GONE"}, "FQty": "x"}]
    wrong = call(server, "Save", order(FDate="", FCustId={"FNumber": "?"}, FSaleOrderEntry=lines))
    assert result(wrong) == (False, [("FDate", 0), ("FCustId", 0), ("FMaterialId", 1), ("FQty", 1)])
    assert result(call(server, "Save", order(FSaleOrderEntry=[]))) == (False, [("FSaleOrderEntry", 0)])
    assert result(call(server, "Save", {"formid": "PUR_None", "data": {}})) == (False, [("formid", 0)])
    assert server.effects == []


def test_the_life_of_a_bill_down_to_the_stock(server):
    call(server, "Save", order())
    assert result(move(server, "Audit", "SO1")) == (False, [("", 0)])
    assert result(move(server, "Submit", "SO1")) == (True, [])
    assert result(move(server, "Push", "SO1", TargetFormId="SAL_OUTSTOCK")) == (False, [("", 0)])
    assert result(move(server, "Audit", "SO1")) == (True, [])
    pushed = move(server, "Push", "SO1", TargetFormId="SAL_OUTSTOCK")
    delivery = pushed["Result"]["ResponseStatus"]["SuccessEntitys"][0]["Number"]
    assert result(move(server, "Push", "SO1", TargetFormId="SAL_OUTSTOCK")) == (False, [("", 0)])
    assert query(server, "SAL_OUTSTOCK", "FBillNo,FSrcBillNo", FilterString="FSrcBillNo='SO1'") == [[delivery, "SO1"]] * 2
    move(server, "Submit", delivery, form="SAL_OUTSTOCK")
    move(server, "Audit", delivery, form="SAL_OUTSTOCK")
    assert (server.stock["TEA-250"], server.stock["CUP-RU"]) == (98, Decimal("100.5"))
    assert result(move(server, "Submit", "none")) == (False, [("", 0)])


def test_a_delivery_of_more_than_there_is_stays_unapproved(server):
    server.set_stock("CUP-RU", 1)
    model = {"FBillNo": "OUT1", "FDate": "2026-03-04", "FCustomerID": {"FNumber": "CUST0001"},
             "FEntity": [{"FMaterialId": {"FNumber": "TEA-250"}, "FQty": 1}, {"FMaterialId": {"FNumber": "CUP-RU"}, "FQty": 2}]}  # fmt: skip
    saved = call(server, "Save", {"formid": "SAL_OUTSTOCK", "data": {"Model": model}})
    assert result(saved) == (True, [])
    move(server, "Submit", "OUT1", form="SAL_OUTSTOCK")
    assert result(move(server, "Audit", "OUT1", form="SAL_OUTSTOCK")) == (False, [("FQty", 1)])
    assert (server.bills["SAL_OUTSTOCK"]["OUT1"]["Status"], server.stock["TEA-250"]) == ("B", 100)


def test_changes_come_by_their_time(server, clock):
    since = server.now()
    clock.advance(seconds=1)
    server.set_stock("CUP-RU", Decimal("3.5"))
    assert query(server, FilterString=f"FModifyDate>'{since}'") == [["CUP-RU", "CK001", 3.5]]


def test_mishaps(server, clock):
    everything = query(server, OrderString="FID")
    server.mishaps.next("missing_page")
    assert query(server, OrderString="FID", Limit=4) == everything[:2]  # a short page is not the last one
    server.mishaps.next("duplicate_page")
    assert query(server, OrderString="FID", StartRow=2, Limit=2) == everything[:4]
    server.mishaps.next("error_inside", 2)
    assert wrapped(query(server))[1].startswith("数据库连接超时")
    assert result(call(server, "Save", order()))[0] is False
    server.mishaps.next("clock_skew")
    said = ask(server, "POST", FORM.format("Save"), data=order(), headers=signed(server, "Save"))
    assert said.body.startswith(b"response_error:")
    session = session_of(server, "ValidateUser", [server.acct, server.user, server.password, 2052])
    server.mishaps.next("expired_token")
    assert wrapped(query(server, headers={"kdservice-sessionid": session})) == (1, LOST)
    assert server.effects == []


def test_a_save_whose_answer_was_lost_is_found_by_its_number(server):
    server.mishaps.next("late_error")
    said = ask(server, "POST", FORM.format("Save"), data=order(), headers=signed(server, "Save"))
    assert said.status == 502
    assert query(server, "SAL_SaleOrder", "FBillNo", FilterString="FBillNo='SO1'", Limit=1) == [["SO1"]]


def test_over_http(server):
    with serving(server) as served:
        url = served.url + FORM.format("ExecuteBillQuery")
        body = {"data": {"FormId": "BD_MATERIAL", "FieldKeys": "FNumber,FName", "FilterString": "FNumber='CUP-RU'"}}
        status, data, headers = over_http("POST", url, data=body, headers=signed(server, "ExecuteBillQuery"))
        assert (status, data) == (200, [["CUP-RU", "汝窑开片 主人杯"]])
        session = headers["Set-Cookie"].split(";")[0]
        assert over_http("POST", url, data=body, headers={"Cookie": session})[1] == data
    assert dt.timedelta(minutes=19) < server.sessions[session.split("=")[1]] - server.clock()
