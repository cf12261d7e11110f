"""What people hand over from pages: cleaned, judged by who hands it over, kept once, and told in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from calling import Program, Site, problems
from making import Made, MakeApp

from engine.builtin import default_registry
from engine.errors import Invalid
from engine.feeding.cleaning import LONGEST, item_of, value_of
from engine.load import examine
from engine.sites import PageLines, PageValue
from engine.sites import Site as PageSite

POOL = (Path(__file__).parent.parent / "browser_extension" / "pool.yaml").read_text()
SHARED = default_registry()
SHANGHAI = ZoneInfo("Asia/Shanghai")
NUMBER, MOMENT = PageValue(type="number"), PageValue(type="moment")
JD = "/api/ingest/orders/jd_pages"
EXTENSION = "chrome-extension://abcdefghijklmnopabcdefghijklmnop"


# --- what a page says is cleaned -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "raw", "expected"),
    [
        (PageValue(), "  a\n\t b\x00\u202e<b>c</b> ", "a b <b>c</b>"),
        (PageValue(), "", None),
        (PageValue(default="paid"), " ", "paid"),
        (PageValue(codes={"等待出库": "paid"}), "等待出库", "paid"),
        (NUMBER, "￥1,299.00", "1299"),
        (NUMBER, "x2", "2"),
        (NUMBER, "－3.50 元", "-3.5"),
        (MOMENT, "下单时间：2026-11-20 09:12:45", "2026-11-20T01:12:45.000Z"),
        (MOMENT, "2026年3月1日", "2026-02-28T16:00:00.000Z"),
    ],
)
def test_a_value_is_what_its_type_says(field: PageValue, raw: str, expected: str | None) -> None:
    assert value_of(field, raw, SHANGHAI) == expected


@pytest.mark.parametrize(
    ("field", "raw", "said"),
    [
        (PageValue(), 7, "This is no text."),
        (PageValue(), "a" * (LONGEST + 1), "It has at most 1000 characters."),
        (PageValue(required=True), " ", "It is empty."),
        (NUMBER, "¥12.00–15.00", "“¥12.00–15.00” is not one number."),
        (NUMBER, "1,29", "“1,29” is not one number."),
        (NUMBER, "free", "“free” is not one number."),
        (MOMENT, "2026-02-30 08:00", "“2026-02-30 08:00” is no moment such as 2026-03-01 08:30."),
        (MOMENT, "yesterday", "“yesterday” is no moment such as 2026-03-01 08:30."),
    ],
)
def test_what_is_no_such_value_is_refused(field: PageValue, raw: Any, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        value_of(field, raw, SHANGHAI)
    assert str(refused.value) == said


def test_an_item_is_told_of_everything_that_is_wrong_with_its_place() -> None:
    lines = PageLines(item="tr", fields={"sku": PageValue(required=True), "count": NUMBER})  # type: ignore[dict-item]
    fields = {"no": PageValue(), "buyer.name": PageValue()}
    site = PageSite(name="list", match=("https://a.example/*",), item="li", key="no", fields=fields, lines=lines)  # type: ignore[arg-type]
    good = {"no": "7", "buyer.name": "Lin", "lines": [{"sku": "A", "count": "2 件"}]}
    item = item_of(site, good, SHANGHAI)
    assert (item.key, item.version) == ("7", "")
    assert item.data == {"no": "7", "buyer": {"name": "Lin"}, "lines": [{"sku": "A", "count": "2"}]}
    with pytest.raises(Invalid) as refused:
        item_of(site, {"no": "", "admin": "1", "lines": [{"count": "no"}]}, SHANGHAI)
    assert [one.where for one in refused.value.problems] == ["admin", "lines.0.sku", "lines.0.count", "no"]
    with pytest.raises(Invalid):
        item_of(site, [], SHANGHAI)


# --- the door --------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(make_app: MakeApp) -> Site:
    return Site(make_app(POOL, registry=SHARED, people={"li": "clerk", "gu": "guest"}))


def order(number: str = "316842005117", **more: Any) -> dict[str, Any]:
    return {
        "number": number, "placed_at": "2026-11-20 09:12:45", "status": "等待出库", "recipient.name": "林**",
        "total": "￥389.00", "note": "", "lines": [{"sku": "A", "name": "Cup", "quantity": "2"}], **more,
    }  # fmt: skip


def hand_over(program: Program, *items: Any, key: str = "key-of-the-first-post", expect: int = 200) -> Any:
    said = program.send("POST", JD, {"site": "list", "items": list(items)}, expect=expect, Idempotency_Key=key)
    return said["results"] if expect == 200 else said["error"]


def what(results: Any) -> list[tuple[str, str]]:
    return [(one["key"], one["what"]) for one in results]


def sales(made: Made) -> list[tuple[Any, ...]]:
    table = made.application.tables.form["sale"]
    columns = [table.c[name] for name in ("source", "number", "receiver", "status")]
    with made.application.database.read() as conn:
        return [tuple(row) for row in conn.execute(sa.select(*columns).order_by(table.c.id))]


def test_what_is_handed_over_becomes_records_at_once_and_once(site: Site) -> None:
    li = site.program("li")
    first = hand_over(li, order(), order("316842005981"))
    assert what(first) == [("316842005117", "new"), ("316842005981", "new")]
    assert first[0]["url"] == "/sale/1"
    assert sales(site.made)[0] == ("jd_pages", "316842005117", "林**", "paid")
    assert hand_over(li, order(), order("316842005981")) == first  # the answer was lost, and it is sent again
    again = hand_over(li, order(), order("316842005981", **{"recipient.name": "赵"}), key="key-of-another-post")
    assert what(again) == [("316842005117", "known"), ("316842005981", "changed")]
    assert [row[2] for row in sales(site.made)] == ["林**", "赵"]
    assert [event.kind for event in site.made.events("sale", 1)] == ["created"]


def test_what_is_wrong_is_told_and_the_rest_is_taken(site: Site) -> None:
    wrong = [order("1", total="free"), order("2", status="???"), order("3"), order("3"), "4", order("5", total="-1")]
    told = hand_over(site.program("li"), *wrong)
    assert what(told) == [("1", "wrong"), ("2", "wrong"), ("3", "new"), ("3", "wrong"), ("", "wrong"), ("5", "wrong")]
    assert told[0]["said"] == ["total: “free” is not one number."]
    assert "代码表里没有“???”" in told[1]["said"][0]
    assert told[3]["said"] == ["It stands twice in what was sent."]
    assert told[4]["said"] == ["An item is a JSON object of texts."]
    assert "0" in told[5]["said"][0]
    assert [row[1] for row in sales(site.made)] == ["3"]


def test_it_is_noted_who_handed_over_what(site: Site) -> None:
    hand_over(site.program("li"), order())
    table = site.app.tables.event
    with site.app.database.read() as conn:
        noted = conn.execute(sa.select(table.c.actor_id, table.c.reason).where(table.c.kind == "feed.sent")).one()
    assert noted == (site.made.id_of("li"), "orders/jd_pages: 316842005117")


def test_whoever_may_not_make_it_or_change_it_cannot_hand_it_over(site: Site) -> None:
    li = site.program("li")
    assert li.get("/api/ingest/sites")["sites"] != []
    for other in (site.program("gu"), site.program("li", ["read"])):
        assert other.get("/api/ingest/sites")["sites"] == []
        assert hand_over(other, order(), expect=403)["code"] == "denied"
    hand_over(li, order(note="locked"))
    told = hand_over(li, order(note="mine now"), key="key-of-another-post")
    assert (told[0]["what"], told[0]["said"]) == ("wrong", ["It is there already, and you may not change it."])
    assert [row["item_key"] for row in site.made.ledger("arrival")] == ["316842005117"]


def test_the_pages_are_told_as_data_in_the_language_of_who_asks(site: Site) -> None:
    told = site.program("li").get("/api/ingest/sites")
    assert (told["app"], told["person"], [one["label"] for one in told["sites"]]) == (
        "Pool", "Li", ["JD: to ship", "Taobao: sold"],
    )  # fmt: skip
    assert told["sites"][0]["match"] == ["https://order.jd.example/*"]
    assert told["sites"][0]["fields"][0] == {
        "name": "number", "label": "Number", "css": ".order-no", "attr": None, "pattern": "(\\d{6,})", "type": "text",
        "required": True,
    }  # fmt: skip
    zh = site.program("li").call("GET", "/api/ingest/sites", headers={"Accept-Language": "zh"}).get_json()
    assert zh["sites"][0]["label"] == "京东待出库订单"


def test_nobody_without_a_token_and_no_cookie(site: Site) -> None:
    from engine import sessions

    status, error = site.nobody().error("GET", "/api/ingest/sites")
    assert (status, error["message"]) == (401, "请先使用 API 令牌。令牌在“我的账号”的“API 令牌”里建立。")
    client = site.web.test_client()
    with site.app.database.write() as conn:
        import datetime as dt

        secret = sessions.open_session(conn, site.app.tables, site.made.id_of("li"), now=site.made.clock(),
                                       lasts=dt.timedelta(hours=1), agent="test", address="-")  # fmt: skip
    client.set_cookie("appmill", secret)
    assert client.get("/api/ingest/sites").status_code == 401
    assert client.post(JD, json={"site": "list", "items": [order()]}).status_code == 401
    assert Program(site, "appmill_wrong").call("GET", "/api/ingest/sites").status_code == 401
    assert sales(site.made) == []


def test_only_scripts_of_extensions_may_read_the_answer_and_never_with_cookies(site: Site) -> None:
    li = site.program("li")
    for origin, allowed in ((EXTENSION, EXTENSION), ("moz-extension://3c1f2f6e-4a0b", "moz-extension://3c1f2f6e-4a0b"),
                            ("https://order.jd.example", None), ("null", None), (f"https://{EXTENSION}", None)):  # fmt: skip
        answer = li.call("GET", "/api/ingest/sites", headers={"Origin": origin})
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        asked = site.nobody().call("OPTIONS", JD, headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert asked.status_code == 204
        assert ("Access-Control-Allow-Headers" in asked.headers) is bool(allowed)
        for one in (answer, asked):
            assert "Access-Control-Allow-Credentials" not in one.headers
            assert "Origin" in one.headers["Vary"]
            assert "Set-Cookie" not in one.headers
    refused = site.nobody().call("GET", "/api/ingest/sites", headers={"Origin": EXTENSION})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, EXTENSION)
    other = li.call("GET", "/api/v1/me", headers={"Origin": EXTENSION})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_posts_that_cannot_be_taken(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    li = site.program("li")
    refused = [
        (422, {"site": "list", "items": []}, "items: Send a list of 1 to 50 items."),
        (422, {"site": "list", "items": [{}] * 51}, "items: Send a list of 1 to 50 items."),
        (422, {"site": "other", "items": [{}]}, "site: There is no such page here."),
    ]
    key = {"Idempotency-Key": "key-of-the-first-post"}
    for expected, body, said in refused:
        status, error = li.error("POST", JD, body, headers=key)
        assert (status, problems(error)) == (expected, [said])
    assert li.error("POST", JD, {"site": "list", "items": [order()]})[0] == 400  # no key
    assert li.error("POST", "/api/ingest/orders/none", {"site": "list", "items": [order()]}, headers=key)[0] == 404
    assert li.error("POST", "/api/ingest/none/jd_pages", {"site": "list", "items": [order()]}, headers=key)[0] == 404
    assert li.error("POST", JD, {"site": "list", "items": [{"number": "x" * 600_000}]}, headers=key)[0] == 413
    hand_over(li, order())
    assert hand_over(li, order("9"), expect=409)["message"] == (
        "This key was used for another request. Use a new one for each."
    )
    monkeypatch.setattr("engine.web.ingest.PER_MINUTE", 3)
    assert li.error("GET", "/api/ingest/sites")[0] == 429


# --- the definition --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instead", "of", "said"),
    [
        ("https://order.jd.example/*", "order.jd.example",
         "connections.jd_pages.sites.list.match.0: An address of pages reads like https://shop.example.com/list/*."),
        ("key: number", "key: numbr", "connections.jd_pages.sites.list.key: 'numbr' is none of the fields of the page; "
         "did you mean 'number'?"),
        ("(\\d{6,})", "(\\d{6,}", "connections.jd_pages.sites.list.fields.number.pattern: This is no regular expression: "
         "missing ), unterminated subpattern at position 0."),
        ("(\\d{6,})", "(\\d+)+", "connections.jd_pages.sites.list.fields.number.pattern: A repetition of a repetition, "
         "such as (a+)+, can take for ever."),
        ("recipient.name", "Recipient", "connections.jd_pages.sites.list.fields.Recipient: A value is called like a "
         "field, or buyer.name; `lines` are the lines."),
        ("recipient.name", "total.name", "connections.jd_pages.sites.list.fields.total: 'total' cannot be a value and "
         "have values in it."),
        ("reading: orders", "timezone: Asia/Shangai\n    reading: orders",
         "connections.jd_pages.timezone: There is no time zone Asia/Shangai."),
    ],
)  # fmt: skip
def test_what_a_definition_of_pages_must_say(instead: str, of: str, said: str) -> None:
    instead, of = (text.replace("\\", "\\\\") if "d" in text and "(" in text else text for text in (instead, of))
    _definition, _source, findings = examine(POOL.replace(instead, of, 1), SHARED)
    assert said in [f"{one.path}: {one.message}" for one in findings if one.severity == "error"]
