"""Given a draft, when its preview is walked as some role, then it is the draft at work, and nothing leaves or stays."""

import json
import re
from dataclasses import replace

import pytest
from making import reasons
from preview_world import DESK, PEOPLE, designing, draft_of, fingerprint, rewritten
from visiting import Grounds, text

from designer import preview
from designer.preview.worlds import worlds_over
from engine import service
from engine.errors import Invalid, Refused
from engine.publishing import preparing

WITH_FIELD = DESK.replace(
    "      urgent: {type: boolean", "      packing: {type: text, label: {zh: 包装, en: Packing}, required: true}\n      urgent: {type: boolean"
).replace("client, others, urgent", "client, packing, others, urgent")


@pytest.fixture
def database_url(sqlite_url):
    """What is shown does not depend on the live database; samples are taken from both in test_preview_sample."""
    return sqlite_url


@pytest.fixture
def grounds(make_app):
    made = make_app(DESK, people=PEOPLE, registry=designing())
    near = made.create("client", name="Near", region="north")
    made.create("ticket", subject="Broken lamp", client=near.id, hours=[{"what": "look", "spent": "2"}])
    yield Grounds(made)
    worlds_over(made.application).close()


@pytest.fixture
def draft(grounds):
    return draft_of(grounds.app, WITH_FIELD, author=grounds.made.id_of("admin"))


def root(draft, look="agent.en.light"):
    return f"/designer/{draft.change.id}/preview/site/{look}"


def addresses(html):
    """Every value of an attribute that begins at the root of the site, what people read and wrote aside."""
    found = re.findall(r"""\s([a-zA-Z:-]+)=(["'])(/[^"']*)\2""", html)
    return [(name, value) for name, _quote, value in found if name != "value" and not value.startswith("/static/")]


# --- what is seen


def test_the_draft_is_at_work_with_real_data(grounds, draft):
    visitor = grounds.visitor("admin")
    assert "Broken lamp" in text(visitor.get(f"{root(draft)}/ticket"))
    page = visitor.get(f"{root(draft)}/ticket/1/edit")
    assert page.status_code == 200
    assert 'data-field="packing"' in page.text
    assert 'data-field="packing"' not in visitor.get("/ticket/1/edit").text


def test_a_role_sees_what_the_draft_lets_it_see(grounds, draft):
    admin = grounds.visitor("admin")
    assert "Submit" in text(admin.get(f"{root(draft, 'agent.en.light')}/ticket/1"))
    lead = text(admin.get(f"{root(draft, 'lead.en.light')}/ticket/1"))
    assert "Submit" not in lead.split("Timeline")[0] or "You cannot" in lead
    assert admin.get(f"{root(draft, 'agent.en.light')}/vault").status_code == 404
    assert admin.get(f"{root(draft, 'lead.en.light')}/vault").status_code == 200


def test_a_designer_sees_nothing_through_it_that_they_may_not_read(grounds):
    made = grounds.made
    made.create("vault", words="nobody's business")
    made.create("ticket", subject="hush", pay="4711")
    made.create("ticket", subject="plain", pay="885522")
    everything = DESK.replace("planner: {read: \"record.subject != 'hush'\"", "planner: {read: true").replace(
        "fields: {pay: {read: false}, ", "fields: {").replace("permissions: {lead:", "permissions: {planner: {read: true}, lead:")  # fmt: skip
    draft = draft_of(grounds.app, everything, author=made.id_of("pia"))
    visitor = grounds.visitor("pia")
    for look in ("admin.en.light", "lead.en.light", "planner.en.light", "-.en.light"):
        seen = "".join(visitor.get(root(draft, look) + path).text for path in ("/", "/ticket", "/ticket/3", "/vault", "/ticket/3/events"))
        assert "plain" in seen
        for word in ("hush", "nobody&#39;s business", "nobody's business", "4711", "885522", "885,522"):
            assert word not in seen, (look, word)
    assert visitor.get(f"{root(draft, 'admin.en.light')}/ticket/2").status_code == 404


def test_who_may_not_design_or_has_not_the_draft_is_told_nothing(grounds, draft):
    assert grounds.visitor("ann").get(f"{root(draft)}/ticket").status_code == 403
    assert grounds.visitor("pia").get(f"{root(draft)}/ticket").status_code == 404
    assert grounds.visitor().get(f"{root(draft)}/ticket").status_code == 303
    assert grounds.visitor("admin").get(f"{root(draft, 'nobody.en.light')}/ticket").status_code == 404


def test_a_person_is_looked_as_with_what_is_theirs(grounds):
    theirs = DESK.replace("agent: {create: true, read: true, update: true}\n      lead: {create: true, read: true, update: true, delete",
                          "agent: {create: true, read: record.created_by == user, update: true}\n      lead: {create: true, read: true, update: true, delete")  # fmt: skip
    ann = grounds.made.id_of("ann")
    grounds.made.create("ticket", subject="of Ann", as_="ann")
    draft = draft_of(grounds.app, theirs, author=grounds.made.id_of("admin"))
    visitor = grounds.visitor("admin")
    seen = text(visitor.get(f"{root(draft, f'@{ann}.en.light')}/ticket"))
    assert "of Ann" in seen
    assert "Broken lamp" not in seen
    assert visitor.get(f"{root(draft, '@99999.en.light')}/ticket").status_code == 404


# --- nothing leaves


def test_no_address_leads_out_and_no_cookie_is_set(grounds, draft):
    visitor = grounds.visitor("admin")
    before = visitor.cookie
    waiting, walked = ["/"], {}
    while waiting:
        path = waiting.pop()
        if path in walked or len(walked) > 80:
            continue
        answer = walked[path] = visitor.get(root(draft) + path)
        assert answer.status_code < 500, path
        assert answer.headers.getlist("Set-Cookie") == [], path
        assert answer.headers.get("Location", root(draft)).startswith(root(draft)), path
        if answer.mimetype == "text/html":
            for name, address in addresses(answer.text):
                assert address.startswith(root(draft)), (path, name, address)
                if name in ("href", "hx-get"):
                    waiting.append(address[len(root(draft)):].replace("&amp;", "&").partition("#")[0] or "/")
    assert len(walked) > 40
    assert visitor.cookie == before


@pytest.mark.parametrize("path", ["/admin/users", "/me", "/api/v1/openapi.json", "/admin/automation", "/designer",
                                  "/ticket/export.csv", "/sign_in", "/hooks/x"])  # fmt: skip
def test_rooms_that_are_not_part_of_it_are_closed(grounds, draft, path):
    answer = grounds.visitor("admin").get(root(draft, "admin.en.light") + path)
    assert answer.status_code in (404, 405, 409)
    assert "Ann" not in answer.text


def test_a_file_is_read_through_the_live_store_only_where_it_stands_in_the_sample(grounds, draft):
    import io

    visitor = grounds.visitor("ann")
    sent = visitor.post("/files", {"form": "ticket", "field": "report", "file": (io.BytesIO(b"a report"), "r.txt")},
                        content_type="multipart/form-data").json["id"]  # fmt: skip
    admin = grounds.visitor("admin")
    assert admin.get(f"{root(draft)}/files/{sent}").status_code == 404
    grounds.made.update("ticket", 1, as_="ann", report=[sent])
    worlds_over(grounds.app).forget(grounds.app, grounds.made.actor("admin"))
    with admin.get(f"{root(draft)}/files/{sent}") as answer:
        assert answer.data == b"a report"


# --- nothing stays


def test_a_save_is_checked_and_taken_back(grounds, draft):
    visitor, before = grounds.visitor("admin"), fingerprint(grounds.app)
    wrong = visitor.post(f"{root(draft)}/ticket/new", {"subject": "", "packing": ""})
    assert wrong.status_code == 422
    assert "Packing" in text(wrong)
    assert "Subject is required" in text(wrong)
    right = visitor.post(f"{root(draft)}/ticket/new", {"subject": "Brandnew", "packing": "Box"})
    assert (right.status_code, right.headers["Location"]) == (303, f"{root(draft)}/ticket/new?_said=saved")
    told = visitor.get(right.headers["Location"])
    assert "everything was checked and would have been saved. Nothing was." in told.text
    asked = visitor.post(f"{root(draft)}/ticket/new", {"subject": "Brandnew", "packing": "Box"}, headers={"X-Preview": "rehearse"})
    assert asked.json == {"said": "This is a preview: everything was checked and would have been saved. Nothing was."}
    assert "Brandnew" not in text(visitor.get(f"{root(draft)}/ticket"))
    assert fingerprint(grounds.app) == before


def test_a_step_is_tried_and_taken_back(grounds, draft):
    visitor, before = grounds.visitor("admin"), fingerprint(grounds.app)
    asked = visitor.htmx("GET", f"{root(draft)}/ticket/1/take/submit")
    assert "Submit" in asked.text
    version = str(grounds.made.get("ticket", 1)["version"])
    taken = visitor.htmx("POST", f"{root(draft)}/ticket/1/take/submit", data={"_version": version})
    assert taken.headers.get("HX-Redirect") == f"{root(draft)}/ticket/1?_said=saved", text(taken)
    assert "Open" in text(visitor.get(f"{root(draft)}/ticket/1"))
    assert fingerprint(grounds.app) == before


def test_what_is_typed_moves_the_form_as_in_the_draft(grounds):
    draft = draft_of(grounds.app, DESK.replace("visible_when: record.urgent", "visible_when: record.pay > 5"),
                     author=grounds.made.id_of("admin"))  # fmt: skip
    visitor = grounds.visitor("admin")

    def shown(**typed):
        return visitor.post(f"{root(draft)}/ticket/react", typed).json["visible"]["reason"]

    assert [shown(subject="A", pay="9"), shown(subject="A", pay="2")] == [True, False]
    rows = visitor.post(f"{root(draft)}/ticket/lines/hours", {"lines.1.what": "x", "lines.1.spent": "3"})
    assert rows.status_code == 200


@pytest.mark.parametrize("path", ["/ticket/1/comments", "/files", "/sign_out", "/me/language", "/ticket/saved", "/look_as",
                                  "/ticket/bulk", "/ticket/import", "/notifications/read", "/hooks/x"])  # fmt: skip
def test_no_other_post_does_anything(grounds, draft, path):
    visitor, before = grounds.visitor("admin"), fingerprint(grounds.app)
    answer = visitor.post(root(draft, "admin.en.light") + path, {"body": "hello", "name": "x"})
    assert 400 <= answer.status_code < 500
    assert fingerprint(grounds.app) == before
    assert visitor.get("/").status_code == 200  # still signed in


def test_a_forged_post_is_refused(grounds, draft):
    answer = grounds.visitor("admin").post(f"{root(draft)}/ticket/new", {"subject": "x"}, token="nonsense")
    assert answer.status_code == 403


# --- versions


def test_a_draft_with_mistakes_shows_its_last_good_version(grounds, draft):
    visitor = grounds.visitor("admin")
    state = f"/designer/{draft.change.id}/preview/state"
    good = visitor.get(state).json
    assert good["problem"] == ""
    broken = rewritten(grounds.app, draft, WITH_FIELD.replace("type: boolean", "type: bolean"))
    assert visitor.get(state).json == {
        "stamp": good["stamp"], "problem": "The draft has mistakes. What is shown is its last version without any.",
    }  # fmt: skip
    assert 'data-field="packing"' in visitor.get(f"{root(draft)}/ticket/new").text
    with pytest.raises(Refused, match="The draft has mistakes; put them right"):
        preview.world(broken, grounds.made.actor("admin"), grounds.app)


def test_what_the_draft_takes_away_is_gone_in_the_preview_only(grounds):
    less = DESK.replace("      urgent: {type: boolean, label: {zh: 加急, en: Urgent}}\n", "").replace(" urgent,", "")
    less = less.replace(", visible_when: record.urgent, required_when: record.urgent", "")
    grounds.made.update("ticket", 1, urgent="true", reason="soon")
    draft = draft_of(grounds.app, less, author=grounds.made.id_of("admin"))
    visitor = grounds.visitor("admin")
    assert 'data-field="urgent"' not in visitor.get(f"{root(draft)}/ticket/1/edit").text
    assert grounds.made.get("ticket", 1)["urgent"] is True


def test_what_was_decided_about_the_data_is_done_in_the_preview(grounds):
    fewer = DESK.replace("        done: {label: {zh: 完成, en: Done}, final: true}\n", "        over: {label: Over, final: true}\n").replace(
        "to: done", "to: over")  # fmt: skip
    made = grounds.made
    with grounds.app.database.write() as conn:
        ticket = grounds.app.tables.form["ticket"]
        conn.execute(ticket.update().where(ticket.c.id == 1).values(state="done"))
    draft = draft_of(grounds.app, fewer, author=made.id_of("admin"))
    admin = made.actor("admin")
    with preview.world(draft, admin, grounds.app).database.read() as conn:
        before = conn.exec_driver_sql("SELECT state FROM ticket").scalar()
    found = preparing.prepare(grounds.app, fewer).plan
    question = found.questions[0]
    choice = next(one for one in question.choices if "over" in (one.options or ()))
    decided = {question.id: {"choice": choice.name, "value": "over"}}
    changed = replace(draft, change=replace(draft.change, decisions=decided))
    with preview.world(changed, admin, grounds.app).database.read() as conn:
        assert (before, conn.exec_driver_sql("SELECT state FROM ticket").scalar()) == ("open", "over")
    assert made.get("ticket", 1)["state"] == "done"


# --- what is chosen


def opened(visitor, draft, **chosen):
    return visitor.get(f"/designer/{draft.change.id}/preview/open", query_string=chosen).headers["Location"]


def test_a_record_in_the_state_is_found_or_made_up(grounds, draft):
    visitor, before = grounds.visitor("admin"), fingerprint(grounds.app)
    there = opened(visitor, draft, what="record:ticket", state="open", who="agent", language="en")
    assert there == f"{root(draft)}/ticket/1"
    made_up = opened(visitor, draft, what="record:ticket", state="checking", who="lead", language="en", theme="dark")
    assert re.fullmatch(rf"{root(draft, 'lead.en.dark')}/ticket/\d+", made_up)
    page = visitor.get(made_up)
    assert 'data-state="checking"' in page.text
    assert 'data-theme="dark"' in page.text
    assert "Report must be there before the state is left." in page.text
    assert opened(visitor, draft, what="record:ticket", state="checking", who="lead", language="en", theme="dark") == made_up
    assert fingerprint(grounds.app) == before


def test_a_record_is_made_up_where_there_is_none_at_all(grounds, draft):
    visitor = grounds.visitor("admin")
    made_up = opened(visitor, draft, what="record:vault", who="lead", language="zh")
    assert "文字" in text(visitor.get(made_up))


@pytest.mark.parametrize(
    ("chosen", "path"),
    [({"what": "home"}, "/"), ({"what": "new:ticket"}, "/ticket/new"), ({"what": "list:client"}, "/client"),
     ({"what": "record:gone"}, "/"), ({"what": "page:gone"}, "/"), ({"what": "record:vault", "who": "agent"}, "/vault")],
)  # fmt: skip
def test_where_a_choice_leads(grounds, draft, chosen, path):
    asked = {"who": "agent", "language": "en", **chosen}
    assert opened(grounds.visitor("admin"), draft, **asked) == root(draft) + path


def test_the_page_offers_what_the_draft_has(grounds, draft):
    page = grounds.visitor("admin").get(f"/designer/{draft.change.id}/preview?what=record:ticket&state=done&who=lead")
    assert page.status_code == 200
    for offered in ('value="new:ticket"', 'value="done" selected', 'value="lead" selected', "I myself", "Real data you may read"):
        assert offered in page.text
    assert page.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]


# --- for other rooms


def test_a_world_is_an_application_whose_writes_are_taken_back(grounds, draft):
    made, before = grounds.made, fingerprint(grounds.app)
    app = preview.world(draft, made.actor("admin"), grounds.app)
    assert "packing" in app.definition.forms["ticket"].fields
    with pytest.raises(Invalid) as refused:
        service.save(app, made.actor("ann"), "ticket", {"subject": ""})
    assert reasons(refused) == ["subject: Subject is required.", "packing: Packing is required."]
    service.save(app, made.actor("ann"), "ticket", {"subject": "x", "packing": "y"})
    with app.database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM ticket").scalar() == 1
    assert fingerprint(grounds.app) == before
    assert preview.world(draft, made.actor("admin"), grounds.app) is app


def test_worlds_are_few_and_their_files_go(grounds, draft, monkeypatch):
    from designer.preview import worlds

    monkeypatch.setattr(worlds, "WORLDS", 2)
    monkeypatch.setattr(worlds, "GRACE", 0)
    admin = grounds.made.actor("admin")
    made = []
    for number in range(4):
        changed = draft.with_text(WITH_FIELD + f"# {number}\n")
        made.append(worlds_over(grounds.app).of(grounds.app, admin, changed.definition))
    assert [world.file.exists() for world in made] == [False, False, True, True]
    assert made[-1].file.parent.stat().st_mode & 0o077 == 0
    worlds_over(grounds.app).close()
    assert not made[-1].file.exists()


def test_json_addresses_move_and_texts_do_not():
    from designer.preview.addresses import data_outward

    told = {"options": {"client": "/ticket/options/client"}, "computed": {"x": "/ticket/1"}, "files": [{"url": "/files/1"}]}
    assert data_outward("/r", told) == {
        "options": {"client": "/r/ticket/options/client"}, "computed": {"x": "/ticket/1"}, "files": [{"url": "/r/files/1"}],
    }  # fmt: skip
    assert json.dumps(told)
