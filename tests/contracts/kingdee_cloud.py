"""金蝶云·星空 WebAPI: queries of base data, stock and bills, and the life of a bill: saved, submitted, approved, pushed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from contracts.kingdee_door import KingdeeDoor, Refused
from contracts.kingdee_query import BadQuery, conditions, decimal, ordered, window
from contracts.trade import GOODS, SHANGHAI
from contracts.vendor import Asked, Effect

COMMON = ("FModifyDate", "FCreateDate", "FDocumentStatus")
BASE = (*COMMON, "FNumber", "FName", "FForbidStatus")
BILL = (*COMMON, "FID", "FBillNo", "FDate")
ENTRY = ("FMaterialId.FNumber", "FQty", "FTaxPrice", "FStockId.FNumber", "FSrcBillNo")
FIELDS = {
    "BD_MATERIAL": (*BASE, "FMATERIALID", "FSpecification", "FBaseUnitId.FNumber"),
    "BD_Customer": (*BASE, "FCUSTID"),
    "BD_STOCK": (*BASE, "FStockId"),
    "STK_Inventory": ("FID", "FMaterialId.FNumber", "FMaterialId.FName", "FStockId.FNumber", "FStockId.FName", "FBaseQty",
                      "FBaseUnitId.FNumber", "FLot.FNumber", "FModifyDate"),
    "SAL_SaleOrder": (*BILL, *ENTRY, "FCustId.FNumber", "FNote"),
    "SAL_OUTSTOCK": (*BILL, *ENTRY, "FCustomerID.FNumber", "FCarriageNO", "FNote"),
}  # fmt: skip
IDS = {"BD_MATERIAL": "FMATERIALID", "BD_Customer": "FCUSTID", "BD_STOCK": "FStockId", "STK_Inventory": "FID"}
ENTRIES = {"SAL_SaleOrder": "FSaleOrderEntry", "SAL_OUTSTOCK": "FEntity"}
PREFIXES = {"SAL_SaleOrder": "XSDD", "SAL_OUTSTOCK": "XSCKD"}
AMOUNTS = ("FQty", "FTaxPrice")
MOVES = {"Submit": ("AD", "B", "提交"), "Audit": ("B", "C", "审核"), "UnAudit": ("C", "D", "反审核")}


class KingdeeCloud(KingdeeDoor):
    """``rows[form]`` are flat rows of base data and stock; ``bills[form][number]`` what was saved. ``limit`` is the most
    rows a query may ask for; the rest is of the door."""

    def __init__(self, clock: Callable[[], dt.datetime] | None = None, *, limit: int = 2000, **door: Any) -> None:
        super().__init__(clock, **door)
        self.limit = limit
        self.rows: dict[str, list[dict[str, Any]]] = {form: [] for form in FIELDS if form not in ENTRIES}
        self.bills: dict[str, dict[str, dict[str, Any]]] = {form: {} for form in ENTRIES}
        self.put("BD_Customer", FNumber="CUST0001", FName="网店散客")
        self.put("BD_STOCK", FNumber="CK001", FName="杭州自有仓")
        for place, (sku, title, _) in enumerate(GOODS):
            self.put("BD_MATERIAL", FNumber=sku, FName=title, FSpecification="", **{"FBaseUnitId.FNumber": "Pcs"})
            self.set_stock(sku, 100 + place)

    # what happens at the vendor's

    def now(self) -> str:
        """As the server writes times."""
        return self.clock().astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S")

    def put(self, form: str, **fields: Any) -> dict[str, Any]:
        """One more row of base data, approved."""
        row = {IDS[form]: next(self.ids), "FDocumentStatus": "C", "FForbidStatus": "A", "FCreateDate": self.now(),
               "FModifyDate": self.now(), **fields}  # fmt: skip
        self.rows[form].append(row)
        return row

    def set_stock(self, sku: str, quantity: int | Decimal, warehouse: str = "CK001", lot: str = "") -> None:
        with self.lock:
            key = {"FMaterialId.FNumber": sku, "FStockId.FNumber": warehouse, "FLot.FNumber": lot}
            rows = [row for row in self.rows["STK_Inventory"] if all(row[name] == key[name] for name in key)]
            row = rows[0] if rows else self.put("STK_Inventory", **key, **{
                "FMaterialId.FName": self._name("BD_MATERIAL", sku), "FStockId.FName": self._name("BD_STOCK", warehouse),
                "FBaseUnitId.FNumber": "Pcs"})  # fmt: skip
            row.update(FBaseQty=Decimal(quantity), FModifyDate=self.now())

    @property
    def stock(self) -> dict[str, Decimal]:
        """The stock of each material over all warehouses and lots."""
        sums: dict[str, Decimal] = {}
        for row in self.rows["STK_Inventory"]:
            sku = row["FMaterialId.FNumber"]
            sums[sku] = sums.get(sku, Decimal()) + row["FBaseQty"]
        return sums

    def _name(self, form: str, number: str) -> str:
        return next((row["FName"] for row in self.rows[form] if row["FNumber"] == number), "")

    # services

    def _query(self, body: Mapping[str, Any], asked: Asked) -> list[list[Any]]:
        data = _object(body, "data")
        form = str(data.get("FormId") or "")
        if form not in FIELDS:
            raise Refused(("FormId", f"业务对象 {form} 不存在", 0))
        fields = [field.strip() for field in str(data.get("FieldKeys") or "").split(",") if field.strip()]
        unknown = [field for field in fields if field not in FIELDS[form]]
        if not fields or unknown:
            raise Refused(("FieldKeys", f"字段 {','.join(unknown)} 不存在", 0))
        top, start, limit = (_count(data, name) for name in ("TopRowCount", "StartRow", "Limit"))
        if limit > self.limit:
            raise Refused(("Limit", f"Limit 不能超过 {self.limit}", 0))
        try:
            tests = conditions(str(data.get("FilterString") or ""), FIELDS[form])
            rows = ordered([row for row in self._all(form) if all(test(row) for test in tests)],
                           str(data.get("OrderString") or ""), FIELDS[form])  # fmt: skip
        except BadQuery as bad:
            raise Refused(("FilterString", str(bad), 0)) from None
        page = list(window(rows, top, start, limit or self.limit))
        if page and self.strikes("missing_page", asked):
            page = page[: len(page) // 2]
        if page and self.strikes("duplicate_page", asked):
            page = [*rows[max(0, start - len(page)) : start], *page] if start else page * 2
        return [[_json(row.get(field)) for field in fields] for row in page]

    def _all(self, form: str) -> list[Mapping[str, Any]]:
        if form in self.rows:
            return list(self.rows[form])
        return [row for bill in self.bills[form].values() for row in self._flat(form, bill)]

    def _flat(self, form: str, bill: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One row for each line of a bill."""
        head = _dotted({name: value for name, value in bill["Model"].items() if name != ENTRIES[form]})
        head.update(FID=bill["Id"], FBillNo=bill["Number"], FDocumentStatus=bill["Status"],
                    FModifyDate=bill["Modified"], FCreateDate=bill["Created"])  # fmt: skip
        lines = [_dotted(line) for line in bill["Model"][ENTRIES[form]]]
        return [{**head, **line, **{name: decimal(line[name]) for name in AMOUNTS if name in line}} for line in lines]

    def _view(self, body: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        form, data = _bill_form(body), _object(body, "data")
        bill = self._bill(form, str(data.get("Number") or data.get("Id") or ""), 0)
        return {"Result": {"ResponseStatus": None, "Result": {
            **bill["Model"], "Id": bill["Id"], "BillNo": bill["Number"], "DocumentStatus": bill["Status"]}}}  # fmt: skip

    def _save(self, body: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """The bill number is ours: a second save with it is refused, whatever else it says."""
        form, data = _bill_form(body), _object(body, "data")
        model = _object(data, "Model")
        number = str(model.get("FBillNo") or "") or f"{PREFIXES[form]}{next(self.ids):08d}"
        if number in self.bills[form]:
            raise Refused(("FBillNo", f"单据编号“{number}”已存在，请重新输入", 0))
        self._check(form, model)
        bill = self._keep(form, number, model)
        if str(data.get("IsAutoSubmitAndAudit", "false")).lower() == "true":
            self._audited(form, bill)
        return _done([bill], Id=bill["Id"], Number=number)

    def _check(self, form: str, model: Mapping[str, Any]) -> None:
        customer = "FCustId" if form == "SAL_SaleOrder" else "FCustomerID"
        errors = [] if model.get("FDate") else [("FDate", "字段“日期”是必填项", 0)]
        if not self._exists("BD_Customer", model.get(customer)):
            errors.append((customer, "字段“客户”是必填项，或客户不存在", 0))
        lines = model.get(ENTRIES[form])
        if not isinstance(lines, list) or not lines:
            errors.append((ENTRIES[form], "单据体明细不能为空", 0))
            lines = []
        for place, line in enumerate(line if isinstance(line, dict) else {} for line in lines):
            if not self._exists("BD_MATERIAL", line.get("FMaterialId")):
                errors.append(("FMaterialId", f"第{place + 1}行分录，字段“物料编码”是必填项，或物料不存在", place))
            if decimal(line.get("FQty")) <= 0:
                errors.append(("FQty", f"第{place + 1}行分录，字段“数量”必须大于0", place))
        if errors:
            raise Refused(*errors)

    def _exists(self, form: str, value: object) -> bool:
        number = value.get("FNumber") if isinstance(value, dict) else None
        return any(row["FNumber"] == number for row in self.rows[form])

    def _keep(self, form: str, number: str, model: Mapping[str, Any]) -> dict[str, Any]:
        bill = {"Id": next(self.ids), "Number": number, "Model": dict(model), "Status": "A", "Pushed": False,
                "Created": self.now(), "Modified": self.now()}  # fmt: skip
        self.bills[form][number] = bill
        self.effects.append(Effect("bill", number, {"form": form, "model": dict(model)}, number))
        return bill

    def _bill(self, form: str, number: str, place: int) -> dict[str, Any]:
        for bill in self.bills[form].values():
            if number in (bill["Number"], str(bill["Id"])):
                return bill
        raise Refused(("", f"单据 {number} 不存在", place))

    def _named(self, form: str, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        names = data.get("Numbers") or str(data.get("Ids") or "").split(",")
        if not isinstance(names, list):
            raise Refused(("Numbers", "Numbers 须为列表", 0))
        return [self._bill(form, str(name), place) for place, name in enumerate(names)]

    def _move(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        form = _bill_form(body)
        bills = self._named(form, _object(body, "data"))
        before, after, verb = MOVES[name]
        wrong = [("", f"单据 {bill['Number']} 的状态不允许{verb}", place) for place, bill in enumerate(bills)
                 if bill["Status"] not in before]  # fmt: skip
        if wrong:
            raise Refused(*wrong)
        for bill in bills:
            if after == "C":
                self._audited(form, bill)
            bill.update(Status=after, Modified=self.now())
            self.effects.append(Effect(name.lower(), bill["Number"], {"form": form}))
        return _done(bills)

    def _audited(self, form: str, bill: dict[str, Any]) -> None:
        """Approving a delivery takes its goods out of the stock, all of them or none."""
        if form == "SAL_OUTSTOCK":
            self._take(bill["Model"]["FEntity"])
        bill.update(Status="C", Modified=self.now())

    def _take(self, lines: Sequence[Mapping[str, Any]]) -> None:
        left: dict[int, Decimal] = {}
        stock = {row["FID"]: row for row in self.rows["STK_Inventory"]}
        for place, line in enumerate(lines):
            sku, quantity = line["FMaterialId"]["FNumber"], decimal(line["FQty"])
            enough = [key for key, row in stock.items()
                      if row["FMaterialId.FNumber"] == sku and left.get(key, row["FBaseQty"]) >= quantity]  # fmt: skip
            if not enough:
                raise Refused(("FQty", f"物料 {sku} 即时库存不足", place))
            left[enough[0]] = left.get(enough[0], stock[enough[0]]["FBaseQty"]) - quantity
        for key, quantity in left.items():
            stock[key].update(FBaseQty=quantity, FModifyDate=self.now())

    def _push(self, body: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
        """An approved sales order becomes a delivery, once."""
        form, data = _bill_form(body), _object(body, "data")
        if (form, data.get("TargetFormId")) != ("SAL_SaleOrder", "SAL_OUTSTOCK"):
            raise Refused(("TargetFormId", "没有可用的单据转换规则", 0))
        bills = self._named(form, data)
        wrong = [("", f"单据 {bill['Number']} 未审核或已全部下推", place) for place, bill in enumerate(bills)
                 if bill["Status"] != "C" or bill["Pushed"]]  # fmt: skip
        if wrong:
            raise Refused(*wrong)
        return _done([self._delivery(bill) for bill in bills])

    def _delivery(self, source: dict[str, Any]) -> dict[str, Any]:
        source["Pushed"] = True
        model = source["Model"]
        lines = [{**line, "FSrcBillNo": source["Number"]} for line in model["FSaleOrderEntry"]]
        return self._keep("SAL_OUTSTOCK", f"XSCKD{next(self.ids):08d}",
                          {"FDate": model["FDate"], "FCustomerID": model["FCustId"], "FEntity": lines})  # fmt: skip


KingdeeCloud.services = {
    "ExecuteBillQuery": KingdeeCloud._query,
    "View": KingdeeCloud._view,
    "Save": KingdeeCloud._save,
    "Submit": lambda server, body, asked: server._move("Submit", body),
    "Audit": lambda server, body, asked: server._move("Audit", body),
    "UnAudit": lambda server, body, asked: server._move("UnAudit", body),
    "Push": KingdeeCloud._push,
}


def _done(bills: Sequence[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    entities = [{"Id": bill["Id"], "Number": bill["Number"], "DIndex": place} for place, bill in enumerate(bills)]
    status = {"IsSuccess": True, "Errors": [], "SuccessEntitys": entities, "SuccessMessages": [], "MsgCode": 0}
    return {"Result": {"ResponseStatus": status, **more, "NeedReturnData": [{}]}}


def _object(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Named parameters may come as objects or as their JSON."""
    value = body.get(name)
    try:
        value = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused((name, f"参数 {name} 不是对象", 0))
    return value


def _bill_form(body: Mapping[str, Any]) -> str:
    form = str(body.get("formid") or "")
    if form not in ENTRIES:
        raise Refused(("formid", f"业务对象 {form} 不存在", 0))
    return form


def _count(data: Mapping[str, Any], name: str) -> int:
    value = data.get(name) or 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Refused((name, f"{name} 须为非负整数", 0))
    return value


def _dotted(values: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        inner = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        flat.update(inner)
    return flat


def _json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
