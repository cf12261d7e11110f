"""People, groups, roles, audit and the definition, through the pages of an administrator."""

from __future__ import annotations

import io

import pytest
from visiting import TICKETS, text


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the database."""
    return sqlite_url


@pytest.fixture
def admin(grounds):
    return grounds.visitor("admin")


def test_a_new_person_gets_a_password_that_is_shown_once(grounds, admin):
    page = admin.post("/admin/users", {"login": "Eve", "name": "Eve Li", "roles": ["agent"]})
    assert "Eve Li can sign in now" in text(page)
    one_time = page.text.split('<code id="secret">')[1].split("<")[0]
    eve = grounds.visitor()
    assert eve.sign_in("eve", one_time).status_code == 303
    assert grounds.user("eve").roles == {"agent"}
    assert one_time not in admin.get(f"/admin/users/{grounds.user('eve').id}").text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"login": "ann", "name": "Other"}, "The sign-in name ann is taken."),
        ({"login": "a b", "name": "Other"}, "A sign-in name has letters, digits and . @ + - _ only, at most 80."),
        ({"login": "eve", "name": " "}, "A name has between 1 and 120 characters."),
        ({"login": "eve", "name": "Eve", "roles": ["boss"]}, "There is no role boss. There are: agent, guest, lead."),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said_and_what_was_typed_stays(admin, typed, said):
    answer = admin.post("/admin/users", typed)
    assert answer.status_code in (409, 422)
    assert said in text(answer)
    assert f'value="{typed["login"]}"' in answer.text


def test_roles_and_groups_of_a_person_are_replaced(grounds, admin):
    admin.post("/admin/groups", {"name": "Day shift", "roles": ["agent"], "members": []})
    ann = grounds.user("ann").id
    admin.post(f"/admin/users/{ann}", {"name": "Ann", "roles": ["lead"], "groups": ["1"]})
    assert (grounds.user("ann").roles, grounds.user("ann").groups) == ({"lead"}, {1})
    assert "Day shift" in text(admin.get("/admin/users"))


def test_the_last_administrator_stays_one(grounds, admin):
    me = grounds.user("admin").id
    answer = admin.post(f"/admin/users/{me}", {"name": "Admin", "roles": ["agent"]})
    assert answer.status_code == 409
    assert "Somebody must remain an administrator. Make another person one first." in text(answer)
    assert admin.post(f"/admin/users/{me}/active", {"active": "no"}).status_code == 409


def test_a_group_cannot_make_administrators(admin):
    answer = admin.post("/admin/groups", {"name": "Friends", "roles": ["admin"]})
    assert "A group cannot have the role admin." in text(answer)


def test_the_role_page_shows_conditions_and_transitions(admin):
    shown = text(admin.get("/admin/roles?role=agent"))
    assert "Submit" in shown
    assert "Pay · read: never" in shown
    assert admin.get("/admin/roles?role=nobody").status_code == 404


def test_the_audit_tells_who_did_what_to_whom(grounds, admin):
    grounds.made.create("ticket", subject="Old printer", as_="ann")
    admin.post(f"/admin/users/{grounds.user('ann').id}/reset")
    shown = text(admin.get("/admin/audit"))
    assert "Admin reset the password Ann" in shown
    assert "Ticket Old printer" in shown
    only = text(admin.get(f"/admin/audit?form=ticket&actor={grounds.user('ann').id}"))
    assert "Old printer" in only
    assert "reset the password" not in only
    assert admin.get("/admin/audit?since=yesterday").status_code == 422


def test_an_administrator_revokes_anybodys_token(grounds, admin):
    key = grounds.token("ann")
    assert "Ann" in text(admin.get("/admin/tokens"))
    admin.post("/admin/tokens/1/revoke")
    assert grounds.web.test_client().get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 401


# --- the definition


def test_a_check_lists_every_mistake_with_its_line_and_changes_nothing(grounds, admin):
    wrong = TICKETS.replace("required: true", "requierd: true").replace("roles: [agent]}", "roles: [agnet]}")
    before = grounds.web.extensions["appmill"].current.application()
    answer = admin.post("/admin/definition/check", {"text": wrong})
    assert answer.status_code == 422
    shown = text(answer)
    assert "2 mistakes cannot be applied" in shown
    assert "requierd" in shown
    assert "agnet" in shown
    line = next(number for number, row in enumerate(wrong.splitlines(), 1) if "requierd" in row)
    assert f'href="#line-{line}"' in answer.text
    assert f'id="line-{line}" class="wrong"' in answer.text
    assert grounds.web.extensions["appmill"].current.application() is before


def test_an_uploaded_file_is_checked_like_typed_text(admin):
    file = (io.BytesIO(TICKETS.encode()), "helpdesk.yaml")
    answer = admin.post("/admin/definition/check", {"file": file}, content_type="multipart/form-data")
    assert answer.status_code == 200
    assert "No mistakes can be applied" in text(answer)
    assert "The database stays as it is." in text(answer)


@pytest.mark.parametrize(
    "hostile",
    [
        "a: &a [*a, *a]",
        "[" * 50_000,
        "\x00",
        "app: !!python/object:os.system x",
        "- 1",
        "",
        "app: other\nlabel: X\nforms: {}",
    ],
)
def test_a_hostile_file_is_answered_with_what_is_wrong(admin, hostile):
    assert admin.post("/admin/definition/check", {"text": hostile}).status_code == 422


def test_a_definition_that_adds_something_is_applied_at_once_for_everybody(grounds, admin, tmp_path):
    file = tmp_path / "helpdesk.yaml"
    file.write_text(TICKETS)
    grounds.web.extensions["appmill"].definition_file = str(file)
    more = TICKETS.replace("      pay: {", "      room: {type: text, label: {zh: 房间, en: Room}}\n      pay: {")
    checked = admin.post("/admin/definition/check", {"text": more})
    assert "can be applied" in text(checked)
    assert admin.post("/admin/definition/apply", {"text": more}).status_code == 303
    applied = grounds.web.extensions["appmill"].current.application()
    assert "room" in applied.definition.forms["ticket"].fields
    assert file.read_text() == more
    assert "published a definition" in text(admin.get("/admin/audit"))
    assert applied.definition.hash in text(admin.get("/admin/definition"))


def test_what_takes_data_away_is_shown_and_not_applied(grounds, admin):
    grounds.made.create("ticket", subject="Old printer", pay="3", as_="bob")
    less = TICKETS.replace("      pay: {type: integer, label: {zh: 费用, en: Pay}}\n", "").replace(
        ", fields: {pay: {read: false}}", ""
    )
    checked = admin.post("/admin/definition/check", {"text": less})
    assert "takes data away" in text(checked)
    assert admin.post("/admin/definition/apply", {"text": less}).status_code == 409
    assert "pay" in grounds.web.extensions["appmill"].current.application().definition.forms["ticket"].fields


def test_another_applications_file_is_not_taken(admin):
    other = TICKETS.replace("app: helpdesk", "app: bakery")
    answer = admin.post("/admin/definition/check", {"text": other})
    assert "This is the application bakery; helpdesk is running here." in text(answer)
    assert admin.post("/admin/definition/apply", {"text": other}).status_code == 409
