"""金蝶云·星空 by its WebAPI: stock, articles and bills are read, bills saved, submitted and approved."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from engine.api import (
    Call,
    DeliveryFailed,
    Duration,
    HttpConnection,
    Item,
    Label,
    Message,
    Operation,
    Part,
    Rate,
    Reading,
    Secret,
    Span,
    Surroundings,
    Task,
    message,
    option,
    send,
)
from plugins.channels.asking import Shop, Shown, look, secret
from plugins.channels.channel import PRODUCT, STOCKS, TEXT
from plugins.channels.items import exact, said, utc
from plugins.channels.kingdee_door import (
    AUTH,
    CHINESE,
    END,
    FORMS,
    SESSION,
    SessionLost,
    Signed,
    judged,
    login_signature,
    session_of,
)
from plugins.channels.kingdee_rows import (
    BILL,
    INVENTORY,
    MATERIALS,
    PLACES,
    STOCK,
    Bills,
    after,
    between,
    columns_of,
    field_name,
    head_of,
    is_same_row,
    of_bill,
    of_material,
    of_stock,
    quoted,
    same,
    window_of,
)

OPERATIONS: Mapping[str, Operation] = {
    "stock": Operation(Label({"zh": "查询一种物料的库存", "en": "Look up the stock of an article"}), {"sku": TEXT},
                       frozenset({"sku"}), writes=False),
    "query": Operation(
        Label({"zh": "查询", "en": "Query"}),
        {"form": TEXT, "fields": {"type": "array", "items": TEXT, "minItems": 1}, "where": {"type": "object"}},
        frozenset({"form", "fields", "where"}), writes=False,
    ),
    "save_bill": Operation(
        Label({"zh": "保存单据", "en": "Save a bill"}),
        {"form": TEXT, "model": {"type": "object"}, "number": TEXT,
         "until": {"type": "string", "enum": ["saved", "submitted", "approved"]}},
        frozenset({"form", "model"}),
    ),
}  # fmt: skip
DRAFT, IN_REVIEW = ("Z", "A", "D"), "B"
UNTIL = {"saved": 0, "submitted": 1, "approved": 2}


@dataclass(frozen=True, kw_only=True)
class KingdeeCloudConnection(Shop):
    """金蝶云·星空 (K/3 Cloud): stock, articles and bills are read, bills are saved and approved."""

    type: ClassVar[str] = "kingdee_cloud"
    base_url: str = option("The address of the server, without /k3cloud.", minLength=8)
    account: str = option("The id of the account set (数据中心).", minLength=1)
    user: str = option("The user who acts.", minLength=1)
    app_id: Secret = option("The app id of the third-party login, in two parts.")
    app_secret: Secret = option("Its app secret.")
    organisation: int = option("The number of the organisation; 0 is the user's own.", 0, minimum=0)
    login: Literal["signed", "session"] = option(
        "Every call is `signed`, or a `session` is signed in for, as older servers of one's own want it.", "signed"
    )
    reads: Mapping[str, Bills] = option("More that is read, by the name of the reading.", {})
    page: int = option("So many rows are read at once; servers allow 2,000 or less.", 1000, minimum=3, maximum=10_000)

    def readings(self) -> Mapping[str, Reading]:
        own = {name: Reading(Label({"zh": bills.form, "en": bills.form}), BILL, spans=bills.changed is not None)
               for name, bills in self.reads.items()}  # fmt: skip
        articles = Reading(Label({"zh": "物料", "en": "Articles"}), PRODUCT)
        return {"stock": STOCKS, "materials": articles, **own}

    def usual_limits(self) -> Mapping[str, Rate]:
        """Kingdee publishes none; this is what a server beside its users bears, with up to seven calls for one."""
        return {"all": Rate(calls=2, per=Duration(1, "s"), burst=4)}

    def operations(self) -> Mapping[str, Operation]:
        return OPERATIONS

    # --- what feeds read

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"since": utc(span.since), "until": utc(span.until), "start": 0}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """A page of rows in the order of an internal number. The row before it is asked for once more: where another
        one stands there, rows have come or gone, and the list is begun anew. A page that is short is not the end;
        nothing behind it is, seen twice. The last bill of a page waits until all of its rows are there."""
        bills = {"stock": STOCK, "materials": MATERIALS, **self.reads}[reading]
        now = surroundings.now()
        window = window_of(bills, cursor, now)
        if window is None:
            return Part([], cursor, False)
        surroundings.turn(reading)
        columns, where = columns_of(bills), between(bills, *window)
        start, anchor = cursor["start"], cursor.get("anchor")
        begun = {**cursor, "end": utc(window[1])}
        asked = start - 1 if anchor is not None else start
        rows = self._rows(bills.form, columns, where, bills.order, asked, self.page, task, surroundings)
        if anchor is not None:
            found = [place for place, row in enumerate(rows) if is_same_row(bills, row, anchor)]
            if not found:
                return Part([], {**begun, "start": 0, "anchor": None}, True)
            rows = rows[1 if found[0] == 0 else found[-1] + 1 :]
        groups = [list(group) for _, group in groupby(rows, key=lambda row: row[0])]
        if len(groups) > 1:
            whole = [row for group in groups[:-1] for row in group]
            onward = {**begun, "start": start + len(whole), "anchor": whole[-1]}
            return Part(self._items(reading, bills, groups[:-1], now), onward, True)
        for _ in range(2):
            behind = self._rows(bills.form, columns, where, bills.order, start + len(rows), 3, task, surroundings)
            if behind:
                return self._continued(reading, bills, begun, rows, behind, now)
        return Part(self._items(reading, bills, groups, now), after(bills, cursor, window[1]), False)

    def _continued(self, reading: str, bills: Bills, begun: Mapping[str, Any], rows: list[list[Any]],
                   behind: list[list[Any]], now: dt.datetime) -> Part:  # fmt: skip
        """One bill came, and there is more behind it: of another bill, or of the same, which has to come whole."""
        if rows and behind[0][0] != rows[0][0]:
            onward = {**begun, "start": begun["start"] + len(rows), "anchor": rows[-1]}
            return Part(self._items(reading, bills, [rows], now), onward, True)
        if len(rows) >= self.page - 1:
            raise DeliveryFailed(
                message("A bill of {form} has more rows than are read at once; raise `page`.", form=bills.form),
                again=False,
            )
        raise DeliveryFailed(message("A page of {form} came without all its rows.", form=bills.form))

    def _items(self, reading: str, bills: Bills, groups: Sequence[list[list[Any]]], now: dt.datetime) -> list[Item]:
        named = [[dict(zip(columns_of(bills), row, strict=True)) for row in group] for group in groups]
        if reading == "stock":
            return [of_stock(row, now) for group in named for row in group]
        if reading == "materials":
            return [of_material(group[0]) for group in named]
        return [of_bill(bills, group) for group in named]

    # --- what it can be asked to do

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        rows = self._rows("BD_MATERIAL", ("FNumber", "FName"), "", "FNumber", 0, 1, task, surroundings)
        if not rows:
            return message("Kingdee lets us in; it shows no article.")
        return message("Kingdee lets us in; its first article is {number}.", number=rows[0][0])

    def stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """What lies in all warehouses. None is said only of an article that is known."""
        sku = str(values["sku"])
        where = f"FMaterialId.FNumber={quoted(sku)}"
        rows = self._all(INVENTORY, PLACES, where, "FID", task, surroundings)
        if not rows and not self._all(
            "BD_MATERIAL", ("FNumber",), f"FNumber={quoted(sku)}", "FNumber", task, surroundings
        ):
            raise DeliveryFailed(message("'{name}' has no article {sku}.", name=self.name, sku=sku), again=False)
        total = sum((Decimal(str(row[4])) for row in rows), Decimal(0))
        places = [{"place": said(row[2]), "lot": said(row[3]), "quantity": exact(row[4])} for row in rows]
        return {"sku": sku, "quantity": exact(total), "places": places}

    def query(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        fields = [field_name(name) for name in values["fields"]]
        where = " and ".join(f"{field_name(name)}={quoted(str(value))}" for name, value in values["where"].items())
        rows = self._all(str(values["form"]), fields, where, fields[0], task, surroundings)
        return {"rows": [dict(zip(fields, row, strict=True)) for row in rows]}

    def save_bill(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """Its number is the key of the task unless one is given, so that Kingdee refuses a second save; then it is seen
        whether the bill that is there is this one."""
        form, number = str(values["form"]), str(values.get("number") or task.key)
        model, until = {**values["model"], "FBillNo": number}, UNTIL[str(values.get("until") or "saved")]
        try:
            data = {"NeedUpDateFields": [], "IsAutoSubmitAndAudit": "false", "Model": model}
            self._form("Save", {"formid": form, "data": data}, task, surroundings, writes=True)
        except SessionLost:
            raise
        except DeliveryFailed as failure:
            if failure.again or not self._is_there(form, number, model, task, surroundings):
                raise
        state = self._state(form, number, task, surroundings)
        if until >= 1 and state in DRAFT:
            self._move("Submit", form, number, task, surroundings)
            state = self._state(form, number, task, surroundings)
        if until == 2 and state == IN_REVIEW:
            self._move("Audit", form, number, task, surroundings)
            state = self._state(form, number, task, surroundings)
        return {"number": number, "status": state}

    def _is_there(
        self, form: str, number: str, model: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> bool:
        """Whether a bill of this number is the one we want to save, as far as its head tells."""
        told = head_of(model)
        found = self._all(form, list(told), f"FBillNo={quoted(number)}", "FBillNo", task, surroundings)
        if not found:
            return False
        if all(same(mine, theirs) for mine, theirs in zip(told.values(), found[0], strict=True)):
            return True
        raise DeliveryFailed(
            message("'{name}' has another bill of the number {number}.", name=self.name, number=number), again=False
        )

    def _state(self, form: str, number: str, task: Task, surroundings: Surroundings) -> str:
        rows = self._all(form, ["FDocumentStatus"], f"FBillNo={quoted(number)}", "FBillNo", task, surroundings)
        if not rows:
            raise DeliveryFailed(message("'{name}' does not show the bill {number}.", name=self.name, number=number))
        return str(rows[0][0])

    def _move(self, name: str, form: str, number: str, task: Task, surroundings: Surroundings) -> None:
        self._form(name, {"formid": form, "data": {"Numbers": [number]}}, task, surroundings, writes=True)

    # --- asking

    def _all(self, form: str, fields: Sequence[str], where: str, order: str, task: Task,
             surroundings: Surroundings) -> list[list[Any]]:  # fmt: skip
        found: list[list[Any]] = []
        while rows := self._rows(form, fields, where, order, len(found), self.page, task, surroundings):
            found += rows
        return found

    def _rows(self, form: str, fields: Sequence[str], where: str, order: str, start: int, limit: int, task: Task,
              surroundings: Surroundings) -> list[list[Any]]:  # fmt: skip
        """``TopRowCount`` is an absolute last row, so it is not used: a window is told by its start and its size."""
        data = {"FormId": form, "FieldKeys": ",".join(fields), "FilterString": where, "OrderString": order,
                "TopRowCount": 0, "StartRow": start, "Limit": limit}  # fmt: skip
        rows = self._form("ExecuteBillQuery", {"data": data}, task, surroundings, writes=False)
        if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == len(fields) for row in rows):
            words = json.dumps(rows, ensure_ascii=False)[:200]
            raise DeliveryFailed(message("{place} answered something that is no list: {text}", place=form, text=words))
        return rows

    def _form(self, name: str, body: Mapping[str, Any], task: Task, surroundings: Surroundings, *, writes: bool) -> Any:
        """Asked once more where the session was over."""
        path = f"/k3cloud/{FORMS}{name}{END}"
        for attempt in range(2):
            session = self._session(task, surroundings)
            call = Call(path=path, json=body, part=name if writes else "")
            answer = (send if writes else look)(self._line(path, session), call, task, surroundings)
            try:
                told = judged(answer, f"Kingdee {name}", writes=writes)
            except SessionLost:
                surroundings.forget("session")
                if attempt:
                    raise
                continue
            self._keep(session_of(answer), session, surroundings)
            return told
        raise AssertionError

    def _line(self, path: str, session: str) -> HttpConnection:
        base = self.base_url.rstrip("/")
        if self.login == "session":
            return self.line(base, Shown(header=SESSION, token=session))
        actor = f"{self.account},{self.user},{CHINESE},{self.organisation}"
        return self.line(base, Signed(path=urlsplit(base).path + path, app_id=self.app_id, app_secret=self.app_secret,
                                      actor=actor, session=session))  # fmt: skip

    def _session(self, task: Task, surroundings: Surroundings) -> str:
        """A signed call needs none, but each would open a new one, and they are counted by licence."""
        if self.login == "signed":
            return surroundings.kept("session", lambda: ("", 1e9))
        return surroundings.kept("session", lambda: self._sign_in(task, surroundings))

    def _keep(self, told: str, known: str, surroundings: Surroundings) -> None:
        if self.login == "signed" and told and told != known:
            surroundings.forget("session")
            surroundings.kept("session", lambda: (told, 1e9))

    def _sign_in(self, task: Task, surroundings: Surroundings) -> tuple[str, float]:
        """(the session, how long it is good): it ends twenty minutes after its last call, and then says so."""
        app_id, key = (secret(one, self.base_url, surroundings) for one in (self.app_id, self.app_secret))
        stamp = str(int(surroundings.now().timestamp()))
        sign = login_signature(self.account, self.user, app_id, key, stamp)
        call = Call(path=f"/k3cloud/{AUTH}LoginBySign{END}",
                    json={"parameters": [self.account, self.user, app_id, stamp, sign, CHINESE]})  # fmt: skip
        told = judged(look(self.line(self.base_url), call, task, surroundings), "Kingdee LoginBySign", writes=False)
        if told.get("LoginResultType") != 1 or not told.get("KDSVCSessionId"):
            raise DeliveryFailed(
                message("'{name}' does not let us in: {text}", name=self.name, text=str(told.get("Message"))),
                again=False,
            )
        return str(told["KDSVCSessionId"]), 1e9
