"""The whole life of records over the API, as programs of different people live it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from calling import Program, Site


@pytest.fixture
def chief(site: Site) -> Program:
    return site.program("chris")


@pytest.fixture
def pump(chief: Program) -> int:
    area = chief.create("area", name="Hall 1")
    return int(chief.create("equipment", tag="P-1", name="Pump", area=area["id"], price="1200.5")["id"])


def test_a_repair_from_report_to_done(site: Site, chief: Program, pump: int) -> None:
    olga, tom = site.program("olga"), site.program("tom")
    seal = site.program("sven").create("part", name="Seal", stock=4, price="12.50")["id"]

    made = olga.call("POST", "/records/repair", json={
        "equipment": pump, "fault": "It leaks", "kinds": ["leak"], "stopped": True,
        "stopped_at": "2026-02-28T09:30:00+01:00",
    })  # fmt: skip

    assert made.status_code == 201
    repair = made.get_json()
    path = f"/records/repair/{repair['id']}"
    assert made.headers["Location"] == f"/api/v1{path}"
    assert repair["state"] == "reported"
    assert repair["version"] == 1
    assert repair["stopped_at"] == "2026-02-28T08:30:00Z"
    assert repair["titles"]["equipment"] == "P-1 Pump"
    assert repair["titles"]["created_by"] == "Olga"
    assert "parts_cost" not in repair, "operators do not see what parts cost"
    with_parts = chief.send("PATCH", path, {"parts": [{"part": seal, "quantity": 2}]})
    assert with_parts["parts"][0] | {"id": 0} == {
        "id": 0, "part": seal, "quantity": 2, "cost": "25.00", "titles": {"part": "P-0001 Seal"}}  # fmt: skip
    assert olga.get(path)["parts"][0]["titles"] == {}, "operators do not see parts"
    assert chief.get(f"/records/equipment/{pump}")["running"] is False, "a rule stopped the machine"

    doors = chief.get(f"{path}/transitions")
    assert [(one["name"], one["open"]) for one in doors["transitions"]] == [("assign", True)]
    assert [one["asked"] for one in doors["transitions"][0]["obstacles"]] == [True, True]
    taken = chief.send("POST", f"{path}/transitions/assign", {"values": {"technician": site.made.id_of("tom")}})
    assert taken["state"] == "repairing"
    assert taken["titles"]["owner"] == "Tom"
    assert taken["parts_cost"] == "25.00"

    changed = tom.send("PATCH", path, {"finding": "Worn seal", "version": taken["version"]})
    assert changed["finding"] == "Worn seal"
    urgent = tom.send("POST", f"{path}/press/ask_for_parts")
    assert urgent["severity"] == "high"

    status, error = tom.error("POST", f"{path}/transitions/finish")
    assert (status, error["code"]) == (409, "refused")
    done = tom.send("POST", f"{path}/transitions/finish", {"values": {"downtime": 5400}, "version": urgent["version"]})
    assert done["state"] == "done"
    assert done["downtime"] == 5400
    assert chief.get(f"/records/equipment/{pump}")["running"] is True

    events = chief.get(f"{path}/events")["events"]
    assert [one["kind"] for one in events if one["rule"] is None] == [
        "taken", "pressed", "updated", "taken", "updated", "created"]  # fmt: skip
    assert events[0]["transition"] == "finish"
    assert events[0]["actor"] == {"id": site.made.id_of("tom"), "name": "Tom"}
    finding = next(one for event in events for one in event["changes"] if one["field"] == "finding")
    assert finding == {"field": "finding", "before": None, "after": "Worn seal"}


def test_lines_are_changed_added_and_removed_with_their_record(chief: Program, pump: int) -> None:
    area = chief.get("/records/area")["records"][0]["id"]
    made = chief.create("round", planned_on="2026-03-01", area=area,
                        points=[{"equipment": pump, "what": "Noise"}, {"equipment": pump, "what": "Leaks"}])  # fmt: skip
    first, second = made["points"]
    assert first["titles"] == {"equipment": "P-1 Pump"}

    changed = chief.send("PATCH", f"/records/round/{made['id']}", {
        "points": [{"id": second["id"], "result": "bad", "remark": "drips"}, {"equipment": pump, "what": "Heat"}],
    })  # fmt: skip

    assert [(one["what"], one["result"]) for one in changed["points"]] == [("Leaks", "bad"), ("Heat", None)]
    assert changed["points"][0]["id"] == second["id"]
    assert changed["problems"] == 1


def test_a_page_of_records_comes_with_lines_when_asked(chief: Program, pump: int) -> None:
    for day in ("01", "02"):
        chief.create("round", planned_on=f"2026-03-{day}", area=1, points=[{"equipment": pump, "what": f"Look {day}"}])

    bare = chief.get("/records/round", sort="planned_on")["records"]
    full = chief.get("/records/round", sort="planned_on", lines="true")["records"]

    assert ["points" in one for one in bare] == [False, False]
    assert [one["points"][0]["what"] for one in full] == ["Look 01", "Look 02"]
    assert [one["points"][0]["titles"] for one in full] == [{"equipment": "P-1 Pump"}] * 2


def test_a_page_costs_the_same_number_of_queries_however_long_it_is(chief: Program, pump: int) -> None:
    import sqlalchemy as sa

    engine, asked = chief.site.app.database.engine, []
    for day in range(1, 4):
        chief.create("round", planned_on=f"2026-03-0{day}", area=1, points=[{"equipment": pump, "what": "Look"}])
    sa.event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    counts = []
    for limit in ("1", "3"):
        asked.clear()
        chief.get("/records/round", lines="true", limit=limit)
        counts.append(len(asked))
    assert counts[0] == counts[1], counts


def test_a_list_is_asked_in_the_words_of_every_list(chief: Program) -> None:
    for name in ("North", "South", "East", "West"):
        chief.create("area", name=name, colour="#ff0000" if name == "East" else None)

    assert [one["name"] for one in chief.get("/records/area", sort="-name", limit="2")["records"]] == ["West", "South"]
    assert [one["name"] for one in chief.get("/records/area", **{"where.name.contains": "st", "sort": "name"})["records"]] == [
        "East", "West"]  # fmt: skip
    found = chief.get("/records/area", **{"where.colour.not_empty": "", "columns": "colour", "count": "true"})
    assert found["count"] == 1
    assert found["count_capped"] is False
    assert set(found["records"][0]) == {"id", "version", "title", "colour", "titles"}
    assert [one["title"] for one in chief.get("/records/area", q="sou")["records"]] == ["South"]


def test_pages_follow_each_other_forth_and_back(chief: Program) -> None:
    for number in range(5):
        chief.create("area", name=f"Hall {number}")

    first = chief.get("/records/area", sort="name", limit="2")
    second = chief.get("/records/area", sort="name", limit="2", after=first["after"])
    again = chief.get("/records/area", sort="name", limit="2", before=second["before"])

    assert [one["name"] for one in second["records"]] == ["Hall 2", "Hall 3"]
    assert again["records"] == first["records"]
    assert first["before"] is None


def test_no_view_is_taken_unless_it_is_named(site: Site, chief: Program, pump: int) -> None:
    made = chief.create("repair", equipment=pump, fault="It leaks")
    site.made.take("repair", made["id"], "assign", technician=site.made.id_of("tom"))
    site.made.take("repair", made["id"], "finish", as_="admin", finding="Seal", downtime="1h")

    assert [one["id"] for one in chief.get("/records/repair")["records"]] == [made["id"]]
    assert chief.get("/records/repair", view="open")["records"] == []


def test_deleted_and_brought_back(chief: Program) -> None:
    made = chief.create("area", name="Hall 9")
    path = f"/records/area/{made['id']}"

    assert (
        chief.call("DELETE", path, query_string={"version": made["version"], "reason": "Torn down"}).status_code == 204
    )

    assert chief.error("GET", path)[0] == 404
    assert chief.get("/records/area")["records"] == []
    assert chief.get(path, deleted="true")["deleted_at"]
    back = chief.send("POST", f"{path}/restore")
    assert back["name"] == "Hall 9"
    assert "deleted_at" not in back
    assert [one["reason"] for one in chief.get(f"{path}/events")["events"]] == [None, "Torn down", None]


def test_brought_in_with_state_and_history(site: Site, pump: int) -> None:
    admin = site.program("admin")
    made = admin.send("POST", "/forms/repair/import", {
        "values": {"number": "R26-0042", "equipment": pump, "fault": "Old fault", "finding": "Rust"},
        "state": "done",
        "history": [
            {"state": "reported", "entered_at": "2026-01-05T08:00:00Z", "left_at": "2026-01-05T09:00:00Z"},
            {"state": "repairing", "entered_at": "2026-01-05T09:00:00Z", "left_at": "2026-01-06T09:00:00Z"},
        ],
    }, expect=201)  # fmt: skip

    assert (made["state"], made["number"]) == ("done", "R26-0042")
    assert made["created_at"] == "2026-01-05T08:00:00Z"
    assert site.made.create("repair", equipment=pump, fault="New fault").row["number"] == "R26-0043"


def test_comments_are_written_listed_and_told(site: Site, chief: Program, pump: int) -> None:
    repair = chief.create("repair", equipment=pump, fault="It leaks")
    path = f"/records/repair/{repair['id']}/comments"

    made = chief.send("POST", path, {"body": "Please look, @tom and @sven"}, expect=201)

    assert made["author"]["name"] == "Chris"
    assert made["not_told"] == ["Sven"], "the storekeeper may not see this repair"
    assert [one["body"] for one in chief.get(path)["comments"]] == ["Please look, @tom and @sven"]
    told = site.program("tom").get("/notifications", unread="true")["notifications"]
    assert [(one["form"], one["record_id"], one["unread"]) for one in told] == [("repair", repair["id"], True)]
    assert site.program("tom").send("POST", "/notifications/read", {"id": told[0]["id"]}, expect=204) is None
    assert site.program("tom").get("/notifications", unread="true")["notifications"] == []


def test_a_file_is_uploaded_put_in_a_field_and_read_back(chief: Program, pump: int) -> None:
    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (4, 4)).save(picture, "PNG")
    content = picture.getvalue()
    sent = {"form": "repair", "field": "photo", "file": (io.BytesIO(content), "leak.png")}
    file = chief.call("POST", "/files", data=sent)
    assert file.status_code == 201, file.text

    repair = chief.create("repair", equipment=pump, fault="It leaks", photo=[file.get_json()["id"]])

    assert repair["titles"]["photo"] == ["leak.png"]
    for reader in (chief, chief.site.program("tara")):
        with reader.call("GET", f"/files/{repair['photo'][0]}", headers={"Accept": "image/png"}) as back:
            assert back.data == content
    assert chief.site.program("sven").error("GET", f"/files/{repair['photo'][0]}")[0] == 404


def test_the_same_key_creates_once(chief: Program) -> None:
    first = chief.send("POST", "/records/area", {"name": "Hall 1"}, expect=201, Idempotency_Key="a-1")
    again = chief.call("POST", "/records/area", json={"name": "Hall 1"}, headers={"Idempotency-Key": "a-1"})
    other = chief.error("POST", "/records/area", {"name": "Hall 2"}, headers={"Idempotency-Key": "a-1"})

    assert again.status_code == 201
    assert again.get_json()["id"] == first["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other[0] == 409
    assert other[1]["message"] == "This key was used for another request. Use a new one for each."
    assert len(chief.get("/records/area")["records"]) == 1


def test_the_same_key_of_another_person_or_another_door_is_another_key(site: Site, chief: Program, pump: int) -> None:
    admin = site.program("admin")
    chief.send("POST", "/records/area", {"name": "Hall 1"}, expect=201, Idempotency_Key="a-1")
    admin.send("POST", "/records/area", {"name": "Hall 1"}, expect=201, Idempotency_Key="a-1")
    made = chief.send(
        "POST", "/records/repair", {"equipment": pump, "fault": "It leaks"}, expect=201, Idempotency_Key="a-1"
    )
    path = f"/records/repair/{made['id']}/transitions/assign"
    body = {"values": {"technician": site.made.id_of("tom")}}
    once = chief.send("POST", path, body, Idempotency_Key="a-1")
    twice = chief.send("POST", path, body, Idempotency_Key="a-1")

    assert once["state"] == twice["state"] == "repairing"
    assert [one["kind"] for one in chief.get(f"/records/repair/{made['id']}/events")["events"]] == ["taken", "created"]


def test_a_comment_with_a_key_is_written_once(chief: Program, pump: int) -> None:
    repair = chief.create("repair", equipment=pump, fault="It leaks")
    path = f"/records/repair/{repair['id']}/comments"
    for _ in range(2):
        chief.send("POST", path, {"body": "Seen"}, expect=201, Idempotency_Key="c-1")
    assert len(chief.get(path)["comments"]) == 1


def test_views_are_saved_listed_and_deleted(site: Site, chief: Program) -> None:
    made = chief.send("POST", "/forms/repair/views", {
        "name": "Severe", "query": "where.severity.eq=high&sort=-number", "shared": True}, expect=201)  # fmt: skip
    assert made["query"] == "view=open&where.severity.eq=high&sort=-number"
    seen = site.program("tom").get("/forms/repair/views")["views"]
    assert [(one["name"], one["mine"]) for one in seen] == [("Severe", False)]
    assert site.program("tom").error("DELETE", f"/forms/repair/views/{made['id']}")[0] == 404
    assert chief.call("DELETE", f"/forms/repair/views/{made['id']}").status_code == 204
    assert chief.get("/forms/repair/views")["views"] == []


def test_a_form_tells_what_it_has_and_a_link_what_it_takes(chief: Program, pump: int) -> None:
    form = chief.get("/forms/repair")
    fields = {one["name"]: one for one in form["fields"]}
    assert fields["severity"]["options"] == [{"label": "Low", "name": "low"}, {"label": "High", "name": "high"}]
    assert fields["equipment"]["form"] == "equipment"
    assert fields["number"]["may_update"] is False
    assert [one["name"] for one in fields["parts"]["fields"]] == ["part", "quantity", "cost"]
    assert form["may"]["delete"] is True
    assert form["links"]["export_csv"] == "/repair/export.csv"
    options = chief.get("/forms/repair/options/equipment", q="pum")["options"]
    assert options == [{"id": pump, "title": "P-1 Pump"}]


def test_the_first_page_tells_what_is_there(site: Site) -> None:
    index = site.program("sven").get("/")
    assert [one["name"] for one in index["forms"]] == ["area", "equipment", "part", "repair"]
    assert index["pages"] == [{"label": "Overview", "name": "overview", "url": "/pages/overview"}]
    assert site.program("sven").get("/me") == {
        "id": site.made.id_of("sven"), "login": "sven", "name": "Sven", "language": "en", "timezone": "Europe/Berlin",
        "roles": [{"name": "storekeeper", "label": "Storekeeper"}], "groups": [], "scopes": None,
    }  # fmt: skip


# --- the other application -------------------------------------------------------------------------------------------


def test_an_order_goes_its_way_by_the_same_doors(hub: Site) -> None:
    admin = hub.program("admin")
    index = {one["name"]: one for one in admin.get("/")["forms"]}
    assert {"customer", "order"} <= set(index)
    for name in index:
        form = admin.get(f"/forms/{name}")
        assert admin.get(f"/records/{name}", lines="true")["records"] == []
        assert {one["name"] for one in form["fields"]}
    customer = admin.create("customer", **minimal(admin, "customer"))
    found = admin.get("/records/customer", **{"where.id.eq": str(customer["id"])})["records"]
    assert [one["title"] for one in found] == [customer["title"]]


def minimal(program: Program, form: str) -> dict[str, Any]:
    """Something for every field the document says is needed."""
    schema = program.get("/openapi.json")["components"]["schemas"][f"{form}.create"]
    return {name: sample(schema["properties"][name]) for name in schema.get("required", ())}


def sample(schema: dict[str, Any]) -> Any:
    one = schema["anyOf"][0] if "anyOf" in schema else schema
    if "enum" in one:
        return one["enum"][0]
    if one.get("format") == "date":
        return "2026-03-01"
    return 1 if one.get("type") == "integer" else "12" if one.get("format") == "decimal" else "Something"
