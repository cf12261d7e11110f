"""A second factor: set up with an app, asked for at every sign-in, and what nobody gets by with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet, MultiFernet
from making import MakeApp
from visiting import PASSWORD, PEOPLE, TICKETS, Grounds, Visitor, text
from werkzeug.test import TestResponse

from engine import secondfactor
from engine.builtin import default_registry
from engine.cli import main
from engine.load import examine
from engine.secrets import Secrets, Sources
from engine.texts import say
from engine.web.context import Settings

ASKING = TICKETS.replace(
    "lead: {label: {zh: 主管, en: Lead}}", "lead: {label: {zh: 主管, en: Lead}, second_factor: true}"
)


def keyed(made: Any) -> Any:
    """The application, with a key to keep secrets under."""
    app = made.application
    sources = Sources(key=MultiFernet([Fernet(Fernet.generate_key())]))
    object.__setattr__(app, "secrets", Secrets(sources, app.database, app.tables))
    return made


@pytest.fixture
def site(make_app: MakeApp) -> Grounds:
    return Grounds(keyed(make_app(TICKETS, people=PEOPLE)))


@pytest.fixture
def strict(make_app: MakeApp) -> Grounds:
    return Grounds(keyed(make_app(ASKING, people=PEOPLE)))


class App:
    """An authenticator on a phone."""

    def __init__(self, site: Grounds, shared: str) -> None:
        self.site, self.shared = site, shared

    def code(self, steps: int = 0) -> str:
        return pyotp.TOTP(self.shared).at(int(self.site.made.clock().timestamp()) + steps * secondfactor.STEP)

    def wait(self) -> None:
        self.site.made.clock.advance(seconds=secondfactor.STEP)


def set_up(site: Grounds, login: str = "ann") -> tuple[App, list[str], Visitor]:
    visitor = site.visitor(login)
    shared = re.search(r'name="shared" value="([A-Z2-7]+)"', visitor.get("/me/second_factor").text)
    assert shared
    phone = App(site, shared[1])
    answer = visitor.post("/me/second_factor", {"shared": phone.shared, "code": phone.code(), "password": PASSWORD})
    assert answer.status_code == 200, text(answer)
    phone.wait()
    return phone, re.findall(r"<li><code>([a-z0-9-]+)</code>", answer.text), visitor


def send(visitor: Visitor, code: str, next: str = "") -> TestResponse:
    return visitor.post("/sign_in/code", {"code": code, "next": next})


def is_in(visitor: Visitor) -> bool:
    return visitor.get("/me").status_code == 200


# --- signing in


def test_the_password_alone_opens_nothing_and_the_code_the_page_that_was_wanted(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    visitor = site.visitor()
    answer = visitor.sign_in("ann", next="/ticket?view=all")
    assert (answer.status_code, answer.location) == (303, "/sign_in/code?next=/ticket%3Fview%3Dall")
    assert not is_in(visitor)
    assert 'value="/ticket?view=all"' in visitor.get(answer.location).text
    answer = send(visitor, phone.code(), "/ticket?view=all")
    assert (answer.status_code, answer.location) == (303, "/ticket?view=all")
    assert is_in(visitor)


def test_a_code_counts_once_and_an_old_or_wrong_one_never(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    first, second = site.visitor(), site.visitor()
    code = phone.code()
    for visitor in (first, second):
        visitor.sign_in("ann")
    assert send(first, code).status_code == 303
    for wrong in (code, phone.code(-1), phone.code(3), "000000", "", "12345678", "x" * 40, "１２３４５６"):
        answer = send(second, wrong)
        assert (answer.status_code, is_in(second)) == (401, False), wrong
    phone.wait()
    assert send(second, phone.code()).status_code == 303


def test_a_clock_may_be_half_a_minute_away(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    visitor = site.visitor()
    visitor.sign_in("ann")
    assert send(visitor, phone.code(1)).status_code == 303


def test_a_recovery_code_signs_in_once(site: Grounds) -> None:
    _phone, codes, _ = set_up(site)
    assert len(set(codes)) == secondfactor.CODES
    visitor, other = site.visitor(), site.visitor()
    visitor.sign_in("ann")
    other.sign_in("ann")
    assert send(visitor, codes[3].upper().replace("-", " ")).status_code == 303
    assert send(other, codes[3]).status_code == 401
    assert "9 recovery codes are left" in text(visitor.get("/me/second_factor"))


def test_who_waits_too_long_or_never_gave_a_password_is_sent_back(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    stranger = site.visitor()
    stranger.get("/sign_in")
    assert stranger.get("/sign_in/code").location == "/sign_in"
    assert send(stranger, phone.code()).status_code == 401
    visitor = site.visitor()
    visitor.sign_in("ann")
    site.made.clock.advance(minutes=5, seconds=1)
    answer = send(visitor, phone.code())
    assert (answer.status_code, "That took too long" in answer.text, is_in(visitor)) == (401, True, False)


def test_codes_cannot_be_guessed_by_giving_the_password_again_and_again(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    visitor = site.visitor()
    for _ in range(20):
        assert (visitor.sign_in("ann").status_code, send(visitor, "000000").status_code) == (303, 401)
    assert visitor.sign_in("ann").status_code == 429
    assert send(visitor, phone.code()).status_code == 429


def test_of_two_who_send_the_same_code_one_gets_in(site: Grounds) -> None:
    phone, codes, _ = set_up(site)
    id = site.user("ann").id
    for code in (phone.code(), codes[0]):
        with site.app.database.write() as conn:
            assert [secondfactor.accepts(conn, site.app, id, code) for _ in range(2)] == [True, False]


def test_a_page_that_stays_open_is_told_where_the_code_goes(site: Grounds) -> None:
    phone, _codes, _ = set_up(site)
    visitor = site.visitor()
    visitor.get("/sign_in")
    answer = visitor.htmx("POST", "/sign_in", data={"login": "ann", "password": PASSWORD})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/sign_in/code")
    assert 'action="/sign_in/code"' in visitor.get("/sign_in/code").text
    assert visitor.htmx("POST", "/sign_in/code", data={"code": phone.code()}).headers["X-CSRF-Token"]


# --- setting up and giving up


def test_setting_up_needs_the_password_and_a_code_that_fits_and_signs_other_browsers_out(site: Grounds) -> None:
    visitor, elsewhere = site.visitor("ann"), site.visitor("ann")
    shared = secondfactor.fresh()
    phone = App(site, shared)
    wrong = (
        {"shared": shared, "code": phone.code(), "password": "no"},
        {"shared": shared, "code": "000000", "password": PASSWORD},
        {"shared": "short", "code": phone.code(), "password": PASSWORD},
    )
    for form in wrong:
        answer = visitor.post("/me/second_factor", form)
        assert answer.status_code in (403, 422), form
        assert (f'value="{shared}"' in answer.text) is (form["shared"] == shared)  # what was scanned stays good
    right = {"shared": shared, "code": phone.code(), "password": PASSWORD}
    assert visitor.post("/me/second_factor", right).status_code == 200
    assert (is_in(visitor), is_in(elsewhere)) == (True, False)


def test_it_is_given_up_with_the_password_only(site: Grounds) -> None:
    phone, codes, visitor = set_up(site)
    assert visitor.post("/me/second_factor/drop", {"password": "no"}).status_code == 403
    answer = visitor.post("/me/second_factor/codes", {"password": PASSWORD})
    assert (answer.status_code, codes[0] in answer.text) == (200, False)
    assert visitor.post("/me/second_factor/drop", {"password": PASSWORD}).status_code == 303
    again = site.visitor()
    assert again.sign_in("ann").location == "/"
    assert phone.shared not in str(visitor.get("/me/second_factor").text)


def test_a_role_that_asks_for_it_lets_nobody_work_before(strict: Grounds) -> None:
    visitor = strict.visitor("bob")
    for path in ("/", "/ticket", "/api/v1/docs", "/me/tokens"):
        assert visitor.get(path).status_code == 303, path
    assert "A second factor is asked of you" in text(visitor.get("/me/second_factor"))
    assert strict.visitor("ann").get("/ticket").status_code == 200
    _phone, _codes, visitor = set_up(strict, "bob")
    assert visitor.get("/ticket").status_code == 200
    assert visitor.post("/me/second_factor/drop", {"password": PASSWORD}).status_code == 403


def test_the_operator_may_ask_it_of_administrators_or_of_all(make_app: MakeApp) -> None:
    made = keyed(make_app(TICKETS, people=PEOPLE))
    for of, who in (("roles", []), ("admins", ["admin"]), ("all", ["admin", "ann"])):
        site = Grounds(made, settings=Settings(second_factor=of, log_requests=False))
        stopped = [login for login in ("admin", "ann") if site.visitor(login).get("/ticket").status_code == 303]
        assert stopped == who, of


def test_an_administrator_who_looks_as_a_role_still_needs_it(make_app: MakeApp) -> None:
    made = keyed(make_app(TICKETS, people=PEOPLE))
    visitor = Grounds(made).visitor("admin")
    assert visitor.post("/look_as", {"role": "agent"}).status_code == 303
    strict = Grounds(made, settings=Settings(second_factor="admins", log_requests=False))
    again = strict.visitor()
    again.client.set_cookie("appmill", visitor.cookie)
    assert again.get("/ticket").location == "/me/second_factor"


def test_people_outside_are_not_asked_by_their_role() -> None:
    outside = "client: {label: Client, stands_for: ticket, second_factor: true}"
    text = TICKETS.replace("roles:\n", f"roles:\n  {outside}\n")
    assert any("outside; a second factor" in say(one.message, "en") for one in examine(text, default_registry())[2])


def test_a_server_without_a_key_does_not_begin_where_it_is_asked_for(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "app.yaml"
    file.write_text(TICKETS, encoding="utf-8")
    given = ["run", str(file), "--database", f"sqlite:///{tmp_path}/x.db", "--port", "0", "--second-factor", "admins"]
    assert main(given) == 1
    assert "needs a key in APPMILL_KEY" in capsys.readouterr().err


def test_an_administrator_drops_it_for_who_lost_everything(site: Grounds) -> None:
    _phone, _codes, visitor = set_up(site)
    ann, admin = site.user("ann").id, site.visitor("admin")
    assert "Drop the second factor" in admin.get(f"/admin/users/{ann}").text
    assert site.visitor("bob").post(f"/admin/users/{ann}/second_factor").status_code == 403
    assert admin.post(f"/admin/users/{ann}/second_factor").status_code == 303
    assert not is_in(visitor)
    assert site.visitor().sign_in("ann").location == "/"
    assert "turned off the second factor" in text(admin.get("/admin/audit"))


def test_without_a_key_nothing_is_kept_in_clear(make_app: MakeApp) -> None:
    site = Grounds(make_app(TICKETS, people=PEOPLE))
    visitor, shared = site.visitor("ann"), secondfactor.fresh()
    assert "APPMILL_KEY" in text(visitor.get("/me/second_factor"))
    form = {"shared": shared, "code": App(site, shared).code(), "password": PASSWORD}
    assert visitor.post("/me/second_factor", form).status_code == 409


def test_what_is_shared_lies_encrypted_and_is_renewed_with_the_secrets(site: Grounds) -> None:
    phone, codes, _ = set_up(site)
    with site.app.database.write() as conn:
        assert site.app.secrets.renew(conn) == 1
        everything = str([conn.execute(sa.select(table)).all() for table in (
            site.app.tables.secret, site.app.tables.second_factor, site.app.tables.recovery_code, site.app.tables.event)])  # fmt: skip
    assert phone.shared not in everything
    assert not any(code in everything for code in codes)
    assert site.app.secrets.entries() == []
    visitor = site.visitor()
    visitor.sign_in("ann")
    assert send(visitor, phone.code()).status_code == 303
