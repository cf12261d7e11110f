from __future__ import annotations

from decimal import Decimal

import pytest
import sqlalchemy as sa
from contracts.asking import ask, content, over_http
from contracts.kingdee_k3wise import KingdeeK3Wise
from contracts.vendor import serving
from fake_clock import FakeClock

STOCK = sa.text(
    "SELECT i.FNumber AS sku, s.FNumber AS warehouse, u.FName AS unit, v.FBatchNo AS batch, v.FQty AS quantity"
    " FROM ICInventory v JOIN t_ICItem i ON i.FItemID = v.FItemID JOIN t_Stock s ON s.FItemID = v.FStockID"
    " JOIN t_MeasureUnit u ON u.FItemID = i.FUnitID WHERE i.FNumber = :sku ORDER BY s.FNumber"
)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock, tmp_path):
    return KingdeeK3Wise(clock, folder=tmp_path)


@pytest.fixture
def token(server):
    return content(ask(server, "GET", "/K3API/Token/Create", query={"authorityCode": server.authority_code}))["Data"]["Token"]


def call(server, token, path, data):
    said = ask(server, "POST", f"/K3API/{path}", query={"Token": token}, data={"Data": data})
    assert said.status == 200
    return content(said)


def order(number="SO1", **over):
    return {"Page1": [{"FBillNo": number, "FDate": "2026-03-04", "FCustID": {"FNumber": "CUST0001", "FName": ""}, **over}],
            "Page2": [{"FItemID": {"FNumber": "TEA-250"}, "FQty": "2", "FPrice": "168.00"}]}  # fmt: skip


def status(answer):
    row = answer["Data"][0]
    row = row.get("Data", row)
    return row["FStatus"], row["FMessage"]


def test_a_token_is_given_for_the_authority_code_and_lives_an_hour(server, clock, token):
    first = content(ask(server, "GET", "/K3API/Token/Create", query={"authorityCode": server.authority_code}))
    assert first["Data"] == {"Code": "Y", "Token": first["Data"]["Token"], "Validity": 3600, "Language": "zh-cn"}
    wrong = content(ask(server, "GET", "/K3API/Token/Create", query={"authorityCode": "x"}))
    assert (wrong["StatusCode"], wrong["Data"]["Code"]) == (401, "N")
    assert call(server, token, "SO/Save", order())["StatusCode"] == 200
    clock.advance(hours=1)
    assert call(server, token, "SO/Save", order("SO2"))["StatusCode"] == 401
    assert call(server, "", "SO/Save", order("SO2"))["StatusCode"] == 401
    assert server.effected("bill") == {"SO1": 1}


def test_a_bill_number_is_taken_once_and_the_refusal_hides_under_200(server, token):
    assert status(call(server, token, "SO/Save", order())) == (True, "")
    again = call(server, token, "SO/Save", order())
    assert again["StatusCode"] == 200
    assert again["Data"][0]["Data"] == {"FStatus": False, "FItemID": 0, "FNumber": "", "FMessage": "单据编号 SO1 已存在"}
    assert server.effected("bill") == {"SO1": 1}


@pytest.mark.parametrize(("data", "says"), [
    (order(FDate="今天"), "日期无效"),
    (order(FCustID={"FNumber": "?"}), "购货单位不存在"),
    ({**order(), "Page2": [{"FItemID": {"FNumber": "?"}, "FQty": 1}]}, "第1行：物料不存在"),
    ({**order(), "Page2": [{"FItemID": {"FNumber": "CUP-RU"}, "FQty": 0}]}, "第1行：数量必须大于0"),
])  # fmt: skip
def test_a_wrong_order_fails(server, token, data, says):
    assert status(call(server, token, "SO/Save", data)) == (False, says)
    assert server.effects == []


@pytest.mark.parametrize("data", [{}, order(""), {**order(), "Page2": []}, {"Page1": [], "Page2": [{}]}])
def test_a_misshapen_order_is_status_code_201(server, token, data):
    assert call(server, token, "SO/Save", data)["StatusCode"] == 201


def test_the_life_of_an_order(server, token):
    call(server, token, "SO/Save", order())
    changed = {**order(), "Page2": [{"FItemID": {"FNumber": "CUP-RU"}, "FQty": 3, "FPrice": 89.9}]}
    assert status(call(server, token, "SO/Update", changed)) == (True, "")
    check = {"FBillNo": "SO1", "FChecker": "接口", "FCheckDirection": "1"}
    assert status(call(server, token, "SO/CheckBill", check)) == (True, "")
    assert status(call(server, token, "SO/CheckBill", check))[0] is False
    assert status(call(server, token, "SO/Update", order())) == (False, "单据 SO1 已审核，不能修改")
    assert status(call(server, token, "SO/Delete", {"FBillNo": "SO1"})) == (False, "单据 SO1 已审核，不能删除")
    detail = call(server, token, "SO/GetDetail", {"FBillNo": "SO1"})["Data"]
    assert (detail["Page1"][0]["FCheckStatus"], detail["Page2"][0]["FQty"]) == (1, 3)
    engine = sa.create_engine(server.database_url)
    with engine.connect() as database:
        assert database.execute(sa.text("SELECT FBillNo, FStatus FROM SEOrder")).all() == [("SO1", 1)]
    engine.dispose()
    call(server, token, "SO/CheckBill", {**check, "FCheckDirection": "0"})
    assert status(call(server, token, "SO/Delete", {"FBillNo": "SO1"})) == (True, "")
    assert status(call(server, token, "SO/GetDetail", {"FBillNo": "SO1"})) == (False, "单据 SO1 不存在")


def test_materials(server, token):
    saved = call(server, token, "Material/Save", {"FNumber": "NEW-1", "FName": "新品"})
    assert saved["Data"][0]["FStatus"] is True
    assert status(call(server, token, "Material/Save", {"FNumber": "NEW-1", "FName": "新品"})) == (False, "物料代码 NEW-1 已存在")
    call(server, token, "Material/Update", {"FNumber": "NEW-1", "FName": "改名"})
    nested = call(server, token, "Material/GetDetail", {"FNumber": "NEW-1"})["Data"][0]["Data"]
    assert (nested["FName"], nested["FItemID"]) == ("改名", saved["Data"][0]["FItemID"])
    assert "FNumber" in call(server, token, "Material/GetTemplate", {})["Data"][0]["Data"]
    assert status(call(server, token, "Material/Delete", {"FNumber": "NEW-1"})) == (True, "")
    assert call(server, token, "Material/GetDetail", {})["StatusCode"] == 201


def listed(server, token, **data):
    answer = call(server, token, "Material/GetList", {"Top": 100, "PageSize": 3, "PageIndex": 1, "Fields": "FNumber",
                                                      "OrderBy": "[FNumber]", **data})  # fmt: skip
    return answer["StatusCode"] if answer["StatusCode"] != 200 else [row["FNumber"] for row in answer["Data"]["DATA"]]


def test_lists(server, token):
    every = sorted(server.materials)
    assert listed(server, token) + listed(server, token, PageIndex="2") == every[:6]
    assert listed(server, token, Top=4, PageIndex=2) == every[3:4]
    assert listed(server, token, Filter="[FNumber] like 'TEA%'") == ["TEA-250", "TEA-500"]
    server.materials["TEA-250"]["FForbidden"] = 1
    assert listed(server, token, Filter="FNumber like 'TEA%'") == ["TEA-500"]
    assert listed(server, token, Filter="FNumber like 'TEA%'", ShowForbidden=True) == ["TEA-250", "TEA-500"]
    assert listed(server, token, Filter="1=1; DROP TABLE x") == 201
    assert listed(server, token, PageSize=0) == 201


def test_custom_bills(server, token):
    data = {"Page1": [{"FBillNo": "C1"}], "Page2": [{"FNote": "x"}]}
    assert status(call(server, token, "Bill1000004/Save", data)) == (True, "")
    assert call(server, token, "Bill1000004/GetList", {"PageSize": 9, "PageIndex": 1})["Data"]["ROWCOUNT"] == 1
    assert ask(server, "POST", "/K3API/Bill4/Save", query={"Token": token}, data={"Data": data}).status == 404


def test_stock_is_read_with_sql_and_cannot_be_written(server):
    server.set_stock("TEA-250", Decimal("7.5"), "02", "B20260301")
    engine = sa.create_engine(server.database_url)
    with engine.connect() as database:
        rows = [tuple(row) for row in database.execute(STOCK, {"sku": "TEA-250"})]
        assert rows == [("TEA-250", "01", "个", "", 100), ("TEA-250", "02", "个", "B20260301", 7.5)]
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            database.execute(sa.text("UPDATE ICInventory SET FQty = 0"))
    engine.dispose()
    assert server.stock["TEA-250"] == Decimal("107.5")


def test_mishaps(server, token):
    every = sorted(server.materials)
    server.mishaps.next("duplicate_page")
    assert listed(server, token, PageIndex=2) == every[:6]
    server.mishaps.next("missing_page")
    assert listed(server, token) == []
    server.mishaps.next("error_inside", 2)
    assert status(call(server, token, "SO/Save", order()))[0] is False
    assert call(server, token, "SO/Save", order())["StatusCode"] == 500
    server.mishaps.next("expired_token")
    assert call(server, token, "SO/Save", order())["StatusCode"] == 401
    assert server.effects == []


def test_over_http(server):
    with serving(server) as served:
        status_code, data, _ = over_http("GET", f"{served.url}/K3API/Token/Create?authorityCode={server.authority_code}")
        token = data["Data"]["Token"]
        saved = over_http("POST", f"{served.url}/K3API/SO/Save?token={token}", data={"Data": order()})[1]
    assert (status_code, status(saved)) == (200, (True, ""))
