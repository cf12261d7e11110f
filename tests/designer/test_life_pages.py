"""The way of a change into force through the pages: who may, what is shown, what is refused, what is kept."""

from __future__ import annotations

import html
import io
import re

import pytest
import sqlalchemy as sa
from preview_world import designing
from visiting import Grounds, text

from designer import doing
from designer.inforce import InForce
from designer.workspace import Readings, Workspace
from engine.errors import Stale
from engine.publishing import changes, history, jobs

DESK = """\
app: desk
label: {zh: 服务台, en: Desk}
languages: [en, zh]
designers: [planner]
roles:
  clerk: {label: {zh: 文员, en: Clerk}}
  planner: {label: {zh: 计划, en: Planner}}
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      size: {type: choice, label: {zh: 大小, en: Size}, options: {small: {label: Small}, big: {label: Big}}}
    permissions:
      clerk: {create: true, read: true, update: true}
      planner: {create: true, read: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待处理, en: Open}, within: 2h}
        done: {label: {zh: 完成, en: Done}, final: true}
      transitions:
        finish: {label: {zh: 完成, en: Finish}, from: [open], to: done, roles: [clerk]}
scenarios:
  finishing:
    label: A ticket is finished
    given:
      - {create: ticket, as: t, values: {name: A}}
    steps:
      - {take: finish, of: t, by: clerk}
    then:
      - {of: t, state: done}
"""
LONGER = DESK.replace("within: 2h", "within: 4h")
NAME = "      name: {type: text, label: {zh: 名称, en: Name}, required: true}\n"
ASKING = DESK.replace(NAME, NAME + "      note: {type: text, label: {zh: 备注, en: Note}, required: true}\n")
WIDER = DESK.replace("planner: {create: true, read: true}", "planner: {create: true, read: true, delete: true}")
PEOPLE = {"pia": "planner", "max": "planner", "cleo": "clerk", "ada": "admin"}


@pytest.fixture
def database_url(sqlite_url):
    """None of this depends on the database."""
    return sqlite_url


@pytest.fixture
def site(make_app):
    return Grounds(make_app(DESK, people=PEOPLE, registry=designing()))


def in_force(site):
    return site.web.extensions["appmill"].current.application()


def drafted(site, source, login="pia", *, title="A change", base=None):
    """A draft; answers its id."""
    app = in_force(site)
    ground = base or (app.definition.hash, DESK)
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title=title, base=ground[0], base_text=ground[1], text=source,
                             by=site.user(login).id, now=app.clock()).id  # fmt: skip


def draft(site, id):
    with in_force(site).database.read() as conn:
        return changes.find(conn, in_force(site).tables, id)


def work(site, visitor, id, login):
    """Whatever was begun for a draft, done here and now."""
    app = in_force(site)
    who = site.made.actor(login)
    for job in jobs.recent(app, who, change_id=id):
        jobs.work(site.web.extensions["appmill"].current, who, job.id)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Jobs are begun by the pages and worked on when a test says so; no thread runs beside it."""
    monkeypatch.setattr(jobs, "start", lambda *_given: None)


def seal(visitor, id):
    return re.search(r'name="seal" value="([^"]*)"', visitor.get(f"/designer/{id}/difference").text)[1]


def tried(site, visitor, id, login):
    assert visitor.post(f"/designer/{id}/try").status_code == 303
    work(site, visitor, id, login)


def published(site, visitor, id, login, reason="Because", **more):
    tried(site, visitor, id, login)
    answer = visitor.post(f"/designer/{id}/publish", {"seal": seal(visitor, id), "reason": reason, **more})
    if "/publishing/" not in answer.headers["Location"]:
        return answer
    work(site, visitor, id, login)
    return visitor.get(answer.headers["Location"])


def versions(site):
    app = in_force(site)
    with app.database.read() as conn:
        return history.versions(conn, app.tables, 20)


# --- rights


GETS = ("", "/history", "/definition.yaml", "/{id}/difference", "/{id}/difference/sides", "/{id}/merge", "/{id}/trial",
        "/{id}/definition.yaml", "/history/1", "/history/1/definition.yaml", "/shared/{token}")  # fmt: skip
POSTS = ("/new", "/{id}/title", "/{id}/discard", "/{id}/decide", "/{id}/try", "/{id}/rehearse", "/{id}/publish",
         "/{id}/merge", "/{id}/jobs/1/cancel")  # fmt: skip
FOR_ADMINISTRATORS = ("/upload", "/upload/mend", "/history/1/back")


def addresses(site, id):
    return [address.format(id=id, token=draft(site, id).token) for address in GETS]


def test_strangers_are_asked_to_sign_in(site):
    id = drafted(site, LONGER)
    nobody = site.visitor()
    for address in addresses(site, id):
        assert nobody.get(f"/designer{address}").headers["Location"].startswith("/sign_in"), address
    for address in (*POSTS, *FOR_ADMINISTRATORS):
        assert nobody.post(f"/designer{address.format(id=id)}").status_code in (303, 401, 403), address
    assert draft(site, id).state == "open"


def test_who_does_not_design_is_kept_out_and_not_shown_the_way(site):
    id = drafted(site, LONGER)
    cleo = site.visitor("cleo")
    assert 'href="/designer"' not in cleo.get("/").text
    for address in addresses(site, id):
        assert cleo.get(f"/designer{address}").status_code == 403, address
    for address in (*POSTS, *FOR_ADMINISTRATORS):
        assert cleo.post(f"/designer{address.format(id=id)}").status_code == 403, address
    assert draft(site, id).state == "open"


def test_a_designer_opens_everything_of_an_own_draft_and_nothing_for_administrators(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    assert 'href="/designer"' in pia.get("/").text
    for address in addresses(site, id):
        assert pia.get(f"/designer{address}").status_code in (200, 303), address
    for address in FOR_ADMINISTRATORS:
        assert pia.post(f"/designer{address}").status_code == 403, address
    assert pia.get("/designer/upload").status_code == 403


def test_another_designers_draft_is_not_there_until_it_is_shared(site):
    id = drafted(site, LONGER)
    other = site.visitor("max")
    assert "A change" not in text(other.get("/designer"))
    assert other.get(f"/designer/{id}/difference").status_code == 404
    assert other.post(f"/designer/{id}/publish").status_code == 404
    assert other.get(f"/designer/shared/{draft(site, id).token}").headers["Location"] == f"/designer/{id}/difference"
    assert other.get(f"/designer/{id}/difference").status_code == 200
    assert "Drafts of others 1 A change Pia" in text(other.get("/designer"))
    assert other.post(f"/designer/{id}/discard").status_code == 403
    assert other.get("/designer/shared/nonsense").status_code == 404


def test_drafts_of_others_push_nobodys_own_out_of_the_list(site):
    mine = drafted(site, LONGER)
    others = [drafted(site, LONGER, "max") for _ in range(3)]
    with site.app.database.read() as conn:
        seen = changes.listed(conn, site.app.tables, user=site.user("pia").id, limit=2)
        newest = changes.listed(conn, site.app.tables, limit=2)
    assert [one.id for one in seen] == [mine]
    assert [one.id for one in newest] == others[:0:-1]


def test_an_administrator_sees_every_draft(site):
    id = drafted(site, LONGER)
    ada = site.visitor("ada")
    assert "Drafts of others 1 A change Pia" in text(ada.get("/designer"))
    assert ada.get(f"/designer/{id}/difference").status_code == 200


def test_the_page_of_the_definition_leads_here(site):
    assert site.visitor("ada").get("/admin/definition").headers["Location"] == "/designer"
    assert site.visitor("pia").get("/admin/definition").status_code == 403


# --- drafts


def test_a_draft_begins_from_what_is_in_force(site):
    pia = site.visitor("pia")
    address = pia.post("/designer/new", {"title": " Longer  times "}).headers["Location"]
    id = int(address.rpartition("/")[2])
    made = draft(site, id)
    assert (made.title, made.text, made.base) == ("Longer times", DESK, in_force(site).definition.hash)
    assert "Nothing differs from what is in force." in text(pia.get(f"/designer/{id}/difference"))
    pia.post(f"/designer/{id}/title", {"title": "Shorter"})
    assert draft(site, id).title == "Shorter"
    pia.post(f"/designer/{id}/discard")
    assert draft(site, id).state == "discarded"
    assert "Shorter" not in text(pia.get("/designer"))


def test_the_definition_and_a_draft_can_be_taken_along(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    answer = pia.get("/designer/definition.yaml")
    assert answer.text == DESK
    assert answer.headers["Content-Disposition"] == 'attachment; filename="desk.yaml"'
    assert pia.get(f"/designer/{id}/definition.yaml").text == LONGER


# --- the difference


def test_the_difference_is_said_in_words_and_shown_side_by_side(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    shown = text(pia.get(f"/designer/{id}/difference"))
    assert "No mistakes" in shown
    assert "Form “Ticket” › state “Open” is expected to take 4 hours instead of 2 hours" in shown
    assert "Before · line 20 within: 2h" in shown
    assert "The expected ends of form ticket are worked out anew." in shown
    assert "It is to be tried out first." in shown
    sides = pia.htmx("GET", f"/designer/{id}/difference/sides").text
    assert '<a href="/designer/1/yaml?line=20">20</a>' in sides
    assert sides.count("is-changed") == 1


def test_mistakes_are_all_shown_with_the_way_to_their_lines(site):
    id = drafted(site, DESK.replace("to: done", "to: gone").replace("roles: [clerk]}", "roles: [clark]}"))
    page = site.visitor("pia").get(f"/designer/{id}/difference")
    shown = text(page)
    assert "3 mistakes" in shown
    assert f'href="/designer/{id}/yaml?line=' in page.text
    assert "no state 'gone'" in html.unescape(shown)
    assert "There is no role 'clark'" in html.unescape(shown)
    assert 'name="seal"' not in page.text


def test_what_gives_more_rights_is_marked_and_for_administrators(site):
    id = drafted(site, WIDER)
    pia = site.visitor("pia")
    page = pia.get(f"/designer/{id}/difference")
    assert "Role “Planner” may now also delete “Ticket” more rights" in text(page)
    assert "Only administrators may publish this; it changes the permissions of Ticket." in text(page)
    assert f"designer/shared/{draft(site, id).token}" in page.text
    assert 'name="seal"' not in page.text
    tried(site, pia, id, "pia")
    assert pia.post(f"/designer/{id}/publish", {"seal": "x", "reason": "y"}).status_code == 403
    ada = site.visitor("ada")
    published(site, ada, id, "ada")
    assert in_force(site).definition.forms["ticket"].permissions["planner"].delete.constant


# --- decisions, trial, publication


def test_a_required_field_asks_about_the_records_that_lack_it(site):
    for name in "ABC":
        site.made.create("ticket", name=name)
    id = drafted(site, ASKING)
    pia = site.visitor("pia")
    shown = text(pia.get(f"/designer/{id}/difference"))
    assert "Note of form Ticket must be filled from now on; 3 records have no value. Which records? (3) A B C" in shown
    assert "Decisions about the data to be made: 1." in shown
    question = {"question.1": "required ticket.note", "choice.1": "fill"}
    pia.post(f"/designer/{id}/decide", question)
    assert "Say which value the records get." in text(pia.get(f"/designer/{id}/difference"))
    pia.post(f"/designer/{id}/decide", {**question, "value.1.fill": "none"})
    shown = text(pia.get(f"/designer/{id}/difference"))
    assert "all decided" in shown
    answer = pia.htmx("POST", f"/designer/{id}/decide", data={**question, "choice.1": "from_now_on"})
    assert answer.status_code == 200
    assert 'id="life"' in answer.text
    assert draft(site, id).decisions == {"required ticket.note": {"choice": "from_now_on", "value": ""}}
    published(site, pia, id, "pia", all_the_same="1")
    assert in_force(site).definition.forms["ticket"].fields["note"].required
    assert versions(site)[0].decisions["required ticket.note"]["choice"] == "from_now_on"


def test_a_draft_goes_the_whole_way(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    answer = published(site, pia, id, "pia", reason="It takes longer in winter")
    newest = versions(site)[0]
    assert answer.headers["Location"] == f"/designer/history#version-{newest.id}"
    assert (newest.by_name, newest.reason, newest.kind) == ("Pia", "It takes longer in winter", "published")
    assert str(in_force(site).definition.forms["ticket"].workflow.states["open"].within) == "4h"
    assert draft(site, id).state == "published"
    shown = text(pia.get("/designer/history"))
    assert "It takes longer in winter in force" in shown
    version = text(pia.get(f"/designer/history/{newest.id}"))
    assert "Form “Ticket” › state “Open” is expected to take 4 hours instead of 2 hours" in version
    assert "published a definition" in text(site.visitor("ada").get("/admin/audit"))


def test_nothing_is_published_without_a_trial_and_a_reason(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")

    def refused(**form):
        answer = pia.post(f"/designer/{id}/publish", {"seal": seal(pia, id), "reason": "x", **form})
        assert answer.headers["Location"] == f"/designer/{id}/difference"
        return pia.get(f"/designer/{id}/difference").text

    assert 'data-toast="danger">It is to be tried out first.' in refused()
    tried(site, pia, id, "pia")
    assert 'data-toast="danger">Say why it is changed; the history keeps it.' in refused(reason=" ")
    assert in_force(site).definition.hash == site.app.definition.hash


def test_a_story_that_fails_is_told_and_can_be_overruled_by_name(site):
    id = drafted(site, DESK.replace("{of: t, state: done}", "{of: t, state: open}"))
    pia = site.visitor("pia")
    tried(site, pia, id, "pia")
    shown = text(pia.get(f"/designer/{id}/difference"))
    assert "did not go well" in shown
    assert "A ticket is finished: expected" in shown
    form = {"seal": seal(pia, id), "reason": "x"}
    assert pia.post(f"/designer/{id}/publish", form).headers["Location"] == f"/designer/{id}/difference"
    published(site, pia, id, "pia", all_the_same="1")
    assert in_force(site).definition.hash != site.app.definition.hash


def test_another_text_is_tried_anew(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    tried(site, pia, id, "pia")
    with site.app.database.write() as conn:
        changes.keep(conn, site.app.tables, draft(site, id), now=site.app.clock(), text=LONGER.replace("4h", "5h"))
    assert "It is to be tried out first." in text(pia.get(f"/designer/{id}/difference"))


def test_progress_is_sent_only_when_it_changed_and_can_be_stopped(site):
    id = drafted(site, LONGER)
    pia = site.visitor("pia")
    pia.post(f"/designer/{id}/try")
    answer = pia.htmx("GET", f"/designer/{id}/trial")
    mark = answer.headers["HX-PTag"]
    assert 'hx-trigger="every 1s"' in answer.text
    assert pia.htmx("GET", f"/designer/{id}/trial", headers={"HX-PTag": mark}).status_code == 204
    job = jobs.recent(site.app, site.made.actor("pia"), change_id=id)[0].id
    pia.post(f"/designer/{id}/jobs/{job}/cancel")
    assert "It was stopped." in text(pia.get(f"/designer/{id}/difference"))
    assert pia.post(f"/designer/{drafted(site, LONGER)}/jobs/{job}/cancel").status_code == 404


# --- drift


def test_a_plan_is_stale_when_the_data_changed_since_it_was_looked_at(site):
    id = drafted(site, ASKING)
    pia = site.visitor("pia")
    tried(site, pia, id, "pia")
    seen = seal(pia, id)
    site.made.create("ticket", name="Late")
    answer = pia.post(f"/designer/{id}/publish", {"seal": seen, "reason": "x", "all_the_same": "1"})
    assert answer.headers["Location"] == f"/designer/{id}/difference"
    page = pia.get(f"/designer/{id}/difference")
    assert "The definition or the data changed since you looked. This is the difference now." in page.text
    assert "1 records have no value" in text(page)
    assert in_force(site).definition.hash == site.app.definition.hash


def test_two_publish_at_once_and_one_wins(site):
    mine, theirs = drafted(site, LONGER), drafted(site, DESK.replace("en: Desk}", "en: Help desk}"), "max")
    pia, max_ = site.visitor("pia"), site.visitor("max")
    begun = []
    for visitor, login, id in ((pia, "pia", mine), (max_, "max", theirs)):
        tried(site, visitor, id, login)
        begun.append((visitor, id, {"seal": seal(visitor, id), "reason": f"By {login}"}))
    addresses = [visitor.post(f"/designer/{id}/publish", form).headers["Location"] for visitor, id, form in begun]
    work(site, pia, mine, "pia")
    work(site, max_, theirs, "max")
    assert pia.get(addresses[0]).headers["Location"].startswith("/designer/history")
    assert max_.get(addresses[1]).headers["Location"] == f"/designer/{theirs}/difference"
    page = max_.get(f"/designer/{theirs}/difference")
    assert "Pia put another definition in force at" in page.text
    assert "Another version was published meanwhile" in text(page)
    assert "By pia" in text(page)
    assert [one.reason for one in versions(site)][:1] == ["By pia"]


def test_what_was_published_meanwhile_is_merged_in(site):
    old = (site.app.definition.hash, DESK)
    published(site, site.visitor("ada"), drafted(site, LONGER, "ada"), "ada")
    id = drafted(site, DESK.replace("en: Desk}", "en: Help desk}"), base=old)
    pia = site.visitor("pia")
    shown = text(pia.get(f"/designer/{id}/difference"))
    assert "Application “Desk” is called “Help desk” instead of “Desk” in English" in shown
    assert "expected to take" not in shown  # that is not what this draft changes
    pia.post(f"/designer/{id}/merge")
    merged = draft(site, id)
    assert merged.text == LONGER.replace("en: Desk}", "en: Help desk}")
    assert merged.base == in_force(site).definition.hash
    published(site, pia, id, "pia")
    assert in_force(site).definition.label.text("en") == "Help desk"


def test_what_both_changed_is_asked_with_both_values_and_lines(site):
    old = (site.app.definition.hash, DESK)
    published(site, site.visitor("ada"), drafted(site, LONGER, "ada"), "ada")
    id = drafted(site, DESK.replace("within: 2h", "within: 8h"), base=old)
    pia = site.visitor("pia")
    answer = pia.post(f"/designer/{id}/merge")
    assert answer.status_code == 409
    shown = text(answer)
    assert "1 places changed twice" in shown
    assert "This draft · line 20 8h In force · line 20 4h" in shown
    place = re.search(r'name="place.1" value="([^"]*)"', answer.text)[1].replace("&#34;", '"')
    assert pia.post(f"/designer/{id}/merge", {"place.1": "no JSON", "choice.1": "mine"}).status_code == 409
    pia.post(f"/designer/{id}/merge", {"place.1": place, "choice.1": "mine"})
    assert draft(site, id).text == DESK.replace("within: 2h", "within: 8h")
    assert draft(site, id).base == in_force(site).definition.hash


def test_a_merge_writes_over_nothing_that_came_meanwhile(site):
    id, app = drafted(site, LONGER), in_force(site)
    readings = Readings(app.registry)
    seen = Workspace(draft(site, id), readings.of(LONGER))
    with app.database.write() as conn:
        changes.keep(conn, app.tables, seen.change, now=app.clock(), text=WIDER)
    with pytest.raises(Stale):
        doing.merged_in(app, readings, seen, InForce("abc", DESK), LONGER)
    assert draft(site, id).text == WIDER


# --- back


def test_an_administrator_goes_back_by_a_rehearsed_draft(site):
    first = versions(site)[0]
    published(site, site.visitor("pia"), drafted(site, LONGER), "pia")
    ada = site.visitor("ada")
    address = ada.post(f"/designer/history/{first.id}/back").headers["Location"]
    id = int(address.split("/")[2])
    shown = text(ada.get(address))
    assert "Form “Ticket” › state “Open” is expected to take 2 hours instead of 4 hours" in shown
    assert "It is to be rehearsed on a copy first." in shown
    answer = published(site, ada, id, "ada", reason="It did not help")
    assert answer.headers["Location"].startswith("/designer/history#version-")
    assert (versions(site)[0].kind, versions(site)[0].hash) == ("rolled_back", first.hash)
    assert ada.post(f"/designer/history/{versions(site)[0].id}/back").headers["Location"] == "/designer/history"


def test_a_designer_cannot_go_back_by_drafting_the_old_text(site):
    published(site, site.visitor("ada"), drafted(site, LONGER, "ada"), "ada")
    id = drafted(site, DESK, base=(in_force(site).definition.hash, LONGER))
    pia = site.visitor("pia")
    assert "Only administrators may go back to an earlier version." in text(pia.get(f"/designer/{id}/difference"))
    assert pia.post(f"/designer/{id}/publish", {"seal": "x", "reason": "y"}).status_code == 403


# --- files


def sent(name, source):
    raw = source if isinstance(source, bytes) else source.encode()
    return {"data": {"file": (io.BytesIO(raw), name)}, "content_type": "multipart/form-data"}


def test_a_good_file_becomes_a_draft(site):
    ada = site.visitor("ada")
    address = ada.post("/designer/upload", **sent("desk.yaml", LONGER)).headers["Location"]
    made = draft(site, int(address.split("/")[2]))
    assert (made.title, made.text) == ("desk.yaml", LONGER)
    assert in_force(site) is site.app


@pytest.mark.parametrize(
    "hostile",
    ["a: &a [*a, *a]", "[" * 50_000, "\x00", "app: !!python/object:os.system x", "- 1", "", b"\xff\xfe\x00",
     "app: other\nlabel: X\nforms: {}"],
)  # fmt: skip
def test_a_hostile_file_is_answered_with_what_is_wrong(site, hostile):
    answer = site.visitor("ada").post("/designer/upload", **sent("x.yaml", hostile))
    assert answer.status_code == 422
    assert "Nothing was changed." in text(answer)
    with site.app.database.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(site.app.tables.change)).scalar() == 0


def test_a_file_with_mistakes_shows_them_beside_its_lines(site):
    wrong = DESK.replace("required: true", "requierd: true").replace("roles: [clerk]}", "roles: [clark]}")
    ada = site.visitor("ada")
    answer = ada.post("/designer/upload", **sent("desk.yaml", wrong))
    assert answer.status_code == 422
    assert "desk.yaml: 2 mistakes not taken Nothing was changed." in text(answer)
    assert 'href="#line-12"' in answer.text
    assert '<li id="line-12" class="wrong">' in answer.text
    mended = ada.post("/designer/upload/mend", {"name": "desk.yaml", "text": wrong}).headers["Location"]
    assert draft(site, int(mended.split("/")[2])).text == wrong


def test_a_text_that_is_too_long_becomes_no_draft(site):
    ada = site.visitor("ada")
    answer = ada.post("/designer/upload/mend", {"name": "desk.yaml", "text": DESK + "# " + "x" * 1_000_000})
    assert "A definition has at most 1000000 bytes." in text(answer)
    with site.app.database.read() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(site.app.tables.change)).scalar() == 0


def test_another_applications_file_is_not_taken(site):
    answer = site.visitor("ada").post("/designer/upload", **sent("x.yaml", DESK.replace("app: desk", "app: bakery")))
    assert "This is the application bakery; desk is running here." in text(answer)


def test_a_package_goes_out_and_comes_in_as_a_draft(site):
    pytest.importorskip("engine.publishing.package")
    ada = site.visitor("ada")
    out = ada.get("/designer/package.zip")
    assert out.headers["Content-Disposition"] == 'attachment; filename="desk.zip"'
    assert site.visitor("cleo").get("/designer/package.zip").status_code == 403
    published(site, ada, drafted(site, LONGER, "ada"), "ada")
    address = ada.post("/designer/upload", **sent("desk.zip", out.data)).headers["Location"]
    assert draft(site, int(address.split("/")[2])).text == DESK
    assert ada.post("/designer/upload", **sent("desk.zip", b"PK\x03\x04 broken")).status_code == 422
