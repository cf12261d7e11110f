"""Equipment maintenance: an application that is nothing but tests/apps/maintenance.yaml. Screens, API, workflow, rules."""

from __future__ import annotations

import datetime as dt
import html
import io
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from making import Made, reasons
from visiting import Grounds, csrf_token_for, text

from engine.errors import Invalid, Refused

ROOT = Path(__file__).parents[2]
MAINTENANCE = ROOT / "tests" / "apps" / "maintenance.yaml"


class Plant:
    """A hall with two pumps and two spare parts, and the people of the application, signed in over HTTP."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds, self.made = grounds, grounds.made
        self.visitors: dict[str, Any] = {}
        made = self.made
        self.site = made.create("area", name="Works", as_="chris")
        self.hall = made.create("area", name="Hall 1", within=self.site.id, as_="chris")
        self.pump = made.create(
            "equipment", tag="P-1", name="Feed pump", area=self.hall.id, price="4210.55", as_="chris"
        )
        self.fan = made.create("equipment", tag="F-1", name="Exhaust fan", area=self.hall.id, as_="chris")
        self.seal = made.create("part", name="Seal", fits=[self.pump.id], stock=5, price="12.40", as_="sven")
        self.belt = made.create("part", name="Belt", stock=0, price="99.10", as_="sven")

    def at(self, login: str) -> Any:
        if login not in self.visitors:
            self.visitors[login] = self.grounds.visitor(login)
        return self.visitors[login]

    def page(self, login: str, path: str) -> str:
        answer = self.at(login).get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return text(answer)

    def api(self, login: str, method: str, path: str, json: Any = None) -> Any:
        visitor = self.at(login)
        headers = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(visitor.cookie)}
        return visitor.client.open(f"/api/v1/records/{path}", method=method, json=json, headers=headers)

    def repair(self, **values: Any) -> int:
        given = {"equipment": self.pump.id, "fault": "Seal leaks", "as_": "olga", **values}
        return self.made.create("repair", **given).id


@pytest.fixture
def plant(make_app: Any) -> Plant:
    return Plant(Grounds(make_app(MAINTENANCE)))


@pytest.fixture
def made(plant: Plant) -> Made:
    return plant.made


# --- screens


def test_every_screen_of_the_definition_shows_its_records(plant: Plant) -> None:
    plant.repair(severity="high")
    plant.made.create("round", planned_on="2026-03-10", until="2026-03-12", area=plant.hall.id, as_="tom")
    for path, *words in [
        ("/", "Good morning, Chris"),
        ("/repair?view=open", "R26-0001", "P-1 Feed pump", "High", "Reported"),
        ("/repair?view=all", "R26-0001", "Seal leaks"),
        ("/repair?view=board", "Reported", "Being repaired", "Waiting for parts", "R26-0001"),
        ("/repair?view=days", "R26-0001"),
        ("/round?view=plan", "Hall 1", "Round"),
        ("/round", "10 Mar 2026", "Planned"),
        ("/area?view=tree", "Works"),
        ("/area/children?view=tree&parent=1", "Hall 1"),
        ("/equipment", "P-1", "Exhaust fan"),
        ("/part?view=low", "Belt"),
        ("/pages/overview", "Open repairs", "Cost of parts", "By state"),
        ("/repair/new", "Report", "Machine is stopped"),
        ("/repair/1", "R26-0001", "Hall 1", "Assign"),
        ("/repair/1/edit", "Fault", "Parts used"),
        ("/repair/1/events", "created the record"),
        ("/repair/1/print", "R26-0001", "Seal leaks"),
        ("/equipment/1/related/repair/equipment", "R26-0001"),
    ]:
        shown = plant.page("chris", path)
        for word in words:
            assert word in shown, (path, word)


def test_the_screens_speak_chinese_too(plant: Plant) -> None:
    plant.repair()
    visitor = plant.at("olga")
    assert "Why can't it move?" in html.unescape(plant.page("olga", "/repair/1"))
    visitor.post("/me/language", {"language": "zh"})
    assert "已报修" in plant.page("olga", "/repair")
    assert "为什么走不动" in plant.page("olga", "/repair/1")
    assert "由以下角色执行：设备主管" in plant.page("olga", "/repair/1")
    assert "故障必填" in text(visitor.post("/repair/new", {"fault": ""}))


def test_a_record_is_made_and_changed_on_its_form(plant: Plant) -> None:
    olga = plant.at("olga")
    page = olga.get("/repair/new").text
    once = re.search(r'name="_once" value="([^"]+)"', page)
    assert once is not None
    form = {
        "_once": once[1],
        "equipment": str(plant.pump.id),
        "fault": "Bearing hot",
        "severity": "high",
        "stopped": "",
    }
    answer = olga.post("/repair/new", form)
    assert (answer.status_code, answer.location) == (303, "/repair/1")
    assert plant.made.get("repair", 1)["fault"] == "Bearing hot"
    wrong = olga.post("/repair/new", {"equipment": str(plant.pump.id), "fault": "x", "severity": "high"})
    assert wrong.status_code == 422
    assert "Fault" in text(wrong)


# --- API


def test_the_api_creates_changes_lists_and_deletes(plant: Plant) -> None:
    made = plant.api("chris", "POST", "repair", {"equipment": plant.pump.id, "fault": "Hums", "parts": [
        {"part": plant.seal.id, "quantity": 2}]})  # fmt: skip
    assert made.status_code == 201, made.text
    record = made.json
    assert (record["number"], record["state"], record["area"]) == ("R26-0001", "reported", plant.hall.id)
    assert record["titles"]["equipment"] == "P-1 Feed pump"
    assert [line["quantity"] for line in record["parts"]] == [2]

    changed = plant.api("chris", "PATCH", "repair/1", {"version": record["version"], "fault": "Hums loudly"})
    assert changed.json["fault"] == "Hums loudly"
    stale = plant.api("chris", "PATCH", "repair/1", {"version": record["version"], "fault": "Silent"})
    assert (stale.status_code, stale.json["error"]["code"]) == (409, "stale")
    listed = plant.api("chris", "GET", "repair?where.equipment.eq=1&sort=-number&columns=number,fault&count=true").json
    assert [one["fault"] for one in listed["records"]] == ["Hums loudly"]
    assert listed["count"] == 1
    wrong = plant.api("chris", "POST", "equipment", {"tag": "lower", "name": "x", "area": plant.hall.id})
    assert wrong.status_code == 422
    assert [problem["where"] for problem in wrong.json["error"]["problems"]] == ["tag"]
    gone = plant.api("chris", "DELETE", f"repair/1?version={changed.json['version']}")
    assert gone.status_code == 204
    assert plant.api("chris", "GET", "repair/1").status_code == 404
    assert plant.api("chris", "POST", "repair/1/restore").json["fault"] == "Hums loudly"


def test_a_step_is_taken_over_the_api_or_says_why_not(plant: Plant) -> None:
    plant.repair()
    closed = plant.api("chris", "POST", "repair/1/transitions/assign", {"version": 1})
    assert closed.status_code in (409, 422)
    assert "Technician" in closed.text
    taken = plant.api(
        "chris",
        "POST",
        "repair/1/transitions/assign",
        {"version": 1, "values": {"technician": plant.made.id_of("tom")}},
    )
    assert taken.json["state"] == "repairing"
    doors = plant.api("olga", "GET", "repair/1/transitions").text
    assert "This step is for: Technician." in doors


def test_exports_hold_the_view(plant: Plant) -> None:
    plant.repair()
    table = plant.at("chris").get("/repair/export.csv?view=all").data.decode("utf-8-sig")
    assert table.splitlines()[0].startswith("Number,Equipment,Fault,Severity,State")
    assert "R26-0001,P-1 Feed pump,Seal leaks,Low,Reported" in table


# --- workflow: every door of it


def test_a_repair_goes_all_the_way_and_back_from_waiting(made: Made, plant: Plant) -> None:
    id = plant.repair(severity="high")
    with pytest.raises(Refused, match="Choose a technician first"):
        made.take("repair", id, "assign", as_="chris")
    made.take("repair", id, "assign", as_="chris", technician=made.id_of("tom"))
    assert (made.get("repair", id)["owner"], made.get("repair", id)["owner_role"]) == (made.id_of("tom"), None)

    made.clock.advance(hours=5)
    with pytest.raises(Invalid, match="reason"):
        made.take("repair", id, "wait", as_="tom")
    made.take("repair", id, "wait", as_="tom", reason="no belt")
    assert made.get("repair", id)["owner_role"] == "storekeeper"
    made.clock.advance(days=1)
    made.take("repair", id, "resume", as_="sven")
    assert made.get("repair", id)["state"] == "repairing"

    with pytest.raises((Invalid, Refused)) as closed:
        made.take("repair", id, "finish", as_="tom")
    assert "A severe fault needs its downtime" in str(reasons(closed))
    assert "Finding must be there before the state is left" in str(reasons(closed))
    made.update("repair", id, as_="tom", finding="worn seal")
    made.take("repair", id, "finish", as_="tom", downtime="6h")
    assert [stay["state"] for stay in made.stays("repair", id)] == [
        "reported",
        "repairing",
        "waiting",
        "repairing",
        "done",
    ]
    assert [event.transition for event in made.events("repair", id) if event.transition] == [
        "assign", "wait", "resume", "finish",
    ]  # fmt: skip
    assert made.get("equipment", plant.pump)["downtime"] == dt.timedelta(hours=6)


def test_a_round_is_closed_only_when_every_point_has_a_result_and_it_is_signed(made: Made, plant: Plant) -> None:
    points = [
        {"equipment": plant.pump.id, "what": "Oil"},
        {"equipment": plant.fan.id, "what": "Noise", "result": "good"},
    ]
    round = made.create("round", planned_on="2026-03-10", area=plant.hall.id, points=points, as_="tom").id
    door = made.doors("round", round, as_="olga")["close"]
    assert not door.open
    said = " ".join(str(obstacle.message) for obstacle in door.obstacles)
    assert "Some points have no result yet" in said
    assert "Signature" in said
    lines = made.lines("round_point", round)
    results = [{"id": lines[0]["id"], "result": "bad"}, {"id": lines[1]["id"]}]
    with pytest.raises(Invalid) as missing:
        made.update("round", round, as_="olga", points=results)
    assert "Remark" in str(reasons(missing))
    made.update("round", round, as_="olga", points=[{**results[0], "remark": "black"}, results[1]])
    assert made.get("round", round)["problems"] == 1

    olga = plant.at("olga")
    signature = {"form": "round", "field": "signature", "file": (io.BytesIO(png()), "signature.png")}
    file = olga.post("/files", signature).json["id"]
    made.take("round", round, "close", as_="olga", signature=[file])
    assert ("chris", "The round found 1 problems") in made.messages()
    with olga.get(f"/files/{file}") as answer:
        assert answer.status_code == 200


def png() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGBA", (40, 20), "black").save(out, "PNG")
    return out.getvalue()


def test_what_lies_in_the_wrong_order_is_refused(made: Made, plant: Plant) -> None:
    with pytest.raises(Invalid, match="It cannot end before it begins"):
        made.create("round", planned_on="2026-03-10", until="2026-03-09", area=plant.hall.id, as_="tom")


# --- rules


def test_a_stopping_fault_stops_the_machine_until_the_repair_is_done(made: Made, plant: Plant) -> None:
    with pytest.raises(Invalid, match="Stopped at"):
        plant.repair(stopped=True)
    id = plant.repair(stopped=True, stopped_at="2026-03-04T08:00")
    assert made.get("equipment", plant.pump)["running"] is False
    assert made.get("equipment", plant.fan)["running"] is True
    assert made.messages() == [("chris", "Feed pump stopped: Seal leaks")]
    made.take("repair", id, "assign", as_="chris", technician=made.id_of("tom"))
    made.update("repair", id, as_="tom", finding="worn")
    made.take("repair", id, "finish", as_="tom", downtime="1h")
    assert made.get("equipment", plant.pump)["running"] is True


def test_the_button_makes_it_severe_once_and_not_for_operators(made: Made, plant: Plant) -> None:
    id = plant.repair()
    assert "Make it severe" in plant.page("chris", f"/repair/{id}")
    assert "Make it severe" not in plant.page("olga", f"/repair/{id}")
    assert plant.at("olga").post(f"/repair/{id}/press/ask_for_parts").status_code == 403
    assert plant.at("chris").post(f"/repair/{id}/press/ask_for_parts").status_code == 303
    assert made.get("repair", id)["severity"] == "high"
    assert plant.api("chris", "POST", f"repair/{id}/press/ask_for_parts").status_code == 409


# --- figures, unique values, sensitive values, rows of one's own


def test_figures_follow_repairs_and_lines(made: Made, plant: Plant) -> None:
    id = plant.repair()
    other = plant.repair(fault="Hums")
    made.update(
        "repair",
        id,
        as_="chris",
        parts=[{"part": plant.seal.id, "quantity": 3}, {"part": plant.belt.id, "quantity": 1}],
    )
    assert str(made.get("repair", id)["parts_cost"]) == "136.30"
    row = made.get("equipment", plant.pump)
    assert (row["repairs"], row["open_repairs"]) == (2, 2)
    made.delete("repair", other, as_="chris")
    assert made.get("equipment", plant.pump)["repairs"] == 1
    made.update("repair", id, as_="chris", equipment=plant.fan.id)
    assert (made.get("equipment", plant.pump)["repairs"], made.get("equipment", plant.fan)["repairs"]) == (0, 1)
    made.update("part", plant.belt, as_="sven", stock=4)
    assert made.get("part", plant.belt)["low"] is False


def test_name_and_minimum_together_are_unique_and_numbers_have_no_gap(made: Made, plant: Plant) -> None:
    with pytest.raises(Invalid, match="taken by Spare part P-0001 Seal"):
        made.create("part", name="Seal", as_="sven")
    assert made.create("part", name="Seal", minimum=2, as_="sven").row["number"] == "P-0003"


def test_a_sensitive_price_is_masked_and_whoever_looks_is_noted(made: Made, plant: Plant) -> None:
    assert "12.40" not in plant.page("sven", f"/part/{plant.seal.id}")
    assert plant.api("sven", "GET", f"part/{plant.seal.id}").json["masked"] == ["price"]
    assert "12.40" not in plant.at("sven").get("/part/export.csv?columns=name,price").text
    shown = plant.at("sven").post(f"/part/{plant.seal.id}/reveal/price")
    assert "12.40" in shown.text
    assert plant.at("tom").post(f"/part/{plant.seal.id}/reveal/price").status_code in (403, 404)
    looked = [event for event in made.events("part", plant.seal) if event.kind == "revealed"]
    assert [event.actor_id for event in looked] == [made.id_of("sven")]
    masked = plant.api("sven", "PATCH", f"part/{plant.seal.id}", {"version": 1, "price": "••••"})
    assert masked.status_code == 422


def test_a_technician_sees_his_own_repairs_and_those_nobody_has(made: Made, plant: Plant) -> None:
    free, tom, tara = plant.repair(fault="Free one"), plant.repair(fault="Toms one"), plant.repair(fault="Taras one")
    for id, who in ((tom, "tom"), (tara, "tara")):
        made.take("repair", id, "assign", as_="chris", technician=made.id_of(who))
    listed = plant.page("tom", "/repair?view=all")
    assert "Free one" in listed
    assert "Toms one" in listed
    assert "Taras one" not in listed
    assert {one["id"] for one in plant.api("tom", "GET", "repair").json["records"]} == {free, tom}
    assert plant.at("tom").get(f"/repair/{tara}").status_code == 404
    assert plant.at("tom").get(f"/repair/{tara}").status_code == plant.at("tom").get("/repair/4711").status_code


# --- nothing of it in the engine


def test_the_engine_knows_no_word_of_any_business() -> None:
    words = r"订单|\border_|invoice|customer"
    found = subprocess.run(
        ["grep", "-rniE", words, "engine", "designer", "--include=*.py", "--include=*.html", "--include=*.po",
         "--include=*.md", "--include=*.js", "--include=*.css"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    others = [line for line in found.stdout.splitlines() if "order_by" not in line]
    assert others == []
