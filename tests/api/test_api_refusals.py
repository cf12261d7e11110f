"""Every no has the same shape, a code programs can act on and words people can read; nothing breaks on bad input."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import servers
from calling import MAINTENANCE, Program, Site, problems
from fake_clock import FakeClock
from making import make


# One application for all refusals: what is refused leaves nothing behind.
@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("refusals")
    with servers.database_of(request.param, folder) as url:
        made = make(MAINTENANCE, url, folder, FakeClock())
        yield Site(made, lasting=True)
        made.application.database.close()


@pytest.fixture(scope="module")
def chief(site: Site) -> Program:
    return site.program("chris")


@pytest.fixture
def hall(chief: Program) -> dict[str, Any]:
    return chief.create("area", name=f"Hall {uuid.uuid4().hex[:8]}")


def raw(
    program: Program, method: str, path: str, data: bytes, content_type: str = "application/json"
) -> tuple[int, str, str]:
    status, error = program.error(method, path, data=data, content_type=content_type)
    return status, error["code"], error["message"]


# --- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "said"), [
    (b"", "The body is not JSON: line 1, column 1."),
    (b'{"name": ', "The body is not JSON: line 1, column 10."),
    (b"[]", 'The body must be a JSON object, such as {"name": "value"}.'),
    (b'"text"', 'The body must be a JSON object, such as {"name": "value"}.'),
    (b"null", 'The body must be a JSON object, such as {"name": "value"}.'),
    (b'{"name": NaN}', "The body has a number that JSON or this server does not know."),
    (b'{"name": ' + b"9" * 5000 + b"}", "The body has a number that JSON or this server does not know."),
    (b'{"name": "\\ud800"}', "The body has half of a character (a lone surrogate)."),
    (b'{"\\udfff": 1}', "The body has half of a character (a lone surrogate)."),
    (b'{"name": "\xff"}', "The body is not text in UTF-8."),
    (b'{"name": ' + b"[" * 60 + b"]" * 60 + b"}", "The body is nested more than 40 levels deep."),
    (b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "The body is nested more than 40 levels deep."),
])  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_400(chief: Program, sent: bytes, said: str) -> None:
    assert raw(chief, "POST", "/records/area", sent) == (400, "bad_request", said)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"]
)
def test_a_body_of_another_type_is_a_415(chief: Program, content_type: str) -> None:
    said = "Send JSON with the header Content-Type: application/json."
    assert raw(chief, "POST", "/records/area", b'{"name": "Hall 2"}', content_type) == (415, "unsupported", said)


def test_an_answer_nobody_takes_is_a_406(chief: Program) -> None:
    status, error = chief.error("GET", "/records/area", headers={"Accept": "application/xml, text/html;q=0.5"})
    assert (status, error["code"], error["message"]) == (
        406,
        "not_acceptable",
        "This answers in application/json only.",
    )
    assert chief.call("GET", "/records/area", headers={"Accept": "text/html, */*;q=0.1"}).status_code == 200


def test_a_body_too_large_is_a_413(chief: Program) -> None:
    sent = b'{"name": "' + b"x" * (8 * 1024 * 1024) + b'"}'
    assert raw(chief, "POST", "/records/area", sent)[:2] == (413, "too_large")


# --- what is not there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [
    "/records/nothing", "/records/area/99", "/records/area/99999999999999999999999", "/records/area/-1",
    "/records/area/x", "/records/part_use", "/forms/nothing", "/nothing/of/the/kind", "/records/area/1/transitions/up",
    "/records/area/%00", "/files/99", "/forms/area/options/name",
])  # fmt: skip
def test_what_is_not_there_is_a_404_in_json(chief: Program, path: str) -> None:
    method = "POST" if "/transitions/" in path else "GET"
    status, error = chief.error(method, path)
    assert (status, error["code"]) == (404, "missing")
    assert error["message"]


def test_a_method_that_is_not_there_is_a_405_naming_the_others(chief: Program, hall: dict[str, Any]) -> None:
    answer = chief.call("PUT", f"/records/area/{hall['id']}", json={})
    assert answer.status_code == 405
    assert answer.get_json()["error"]["code"] == "method_not_allowed"
    assert {"GET", "PATCH", "DELETE"} <= set(answer.headers["Allow"].split(", "))


# --- what is wrong ---------------------------------------------------------------------------------------------------


def test_everything_wrong_is_said_at_once(chief: Program, hall: dict[str, Any]) -> None:
    status, error = chief.error("POST", "/records/equipment", {
        "tag": "pump", "area": "x", "price": -1, "bought_on": "31 February", "criticality": 9, "colour": "red",
        "running": "perhaps",
    })  # fmt: skip
    assert (status, error["code"]) == (422, "invalid")
    assert {one["where"] for one in error["problems"]} >= {
        "tag",
        "area",
        "price",
        "bought_on",
        "criticality",
        "colour",
        "running",
    }
    assert "area: Area must be the number of a record, such as 12; got “x”." in problems(error)


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}, True, [[["deep"]]], 10**400, -1e300, "\0", "x" * 100_000])
@pytest.mark.parametrize(
    "field", ["name", "area", "price", "bought_on", "criticality", "running", "manual", "label_code"]
)
def test_a_value_of_any_type_is_taken_or_refused_never_a_defect(
    chief: Program, hall: dict[str, Any], field: str, value: Any
) -> None:
    answer = chief.call(
        "POST", "/records/equipment", json={"tag": f"P-{uuid.uuid4().hex[:8]}", "name": "Pump", "area": hall["id"], field: value}
    )
    assert answer.status_code in (201, 422), answer.text


@pytest.mark.parametrize("points", [1, "x", {}, [1], [[]], [{"id": "x"}], [{"id": -1}], [{"id": 10**30}], [{"id": True}],
                                    [{"id": 77, "what": "Gone"}], [{"what": {}}], [{"points": []}], [{"version": 1}]])  # fmt: skip
def test_lines_of_any_shape_are_refused_in_words(chief: Program, hall: dict[str, Any], points: Any) -> None:
    made = chief.create("round", planned_on="2026-03-01", area=hall["id"])
    status, error = chief.error("PATCH", f"/records/round/{made['id']}", {"points": points})
    assert status == 422
    assert error["problems"][0]["where"].startswith("points")


def test_what_the_system_keeps_cannot_be_sent(chief: Program, hall: dict[str, Any]) -> None:
    kept = ["id", "state", "owner", "created_by", "created_at", "updated_at", "deleted_at", "state_due", "owner_role"]
    status, error = chief.error("POST", "/records/area", {"name": "Hall 2", **dict.fromkeys(kept, 1)})
    assert status == 422
    assert problems(error) == [f"{name}: {name} is kept by the system and cannot be set." for name in sorted(kept)]
    assert chief.error("PATCH", f"/records/area/{hall['id']}", {"id": 5})[0] == 422
    assert chief.error("PATCH", f"/records/area/{hall['id']}", {"_title": "x", "_parent": 1})[0] == 422


@pytest.mark.parametrize(("query", "said"), [
    ("colour=red", "colour: There is no parameter “colour”; there is columns."),
    ("where.nme.eq=x", "where.nme.eq: There is no field “nme” to use here; there is name."),
    ("where.name.like=x", "where.name.like: There is no operator “like” for this field; there is"),
    ("sort=size", "sort: There is no field “size” to use here; there is"),
    ("columns=name,size", "columns: There is no field “size” to use here; there is"),
    ("limit=0", "limit: limit is a number from 1 to 100, not “0”."),
    ("limit=99999999999999999999999999", "limit: limit is a number from 1 to 100, not “99999999999999999999”."),
    ("lines=", "lines: lines is true or false, not “”."),
    ("count=perhaps", "count: count is true or false, not “perhaps”."),
    ("where.id.eq=99999999999999999999999999999", "where.id.eq: ID must be a number"),
    ("where.created_at.before=soon", "where.created_at.before: "),
    ("after=x&before=y", "before: Give either after or before, not both."),
])  # fmt: skip
def test_a_query_nobody_understands_is_refused_by_name(chief: Program, query: str, said: str) -> None:
    status, error = chief.error("GET", f"/records/area?{query}")
    assert (status, error["code"]) == (422, "invalid")
    assert problems(error)[0].startswith(said)


@pytest.mark.parametrize("query", ["after=x", "after=AAAA", "before=W1tdXQ", "after=%F0%9F", "after=" + "A" * 5000])
def test_a_place_in_a_list_that_nobody_gave_out_is_refused(chief: Program, query: str) -> None:
    assert chief.error("GET", f"/records/area?{query}")[0] == 422


def test_a_nul_in_the_address_is_refused_by_name(chief: Program) -> None:
    assert chief.error("GET", "/records/area?q=%00")[0] == 422
    assert chief.error("GET", "/forms/equipment/options/area?q=%00")[0] == 422


def test_every_door_refuses_parameters_it_does_not_know(chief: Program, hall: dict[str, Any]) -> None:
    for path in ("/", "/me", "/notifications", "/openapi.json", "/forms/area", "/forms/area/views",
                 f"/records/area/{hall['id']}", f"/records/area/{hall['id']}/events", f"/records/area/{hall['id']}/transitions",
                 f"/records/area/{hall['id']}/comments"):  # fmt: skip
        status, error = chief.error("GET", f"{path}?surprise=1")
        assert (status, error["problems"][0]["where"]) == (422, "surprise"), path


@pytest.mark.parametrize(("body", "where"), [
    ({"value": {}}, "value"), ({"values": []}, "values"), ({"version": "1"}, "version"), ({"version": True}, "version"),
    ({"version": 10**30}, "version"), ({"version": -1}, "version"), ({"reason": 5}, "reason"), ({"reason": "\0"}, "reason"),
    ({"reason": "x" * 5000}, "reason"),
])  # fmt: skip
def test_a_step_says_what_is_wrong_with_what_came_along(
    chief: Program, hall: dict[str, Any], body: Any, where: str
) -> None:
    made = chief.create("round", planned_on="2026-03-01", area=hall["id"])
    status, error = chief.error("POST", f"/records/round/{made['id']}/transitions/close", body)
    assert (status, error["problems"][0]["where"]) == (422, where)


@pytest.mark.parametrize("history", [1, "x", [1], [{"state": "reported"}], [{"state": []}], [{"state": "done", "who": 1}],
                                     [{"state": "reported", "entered_at": "soon"}], [{"entered_by": "tom"}], [{}] * 501,
                                     [{"state": "reported", "entered_at": "2999-01-01T00:00:00Z"}]])  # fmt: skip
def test_a_history_of_any_shape_is_refused_in_words(site: Site, hall: dict[str, Any], history: Any) -> None:
    body = {"values": {"fault": "It leaks"}, "state": "done", "history": history}
    status, error = site.program("admin").error("POST", "/forms/repair/import", body)
    assert status == 422
    assert error["problems"][0]["where"].startswith("history")


# --- two at once -----------------------------------------------------------------------------------------------------


def test_a_change_over_an_old_version_is_refused_with_the_present_one(chief: Program, hall: dict[str, Any]) -> None:
    path = f"/records/area/{hall['id']}"
    chief.send("PATCH", path, {"colour": "#ff0000", "version": 1})
    for options in ({"json": {"name": "B", "version": 1}}, {"json": {"name": "B"}, "headers": {"If-Match": '"1"'}}):
        status, error = chief.error("PATCH", path, **options)
        assert (status, error["code"], error["version"]) == (409, "stale", 2)
    assert chief.error("DELETE", path, headers={"If-Match": '"1"'})[1]["code"] == "stale"
    assert chief.call("GET", path).headers["ETag"] == '"2"'
    assert chief.send("PATCH", path, {"name": "B"}, If_Match='"2"')["version"] == 3


@pytest.mark.parametrize("tag", ["", "2", '"x"', '"0"', '"1", "2"', "W/2"])
def test_an_etag_nobody_gave_out_is_named(chief: Program, hall: dict[str, Any], tag: str) -> None:
    status, error = chief.error("PATCH", f"/records/area/{hall['id']}", {"name": "B"}, headers={"If-Match": tag})
    assert (status, error["problems"][0]["where"]) == (422, "If-Match")


def test_versions_that_differ_are_refused(chief: Program, hall: dict[str, Any]) -> None:
    status, error = chief.error("PATCH", f"/records/area/{hall['id']}", {"version": 1}, headers={"If-Match": '"2"'})
    assert (status, error["message"]) == (409, "The version that was sent and If-Match differ.")


@pytest.mark.parametrize("key", ["", "é", "x" * 201, "two words"])
def test_a_key_that_cannot_be_kept_is_a_400(chief: Program, key: str) -> None:
    status, _ = chief.error(
        "POST", "/records/area", {"name": "B"}, headers={"Idempotency-Key": key.encode().decode("latin-1")}
    )
    assert status == 400


# --- what stands in the way ------------------------------------------------------------------------------------------


def test_a_record_others_link_to_is_not_deleted(chief: Program, hall: dict[str, Any]) -> None:
    chief.create("equipment", tag="Q-1", name="Pump", area=hall["id"])
    status, error = chief.error("DELETE", f"/records/area/{hall['id']}")
    assert (status, error["code"]) == (409, "refused")


def test_a_step_from_another_state_or_for_others_is_refused(site: Site, chief: Program, hall: dict[str, Any]) -> None:
    pump = chief.create("equipment", tag="Q-2", name="Pump", area=hall["id"])["id"]
    path = f"/records/repair/{chief.create('repair', equipment=pump, fault='It leaks')['id']}"
    status, error = chief.error("POST", f"{path}/transitions/finish", {})
    assert (status, error["code"]) == (409, "refused")
    status, error = site.program("tom").error("POST", f"{path}/transitions/assign", {})
    assert (status, error["code"]) == (403, "denied")
    status, error = site.program("tom").error("POST", f"{path}/press/nothing")
    assert status == 404


# --- in whose words --------------------------------------------------------------------------------------------------


def test_a_program_is_answered_in_the_language_it_asks_for(site: Site, chief: Program) -> None:
    status, error = chief.error("GET", "/records/area?limit=0", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert error["message"] == "limit 是 1 到 100 的数字，不能是“0”。" or "limit" in error["message"]
    assert any(ord(letter) > 0x3000 for letter in error["message"]), error["message"]
    body = chief.call("GET", "/forms/area", headers={"Accept-Language": "zh"}).get_json()
    assert body["label"] == "区域"
    status, error = site.nobody().error("GET", "/me", headers={"Accept-Language": "zh"})
    assert (status, error["message"]) == (401, "请先登录。")


def test_a_browser_is_answered_in_the_language_of_its_person(site: Site) -> None:
    # the words of a session's person, whatever the browser prefers, are proved with the session below
    assert site.program("chris").get("/me")["language"] == "en"


def test_answers_are_utf8_json_that_nobody_keeps(chief: Program) -> None:
    chief.create("area", name="车间一")
    answer = chief.call("GET", "/records/area?q=车间一")
    assert "车间一" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert {"Accept-Language", "Authorization", "Cookie"} <= set(answer.headers["Vary"].replace(" ", "").split(","))
    assert "车间一" in [record["name"] for record in json.loads(answer.data)["records"]]
