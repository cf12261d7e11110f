"""金蝶: all stock is read whatever goes wrong, a query that failed is never "none", a bill is saved once."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
import sqlalchemy as sa
from contracts.vendor import Said, said
from driving import TROUBLE
from driving_china import desk_of

from engine.errors import DeliveryFailed
from plugins.channels import k3wise_stock
from plugins.channels.channel import PRODUCT, STOCK
from plugins.channels.kingdee_rows import BILL, Bills

ERPS = ("kingdee_cloud", "kingdee_k3wise")
SALES = {"sales": Bills(form="SAL_SaleOrder", fields=("FCustId.FNumber", "FMaterialId.FNumber", "FQty", "FDocumentStatus"))}
MODEL = {"FDate": "2026-03-04", "FCustId": {"FNumber": "CUST0001"},
         "FSaleOrderEntry": [{"FMaterialId": {"FNumber": "TEA-250"}, "FQty": 2}, {"FMaterialId": {"FNumber": "CUP-RU"}, "FQty": 1}]}  # fmt: skip
CLOUD = {"form": "SAL_SaleOrder", "model": MODEL}
WISE = {"object": "SO", "head": {"FDate": "2026-03-04", "FCustID": {"FNumber": "CUST0001"}},
        "lines": [{"FItemID": {"FNumber": "TEA-250"}, "FQty": "2", "FPrice": "168"}]}  # fmt: skip
SAVE = {"kingdee_cloud": CLOUD, "kingdee_k3wise": WISE}


@pytest.fixture(params=ERPS)
def desk(request):
    with desk_of(request.param, page=7) as desk:
        yield desk


@pytest.fixture
def cloud():
    with desk_of("kingdee_cloud", page=7, reads=SALES) as desk:
        yield desk


def fill(desk, count=24) -> None:
    """Articles in two warehouses, some in lots."""
    places = {"kingdee_cloud": ("CK001", "CK002"), "kingdee_k3wise": ("01", "02")}[desk.connection.name]
    for number in range(count):
        sku = f"ART-{number:03d}"
        if desk.connection.name == "kingdee_cloud":
            desk.vendor.put("BD_MATERIAL", FNumber=sku, FName=f"物料{number}", **{"FBaseUnitId.FNumber": "Pcs"})
        else:
            desk.vendor.material(sku, f"物料{number}")
        desk.vendor.set_stock(sku, Decimal(number) / 8, places[0])
        if number % 3 == 0:
            desk.vendor.set_stock(sku, 5, places[1], f"L{number}")


def sums(items) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for item in items:
        found[item.data["sku"]] = found.get(item.data["sku"], Decimal(0)) + Decimal(item.data["quantity"])
    return found


def bills(desk, count=20) -> None:
    for number in range(count):
        lines = [{"FMaterialId": {"FNumber": "TEA-250"}, "FQty": 1} for _ in range(1 + number % 5)]
        desk.vendor._keep("SAL_SaleOrder", f"XSDD{number:04d}", {**MODEL, "FSaleOrderEntry": lines})
        desk.clock.advance(seconds=7)


def test_all_stock_is_read_exactly_once(desk):
    fill(desk)
    items, cursor = desk.pull("stock", desk.begin("stock"))
    assert len({item.key for item in items}) == len(items)
    assert sums(items) == desk.vendor.stock
    (item,) = [item for item in items if item.data["sku"] == "ART-003" and item.data["lot"]]
    assert set(item.data) == set(STOCK)
    assert (item.data["quantity"], item.data["lot"], item.version) == ("5", "L3", "")
    assert json.loads(json.dumps(item.data)) == item.data
    desk.vendor.set_stock("TEA-250", 0)
    again, _ = desk.pull("stock", cursor)
    assert sums(again) == desk.vendor.stock
    assert sums(again)["TEA-250"] == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_faults_of_every_kind_lose_no_stock(cloud, seed):
    fill(cloud, 40)
    cloud.vendor.mishaps.dice.seed(seed)
    cloud.vendor.mishaps.share.update(dict.fromkeys((*TROUBLE, *cloud.vendor.own_mishaps), 0.05))
    items, _ = cloud.pull("stock", cloud.begin("stock"))
    assert sums({item.key: item for item in items}.values()) == cloud.vendor.stock
    assert sum(cloud.vendor.mishaps.happened.values()) >= 3


def test_another_process_can_go_on_after_every_page(desk):
    fill(desk)
    as_one, _ = desk.pull("stock", desk.begin("stock"))
    desk.clock.advance(minutes=1)
    in_parts, _ = desk.pull("stock", desk.begin("stock"), anew=True)
    assert {item.key: item.data["quantity"] for item in in_parts} == {item.key: item.data["quantity"] for item in as_one}


def test_rows_that_come_and_go_while_pages_are_turned_lose_nothing(cloud):
    fill(cloud, 40)
    cursor, items = cloud.begin("stock"), {}
    for turn in range(60):
        cloud.clock.advance(seconds=5)
        part = cloud.read("stock", cursor)
        cursor = part.cursor
        items |= {item.key: item for item in part.items}
        if turn in (2, 4):
            del cloud.vendor.rows["STK_Inventory"][0]  # a row that was read: those behind it move up
        if not part.more:
            break
    now = {f"{row['FMaterialId.FNumber']}|{row['FStockId.FNumber']}|{row['FLot.FNumber']}" for row in cloud.vendor.rows["STK_Inventory"]}
    assert now <= set(items)


def test_bills_come_whole_wherever_a_page_ends(cloud):
    bills(cloud)
    cloud.clock.advance(minutes=1)
    items, cursor = cloud.pull("sales", cloud.begin("sales"))
    assert [(item.key, len(item.data["lines"])) for item in items] == [(f"XSDD{number:04d}", 1 + number % 5) for number in range(20)]
    assert set(items[0].data) == set(BILL)
    assert items[0].data["fields"]["FCustId_FNumber"] == "CUST0001"
    assert items[0].version == items[0].data["updated_at"] == "2026-03-04T01:30:00.000Z"
    cloud.clock.advance(minutes=9)
    cloud.vendor._move("Submit", {"formid": "SAL_SaleOrder", "data": {"Numbers": ["XSDD0004"]}})
    cloud.clock.advance(minutes=1)
    more, _ = cloud.pull("sales", cursor)
    assert ("XSDD0004", "B") in [(item.key, item.data["fields"]["FDocumentStatus"]) for item in more]
    assert "XSDD0000" not in [item.key for item in more]


def test_bills_are_whole_whatever_goes_wrong(cloud):
    bills(cloud)
    cloud.clock.advance(minutes=1)
    cloud.vendor.mishaps.share.update(dict.fromkeys((*TROUBLE, *cloud.vendor.own_mishaps), 0.05))
    items, _ = cloud.pull("sales", cloud.begin("sales"))
    assert {item.key: len(item.data["lines"]) for item in items} == {f"XSDD{number:04d}": 1 + number % 5 for number in range(20)}


def test_a_bill_longer_than_a_page_is_said():
    with desk_of("kingdee_cloud", page=3, reads=SALES) as desk:
        bills(desk, 5)
        desk.clock.advance(minutes=1)
        cursor = desk.begin("sales")
        with pytest.raises(DeliveryFailed, match="raise `page`"):
            for _ in range(30):
                desk.clock.advance(seconds=2)
                cursor = desk.read("sales", cursor).cursor


def test_articles_are_read_by_change(cloud):
    cloud.clock.advance(minutes=5)
    items, cursor = cloud.pull("materials", cloud.begin("materials"))
    assert {item.data["sku"] for item in items} == {row["FNumber"] for row in cloud.vendor.rows["BD_MATERIAL"]}
    assert set(items[0].data) == set(PRODUCT)
    cloud.clock.advance(minutes=10)
    cloud.vendor.put("BD_MATERIAL", FNumber="NEW", FName="新")
    cloud.clock.advance(minutes=1)
    assert [item.data["sku"] for item in cloud.pull("materials", cursor)[0]] == ["NEW"]
    asked = len(cloud.vendor.asked)
    past = cloud.begin("materials", until=cloud.clock() - dt.timedelta(hours=1))
    _, cursor = cloud.pull("materials", past)
    assert len(cloud.vendor.asked) > asked
    asked = len(cloud.vendor.asked)
    assert not cloud.read("materials", cursor).items
    assert len(cloud.vendor.asked) == asked


# --- one article


def test_the_stock_of_an_article_is_told_with_its_places(desk):
    fill(desk, 4)
    assert desk.does("stock", sku="ART-003") == {"sku": "ART-003", "quantity": "5.375", "places": desk.does("stock", sku="ART-003")["places"]}
    assert sorted((one["quantity"], one["lot"]) for one in desk.does("stock", sku="ART-003")["places"]) == sorted([("0.375", None), ("5", "L3")])
    assert desk.does("stock", sku="ART-000")["quantity"] == "5"


def test_none_is_said_only_of_an_article_that_is_known(desk):
    if desk.connection.name == "kingdee_cloud":
        desk.vendor.put("BD_MATERIAL", FNumber="EMPTY", FName="空")
    else:
        desk.vendor.material("EMPTY", "空")
    assert desk.does("stock", sku="EMPTY") == {"sku": "EMPTY", "quantity": "0", "places": []}
    for sku in ("NO", "' OR '1'='1", "x'; DROP TABLE t_ICItem; --"):
        with pytest.raises(DeliveryFailed, match="has no article") as caught:
            desk.does("stock", sku=sku)
        assert not caught.value.again


@pytest.mark.parametrize("name", [*TROUBLE, "error_inside"])
def test_a_query_that_failed_is_never_no_stock(cloud, name):
    for ask in (lambda: cloud.does("stock", sku="TEA-250"), lambda: cloud.read("stock", cloud.begin("stock"))):
        cloud.vendor.mishaps.next(name)
        with pytest.raises(DeliveryFailed) as caught:
            ask()
        assert caught.value.again
        assert not caught.value.unsure
    assert cloud.does("stock", sku="TEA-250")["quantity"] == "100"


WRONG = {"Result": {"ResponseStatus": {"IsSuccess": False, "MsgCode": 0, "ErrorCode": 500, "Errors": [{"Message": "没有权限"}]}}}


@pytest.mark.parametrize("answer", [[[WRONG]], [WRONG], WRONG, {}, {"message": "ok"}, None, [["one cell"]], ["row"], "text"])
def test_what_is_no_list_of_rows_is_a_failure(cloud, answer):
    cloud.vendor.answer = lambda asked: said(answer)
    for ask in (lambda: cloud.does("stock", sku="TEA-250"), lambda: cloud.read("stock", cloud.begin("stock"))):
        with pytest.raises(DeliveryFailed):
            ask()


def test_a_database_that_fails_is_never_no_stock():
    with desk_of("kingdee_k3wise") as desk:
        with desk.vendor.written() as database:
            database.execute("ALTER TABLE ICInventory RENAME TO gone")
        for ask in (lambda: desk.does("stock", sku="TEA-250"), lambda: desk.read("stock", desk.begin("stock"))):
            with pytest.raises(DeliveryFailed, match="no such table") as caught:
                ask()
            assert "k3wise.db" not in str(caught.value)
        desk.secrets["K3_DATABASE"] = "postgresql://x:secret@127.0.0.1/x"
        with pytest.raises(DeliveryFailed, match="SQL Server"):
            desk.does("stock", sku="TEA-250")


def test_the_database_is_read_only_whatever_its_address_allows(tmp_path):
    url = f"sqlite:///{tmp_path / 'erp.db'}"
    engine = sa.create_engine(url)
    k3wise_stock.STORES.create(engine)
    engine.dispose()
    with pytest.raises(DeliveryFailed, match="readonly"), k3wise_stock.reading(url, 3) as conn:
        conn.execute(sa.insert(k3wise_stock.STORES).values(FItemID=1))


def test_the_statement_is_one_that_sql_server_understands():
    from sqlalchemy.dialects import mssql

    said_there = str(k3wise_stock.articles_after(5, 10).compile(dialect=mssql.dialect()))
    assert "TOP" in said_there
    assert said_there.startswith("SELECT")


def test_stock_is_not_read_over_the_internet():
    with desk_of("kingdee_k3wise", private=False) as desk, pytest.raises(DeliveryFailed, match="private network"):
        desk.does("stock", sku="TEA-250")


# --- bills


def is_save(asked) -> bool:
    return asked.path.endswith(("/Save", ".Save.common.kdsvc"))


@pytest.mark.parametrize("name", [*TROUBLE, "error_inside", "expired_token"])
def test_a_bill_is_saved_once_though_its_answer_was_lost(desk, name):
    desk.vendor.mishaps.next(name, only=is_save if name != "expired_token" else lambda asked: True)
    told = desk.until_done("save_bill", **SAVE[desk.connection.name])
    assert desk.vendor.mishaps.happened[name] == 1
    assert told["number"] == "k-1"
    assert desk.until_done("save_bill", **SAVE[desk.connection.name]) == told
    assert desk.vendor.effected("bill") == {"k-1": 1}


def test_a_bill_of_somebody_else_with_our_number_is_said(desk):
    values = SAVE[desk.connection.name]
    desk.until_done("save_bill", number="SO-1", **values)
    head = "model" if "model" in values else "head"
    with pytest.raises(DeliveryFailed, match="another bill") as caught:
        desk.does("save_bill", number="SO-1", **{**values, head: {**values[head], "FDate": "2026-03-05"}})
    assert not caught.value.again
    assert desk.vendor.effected("bill") == {"SO-1": 1}


@pytest.mark.parametrize("name", [None, *TROUBLE])
def test_a_bill_is_submitted_and_approved_once(cloud, name):
    if name:
        cloud.vendor.mishaps.next(name, only=lambda asked: ".Submit" in asked.path)
        cloud.vendor.mishaps.next(name, only=lambda asked: ".Audit" in asked.path)
    told = cloud.until_done("save_bill", until="approved", **CLOUD)
    assert told == {"number": "k-1", "status": "C"}
    assert cloud.vendor.effected("submit") == cloud.vendor.effected("audit") == cloud.vendor.effected("bill") == {"k-1": 1}


def test_a_bill_is_checked_once():
    with desk_of("kingdee_k3wise") as desk:
        desk.vendor.mishaps.next("lost", only=lambda asked: asked.path.endswith("CheckBill"))
        assert desk.until_done("save_bill", checker="Manager", **WISE) == {"number": "k-1", "checked": True}
        assert desk.vendor.effected("check") == {"k-1": 1}


def test_what_is_refused_is_said_in_their_words_and_final(desk):
    values = SAVE[desk.connection.name]
    bad = {**values, "model": {**MODEL, "FCustId": {"FNumber": "NO"}}} if "model" in values else {**values, "head": {**values["head"], "FCustID": {"FNumber": "NO"}}}
    with pytest.raises(DeliveryFailed, match=r"客户|购货单位") as caught:
        desk.does("save_bill", **bad)
    assert not caught.value.again
    assert not caught.value.unsure


def test_status_200_with_a_row_that_failed_is_a_failure():
    with desk_of("kingdee_k3wise") as desk:
        answers = ([{"FStatus": False, "FMessage": "不行"}], [{"Data": {"FStatus": "false", "FMessage": "不行"}}],
                   [{"FStatus": True}, {"Data": [{"FStatus": 0, "FMessage": "不行"}]}])  # fmt: skip
        desk.does("stock", sku="TEA-250")
        desk.connection.try_out(desk.task(), desk.around)
        for answer in answers:
            desk.vendor.answer = lambda asked, answer=answer: said({"StatusCode": 200, "Message": "Successful", "Data": answer})
            with pytest.raises(DeliveryFailed, match="不行"):
                desk.does("save_bill", **WISE)
        for answer in ({"StatusCode": 200, "Data": []}, {"StatusCode": 200, "Data": "QUJD"}, {"Message": "?"}):
            desk.vendor.answer = lambda asked, answer=answer: said(answer)
            with pytest.raises(DeliveryFailed):
                desk.does("save_bill", **WISE)


# --- doors


@pytest.mark.parametrize("login", ["signed", "session"])
def test_one_session_serves_all_calls_until_it_ends(login):
    with desk_of("kingdee_cloud", login=login) as desk:
        for _ in range(3):
            assert desk.does("stock", sku="TEA-250")["quantity"] == "100"
        assert len(desk.vendor.sessions) == 1
        desk.clock.advance(minutes=30)
        assert desk.does("stock", sku="TEA-250")["quantity"] == "100"
        assert desk.vendor.refused == []
        desk.vendor.mishaps.next("expired_token")
        assert desk.until_done("save_bill", **CLOUD)["number"] == "k-1"


def test_a_session_that_ends_between_two_pages_is_signed_in_for_anew(cloud):
    fill(cloud, 30)
    cursor = cloud.read("stock", cloud.begin("stock")).cursor
    cloud.vendor.mishaps.next("expired_token")
    assert cloud.read("stock", cursor).items
    assert cloud.vendor.mishaps.happened["expired_token"] == 1


def test_a_token_of_k3_that_ends_is_asked_for_anew():
    with desk_of("kingdee_k3wise", {"validity": 120}) as desk:
        for number in range(4):
            desk.until_done("save_bill", key=f"k-{number}", **WISE)
            desk.clock.advance(minutes=5)
        desk.vendor.mishaps.next("expired_token")
        desk.until_done("save_bill", key="k-9", **WISE)
        assert sum(desk.vendor.effected("bill").values()) == 5


@pytest.mark.parametrize(("kind", "name"), [("kingdee_cloud", "KD_SECRET"), ("kingdee_k3wise", "K3_CODE")])
def test_it_can_be_tried_out_and_a_wrong_key_is_said(kind, name):
    with desk_of(kind) as desk:
        assert "lets us in" in str(desk.connection.try_out(desk.task(), desk.around))
        desk.secrets[name] = "wrong"
        desk.restart()
        with pytest.raises(DeliveryFailed, match=r"验证失败|授权码"):
            desk.connection.try_out(desk.task(), desk.around)


def test_a_query_takes_names_and_values_and_nothing_else(cloud):
    rows = cloud.does("query", form="BD_Customer", fields=["FNumber", "FName"], where={"FNumber": "CUST0001"})
    assert rows == {"rows": [{"FNumber": "CUST0001", "FName": "网店散客"}]}
    assert cloud.does("query", form="BD_Customer", fields=["FNumber"], where={"FNumber": "' or FNumber<>'"}) == {"rows": []}
    for wrong in ({"fields": ["FNumber,FName"], "where": {}}, {"fields": ["FNumber"], "where": {"1=1 or FNumber": "x"}}):
        with pytest.raises(DeliveryFailed, match="no name of a field"):
            cloud.does("query", form="BD_Customer", **wrong)


def test_a_page_of_a_proxy_is_no_answer(cloud):
    cloud.vendor.answer = lambda asked: Said(200, "response_error:服务不可用".encode(), {"Content-Type": "text/html; charset=utf-8"})
    with pytest.raises(DeliveryFailed, match="服务不可用") as caught:
        cloud.does("stock", sku="TEA-250")
    assert caught.value.again
