"""People, groups, roles, audit and the definition, through the pages of an administrator."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from visiting import text

from engine.chain.sealing import seal_all
from engine.chain.standing import note, standing
from engine.chain.verifying import Outcome, verify
from engine.storage import events


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


def test_the_audit_says_what_is_sealed_and_whether_it_was_verified(grounds, admin):
    assert "Nothing is sealed yet. Never verified: appmill audit verify does it." in text(admin.get("/admin/audit"))
    app = grounds.made.application
    grounds.made.create("ticket", subject="Old printer", as_="ann")
    seal_all(app.database, app.clock)
    with app.database.write() as conn:
        events.unguard(conn)
        conn.execute(sa.update(app.tables.event).values(reason="another"))
        events.guard(conn)
        note(conn, Outcome(events=5, seals=1), app.clock())
    shown = text(admin.get("/admin/audit"))
    assert "by seal 1," in shown
    assert "1 later events are not sealed yet. Verified: everything is as it was sealed," in shown
    assert "verified the audit chain" in shown
    with app.database.write() as conn:
        note(conn, verify(conn), app.clock())
    faults = standing_of(app).verified.faults
    assert faults > 0
    assert f"The last verification found {faults} faults," in text(admin.get("/admin/audit"))
    admin.post("/me/language", {"language": "zh"})
    assert f"上次核验发现 {faults} 处异常" in text(admin.get("/admin/audit"))


def standing_of(app):
    with app.database.read() as conn:
        return standing(conn)


def test_an_administrator_revokes_anybodys_token(grounds, admin):
    key = grounds.token("ann")
    assert "Ann" in text(admin.get("/admin/tokens"))
    admin.post("/admin/tokens/1/revoke")
    assert grounds.web.test_client().get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 401


# --- the definition


def test_without_the_designer_the_definition_is_changed_in_its_file(admin):
    answer = admin.get("/admin/definition")
    assert answer.status_code == 404
    assert "The designer is not installed here; the definition is changed in its file." in text(answer)
