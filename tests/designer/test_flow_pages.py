"""Given a draft with a flow, when its page is asked for, then it holds the picture's model, the table and the figures."""

from __future__ import annotations

import html
import json
import re

import pytest
from preview_world import designing
from visiting import Grounds

from designer.flows.live import Figure
from engine.publishing import changes

APP = """\
app: desk
label: Desk
languages: [en]
roles:
  agent: {label: Agent}
  chief: {label: Chief}
designers: [agent, chief]
forms:
  ticket:
    label: Ticket
    fields:
      subject: {type: text, label: Subject, required: true}
    permissions:
      agent: {create: true, read: "record.created_by == user"}
    workflow:
      initial: open
      states:
        open: {label: To do, owner: agent, within: 4h}
        done: {label: Done, final: true}
      transitions:
        finish: {label: Finish, from: [open], to: done, roles: [agent]}
  note:
    label: Note
    fields:
      text: {type: text, label: Text}
    permissions:
      agent: {create: true, read: true, update: true}
"""


@pytest.fixture
def database_url(sqlite_url):
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def site(make_app):
    people = {"ann": "agent", "ben": "agent", "cleo": "chief", "ada": "admin"}
    grounds = Grounds(make_app(APP, people=people, registry=designing()))
    grounds.id = begun(grounds, APP, "ann")
    return grounds


def begun(grounds, text, login):
    app = grounds.app
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title="A change", base=app.definition.hash, base_text=APP, text=text,
                             by=grounds.user(login).id, now=app.clock()).id  # fmt: skip


def model(page):
    found = re.search(r'id="flow-model" data-model="([^"]*)"', page.text)
    return json.loads(html.unescape(found[1]))


def test_the_page_holds_the_flow_twice(site):
    page = site.visitor("ann").get(f"/designer/{site.id}/flow/ticket")
    assert page.status_code == 200
    assert [one["name"] for one in model(page)["stages"]] == ["open", "done"]
    assert 'data-state="open"' in page.text
    assert 'data-transition="finish"' in page.text
    part = site.visitor("ann").get(f"/designer/{site.id}/flow/ticket/part", headers={"HX-Request": "true"})
    assert model(part) == model(page)


def test_without_a_name_the_first_flow_is_shown(site):
    assert site.visitor("ann").get(f"/designer/{site.id}/flow").headers["Location"] == f"/designer/{site.id}/flow/ticket"


def test_a_form_without_a_flow_is_offered_one(site):
    page = site.visitor("ann").get(f"/designer/{site.id}/flow/note")
    assert 'data-flow-start="note"' in page.text


def test_a_draft_that_cannot_be_read_still_opens(site):
    other = begun(site, "forms: [", "ann")
    page = site.visitor("ann").get(f"/designer/{other}/flow")
    assert "The draft has mistakes that have to be mended first." in page.text
    assert site.visitor("ann").get(f"/designer/{other}/flow/ticket").status_code == 404


def test_a_draft_of_somebody_else_is_not_there(site):
    for door in ("flow", "flow/ticket", "flow/ticket/part", "flow/ticket/figures"):
        assert site.visitor("ben").get(f"/designer/{site.id}/{door}").status_code == 404


def test_figures_count_what_the_reader_may_see(site):
    for login in ("ann", "ann", "ben"):
        site.made.create("ticket", subject="x", as_=login)
    done = site.made.create("ticket", subject="y", as_="ann")
    site.made.take("ticket", done, "finish", as_="ann")
    told = site.visitor("ann").get(f"/designer/{site.id}/flow/ticket/figures").json["states"]
    assert (told["open"]["count"], told["done"]["count"]) == (2, 1)
    assert told["open"]["usual"] == "0 min"
    others = begun(site, APP, "cleo")
    assert site.visitor("cleo").get(f"/designer/{others}/flow/ticket/figures").json == {"states": None}


def test_a_state_renamed_in_the_draft_keeps_its_figures(site):
    site.made.create("ticket", subject="x", as_="ann")
    renamed = APP.replace("        open: {label: To do,", "        fresh: {id: open, label: To do,").replace(
        "initial: open", "initial: fresh").replace("from: [open]", "from: [fresh]")  # fmt: skip
    other = begun(site, renamed, "ann")
    assert site.visitor("ann").get(f"/designer/{other}/flow/ticket/figures").json["states"]["fresh"]["count"] == 1


def test_ages_are_told_in_words(site):
    for hours in (1, 30, 60):
        site.made.create("ticket", subject="x", as_="ann")
        site.made.clock.advance(hours=hours)
    told = site.visitor("ann").get(f"/designer/{site.id}/flow/ticket/figures").json["states"]["open"]
    assert told["count"] == 3
    assert (told["longest"], told["middle"]) == ("3 d", "3 d")
    assert (told["late"], told["heat"]) == (3, "hot")


def test_how_bad_it_is_depends_on_the_share():
    assert [Figure(10, late).heat for late in (0, 1, 4)] == ["", "warm", "hot"]


def test_a_walk_finds_the_dead_end(site):
    stuck = APP.replace("roles: [agent]}", "roles: [agent], when: record.subject == ''}")
    other = begun(site, stuck, "ann")
    (told,) = site.visitor("ann").post(f"/designer/{other}/flow/ticket/walk").json["stuck"]
    assert (told["state"], told["path"], told["blocked"]) == ("open", [], ["finish"])
    assert "stays in “To do” for ever" in told["sentence"]
    wrong = begun(site, APP.replace("to: done", "to: nowhere"), "ann")
    assert site.visitor("ann").post(f"/designer/{wrong}/flow/ticket/walk").status_code == 422
    assert site.visitor("ann").post(f"/designer/{site.id}/flow/other/walk").status_code == 404


def test_the_panel_has_a_tab_for_parts_of_a_flow(site):
    path = json.dumps(["forms", "ticket", "workflow", "states", "open"])
    tab = site.visitor("ann").get(f"/designer/{site.id}/state-tab", query_string={"path": path})
    assert 'data-add-timeout="open"' in tab.text
    assert site.visitor("ann").get(f"/designer/{site.id}/panel", query_string={"path": path}).text.count("state-tab?") == 1
