"""Given a draft, when someone works on it in the designer, then its text says what they did; others are kept out."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from preview_world import DESK, designing
from reading import hub_registry
from visiting import Grounds, text

from engine.publishing import changes

PEOPLE = {"pia": "planner", "ann": "agent", "max": "planner", "ada": "admin"}
LABEL = ["forms", "client", "label", "en"]


@pytest.fixture
def database_url(sqlite_url):
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def site(make_app):
    grounds = Grounds(make_app(DESK, people=PEOPLE, registry=designing()))
    grounds.id = begun(grounds, "pia").id
    return grounds


def begun(grounds, login, source=DESK):
    app = grounds.app
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title="Another name", base=app.definition.hash, base_text=source,
                             text=source, by=grounds.user(login).id, now=app.clock())  # fmt: skip


def draft(grounds):
    with grounds.app.database.read() as conn:
        return changes.find(conn, grounds.app.tables, grounds.id)


def send(visitor, grounds, door, **body):
    return visitor.post(f"/designer/{grounds.id}/{door}", json.dumps(body), content_type="application/json")


def set_label(visitor, grounds, value, version=1):
    return send(visitor, grounds, "do", version=version, operation="set", arguments={"path": LABEL, "value": value})


def test_an_operation_is_kept_told_and_taken_back_to_the_byte(site):
    pia = site.visitor("pia")
    told = set_label(pia, site, "Customer").json
    assert told == {
        "version": 2, "label": "form “Customer” › “label” is changed", "undo": "form “Client” › “label” is changed",
        "redo": "", "errors": 0, "select": LABEL,
    } | {"label": told["label"]}  # fmt: skip
    assert draft(site).text == DESK.replace("en: Client}\n    title", "en: Customer}\n    title")
    back = send(pia, site, "undo", version=2).json
    assert back["redo"] == told["undo"]
    assert draft(site).text == DESK
    assert send(pia, site, "redo", version=3).status_code == 200
    assert "en: Customer}" in draft(site).text


def test_of_two_tabs_the_slower_one_is_told(site):
    pia = site.visitor("pia")
    assert set_label(pia, site, "One").status_code == 200
    late = set_label(pia, site, "Two")
    assert late.status_code == 409
    assert late.json["reason"] == "This draft was changed elsewhere meanwhile. What is there now is shown."
    assert pia.get(f"/designer/{site.id}/state").json["version"] == 2
    assert "One" in draft(site).text


def test_a_refusal_says_where_and_changes_nothing(site):
    pia = site.visitor("pia")
    answer = send(pia, site, "do", version=1, operation="rename",
                  arguments={"path": ["forms", "client", "fields", "name"], "new": "credit"})  # fmt: skip
    assert answer.status_code == 422
    assert "credit" in answer.json["reason"]
    used = send(pia, site, "do", version=1, operation="remove", arguments={"path": ["forms", "client"]})
    assert used.status_code == 422
    assert used.json["breaks"]
    assert draft(site).version == 1


@pytest.mark.parametrize("body", [
    {}, {"version": "1", "operation": "set", "arguments": {}}, {"version": 1, "operation": "set"},
    {"version": 1, "operation": "nothing", "arguments": {}},
    {"version": 1, "operation": "set", "arguments": {"path": [["a"]], "value": 1}},
    {"version": 1, "operation": "set", "arguments": {"path": [], "value": 1}},
    {"version": 1, "operation": "insert", "arguments": {"parent": ["roles"], "key": None, "value": 1}},
])  # fmt: skip
def test_nonsense_is_answered_with_a_sentence(site, body):
    answer = send(site.visitor("pia"), site, "do", **body)
    assert answer.status_code == 422
    assert answer.json["reason"]


# --- the text


def test_the_whole_text_is_typed_and_kept_even_with_mistakes(site):
    pia = site.visitor("pia")
    broken = DESK.replace("app: desk", "app: [desk")
    told = send(pia, site, "text", base=DESK, text=broken).json
    assert told["errors"] > 0
    assert draft(site).text == broken
    found = pia.get(f"/designer/{site.id}/yaml/text").json["findings"]
    assert [(one["severity"], one["line"]) for one in found][:1] == [("error", 3)]
    assert pia.get(f"/designer/{site.id}/yaml").status_code == 200
    assert pia.get(f"/designer/{site.id}/panel?path={quote(json.dumps(LABEL[:2]))}").status_code == 200
    assert pia.get(f"/designer/{site.id}").headers["Location"].endswith("/yaml")


def test_what_is_typed_here_and_clicked_there_comes_together(site):
    pia = site.visitor("pia")
    set_label(pia, site, "Customer")
    typed = DESK.replace("max_length: 80", "max_length: 90")
    told = send(pia, site, "text", base=DESK, text=typed).json
    assert "max_length: 90" in told["text"]
    assert "en: Customer}" in told["text"]


def test_what_both_changed_is_told_with_both_values(site):
    pia = site.visitor("pia")
    set_label(pia, site, "Customer")
    typed = DESK.replace("en: Client}\n    title", "en: Patron}\n    title")
    answer = send(pia, site, "text", base=DESK, text=typed)
    assert answer.status_code == 409
    conflict = answer.json["conflicts"][0]
    assert conflict["path"] == LABEL
    assert (conflict["base"]["value"], conflict["mine"]["value"], conflict["theirs"]["value"]) == (
        "Client", "Patron", "Customer",
    )  # fmt: skip
    assert "Patron" not in draft(site).text


# --- who may be here


ADDRESSES = ["/designer", "/designer/{id}", "/designer/{id}/at", "/designer/{id}/panel", "/designer/{id}/yaml",
             "/designer/{id}/yaml/text", "/designer/{id}/state", "/designer/{id}/roles", "/designer/{id}/go"]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_those_who_design_are_let_in(site, address):
    address = address.format(id=site.id)
    assert site.visitor().get(address).status_code == 303  # to the sign-in
    assert site.visitor("ann").get(address).status_code == 403
    assert site.visitor("ada").get(address).status_code in (200, 303)


@pytest.mark.parametrize("door", ["do", "text", "undo", "redo"])
def test_a_draft_is_its_authors(site, door):
    body = {"version": 1, "operation": "unset", "arguments": {"path": LABEL}, "base": DESK, "text": "x"}
    assert send(site.visitor("ann"), site, door, **body).status_code == 403
    assert send(site.visitor("max"), site, door, **body).status_code == 422  # there is no such draft for max
    assert draft(site).version == 1
    assert site.visitor("max").get(f"/designer/{site.id}/at").status_code == 404


def test_a_request_without_the_pages_token_is_refused(site):
    pia = site.visitor("pia")
    answer = pia.post(f"/designer/{site.id}/do", json.dumps({}), content_type="application/json", token="no")
    assert answer.status_code == 403


def test_the_side_bar_leads_designers_to_the_designer(site):
    assert 'href="/designer"' in site.visitor("pia").get("/").text
    assert 'href="/designer"' not in site.visitor("ann").get("/").text


# --- every place has its panel


@pytest.mark.parametrize("file", ["apps/order_hub.yaml", "tests/apps/maintenance.yaml"])
def test_every_thing_of_an_application_has_a_panel(make_app, file):
    source = Path(file).read_text()
    grounds = Grounds(make_app(source, people=PEOPLE, registry=hub_registry()))
    grounds.id = begun(grounds, "ada", source).id
    ada = grounds.visitor("ada")
    from designer.workspace import Readings

    reading = Readings(grounds.app.registry).of(source)
    paths = [defined.path for defined in reading.uses.things.values() if defined.path != ("app",)]
    assert len(paths) > 50
    for path in paths[:: max(1, len(paths) // 60)]:
        answer = ada.get(f"/designer/{grounds.id}/panel?path={quote(json.dumps(path))}")
        assert answer.status_code == 200, (path, text(answer))
        assert 'class="panel"' in answer.text, path
