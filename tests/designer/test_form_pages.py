"""The form designer's pages and what its inputs ask, for those who design and for nobody else."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from preview_world import DESK, designing
from visiting import Grounds

from engine.publishing import changes

PEOPLE = {"pia": "planner", "ann": "agent", "max": "planner"}
FIELD = ["forms", "client", "fields", "credit"]


@pytest.fixture
def database_url(sqlite_url):
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def site(make_app):
    grounds = Grounds(make_app(DESK, people=PEOPLE, registry=designing()))
    app = grounds.app
    with app.database.write() as conn:
        made = changes.begin(conn, app.tables, title="Another name", base=app.definition.hash, base_text=DESK,
                             text=DESK, by=grounds.user("pia").id, now=app.clock())  # fmt: skip
    grounds.id = made.id
    return grounds


def pages(site):
    chosen = f"?path={quote(json.dumps(FIELD))}"
    return [f"/designer/{site.id}/{rest}" for rest in
            ("form/client", f"form/client{chosen}", "form/client/canvas", f"rights-tab{chosen}",
             "form/client/snippet?fields=credit")]  # fmt: skip


def send(visitor, site, door, **body):
    return visitor.post(f"/designer/{site.id}/{door}", json.dumps(body), content_type="application/json")


def test_only_who_may_see_the_draft_sees_its_forms(site):
    for address in pages(site):
        assert site.visitor("pia").get(address).status_code == 200, address
        assert site.visitor("ann").get(address).status_code == 403, address
        assert site.visitor("max").get(address).status_code == 404, address
    for door in ("expression", "complete", "builder"):
        body = {"path": [*FIELD, "visible_when"], "text": "x", "group": {"all": []}}
        assert send(site.visitor("ann"), site, door, **body).status_code == 403
        assert send(site.visitor("max"), site, door, **body).status_code == 422


def test_the_first_form_is_opened(site):
    answer = site.visitor("pia").get(f"/designer/{site.id}/form")
    assert (answer.status_code, answer.location) == (303, f"/designer/{site.id}/form/client")
    assert site.visitor("pia").get(f"/designer/{site.id}/form/nothing").status_code == 404


def test_an_expression_is_checked_where_it_will_stand(site):
    pia, path = site.visitor("pia"), [*FIELD, "visible_when"]
    told = send(pia, site, "expression", path=path, text="record.credit > record.nothing").json
    assert told == {"mistakes": [{"text": "client has no field nothing", "column": 23}]}
    assert send(pia, site, "expression", path=path, text=" ").json == {"mistakes": []}
    offered = send(pia, site, "complete", path=path, text="record.cre", position=10).json
    assert offered[0] == {"insert": "record.credit", "label": "Credit", "kind": "field", "doc": "number", "start": 0}


def test_the_builder_is_drawn_for_what_is_being_built(site):
    pia, path = site.visitor("pia"), [*FIELD, "visible_when"]
    group = {"all": [{"left": "record.region", "operator": "", "values": []}]}
    told = send(pia, site, "builder", path=path, group=group).json
    assert told["expression"] == "record.region == 'north'"
    assert "Region is North" in told["html"]
    assert send(pia, site, "builder", path=path, group={"x": 1}).status_code == 422
    assert send(pia, site, "builder", path="x", group=group).status_code == 422


def test_a_snippet_holds_only_fields_of_the_form(site):
    answer = site.visitor("pia").get(f"/designer/{site.id}/form/client/snippet?fields=region,credit,nothing")
    assert answer.text.startswith("credit:")
    assert "nothing" not in answer.text
