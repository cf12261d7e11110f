"""Signing in and out, and what makes a session end."""

from __future__ import annotations

import pytest
from visiting import PASSWORD, text

from engine import accounts, sessions


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this depends on the database."""
    return sqlite_url


def test_a_right_password_opens_the_application(grounds):
    visitor = grounds.visitor()
    answer = visitor.sign_in("ann")
    assert (answer.status_code, answer.location) == (303, "/")
    assert "Good morning, Ann" in text(visitor.get("/"))


@pytest.mark.parametrize(
    ("login", "password"), [("ann", "wrong wrong wrong"), ("nobody", PASSWORD), ("", ""), ("ann", "")]
)
def test_a_wrong_sign_in_says_the_same_for_known_and_unknown_names(grounds, login, password):
    answer = grounds.visitor().sign_in(login, password)
    assert answer.status_code == 401
    assert "The sign-in name or the password is not right." in text(answer)


def test_sign_in_names_are_known_without_case_and_width(grounds):
    assert grounds.visitor().sign_in("  ＡＮＮ ").status_code == 303


def test_the_name_typed_is_kept_the_password_is_not(grounds):
    answer = grounds.visitor().sign_in("ann", "wrong wrong wrong")
    assert 'value="ann"' in answer.text
    assert "wrong wrong" not in answer.text


def test_after_twenty_wrong_passwords_the_account_waits_even_for_the_right_one(grounds):
    for _ in range(20):
        assert grounds.visitor().sign_in("ann", "wrong wrong wrong").status_code == 401
    answer = grounds.visitor().sign_in("ann")
    assert answer.status_code == 429
    assert "Too many attempts. Please wait a few minutes and try again." in text(answer)
    grounds.made.clock.advance(minutes=16)
    assert grounds.visitor().sign_in("ann").status_code == 303


def test_twenty_names_from_one_address_lock_the_address_not_other_addresses(grounds):
    for number in range(20):
        grounds.visitor().sign_in(f"guess{number}", "wrong wrong wrong")
    assert grounds.visitor().sign_in("ann").status_code == 429
    elsewhere = grounds.visitor()
    elsewhere.client.environ_base["REMOTE_ADDR"] = "10.0.0.7"
    assert elsewhere.sign_in("ann").status_code == 303


def test_a_right_password_forgets_the_wrong_ones_of_the_account(grounds):
    for _round in range(2):
        for number in range(9):
            visitor = grounds.visitor()
            visitor.client.environ_base["REMOTE_ADDR"] = f"10.0.{_round}.{number}"
            assert visitor.sign_in("ann", "wrong wrong wrong").status_code == 401
        assert grounds.visitor().sign_in("ann").status_code == 303


def test_the_session_changes_at_sign_in_and_a_planted_one_is_dead(grounds):
    visitor = grounds.visitor()
    visitor.get("/sign_in")
    planted = visitor.cookie
    visitor.sign_in("ann")
    assert planted
    assert visitor.cookie not in ("", planted)
    thief = grounds.visitor()
    thief.client.set_cookie("appmill", planted)
    assert thief.get("/").location == "/sign_in"


def test_the_database_never_holds_the_cookie(grounds):
    visitor = grounds.visitor("ann")
    with grounds.app.database.read() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM _session").fetchall()
    assert rows
    assert visitor.cookie not in str(rows)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(grounds):
    visitor = grounds.visitor()
    visitor.get("/sign_in")
    set_cookie = visitor.sign_in("ann").headers["Set-Cookie"]
    assert "HttpOnly" in set_cookie
    assert "SameSite=Lax" in set_cookie
    assert "Path=/" in set_cookie


def test_over_https_the_cookie_is_bound_to_the_host(make_grounds):
    from engine.web.context import Settings

    web = make_grounds(settings=Settings(secure=True)).web
    answer = web.test_client().get("/sign_in", base_url="https://localhost")
    assert answer.headers["Set-Cookie"].startswith("__Host-appmill=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"


def test_signing_out_ends_the_session_on_the_server(grounds):
    visitor = grounds.visitor("ann")
    kept = visitor.cookie
    assert visitor.post("/sign_out").location == "/sign_in"
    thief = grounds.visitor()
    thief.client.set_cookie("appmill", kept)
    assert thief.get("/").location == "/sign_in"


def test_a_session_ends_after_half_an_hour_of_doing_nothing(grounds):
    visitor = grounds.visitor("ann")
    for _ in range(4):
        grounds.made.clock.advance(minutes=20)
        assert visitor.get("/").status_code == 200
    grounds.made.clock.advance(minutes=31)
    assert visitor.get("/").location == "/sign_in"


def test_the_bell_asking_by_itself_does_not_keep_a_session_alive(grounds):
    visitor = grounds.visitor("ann")
    for _ in range(2):
        grounds.made.clock.advance(minutes=14)
        assert visitor.htmx("GET", "/notifications/count").status_code in (200, 304)
    grounds.made.clock.advance(minutes=5)
    assert visitor.get("/").location == "/sign_in"


def test_a_session_ends_after_twelve_hours_whatever_is_done(grounds):
    visitor = grounds.visitor("ann")
    for _ in range(47):
        grounds.made.clock.advance(minutes=15)
        assert visitor.get("/me").status_code == 200
    grounds.made.clock.advance(minutes=16)
    assert visitor.get("/me").status_code == 303


def test_an_htmx_request_without_a_session_is_sent_to_the_sign_in_page_as_a_whole(grounds):
    answer = grounds.visitor().htmx("GET", "/notifications", headers={"HX-Current-URL": "http://localhost/ticket?q=a"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/sign_in?next=/ticket%3Fq%3Da"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "/\t/evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/ok\r\nSet-Cookie: a=b",
        "//user@evil.example/",
        " //evil.example",
    ],
)
def test_after_sign_in_nobody_is_led_to_another_site(grounds, wanted):
    assert grounds.visitor().sign_in("ann", next=wanted).location == "/"
    signed_in = grounds.visitor("ann")
    assert signed_in.get("/sign_in", query_string={"next": wanted}).location == "/"


def test_after_sign_in_the_page_first_asked_for_comes(grounds):
    visitor = grounds.visitor()
    assert visitor.get("/notifications?before=3").location == "/sign_in?next=/notifications%3Fbefore%3D3"
    assert visitor.sign_in("ann", next="/notifications?before=3").location == "/notifications?before=3"


# --- what is taken away works at once


def test_a_deactivated_person_is_out_with_the_next_request(grounds):
    visitor, key = grounds.visitor("ann"), grounds.token("ann")
    with grounds.app.database.write() as conn:
        accounts.set_active(conn, grounds.app.tables, grounds.user("ann"), False, now=grounds.made.clock())
    assert visitor.get("/").location == "/sign_in"
    assert grounds.visitor().sign_in("ann").status_code == 401
    answer = grounds.web.test_client().get("/me", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 401


def test_a_role_taken_away_is_gone_with_the_next_request(grounds):
    visitor = grounds.visitor("bob")
    assert 'href="/secret_plan"' in visitor.get("/").text
    with grounds.app.database.write() as conn:
        accounts.set_roles(conn, grounds.app.tables, grounds.user("bob"), ["agent"], grounds.app.definition.roles)
    assert 'href="/secret_plan"' not in visitor.get("/").text


def test_a_group_gives_its_roles_to_its_members(grounds):
    visitor = grounds.visitor("gus")
    assert 'href="/ticket"' not in visitor.get("/").text
    with grounds.app.database.write() as conn:
        accounts.save_group(
            conn,
            grounds.app.tables,
            id=None,
            name="Day shift",
            roles=["agent"],
            members=[grounds.user("gus").id],
            known=["agent"],
        )
    assert 'href="/ticket"' in visitor.get("/").text


def test_a_changed_password_ends_other_sessions_and_tokens(grounds):
    here, there, key = grounds.visitor("ann"), grounds.visitor("ann"), grounds.token("ann")
    answer = here.post("/me/password", {"old": PASSWORD, "new": "another quiet town", "again": "another quiet town"})
    assert answer.location == "/"
    assert here.get("/").status_code == 200
    assert there.get("/").location == "/sign_in"
    assert grounds.web.test_client().get("/me", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert grounds.visitor().sign_in("ann").status_code == 401
    assert grounds.visitor().sign_in("ann", "another quiet town").status_code == 303


@pytest.mark.parametrize(
    ("new", "again", "said"),
    [
        ("short", "short", "The password needs at least 12 characters."),
        ("a" * 20, "a" * 20, "This password is too easy to guess."),
        ("x1y2z3" * 40, "x1y2z3" * 40, "The password may have at most 128 characters."),
        ("another quiet town", "another quiet tower", "The two new passwords differ."),
        (PASSWORD, PASSWORD, "The new password must differ from the present one."),
    ],
)
def test_a_bad_new_password_is_refused_with_its_reason(grounds, new, again, said):
    answer = grounds.visitor("ann").post("/me/password", {"old": PASSWORD, "new": new, "again": again})
    assert answer.status_code == 422
    assert said in text(answer)


def test_a_password_typed_full_width_is_the_same_password(grounds):
    wide = "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in PASSWORD)
    assert grounds.visitor().sign_in("ann", wide).status_code == 303


def test_an_administrator_can_end_somebodys_sessions(grounds):
    ann, admin = grounds.visitor("ann"), grounds.visitor("admin")
    admin.post(f"/admin/users/{grounds.user('ann').id}/sign_out")
    assert ann.get("/").location == "/sign_in"


def test_one_of_my_sessions_can_be_ended_by_me_and_by_nobody_else(grounds):
    here, there, bob = grounds.visitor("ann"), grounds.visitor("ann"), grounds.visitor("bob")
    mark = sessions.digest(there.cookie)[:16]
    bob.post("/me/sessions/end", {"mark": mark})
    assert there.get("/").status_code == 200
    here.post("/me/sessions/end", {"mark": mark})
    assert there.get("/").location == "/sign_in"
    assert here.get("/").status_code == 200


# --- a password set by somebody else


def test_a_reset_password_works_once_and_must_be_changed(grounds):
    admin = grounds.visitor("admin")
    page = admin.post(f"/admin/users/{grounds.user('ann').id}/reset")
    one_time = page.text.split('<code id="secret">')[1].split("<")[0]
    ann = grounds.visitor()
    assert ann.sign_in("ann", one_time).status_code == 303
    assert ann.get("/ticket").location == "/me/password"
    assert "Choose one of your own" in text(ann.get("/me/password"))
    ann.post("/me/password", {"old": one_time, "new": "my very own words", "again": "my very own words"})
    assert ann.get("/").status_code == 200


def test_a_one_time_password_nobody_used_dies_after_a_week(grounds):
    page = grounds.visitor("admin").post(f"/admin/users/{grounds.user('ann').id}/reset")
    one_time = page.text.split('<code id="secret">')[1].split("<")[0]
    grounds.made.clock.advance(days=8)
    assert grounds.visitor().sign_in("ann", one_time).status_code == 401


# --- API tokens


def test_a_token_acts_for_its_person_and_a_cookie_beside_it_is_not_looked_at(grounds):
    visitor = grounds.visitor("bob")
    answer = visitor.get("/", headers={"Authorization": f"Bearer {grounds.token('ann')}"})
    assert "Ann" in answer.text
    assert "Bob" not in answer.text
    assert visitor.get("/", headers={"Authorization": "Bearer appmill_wrong"}).status_code == 401
    assert visitor.get("/", headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_a_revoked_or_expired_token_is_refused(grounds):
    import datetime as dt

    ends = grounds.made.clock() + dt.timedelta(days=1)
    key, other = grounds.token("ann", expires_at=ends), grounds.token("ann")
    client = grounds.web.test_client()
    assert client.get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    grounds.made.clock.advance(days=2)
    assert client.get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    with grounds.app.database.write() as conn:
        sessions.revoke_token(conn, grounds.app.tables, 2, now=grounds.made.clock())
    assert client.get("/", headers={"Authorization": f"Bearer {other}"}).status_code == 401


def test_a_token_is_shown_once_and_kept_as_a_hash(grounds):
    visitor = grounds.visitor("ann")
    page = visitor.post("/me/tokens", {"name": "nightly export", "days": "90", "scope": "read"})
    key = page.text.split('<code id="secret">')[1].split("<")[0]
    assert key.startswith("appmill_")
    assert key not in visitor.get("/me/tokens").text
    with grounds.app.database.read() as conn:
        assert key not in str(conn.exec_driver_sql("SELECT * FROM _token").fetchall())
    assert grounds.web.test_client().get("/", headers={"Authorization": f"Bearer {key}"}).status_code == 200


def test_a_token_cannot_change_the_account_it_belongs_to(grounds):
    answer = grounds.web.test_client().post(
        "/me/tokens", data={"name": "more"}, headers={"Authorization": f"Bearer {grounds.token('ann')}"}
    )
    assert answer.status_code == 403


# --- looking as a role


def test_an_administrator_looking_as_a_role_sees_what_it_sees_and_changes_nothing(grounds):
    admin = grounds.visitor("admin")
    admin.post("/look_as", {"role": "agent"})
    page = admin.get("/").text
    assert "You are looking as Agent. Nothing can be changed." in page
    assert 'href="/ticket"' in page
    assert 'href="/secret_plan"' not in page
    assert 'href="/admin/users"' not in page
    assert admin.get("/admin/users").status_code == 403
    assert admin.post("/me/profile", {"name": "X", "timezone": "UTC"}).status_code == 403
    admin.post("/look_as", {"role": ""})
    assert 'href="/secret_plan"' in admin.get("/").text


def test_only_administrators_look_as_others(grounds):
    assert grounds.visitor("bob").post("/look_as", {"role": "agent"}).status_code == 403
