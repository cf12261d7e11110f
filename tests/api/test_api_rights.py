"""What a person may not see or do, no address, parameter, header or token gets out of the API."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from calling import Program, Site, problems
from visiting import Grounds

from engine import sessions
from engine.web.security import csrf_token_for


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def chief(site: Site) -> Program:
    return site.program("chris")


@pytest.fixture
def pump(chief: Program) -> dict[str, Any]:
    area = chief.create("area", name="Hall 1")
    return chief.create("equipment", tag="P-1", name="Pump", area=area["id"], price="1200.5")


# --- fields ----------------------------------------------------------------------------------------------------------


def test_a_hidden_field_is_nowhere(site: Site, pump: dict[str, Any]) -> None:
    tom, path = site.program("tom"), f"/records/equipment/{pump['id']}"
    site.made.update("equipment", pump["id"], price="1300")

    texts = [
        tom.call("GET", "/records/equipment").text, tom.call("GET", path).text, tom.call("GET", f"{path}/events").text,
        tom.call("GET", "/forms/equipment").text, tom.call("GET", "/openapi.json").text.partition('"part.record"')[0],
    ]  # fmt: skip
    for text in texts:
        assert "1300" not in text
    assert "price" not in tom.get("/records/equipment")["records"][0]
    assert "price" not in {one["name"] for one in tom.get("/forms/equipment")["fields"]}
    schemas = tom.get("/openapi.json")["components"]["schemas"]
    assert "price" not in schemas["equipment.record"]["properties"]
    assert "price" not in schemas["equipment.update"]["properties"]
    assert not [
        one for event in tom.get(f"{path}/events")["events"] for one in event["changes"] if one["field"] == "price"
    ]


@pytest.mark.parametrize("query", ["where.{}.gt=1000", "where.{}.empty=", "sort={}", "sort=-{}", "columns=tag,{}"])
def test_a_hidden_field_is_asked_about_as_one_that_is_not_there(site: Site, pump: dict[str, Any], query: str) -> None:
    tom = site.program("tom")
    hidden = tom.error("GET", f"/records/equipment?{query.format('price')}")
    absent = tom.error("GET", f"/records/equipment?{query.format('prizz')}")
    assert hidden[0] == absent[0] == 422
    assert problems(hidden[1]) == [one.replace("prizz", "price") for one in problems(absent[1])]


def test_a_field_that_may_be_seen_and_not_changed_is_refused_by_name(site: Site, pump: dict[str, Any]) -> None:
    olga = site.program("olga")
    made = olga.create("repair", equipment=pump["id"], fault="It leaks")
    status, error = olga.error(
        "PATCH", f"/records/repair/{made['id']}", {"technician": 1, "parts_cost": 5, "number": "R1"}
    )
    assert status == 422
    assert problems(error) == [
        "number: Number is worked out by itself and cannot be set.",
        "parts_cost: Repair has no field parts_cost; did you mean parts?",
        "technician: You may not change Technician.",
    ]


def test_what_is_not_offered_is_not_taken_on_any_way_in(site: Site, chief: Program, pump: dict[str, Any]) -> None:
    """Mass assignment: creating, changing, taking a step, importing."""
    tom, olga = site.program("tom"), site.program("olga")
    repair = chief.create("repair", equipment=pump["id"], fault="It leaks")
    site.made.take("repair", repair["id"], "assign", technician=site.made.id_of("tom"))
    path = f"/records/repair/{repair['id']}"
    assert (
        olga.error("POST", "/records/repair", {"equipment": pump["id"], "fault": "It leaks", "state": "done"})[0] == 422
    )
    assert tom.error("POST", f"{path}/transitions/finish", {"values": {"finding": "Seal", "parts_cost": 1}})[0] == 422
    assert tom.error("POST", f"{path}/transitions/finish", {"values": {"finding": "Seal", "owner": 1}})[0] == 422
    assert tom.error("PATCH", f"/records/equipment/{pump['id']}", {"price": "1"})[0] == 422
    assert tom.error("POST", "/forms/repair/import", {"values": {}, "state": "done"})[0] == 403
    assert chief.get(path)["state"] == "repairing"


# --- sensitive values ------------------------------------------------------------------------------------------------


def test_a_sensitive_value_is_masked_until_it_is_revealed_and_that_is_noted(site: Site) -> None:
    sven = site.program("sven")
    part = sven.create("part", name="Seal", price="12.50")
    path = f"/records/part/{part['id']}"

    assert part["price"].startswith("••••")
    assert part["masked"] == ["price"]
    assert "12.5" not in sven.call("GET", "/records/part").text
    assert sven.error("GET", "/records/part?sort=price")[0] == 422
    assert sven.error("GET", "/records/part?where.price.gt=1")[0] == 422
    assert sven.send("POST", f"{path}/reveal/price") == {"field": "price", "value": "12.50"}
    event = sven.get(f"{path}/events")["events"][0]
    assert (event["kind"], event["actor"]["name"]) == ("revealed", "Sven")
    assert site.program("tom").error("POST", f"{path}/reveal/price")[0] == 404
    assert sven.error("POST", f"{path}/reveal/name")[0] == 404


def test_a_mask_that_comes_back_is_not_stored(site: Site) -> None:
    sven = site.program("sven")
    part = sven.create("part", name="Seal", price="12.50")
    status, error = sven.error("PATCH", f"/records/part/{part['id']}", {"price": part["price"]})
    assert status == 422
    assert problems(error) == ["price: Price was sent back masked. Leave it out, or send the whole value."]


# --- rows ------------------------------------------------------------------------------------------------------------


def test_records_of_others_are_not_there(site: Site, chief: Program, pump: dict[str, Any]) -> None:
    theirs = chief.create("repair", equipment=pump["id"], fault="It leaks")
    olga = site.program("olga")
    mine = olga.create("repair", equipment=pump["id"], fault="It smokes")
    path = f"/records/repair/{theirs['id']}"

    assert [one["id"] for one in olga.get("/records/repair", count="true")["records"]] == [mine["id"]]
    assert olga.get("/records/repair", count="true")["count"] == 1
    assert olga.get("/records/repair", **{"where.fault.contains": "leaks"})["records"] == []
    assert olga.get("/records/repair", q="leaks")["records"] == []
    there, gone = [], []
    for method, rest in (("GET", ""), ("PATCH", ""), ("GET", "/transitions"), ("GET", "/events"), ("GET", "/comments"),
                         ("POST", "/comments"), ("POST", "/transitions/assign"), ("POST", "/press/ask_for_parts"),
                         ("POST", "/restore"), ("POST", "/reveal/fault")):  # fmt: skip
        body = {"body": "x"} if rest == "/comments" else {}
        sent = {} if method == "GET" else {"json": body}
        there.append(olga.error(method, path + rest, **sent))
        gone.append(olga.error(method, f"/records/repair/999{rest}", **sent))
    for (status, error), (other_status, other) in zip(there, gone, strict=True):
        assert status == other_status == 404
        assert error["message"].replace(str(theirs["id"]), "999") == other["message"]


def test_the_title_of_a_record_one_may_not_see_is_not_told(site: Site, chief: Program, pump: dict[str, Any]) -> None:
    seal = site.program("sven").create("part", name="Secret seal")
    olga = site.program("olga")
    mine = olga.create("repair", equipment=pump["id"], fault="It smokes")
    chief.send("PATCH", f"/records/repair/{mine['id']}", {"parts": [{"part": seal["id"], "quantity": 1}]})
    for text in (
        olga.call("GET", f"/records/repair/{mine['id']}").text,
        olga.call("GET", "/records/repair?lines=true").text,
    ):
        assert "Secret seal" not in text


def test_a_form_one_may_not_see_is_not_there(site: Site) -> None:
    olga = site.program("olga")
    for path in ("/records/part", "/forms/part", "/records/part/1", "/forms/part/views"):
        assert olga.error("GET", path)[0] == 404
    assert "part" not in {one["name"] for one in olga.get("/")["forms"]}
    document = olga.call("GET", "/openapi.json").text
    assert "/records/part" not in document
    assert "P-{0000}" not in document


def test_a_saved_view_of_others_does_not_tell_hidden_fields(site: Site, chief: Program) -> None:
    chief.send("POST", "/forms/equipment/views", {
        "name": "Dear ones", "query": "where.price.gt=1000&where.name.contains=Pump", "shared": True}, expect=201)  # fmt: skip
    seen = site.program("tom").get("/forms/equipment/views")["views"][0]
    assert "price" not in seen["query"]
    assert "where.name.contains=Pump" in seen["query"]


# --- who asks --------------------------------------------------------------------------------------------------------


def test_without_a_token_nothing_is_told_by_any_door(site: Site) -> None:
    document = site.program("admin").get("/openapi.json")
    everyone = [site.nobody(), Program(site, "appmill_of_nobody")]
    for path, item in document["paths"].items():
        for method in item:
            for program in everyone:
                answer = program.call(method.upper(), path.replace("{id}", "1"))
                assert answer.status_code == 401, f"{method} {path}"
                assert answer.headers["WWW-Authenticate"] == 'Bearer realm="api"'
                assert answer.get_json()["error"]["code"] == "unauthorized"
    assert site.nobody().error("GET", "/openapi.json")[0] == 401
    assert site.nobody().error("PUT", "/records/area")[0] == 401
    assert site.nobody().error("GET", "/nothing")[0] == 401


def test_another_scheme_or_a_cookie_beside_a_wrong_token_does_not_count(site: Site) -> None:
    token = site.token("chris")
    nobody = site.nobody()
    assert nobody.error("GET", "/me", headers={"Authorization": f"Basic {token}"})[0] == 401
    assert nobody.error("GET", f"/me?token={token}")[0] == 401


def test_a_token_reaches_as_far_as_its_scopes(site: Site, pump: dict[str, Any]) -> None:
    reading = site.program("chris", ["read"])
    assert reading.get(f"/records/equipment/{pump['id']}")["name"] == "Pump"
    path = f"/records/equipment/{pump['id']}"
    for method, where, body in (
        ("POST", "/records/area", {"name": "B"}), ("PATCH", path, {"name": "B"}), ("DELETE", path, None),
        ("POST", f"{path}/comments", {"body": "B"}), ("POST", "/notifications/read", {}),
        ("POST", "/forms/area/views", {"name": "B"}),
    ):  # fmt: skip
        status, error = reading.error(method, where, body)
        assert (status, error["code"]) == (403, "denied"), f"{method} {where} {error}"
    operations = {method for item in reading.get("/openapi.json")["paths"].values() for method in item}
    assert operations == {"get", "post"}
    posts = {path for path, item in reading.get("/openapi.json")["paths"].items() if "post" in item}
    assert {path.rpartition("/")[2] for path in posts} <= {"files", "price"}, posts


def test_a_token_for_one_form_knows_of_no_other(site: Site, pump: dict[str, Any]) -> None:
    narrow = site.program("chris", ["area:read", "area:create"])
    assert [one["name"] for one in narrow.get("/")["forms"]] == ["area"]
    assert narrow.get("/")["pages"] == []
    assert narrow.create("area", name="Hall 2")["name"] == "Hall 2"
    assert narrow.error("PATCH", "/records/area/1", {"name": "B"})[0] == 403
    assert narrow.error("GET", "/records/equipment")[0] == 404
    assert narrow.error("GET", "/notifications")[0] == 403
    assert "equipment" not in narrow.call("GET", "/openapi.json").text


def test_a_revoked_a_past_and_a_dead_persons_token_are_refused_at_once(site: Site) -> None:
    tables, now = site.app.tables, site.made.clock()
    revoked, past = site.token("chris"), site.token("chris", expires_at=now + dt.timedelta(days=1))
    programs = [Program(site, one) for one in (revoked, past, site.token("tom"))]
    assert [one.call("GET", "/me").status_code for one in programs] == [200, 200, 200]
    with site.app.database.write() as conn:
        sessions.revoke_token(conn, tables, 1, now=now)
        conn.execute(tables.user.update().where(tables.user.c.login == "tom").values(active=False))
    site.made.clock.advance(days=2)
    assert [one.call("GET", "/me").status_code for one in programs] == [401, 401, 401]


def test_a_role_taken_away_is_gone_with_the_next_request(site: Site, chief: Program) -> None:
    tables = site.app.tables
    assert chief.call("POST", "/records/area", json={"name": "Hall 1"}).status_code == 201
    with site.app.database.write() as conn:
        conn.execute(tables.user_role.delete().where(tables.user_role.c.user_id == site.made.id_of("chris")))
    assert chief.error("POST", "/records/area", {"name": "Hall 2"})[0] == 404
    assert chief.get("/")["forms"] == []


# --- browsers --------------------------------------------------------------------------------------------------------


def test_a_session_may_read_and_with_its_token_write(make_app: Any) -> None:
    grounds = Grounds(make_app(TICKETS_, people={"ann": "agent"}))
    ann = grounds.visitor("ann")
    assert ann.get("/api/v1/me", headers={"Accept-Language": "zh"}).get_json()["name"] == "Ann"
    own = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(ann.cookie)}

    def post(**headers: str) -> Any:
        return ann.client.post("/api/v1/records/ticket", json={"subject": "Printer"}, headers=headers)

    assert post(**own).status_code == 201
    assert post().status_code == 403
    assert post(**own | {"X-CSRF-Token": "another"}).get_json()["error"]["code"] == "denied"
    assert post(**own | {"Sec-Fetch-Site": "cross-site"}).status_code == 403
    wrong = ann.get("/api/v1/records/ticket?limit=x", headers={"Accept-Language": "zh"}).get_json()["error"]
    assert wrong["message"].startswith("limit is a number"), "people have chosen their language"


def test_the_page_about_the_api_asks_to_sign_in_first(make_app: Any) -> None:
    grounds = Grounds(make_app(TICKETS_, people={"ann": "agent"}))
    answer = grounds.visitor().get("/api/v1/docs")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign_in?next=/api/v1/docs")
    assert "ticket" not in answer.text
    assert grounds.visitor("ann").get("/api/v1/docs").status_code == 200


TICKETS_ = """
app: helpdesk
label: {en: Help desk}
languages: [en, zh]
roles: {agent: {label: {en: Agent}}}
forms:
  ticket:
    label: {en: Ticket}
    fields: {subject: {type: text, label: {en: Subject}, required: true}}
    permissions: {agent: {create: true, read: true, update: true}}
"""
