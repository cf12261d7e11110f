"""金蝶 K/3 WISE: bills by its K3API, stock by reading its tables.

The K3API is documented nowhere that can be reached; what is done here was learned from programs that use it. StatusCode
200 says nothing yet: ``FStatus`` of each row does, sometimes one level deeper.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import sqlalchemy as sa

from engine.api import (
    Answer,
    Call,
    Credential,
    DeliveryFailed,
    Duration,
    Item,
    Label,
    Message,
    Operation,
    Part,
    QueryCredential,
    Rate,
    Reading,
    Secret,
    Signing,
    Span,
    Surroundings,
    Task,
    message,
    option,
    send,
)
from plugins.channels import k3wise_stock as tables
from plugins.channels.asking import Shop, data_of, look, refused, secret, signed_in
from plugins.channels.channel import STOCKS, TEXT
from plugins.channels.items import exact, said, stock, utc

API = "/K3API/"
OBJECT: Mapping[str, Any] = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9]{0,40}$"}
OPERATIONS: Mapping[str, Operation] = {
    "stock": Operation(Label({"zh": "查询一种物料的库存", "en": "Look up the stock of an article"}), {"sku": TEXT},
                       frozenset({"sku"}), writes=False),
    "save_bill": Operation(
        Label({"zh": "保存单据", "en": "Save a bill"}),
        {"object": OBJECT, "head": {"type": "object"}, "lines": {"type": "array", "minItems": 1}, "number": TEXT,
         "checker": TEXT},
        frozenset({"object", "head", "lines"}),
    ),
}  # fmt: skip
PASSES = ("超时", "稍后", "繁忙", "死锁")


@dataclass(frozen=True, kw_only=True)
class K3WiseConnection(Shop):
    """金蝶 K/3 WISE: stock is read from its database, bills are saved by its interface."""

    type: ClassVar[str] = "kingdee_k3wise"
    base_url: str = option("The address of the server, without /K3API.", minLength=8)
    authority_code: Secret = option("The authority code of the account set.")
    database_url: Secret | None = option(
        "The database as an SQLAlchemy URL, such as mssql+pymssql://reader:…@10.0.0.5/AIS2026. Default: sql_host and "
        "what belongs to it.", None,
    )  # fmt: skip
    sql_host: str | None = option("The SQL Server.", None)
    sql_port: int = option("Its port.", 1433, minimum=1, maximum=65535)
    sql_database: str | None = option("The database of the account set, such as AIS2026.", None)
    sql_user: str | None = option("A user who may read, and nothing else.", None)
    sql_password: Secret | None = option("The user's password.", None)
    page: int = option("The stock of so many articles is read at once.", 200, minimum=1, maximum=2000)

    def readings(self) -> Mapping[str, Reading]:
        return {"stock": STOCKS}

    def usual_limits(self) -> Mapping[str, Rate]:
        """Kingdee publishes none; this is what a server beside its users bears."""
        return {"all": Rate(calls=3, per=Duration(1, "s"), burst=6)}

    def operations(self) -> Mapping[str, Operation]:
        return OPERATIONS

    # --- stock

    def begin(self, reading: str, span: Span) -> Mapping[str, Any]:
        return {"after": 0}

    def read(self, reading: str, cursor: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Part:
        """By the numbers of articles: what comes and goes meanwhile moves nothing."""
        surroundings.turn(reading)
        with tables.reading(self._database(surroundings), task.seconds) as conn:
            numbers = tables.articles(conn, cursor["after"], self.page)
            rows = tables.of_articles(conn, numbers[0], numbers[-1]) if numbers else []
        more, at = len(numbers) == self.page, utc(surroundings.now())
        return Part([_item(row, at) for row in rows], {"after": numbers[-1] if more else 0}, more)

    def stock(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """What lies in all warehouses. None is said only of an article that is known."""
        sku = str(values["sku"])
        with tables.reading(self._database(surroundings), task.seconds) as conn:
            rows = tables.of_article(conn, sku)
        if rows is None:
            raise DeliveryFailed(message("'{name}' has no article {sku}.", name=self.name, sku=sku), again=False)
        total = sum((Decimal(str(row["quantity"])) for row in rows), Decimal(0))
        places = [
            {"place": said(row["place"]), "lot": said(row["lot"]), "quantity": exact(row["quantity"])} for row in rows
        ]
        return {"sku": sku, "quantity": exact(total), "places": places}

    def _database(self, surroundings: Surroundings) -> str | sa.URL:
        if not self.private:
            raise DeliveryFailed(
                message("The database of K/3 WISE is reached in a private network only: private: true."), again=False
            )
        if self.database_url is not None:
            return secret(self.database_url, self.base_url, surroundings)
        if not (self.sql_host and self.sql_database and self.sql_user and self.sql_password):
            raise DeliveryFailed(
                message(
                    "'{name}' needs sql_host, sql_database, sql_user and sql_password to read stock.", name=self.name
                ),
                again=False,
            )
        return sa.URL.create(
            "mssql+pymssql", self.sql_user, surroundings.secret(self.sql_password.secret, self.sql_host.lower()),
            self.sql_host, self.sql_port, self.sql_database,
        )  # fmt: skip

    # --- bills

    def try_out(self, task: Task, surroundings: Surroundings) -> Message:
        surroundings.kept("token", lambda: self._token(task, surroundings))
        if self.database_url is None and self.sql_host is None:
            return message("K/3 WISE lets us in; no database is named, so stock cannot be read.")
        with tables.reading(self._database(surroundings), task.seconds) as conn:
            found = bool(tables.articles(conn, 0, 1))
        if not found:
            return message("K/3 WISE lets us in; its database shows no article.")
        return message("K/3 WISE lets us in, and its stock can be read.")

    def save_bill(self, values: Mapping[str, Any], task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        """Its number is the key of the task unless one is given, so that a second save is refused; then it is looked
        whether the bill that is there is this one. With ``checker`` it is checked (审核) in that name."""
        kind, number = str(values["object"]), str(values.get("number") or task.key)
        head = {**values["head"], "FBillNo": number}
        try:
            self._rows(kind, "Save", {"Page1": [head], "Page2": list(values["lines"])}, task, surroundings)
        except DeliveryFailed as failure:
            if failure.again or not self._is_there(kind, number, head, values["lines"], task, surroundings):
                raise
        checked = self._detail(kind, number, task, surroundings)["Page1"][0].get("FCheckStatus")
        if values.get("checker") and str(checked) not in ("1", "True"):
            told = {"FBillNo": number, "FChecker": str(values["checker"]), "FCheckDirection": "1"}
            self._rows(kind, "CheckBill", told, task, surroundings)
            checked = 1
        return {"number": number, "checked": str(checked) in ("1", "True")}

    def _is_there(self, kind: str, number: str, head: Mapping[str, Any], lines: Any, task: Task,
                  surroundings: Surroundings) -> bool:  # fmt: skip
        """Whether the bill of this number is the one we want to save."""
        try:
            there = self._detail(kind, number, task, surroundings)
        except DeliveryFailed as failure:
            if failure.again:
                raise
            return False
        mine = {name: value for name, value in head.items() if value not in ("", None)}
        theirs = there["Page1"][0]
        if all(_same(value, theirs.get(name)) for name, value in mine.items()) and len(there.get("Page2") or ()) == len(
            lines
        ):
            return True
        raise DeliveryFailed(
            message("'{name}' has another bill of the number {number}.", name=self.name, number=number), again=False
        )

    def _detail(self, kind: str, number: str, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        found = self._ask(kind, "GetDetail", {"FBillNo": number}, task, surroundings, writes=False)
        if isinstance(found, dict) and found.get("Page1"):
            return found
        self._judge_rows(kind, found)
        raise refused(f"K/3 WISE {kind}", 200, json.dumps(found, ensure_ascii=False), again=True)

    def _rows(self, kind: str, operation: str, data: Mapping[str, Any], task: Task, surroundings: Surroundings) -> None:
        found = self._ask(kind, operation, data, task, surroundings, writes=True)
        if not self._judge_rows(kind, found):
            words = json.dumps(found, ensure_ascii=False)
            raise refused(f"K/3 WISE {kind}", 200, words, again=True, unsure=True)

    def _judge_rows(self, kind: str, found: Any) -> int:
        """How many rows were done. Raises DeliveryFailed where one was not."""
        rows = list(_statuses(found))
        for row in rows:
            if str(row["FStatus"]).lower() not in ("true", "1"):
                raise _no(kind, 200, str(row.get("FMessage")))
        return len(rows)

    # --- asking

    def _ask(self, kind: str, operation: str, data: Mapping[str, Any], task: Task, surroundings: Surroundings, *,
             writes: bool) -> Any:  # fmt: skip
        """``Data`` of an answer. Raises DeliveryFailed."""
        call = Call(path=f"{API}{kind}/{operation}", json={"Data": data}, part=operation if writes else "")  # fmt: skip

        def ask(token: str) -> Answer | None:
            line = self.line(self.base_url, _Token(token=token))
            answer = (send if writes else look)(line, call, task, surroundings)
            return None if _code(data_of(answer, f"K/3 WISE {kind}", writes=writes)) == "401" else answer

        answer = signed_in(surroundings, lambda: self._token(task, surroundings), ask)
        if answer is None:
            raise refused(f"K/3 WISE {kind}", 401, "Token", again=True, after=60.0)
        told = answer.json
        if _code(told) != "200":
            self._judge_rows(kind, told)
            raise _no(kind, _code(told), str(told.get("Message")) if isinstance(told, dict) else str(told))
        return told.get("Data")

    def _token(self, task: Task, surroundings: Surroundings) -> tuple[str, float]:
        auth = QueryCredential(values={"authorityCode": self.authority_code})  # type: ignore[dict-item]
        call = Call(method="GET", path=f"{API}Token/Create")
        told = data_of(look(self.line(self.base_url, auth), call, task, surroundings), "K/3 WISE Token")
        data = told.get("Data") if isinstance(told, dict) else None
        if _code(told) != "200" or not isinstance(data, dict) or data.get("Code") != "Y" or not data.get("Token"):
            words = str(told.get("Message")) if isinstance(told, dict) else str(told)
            raise DeliveryFailed(
                message("'{name}' does not let us in: {text}", name=self.name, text=words), again=False
            )
        return str(data["Token"]), float(data.get("Validity") or 3600)


@dataclass(frozen=True, kw_only=True, repr=False)
class _Token(Credential):
    """The token, which stands in the address."""

    token: str

    def query(self, signing: Signing) -> Mapping[str, str]:
        return {"Token": self.token}


def _code(told: Any) -> str:
    return str(told.get("StatusCode")) if isinstance(told, dict) else ""


def _statuses(found: Any) -> Iterator[Mapping[str, Any]]:
    """Every row that says whether it was done, however deep it stands."""
    if isinstance(found, dict):
        if "FStatus" in found:
            yield found
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from _statuses(one)


def _no(kind: str, status: int | str, words: str) -> DeliveryFailed:
    passes = str(status).startswith("5") or any(word in words for word in PASSES)
    return refused(f"K/3 WISE {kind}", status, words, again=passes, after=5.0 if passes else None)


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        return mine.get("FNumber") == theirs.get("FNumber")
    one, other = str(mine).replace("T", " "), str(theirs).replace("T", " ")
    return one == other or (len(other) >= 10 and other[4] == "-" and one[:10] == other[:10])


def _item(row: Mapping[str, Any], at: str | None) -> Item:
    known = {name: said(row[name]) for name in ("sku", "name", "place", "lot", "unit")}
    quantity = exact(row["quantity"])
    raw = {**known, "quantity": quantity}
    return Item(f"{known['sku']}|{known['place'] or ''}|{known['lot'] or ''}", "",
                stock(**known, quantity=quantity, updated_at=at, raw=raw))  # fmt: skip
