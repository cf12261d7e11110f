"""Task screens over HTTP: what a phone is given, what it sends back, whose it is, and what strangers may read."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from visiting import Grounds, text

WORKSHOP = Path(__file__).parents[1] / "apps" / "workshop.yaml"
KEY = "a-key-of-twenty-chars"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def shop(make_grounds: Any) -> Grounds:
    found: Grounds = make_grounds(WORKSHOP, people=None)
    for number, name in (("J1", "Shaft"), ("J2", "Gear")):
        found.made.create("job", number=number, name=name, good="10", place="A", as_="lena")
    return found


def post(shop: Grounds, who: str, task: str, **data: Any) -> Any:
    sent = {"_once": KEY, **{name: value for name, value in data.items() if value is not None}}
    visitor = shop.visitor(who)
    return visitor.post(f"/tasks/{task}", sent, headers={"X-Requested-With": "fetch"})


def picture() -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(out, "PNG")
    out.seek(0)
    return out, "lot.png"


def test_everybody_sees_their_tasks(shop: Grounds) -> None:
    worker, leader = (shop.visitor(who).get("/tasks") for who in ("wu", "lena"))
    assert ("Report work" in worker.text, "Report work" in leader.text) == (True, False)
    assert "Release goods" in leader.text
    assert 'href="/tasks/report_work"' in shop.visitor("wu").get("/").text
    assert shop.visitor("lena").get("/tasks/report_work").status_code == 404


def test_a_screen_has_large_inputs_and_says_whose_it_is(shop: Grounds) -> None:
    page = shop.visitor("wu").get("/tasks/report_work")
    wu = shop.made.id_of("wu")
    assert page.headers["X-Person"] == str(wu)
    assert "'wasm-unsafe-eval'" in page.headers["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" not in shop.visitor("wu").get("/").headers["Content-Security-Policy"]
    for part in ('inputmode="numeric"', 'data-step="1"', 'type="radio" name="shift" value="night"', 'capture="environment"'):
        assert part in page.text


def test_a_phone_is_given_the_records_with_what_they_were_like(shop: Grounds) -> None:
    shop.made.take("job", 2, "stop", as_="lena")
    told = shop.visitor("wu").get("/tasks/report_work/data").json
    (one,) = told["records"]
    assert (one["codes"], one["base"]["good"], one["state"], one["version"]) == (["J1"], 10, "running", 1)
    options = shop.visitor("wu").get("/tasks/note_fault/data").json["options"]["job"]
    assert [(each["title"], each["codes"]) for each in options] == [("J1 Shaft", ["J1"]), ("J2 Gear", ["J2"])]


def test_a_code_leads_to_a_record_of_the_task(shop: Grounds) -> None:
    visitor = shop.visitor("wu")
    assert visitor.get("/tasks/note_fault/resolve?field=job&code=J2").json["found"] == {"id": 2, "title": "J2 Gear"}
    assert visitor.get("/tasks/report_work/resolve?code=http://x/job/1").json["found"]["title"] == "J1 Shaft"
    assert visitor.get("/tasks/report_work/resolve?code=J9").json["text"] == "Nothing you may see has the code J9."
    shop.made.take("job", 2, "stop", as_="lena")
    missing = visitor.get("/tasks/report_work/resolve?code=J2").json
    assert missing == {"found": None, "text": "It is not among the records of this task."}


def test_every_form_resolves_codes_for_its_links(shop: Grounds) -> None:
    visitor = shop.visitor("wu")
    assert visitor.get("/fault/options/job?code=J2").json == [{"id": 2, "title": "J2 Gear"}]
    assert visitor.get("/fault/options/job?code=J").json == []
    assert "'wasm-unsafe-eval'" in visitor.get("/fault/new").headers["Content-Security-Policy"]
    assert 'id="scanner"' in visitor.get("/scan/dialog", headers={"HX-Request": "true"}).text


def test_an_entry_is_sent_once_and_adds_up(shop: Grounds) -> None:
    for _time in range(2):
        answer = post(shop, "wu", "report_work", _record="1", _version="1", _state="running", good="5", scrap="")
        assert (answer.status_code, answer.json["outcome"], answer.json["address"]) == (200, "saved", "/job/1")
    row = shop.made.get("job", 1)
    assert (row["good"], row["scrap"]) == (15, None)


def test_what_is_wrong_is_said_beside_its_input_and_nothing_is_kept(shop: Grounds) -> None:
    answer = post(shop, "wu", "report_work", _record="1", _version="1", good="many")
    (problem,) = answer.json["error"]["problems"]
    assert (answer.status_code, problem["where"]) == (422, "good")
    assert shop.made.get("job", 1)["good"] == 10


def test_a_step_is_taken_with_its_photo(shop: Grounds) -> None:
    answer = post(shop, "wu", "release_lot", _record="1", _version="1", _state="running", **{"photo:files": picture()})
    row = shop.made.get("job", 1)
    assert (answer.json["outcome"], row["state"], len(row["photo"])) == ("saved", "released", 1)


def test_a_card_shows_both_sides_and_its_photo_to_whoever_decides(shop: Grounds) -> None:
    shop.made.take("job", 1, "stop", as_="lena")
    sent = post(shop, "wu", "release_lot", _record="1", _version="1", _state="running", _waited="yes",
                **{"photo:files": picture()})  # fmt: skip
    assert sent.json["outcome"] == "open"
    address = f"/tasks/entries/{sent.json['entry']}"
    page = shop.visitor("lena").get(address)
    assert "It stands in another state by now." in page.text
    assert "Then the record was “Running”, now it is “Stopped”." in text(page)
    photo = shop.visitor("lena").get(f"{address}/files/1")
    assert photo.mimetype == "image/png"
    photo.close()
    assert [shop.visitor("wei").get(one).status_code for one in (address, f"{address}/files/1")] == [404, 404]
    assert shop.visitor("lena").get("/tasks/entries").text.count(address) == 1
    kept = shop.visitor("lena").post(address, {"choice": "mine"})
    assert kept.status_code == 409  # nothing leads from Stopped to Released
    assert shop.visitor("lena").post(address, {"choice": "theirs"}).status_code == 303
    assert "The entry was dropped" in shop.visitor("wu").get(address).text


def test_a_leader_changes_an_entry_and_saves_it(shop: Grounds) -> None:
    shop.made.update("job", 1, place="B", as_="lena")
    post(shop, "wu", "set_place", _record="1", _version="1", _state="running", _base=json.dumps({"place": "A"}),
         place="C", _waited="yes")  # fmt: skip
    address = "/tasks/entries/1"
    page = shop.visitor("lena").get(address)
    assert 'class="differs"' in page.text
    shop.visitor("lena").post(address, {"choice": "edit", "place": "D", "note": "both wrong"})
    assert shop.made.get("job", 1)["place"] == "D"
    assert "The entry was taken over." in shop.visitor("wu").get(address).text


def test_without_a_script_the_form_works_too(shop: Grounds) -> None:
    visitor = shop.visitor("wu")
    page = visitor.get("/tasks/set_place?record=1")
    assert "J1 Shaft" in page.text
    answer = visitor.post("/tasks/set_place", {"_once": KEY, "_record": "1", "_version": "1", "place": "Hall 2"})
    assert (answer.status_code, answer.location, shop.made.get("job", 1)["place"]) == (303, "/tasks", "Hall 2")
    wrong = visitor.post("/tasks/note_fault", {"_once": KEY + "x", "job": "1", "what": ""})
    assert wrong.status_code == 422
    assert "What happened" in wrong.text


def test_a_phone_may_have_it_on_its_home_screen(shop: Grounds) -> None:
    stranger = shop.web.test_client()
    told = json.loads(stranger.get("/manifest/zh.webmanifest").data)
    assert (told["name"], told["start_url"], told["display"]) == ("车间", "/tasks", "standalone")
    assert stranger.get("/manifest/xx.webmanifest").status_code == 404
    for one in told["icons"]:
        with Image.open(io.BytesIO(stranger.get(one["src"]).data)) as drawn:
            assert (f"{drawn.width}x{drawn.height}", drawn.format) == (one["sizes"], "PNG")


def test_the_worker_changes_with_the_shell_and_goes_where_there_are_no_tasks(shop: Grounds, make_grounds: Any) -> None:
    worker = shop.web.test_client().get("/sw.js")
    shell = json.loads(worker.text.partition("const SHELL = ")[2].partition(";\n")[0])
    assert worker.headers["Service-Worker-Allowed"] == "/"
    assert worker.headers["Cache-Control"] == "no-cache"
    client = shop.web.test_client()
    assert {client.get(one).status_code for one in (*shell["assets"], *shell["reader"], shell["queue"], "/offline")} == {200}
    assert all(shell["version"] in one or "/vendor/" in one for one in shell["assets"])


def test_a_person_is_named_only_to_themselves(shop: Grounds) -> None:
    me = shop.visitor("wu").get("/tasks/me")
    assert (me.json["name"], me.headers["Cache-Control"]) == ("Wu Gang", "no-store")
    assert 'name="person" content=""' in shop.web.test_client().get("/sign_in").text
