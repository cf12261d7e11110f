"""金蝶 K/3 WISE: the K3API with a token in the address, whose HTTP 200 and StatusCode 200 say nothing yet (``FStatus`` of
each row does, sometimes one level deeper), and the tables of stock, which are read with SQL and never written."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from contracts.kingdee_query import BadQuery, conditions, decimal, ordered
from contracts.trade import GOODS
from contracts.vendor import Asked, Effect, Said, Vendor, said

PATH = re.compile(r"/K3API/(?P<object>Material|SO|PO|Bill\d{7})/(?P<operation>\w+)")
DATE = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d:\d\d)?")
TABLES = """
CREATE TABLE t_MeasureUnit (FItemID INTEGER PRIMARY KEY, FMeasureUnitID INTEGER, FNumber NVARCHAR(80), FName NVARCHAR(80));
CREATE TABLE t_ICItem (FItemID INTEGER PRIMARY KEY, FNumber NVARCHAR(80), FName NVARCHAR(255), FModel NVARCHAR(255),
    FUnitID INTEGER, FDeleted SMALLINT DEFAULT 0);
CREATE TABLE t_Stock (FItemID INTEGER PRIMARY KEY, FNumber NVARCHAR(80), FName NVARCHAR(80));
CREATE TABLE t_Organization (FItemID INTEGER PRIMARY KEY, FNumber NVARCHAR(80), FName NVARCHAR(255));
CREATE TABLE ICInventory (FBrNo NVARCHAR(10) DEFAULT '0', FItemID INTEGER, FStockID INTEGER,
    FBatchNo NVARCHAR(200) DEFAULT '', FQty DECIMAL(23,10), PRIMARY KEY (FBrNo, FItemID, FStockID, FBatchNo));
CREATE TABLE SEOrder (FInterID INTEGER PRIMARY KEY, FBillNo NVARCHAR(255), FDate DATETIME, FCustID INTEGER,
    FStatus SMALLINT DEFAULT 0);
CREATE TABLE SEOrderEntry (FInterID INTEGER, FEntryID INTEGER, FItemID INTEGER, FQty DECIMAL(23,10),
    FPrice DECIMAL(23,10), FStockQty DECIMAL(23,10) DEFAULT 0, PRIMARY KEY (FInterID, FEntryID));
"""
MATERIAL = ("FItemID", "FNumber", "FName", "FModel", "FUnitID", "FForbidden")
BILL = ("FInterID", "FBillNo", "FDate", "FCustID", "FCheckStatus")


class Failed(Exception):
    """A row that was not done: FStatus false."""


class Misasked(Exception):
    """The whole request is wrong: StatusCode 201."""


class KingdeeK3Wise(Vendor):
    """``database_url`` opens the stock tables for reading only, in place of the SQL Server of a real one. ``bills[object]``
    are what was saved, by number. Everything of the database is of SQLite in ``folder``."""

    own_mishaps = ("duplicate_page", "missing_page", "expired_token", "error_inside")

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, authority_code: str = "9f0c5b1e7a3d4c2b8e6f",
                 validity: int = 3600, folder: Path | None = None) -> None:  # fmt: skip
        super().__init__(clock)
        self.authority_code, self.validity = authority_code, validity
        self.tokens: dict[str, dt.datetime] = {}
        self.ids = itertools.count(1001)
        self.materials: dict[str, dict[str, Any]] = {}
        self.bills: dict[str, dict[str, dict[str, Any]]] = {}
        self.file = (folder or self._own_folder()) / "k3wise.db"
        self.database_url = f"sqlite:///file:{self.file}?mode=ro&uri=true"
        self._fill()

    def _own_folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="k3wise-")
        weakref.finalize(self, shutil.rmtree, folder, True)
        return Path(folder)

    def _fill(self) -> None:
        with self.written() as database:
            database.executescript(TABLES)
        for number, name in (("01", "杭州自有仓"), ("02", "广州第三方仓")):
            self._insert("t_Stock", FNumber=number, FName=name)
        self.unit = self._insert("t_MeasureUnit", FNumber="Pcs", FName="个")
        self._insert("t_Organization", FNumber="CUST0001", FName="网店散客")
        for place, (sku, title, _) in enumerate(GOODS):
            self.material(sku, title)
            self.set_stock(sku, 100 + place)

    @contextmanager
    def written(self) -> Iterator[sqlite3.Connection]:
        """The database as its owner sees it."""
        database = sqlite3.connect(self.file)
        database.execute("PRAGMA synchronous = OFF")
        try:
            with database:
                yield database
        finally:
            database.close()

    def _insert(self, table: str, **values: Any) -> int:
        item = next(self.ids)
        if table == "t_MeasureUnit":
            values["FMeasureUnitID"] = item
        row = {"FItemID": item, **values}
        with self.written() as database:
            marks = ",".join("?" * len(row))
            database.execute(f"INSERT INTO {table} ({','.join(row)}) VALUES ({marks})", tuple(row.values()))
        return item

    def _item(self, table: str, number: str) -> int | None:
        with self.written() as database:
            row = database.execute(f"SELECT FItemID FROM {table} WHERE FNumber = ?", (number,)).fetchone()
        return row[0] if row else None

    def material(self, number: str, name: str, model: str = "") -> dict[str, Any]:
        item = self._insert("t_ICItem", FNumber=number, FName=name, FModel=model, FUnitID=self.unit)
        self.materials[number] = {"FItemID": item, "FNumber": number, "FName": name, "FModel": model,
                                  "FUnitID": {"FNumber": "Pcs", "FName": "个"}, "FForbidden": 0}  # fmt: skip
        return self.materials[number]

    def _set_item(self, item: int, **values: Any) -> None:
        with self.written() as database:
            for name, value in values.items():
                database.execute(f"UPDATE t_ICItem SET {name} = ? WHERE FItemID = ?", (value, item))

    def set_stock(self, sku: str, quantity: int | Decimal, warehouse: str = "01", batch: str = "") -> None:
        stock = self._item("t_Stock", warehouse)
        with self.lock, self.written() as database:
            database.execute(
                "INSERT INTO ICInventory (FItemID, FStockID, FBatchNo, FQty) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (FBrNo, FItemID, FStockID, FBatchNo) DO UPDATE SET FQty = excluded.FQty",
                (self.materials[sku]["FItemID"], stock, batch, str(quantity)),
            )

    @property
    def stock(self) -> dict[str, Decimal]:
        """The stock of each material over all warehouses and batches."""
        text = "SELECT i.FNumber, SUM(s.FQty) FROM ICInventory s JOIN t_ICItem i ON i.FItemID = s.FItemID GROUP BY i.FNumber"
        with self.written() as database:
            return {number: Decimal(str(quantity)) for number, quantity in database.execute(text)}

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/K3API/Token/Create" and asked.method == "GET":
            return self._token(asked)
        found = PATH.fullmatch(asked.path)
        if found is None or asked.method != "POST" or found["operation"] not in OPERATIONS:
            self.refused.append(f"no such path: {asked.method} {asked.path}")
            return Said(404, b"Not Found")
        if not self._let_in(asked):
            self.refused.append("Token")
            return _answer(401, "Token无效或已过期", None)
        self.asked.append(asked)
        if self.strikes("error_inside", asked):
            return self._failed_inside(found["object"])
        return self._act(found["object"], found["operation"], asked)

    def _act(self, kind: str, operation: str, asked: Asked) -> Said:
        body = asked.json
        data = body.get("Data") if isinstance(body, dict) else None
        try:
            if not isinstance(data, dict):
                raise Misasked("请求正文须为 {\"Data\": {…}}")
            return _answer(200, "Successful", OPERATIONS[operation](self, kind, data, asked))
        except Misasked as wrong:
            self.refused.append(str(wrong))
            return _answer(201, str(wrong), [])
        except Failed as failed:
            self.refused.append(str(failed))
            return _answer(200, "Successful", _row(kind, False, 0, "", str(failed)))

    def _failed_inside(self, kind: str) -> Said:
        if self.mishaps.happened["error_inside"] % 2:
            return _answer(200, "Successful", _row(kind, False, 0, "", "系统繁忙，请稍后再试"))
        return _answer(500, "远程服务器返回错误", None)

    def _token(self, asked: Asked) -> Said:
        if asked.params.get("authorityCode") != self.authority_code:
            self.refused.append("authorityCode")
            return _answer(401, "授权码无效", {"Code": "N", "Token": None, "Validity": 0})
        self.asked.append(asked)
        token = f"{next(self.ids):032X}"
        self.tokens[token] = self.clock() + dt.timedelta(seconds=self.validity)
        return _answer(200, "Successful", {"Code": "Y", "Token": token, "Validity": self.validity, "Language": "zh-cn"})

    def _let_in(self, asked: Asked) -> bool:
        if self.strikes("expired_token", asked):
            self.tokens.clear()
        token = asked.params.get("Token") or asked.params.get("token") or ""
        return token in self.tokens and self.clock() < self.tokens[token]

    def _template(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        if kind == "Material":
            return [{"Data": dict.fromkeys(MATERIAL, "")}]
        return {"Page1": [dict.fromkeys(BILL, "")], "Page2": [{"FItemID": {"FNumber": "", "FName": ""}, "FQty": 0, "FPrice": 0}]}

    def _list(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        known = MATERIAL if kind == "Material" else BILL
        size, page = _count(data, "PageSize", 1), _count(data, "PageIndex", 1)
        top = _count(data, "Top", 0) if "Top" in data else 0
        try:
            tests = conditions(_plain(data.get("Filter")), known)
            found = [row for row in self._rows(kind) if all(test(row) for test in tests)]
            rows = ordered(found, _plain(data.get("OrderBy")), known)
        except BadQuery as bad:
            raise Misasked(str(bad)) from None
        if str(data.get("ShowForbidden", "")).lower() not in ("1", "true"):
            rows = [row for row in rows if not row.get("FForbidden")]
        rows = rows[: top or None]
        cut = rows[(page - 1) * size : page * size]
        if self.strikes("missing_page", asked):
            cut = []
        elif self.strikes("duplicate_page", asked):
            cut = [*rows[max(0, page - 2) * size : (page - 1) * size], *cut] if page > 1 else cut * 2
        return {"ROWCOUNT": len(rows), "PAGESIZE": size, "PAGEINDEX": page, "DATA": [_chosen(row, data, known) for row in cut]}

    def _rows(self, kind: str) -> list[Mapping[str, Any]]:
        if kind == "Material":
            return list(self.materials.values())
        return [self._head(bill) for bill in self.bills.get(kind, {}).values()]

    def _head(self, bill: Mapping[str, Any]) -> dict[str, Any]:
        return {**bill["Page1"][0], "FInterID": bill["FInterID"], "FCheckStatus": bill["FCheckStatus"]}

    def _detail(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        if kind == "Material":
            found = self._material(data)
            return [{"FNumber": found["FNumber"], "Data": found}]
        bill = self._bill(kind, data)
        return {"Page1": [self._head(bill)], "Page2": bill["Page2"]}

    def _material(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return _found(self.materials, data, "FNumber", "物料")

    def _bill(self, kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
        return _found(self.bills.get(kind, {}), data, "FBillNo", "单据")

    def _save(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        if kind == "Material":
            return self._save_material(data)
        head, lines = _pages(data)
        number = str(head.get("FBillNo") or "")
        if not number:
            raise Misasked("FBillNo 不能为空")
        if number in self.bills.get(kind, {}):
            raise Failed(f"单据编号 {number} 已存在")
        self._check(kind, head, lines)
        bill: dict[str, Any] = {"FInterID": next(self.ids), "FCheckStatus": 0, "Page1": [head], "Page2": lines}
        self.bills.setdefault(kind, {})[number] = bill
        self._enter(kind, number, bill)
        self.effects.append(Effect("bill", number, {"object": kind, "data": dict(data)}, number))
        return _row(kind, True, bill["FInterID"], number, "")

    def _save_material(self, data: Mapping[str, Any]) -> Any:
        number = str(data.get("FNumber") or "")
        if not number or not data.get("FName"):
            raise Misasked("FNumber 与 FName 不能为空")
        if number in self.materials:
            raise Failed(f"物料代码 {number} 已存在")
        saved = self.material(number, str(data["FName"]), str(data.get("FModel") or ""))
        self.effects.append(Effect("material", number, dict(data), number))
        return _row("Material", True, saved["FItemID"], number, "")

    def _check(self, kind: str, head: Mapping[str, Any], lines: list[dict[str, Any]]) -> None:
        """Of sales orders everything is looked at; other bills need lines only."""
        if kind != "SO":
            return
        if not DATE.fullmatch(str(head.get("FDate"))):
            raise Failed("日期无效")
        if self._item("t_Organization", _number(head.get("FCustID"))) is None:
            raise Failed("购货单位不存在")
        for place, line in enumerate(lines, 1):
            if _number(line.get("FItemID")) not in self.materials:
                raise Failed(f"第{place}行：物料不存在")
            if decimal(line.get("FQty")) <= 0:
                raise Failed(f"第{place}行：数量必须大于0")

    def _enter(self, kind: str, number: str, bill: Mapping[str, Any]) -> None:
        """A sales order stands in its tables as well."""
        if kind != "SO":
            return
        head, key = bill["Page1"][0], bill["FInterID"]
        customer = self._item("t_Organization", _number(head["FCustID"]))
        lines = [(key, place, self.materials[_number(line["FItemID"])]["FItemID"], str(line["FQty"]), str(line.get("FPrice", 0)))
                 for place, line in enumerate(bill["Page2"], 1)]  # fmt: skip
        with self.written() as database:
            database.execute("DELETE FROM SEOrder WHERE FInterID = ?", (key,))
            database.execute("DELETE FROM SEOrderEntry WHERE FInterID = ?", (key,))
            database.execute("INSERT INTO SEOrder VALUES (?, ?, ?, ?, ?)",
                             (key, number, head["FDate"], customer, bill["FCheckStatus"]))  # fmt: skip
            database.executemany(
                "INSERT INTO SEOrderEntry (FInterID, FEntryID, FItemID, FQty, FPrice) VALUES (?, ?, ?, ?, ?)", lines)  # fmt: skip

    def _update(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        if kind == "Material":
            found = self._material(data)
            changes = {name: str(data[name]) for name in ("FName", "FModel") if name in data}
            found.update(changes)
            self._set_item(found["FItemID"], **changes)
            return _row(kind, True, found["FItemID"], found["FNumber"], "")
        head, lines = _pages(data)
        bill = self._unchecked(kind, head, "修改")
        self._check(kind, head, lines)
        bill.update(Page1=[head], Page2=lines)
        self._enter(kind, str(head["FBillNo"]), bill)
        return _row(kind, True, bill["FInterID"], head["FBillNo"], "")

    def _delete(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        if kind == "Material":
            found = self._material(data)
            del self.materials[found["FNumber"]]
            self._set_item(found["FItemID"], FDeleted=1)
            return _row(kind, True, found["FItemID"], found["FNumber"], "")
        bill = self._unchecked(kind, data, "删除")
        del self.bills[kind][data["FBillNo"]]
        with self.written() as database:
            database.execute("DELETE FROM SEOrder WHERE FInterID = ?", (bill["FInterID"],))
            database.execute("DELETE FROM SEOrderEntry WHERE FInterID = ?", (bill["FInterID"],))
        return _row(kind, True, bill["FInterID"], data["FBillNo"], "")

    def _unchecked(self, kind: str, data: Mapping[str, Any], verb: str) -> dict[str, Any]:
        bill = self._bill(kind, data)
        if bill["FCheckStatus"]:
            raise Failed(f"单据 {data['FBillNo']} 已审核，不能{verb}")
        return bill

    def _check_bill(self, kind: str, data: Mapping[str, Any], asked: Asked) -> Any:
        """``FCheckDirection`` 1 checks, 0 takes that back."""
        bill, wanted = self._bill(kind, data), str(data.get("FCheckDirection", "1"))
        if not data.get("FChecker"):
            raise Misasked("FChecker 不能为空")
        if wanted not in ("0", "1") or int(wanted) == bill["FCheckStatus"]:
            raise Failed(f"单据 {data['FBillNo']} 的审核状态不允许此操作")
        bill["FCheckStatus"] = int(wanted)
        self._enter(kind, data["FBillNo"], bill)
        self.effects.append(Effect("check", data["FBillNo"], {"object": kind, "direction": wanted}))
        return _row(kind, True, bill["FInterID"], data["FBillNo"], "")


OPERATIONS: dict[str, Callable[[KingdeeK3Wise, str, Mapping[str, Any], Asked], Any]] = {
    "GetTemplate": KingdeeK3Wise._template,
    "GetList": KingdeeK3Wise._list,
    "GetDetail": KingdeeK3Wise._detail,
    "Save": KingdeeK3Wise._save,
    "Update": KingdeeK3Wise._update,
    "Delete": KingdeeK3Wise._delete,
    "CheckBill": KingdeeK3Wise._check_bill,
}


def _answer(code: int, text: str, data: Any) -> Said:
    return said({"StatusCode": code, "Message": text, "Data": data})


def _row(kind: str, status: bool, item: int, number: str, text: str) -> list[dict[str, Any]]:
    """Of a material the status stands in the row, of a bill one level deeper."""
    row = {"FStatus": status, "FItemID": item, "FNumber": number, "FMessage": text}
    return [row] if kind == "Material" else [{"FNumber": number, "Data": row}]


def _found(known: Mapping[str, dict[str, Any]], data: Mapping[str, Any], name: str, what: str) -> dict[str, Any]:
    number = str(data.get(name) or "")
    if not number:
        raise Misasked(f"{name} 不能为空")
    if number not in known:
        raise Failed(f"{what} {number} 不存在")
    return known[number]


def _pages(data: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    head, lines = _rows_of(data.get("Page1")), _rows_of(data.get("Page2"))
    if len(head) != 1 or not lines:
        raise Misasked("Page1 须有一行，Page2 至少一行")
    return head[0], lines


def _rows_of(page: object) -> list[dict[str, Any]]:
    """Nothing when one of them is no row."""
    rows = page if isinstance(page, list) else []
    return [dict(row) for row in rows] if all(isinstance(row, dict) for row in rows) else []


def _count(data: Mapping[str, Any], name: str, least: int) -> int:
    text = str(data.get(name, ""))
    if not text.isdecimal() or int(text) < least:
        raise Misasked(f"{name} 须为不小于 {least} 的整数")
    return int(text)


def _plain(text: object) -> str:
    """Fields may stand in square brackets."""
    return re.sub(r"\[(\w+)\]", r"\1", str(text or ""))


def _chosen(row: Mapping[str, Any], data: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    names = [name.strip() for name in _plain(data.get("Fields")).split(",") if name.strip()] or list(known)
    return {name: row.get(name) for name in names}


def _number(value: object) -> str:
    return str(value.get("FNumber") or "") if isinstance(value, dict) else ""
