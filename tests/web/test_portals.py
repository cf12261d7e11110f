"""People outside: what they see and do, the ways in, and that nothing else of the site is theirs."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from making import Recorder
from visiting import Grounds, Visitor, text
from werkzeug.test import TestResponse

from engine import demo, outsiders
from engine.storage.files import StoredFile
from engine.web import printing
from engine.web.security import csrf_token_for

YARD = Path(__file__).parents[1] / "apps" / "yard.yaml"
PASSWORD = "boats lie still at night"
PEOPLE = {"ann": "clerk", "bob": "boss"}


class Yard:
    """A site with two clients, a maker, and a job for each client."""

    def __init__(self, grounds: Grounds) -> None:
        self.grounds, self.made, self.app = grounds, grounds.made, grounds.app
        self.sea, self.lake, self.maker = (self.made.create("party", name=name).id for name in ("Sea", "Lake", "Maker"))
        more = {"promised": "2030-05-01", "cost": "777.77", "supplier": self.maker}
        self.job = self.made.create("job", what="Mast", party=self.sea, **more, lines=[
            {"part": "Rope", "quantity": "10", "price": "555.55"}]).id  # fmt: skip
        self.other = self.made.create("job", what="Hull", party=self.lake).id

    def invite(
        self, stands_for: int, address: str = "eve@example.com", name: str = "Eve", portal: str = "owners"
    ) -> str:
        there = self.app.definition.portals[portal]
        with self.app.database.write() as conn:
            id = outsiders.add(conn, self.app, there, stands_for, name=name, address=address, language="en")
            return outsiders.renew_invitation(conn, self.app, id, None)

    def outside(
        self, stands_for: int, address: str = "eve@example.com", name: str = "Eve", portal: str = "owners"
    ) -> Guest:
        """Somebody who has accepted an invitation."""
        guest = Guest(self.grounds, portal)
        secret = self.invite(stands_for, address, name, portal)
        guest.get(f"/invitation/{secret}")
        assert guest.post(f"/invitation/{secret}", {"password": PASSWORD}).status_code == 303
        return guest

    def message(self, portal: str | None, body: str, author: str = "ann") -> None:
        table = self.app.tables.comment
        with self.app.database.write() as conn:
            conn.execute(sa.insert(table).values(form="job", record_id=self.job, author=self.made.id_of(author), body=body,
                                                 at=self.made.clock(), portal=portal))  # fmt: skip


class Guest(Visitor):
    """The browser of somebody outside."""

    def __init__(self, grounds: Grounds, portal: str = "owners") -> None:
        super().__init__(grounds.web)
        self.base = f"/portal/{portal}"

    @property
    def cookie(self) -> str:
        found = self.client.get_cookie("appmill_portal", path=self.base)
        return found.value if found else ""

    def get(self, path: str = "", **options: Any) -> TestResponse:
        return super().get(self.base + path, **options)

    def post(self, path: str, data: Any = None, **options: Any) -> TestResponse:
        headers = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(self.cookie)}
        return self.client.post(self.base + path, data=data or {}, headers=headers, **options)


@pytest.fixture
def yard(make_grounds: Callable[..., Grounds]) -> Yard:
    return Yard(make_grounds(YARD, people=PEOPLE))


def status(guest: Guest, path: str) -> int:
    """Of an answer that may be an open file."""
    answer = guest.get(path)
    answer.close()
    return answer.status_code


def version(page: TestResponse) -> str:
    found = re.search(r'name="_version" value="(\d+)"', page.text)
    return found[1] if found else ""


# --- what they see ---------------------------------------------------------------------------------------------------


def test_a_client_sees_their_own_records_as_cards_with_what_is_asked_of_them(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    shown = text(eve.get("/job"))
    assert "Hello Eve, this is where your boats are." in shown
    assert "Mast" in shown
    assert "Please: Confirm the date" in shown
    assert "Not that day" not in shown  # possible, but not what is asked
    assert "Sea" in shown  # a link is named; it leads nowhere from here
    assert "Hull" not in shown
    assert "777.77" not in eve.get("/job").text


def test_a_record_shows_what_the_portal_shows_and_nothing_of_the_inside(yard: Yard) -> None:
    yard.message(None, "She pays late")
    yard.message("makers", "For the maker only")
    yard.message("owners", "Is Monday fine?")
    eve = yard.outside(yard.sea)
    page = eve.get(f"/job/{yard.job}")
    shown = text(page)
    for there in ("Mast", "Rope", "Is Monday fine?", "Boat Yard", "To fill in", "Phone on the day"):
        assert there in shown, there
    for hidden in ("She pays late", "For the maker only", "Ann", "777.77", "555.55", "Internal paper", "Supplier"):
        assert hidden not in page.text, hidden
    assert f'href="/portal/owners/party/{yard.sea}"' in page.text  # links lead through the portal
    assert 'href="/party/' not in page.text


def test_papers_the_portal_offers_are_downloaded_and_no_others(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Pressed:
        content = b"%PDF-"

        def pdf(self, text: str, _seconds: float) -> Pressed:
            seen.append(text)
            return self

    monkeypatch.setattr(printing, "press", Pressed)
    eve = yard.outside(yard.sea)
    here = f"/job/{yard.job}/print/traveller.pdf"
    assert f'href="/portal/owners{here}"' in eve.get(f"/job/{yard.job}").text
    assert eve.get(here).data == b"%PDF-"
    assert "Rope" in seen[0]
    assert "777.77" not in seen[0]
    for path in (f"/job/{yard.other}/print/traveller.pdf", f"/job/{yard.job}/print/plate.pdf"):
        assert eve.get(path).status_code == 404, path


def test_somebody_elses_record_is_as_one_that_is_not_there(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    for path in (
        f"/job/{yard.other}",
        f"/party/{yard.lake}",
        f"/job/{yard.other}/take/confirm",
        "/job/99999",
        "/job_line/1",
    ):
        assert eve.get(path).status_code == 404, path
    for path in (f"/job/{yard.other}", f"/job/{yard.other}/messages", f"/job/{yard.other}/take/confirm"):
        assert eve.post(path, {"body": "hello", "phone": "1"}).status_code == 404, path
    assert yard.made.get("job", yard.other)["version"] == 1


def test_a_role_that_stands_for_a_record_is_worth_nothing_to_somebody_inside(make_grounds: Any) -> None:
    """A record that belongs to nobody is not that of everybody who stands for nothing."""
    made = make_grounds(YARD, people={"ann": "clerk", "ivo": "maker"}).made
    party = made.create("party", name="Sea").id
    job = made.create("job", what="Keel", party=party).id
    assert made.doors("job", job, as_="ann")
    from engine import permissions

    ivo = made.actor("ivo")
    assert not permissions.may(made.application, ivo, "read", "job")
    with made.application.database.read() as conn:
        clause = permissions.row_filter(made.application, ivo, "read", "job")
        table = made.application.tables.form["job"]
        assert conn.execute(sa.select(table.c.id).where(clause)).all() == []


# --- what they do ----------------------------------------------------------------------------------------------------


def test_a_client_fills_in_what_they_may_and_nothing_else(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    page = eve.get(f"/job/{yard.job}")
    forged = {"_version": version(page), "phone": "0171 5", "what": "Free mast"}
    assert eve.post(f"/job/{yard.job}", forged).status_code == 422
    sent = {"_version": version(page), "phone": "0171 5", "cost": "1", "supplier": str(yard.sea)}
    assert eve.post(f"/job/{yard.job}", sent).status_code == 303
    row = yard.made.get("job", yard.job)
    assert (row["phone"], row["what"], str(row["promised"]), str(row["cost"])[:6]) == (
        "0171 5",
        "Mast",
        "2030-05-01",
        "777.77",
    )
    event = yard.made.events("job", yard.job)[-1]
    assert (event.kind, event.actor_kind) == ("updated", "user")


def test_a_client_confirms_with_a_signature(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    page = eve.get(f"/job/{yard.job}/take/confirm")
    assert "Signed by" in text(page)
    picture = upload(eve, "job", "signature", "sign.png", PNG)
    refused = eve.post(f"/job/{yard.job}/take/confirm", {"_version": version(page), "signed_by": ""})
    assert refused.status_code == 422
    done = eve.post(
        f"/job/{yard.job}/take/confirm", {"_version": version(page), "signed_by": "Eve", "signature": picture}
    )
    assert done.status_code == 303
    row = yard.made.get("job", yard.job)
    assert (row["state"], row["signed_by"]) == ("agreed", "Eve")


def test_steps_of_people_inside_are_not_there_outside(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    assert eve.get(f"/job/{yard.job}/take/pause").status_code == 404
    assert eve.post(f"/job/{yard.job}/take/pause", {"_version": "1"}).status_code == 404


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


def upload(guest: Guest, form: str, field: str, name: str, content: bytes) -> str:
    sent = {"form": form, "field": field, "file": (io.BytesIO(content), name)}
    answer = guest.post("/files", sent, content_type="multipart/form-data")
    assert answer.status_code == 201, answer.text
    return str(answer.json["id"])


def test_a_supplier_confirms_two_dates_for_one_line(yard: Yard) -> None:
    mia = yard.outside(yard.maker, "mia@example.com", "Mia", "makers")
    page = mia.get(f"/job/{yard.job}")
    assert "555.55" not in page.text
    line = yard.made.lines("job_line", yard.job)[0]["id"]
    sent = {
        "_version": version(page), "lines": "1",
        "lines.0.id": str(line), "lines.0.part": "Rope", "lines.0.quantity": "6", "lines.0.ready_on": "2030-04-01",
        "lines.1.part": "Rope", "lines.1.quantity": "4", "lines.1.ready_on": "2030-04-20",
    }  # fmt: skip
    answer = mia.post(f"/job/{yard.job}", sent)
    assert answer.status_code == 303, text(answer)
    rows = yard.made.lines("job_line", yard.job)
    assert [(row["quantity"], str(row["ready_on"])) for row in rows] == [(6, "2030-04-01"), (4, "2030-04-20")]
    assert str(rows[0]["price"])[:6] == "555.55"


def test_a_new_record_is_of_whom_the_person_stands_for(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    page = eve.get("/job/new")
    assert page.status_code == 200
    assert 'name="party"' not in page.text
    assert 'name="what"' in page.text
    answer = eve.post("/job/new", {"what": "New sail", "party": str(yard.lake), "cost": "5"})
    assert answer.status_code == 303, text(answer)
    row = yard.made.get("job", yard.other + 1)
    assert (row["what"], row["party"], row["cost"]) == ("New sail", yard.sea, None)


# --- the conversation ------------------------------------------------------------------------------------------------


def test_a_message_from_outside_reaches_those_responsible_and_is_marked_inside(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    sent = {"body": "When is it ready? @bob", "files": (io.BytesIO(b"%PDF-1.4 x"), "plan.pdf")}
    assert eve.post(f"/job/{yard.job}/messages", sent, content_type="multipart/form-data").status_code == 303
    assert yard.made.messages() == [("ann", "Eve (Boat owners) wrote about J0001 Mast")]
    ann = yard.grounds.visitor("ann")
    story = ann.get(f"/job/{yard.job}/events")
    assert "Visible outside: Boat owners" in text(story)
    page = eve.get(f"/job/{yard.job}")
    file = re.search(r"/portal/owners/files/(\d+)", page.text)
    assert file is not None
    assert status(eve, f"/files/{file[1]}") == 200
    mia = yard.outside(yard.maker, "mia@example.com", "Mia", "makers")
    assert mia.get(f"/files/{file[1]}").status_code == 404


def test_a_message_to_outside_is_told_by_mail_with_a_link(yard: Yard) -> None:
    yard.outside(yard.sea)
    yard.invite(yard.lake, "lou@example.com", "Lou")
    ann = yard.grounds.visitor("ann")
    ann.post(f"/job/{yard.job}/comments", {"body": "Monday", "portal": "owners"})
    ann.post(f"/job/{yard.job}/comments", {"body": "She is slow"})
    mails = Recorder()
    yard.made.deliver(only_mail(yard, mails))
    assert [task.data["to"] for task in mails.tasks] == [[{"name": "Eve", "address": "eve@example.com"}]]
    assert f"https://yard.example.com/portal/owners/job/{yard.job}#talk" in mails.tasks[0].data["text"]
    assert "Monday" not in mails.tasks[0].data["text"]


def only_mail(yard: Yard, mails: Recorder) -> Any:
    """The performer of portal mails as it is, with a recorder in the place of SMTP."""
    from dataclasses import replace
    from types import SimpleNamespace

    from engine import portal_mail

    def perform(task: Any, around: Any) -> Any:
        registry = replace(yard.app.registry, performers={"mail": mails})

        class There:
            inner = SimpleNamespace(app=with_registry(yard.app, registry))
            about_to_send = staticmethod(around.about_to_send)

        return portal_mail.perform(task, There())

    return perform


def with_registry(app: Any, registry: Any) -> Any:
    import copy

    other = copy.copy(app)
    object.__setattr__(other, "registry", registry)
    return other


# --- ways in ---------------------------------------------------------------------------------------------------------


def test_an_invitation_is_shown_once_and_used_once(yard: Yard) -> None:
    ann = yard.grounds.visitor("ann")
    sent = {"portal": "owners", "name": "Eve", "address": "Eve@Example.com", "language": "en"}
    page = ann.post(f"/party/{yard.sea}/access", sent)
    secret = re.search(r"https://yard.example.com/portal/owners/invitation/([\w-]+)", page.text)
    assert secret is not None
    later = ann.get(f"/party/{yard.sea}/access")
    assert later.mimetype == page.mimetype == "text/html"
    assert secret[1] not in later.text
    with yard.app.database.read() as conn:
        assert secret[1] not in str(conn.execute(sa.select(yard.app.tables.outsider)).all())
    eve = Guest(yard.grounds)
    assert "Welcome, Eve" in text(eve.get(f"/invitation/{secret[1]}"))
    assert eve.post(f"/invitation/{secret[1]}", {"password": "short"}).status_code == 422
    assert eve.post(f"/invitation/{secret[1]}", {"password": PASSWORD}).status_code == 303
    assert eve.get("/job").status_code == 200
    assert Guest(yard.grounds).get(f"/invitation/{secret[1]}").status_code == 404
    again = Guest(yard.grounds)
    again.get("/sign_in")
    assert again.post("/sign_in", {"address": "eve@example.com", "password": PASSWORD}).status_code == 303
    assert "Has access" in text(ann.get(f"/party/{yard.sea}/access"))


def test_an_invitation_by_mail_has_its_secret_in_no_table(yard: Yard) -> None:
    ann = yard.grounds.visitor("ann")
    sent = {"portal": "owners", "name": "Eve", "address": "eve@example.com", "language": "zh", "mail": "1"}
    assert ann.post(f"/party/{yard.sea}/access", sent).status_code == 303
    mails = Recorder()
    yard.made.deliver(only_mail(yard, mails))
    found = re.search(r"invitation/([\w-]+)", mails.tasks[0].data["text"])
    assert found is not None
    assert mails.tasks[0].data["subject"] == "船坞：您对“船主门户”的访问"
    assert found[1] not in str(yard.made.ledger("message"))
    assert "Eve" in text(Guest(yard.grounds).get(f"/invitation/{found[1]}"))


def test_an_invitation_that_is_over_opens_nothing(yard: Yard) -> None:
    secret = yard.invite(yard.sea)
    yard.made.clock.advance(days=8)
    assert Guest(yard.grounds).get(f"/invitation/{secret}").status_code == 404


def test_only_those_who_may_invite_do(yard: Yard) -> None:
    bob = yard.grounds.visitor("bob")
    assert "Access from outside" not in bob.get(f"/party/{yard.sea}").text
    assert bob.get(f"/party/{yard.sea}/access").status_code == 404
    assert (
        bob.post(f"/party/{yard.sea}/access", {"portal": "owners", "name": "X", "address": "x@y.z"}).status_code == 404
    )
    ann = yard.grounds.visitor("ann")
    assert "Access from outside" in ann.get(f"/party/{yard.sea}").text


def test_an_address_stands_for_one_record_of_a_portal(yard: Yard) -> None:
    yard.outside(yard.sea)
    ann = yard.grounds.visitor("ann")
    sent = {"portal": "owners", "name": "Eve", "address": "eve@example.com"}
    answer = ann.post(f"/party/{yard.lake}/access", sent)
    assert answer.status_code == 409
    assert "eve@example.com has access for somebody else already." in text(answer)


def test_whose_access_is_ended_is_out_at_once_and_may_be_let_in_again(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    ann = yard.grounds.visitor("ann")
    with yard.app.database.read() as conn:
        [person] = outsiders.outsiders_of(conn, yard.app, yard.app.definition.portals["owners"])
    at = f"/party/{yard.sea}/access/{person.id}"
    assert ann.post(f"/party/{yard.lake}/access/{person.id}/active").status_code == 404
    assert ann.post(f"{at}/active").status_code == 303
    assert eve.get("/job").location.endswith("/portal/owners/sign_in")
    assert eve.post("/sign_in", {"address": "eve@example.com", "password": PASSWORD}).status_code in (401, 403)
    ann.post(f"{at}/active", {"active": "yes"})
    eve.get("/sign_in")
    assert eve.post("/sign_in", {"address": "eve@example.com", "password": PASSWORD}).status_code == 303


def test_wrong_passwords_and_wrong_secrets_are_counted(yard: Yard) -> None:
    eve = Guest(yard.grounds)
    eve.get("/sign_in")
    wrong = [eve.post("/sign_in", {"address": "eve@example.com", "password": "x"}).status_code for _ in range(21)]
    assert wrong == [401] * 20 + [429]
    tried = [eve.get(f"/link/{number}").status_code for number in range(21)]
    assert tried == [404] * 20 + [429]


# --- links to one record ---------------------------------------------------------------------------------------------


def make_link(yard: Yard, address: str = "") -> str:
    ann = yard.grounds.visitor("ann")
    page = ann.post(f"/job/{yard.job}/links", {"portal": "owners", "address": address})
    found = re.search(r"/portal/owners/link/([\w-]+)", page.text)
    assert found is not None, text(page)
    return found[1]


def opened(yard: Yard, secret: str) -> Guest:
    guest = Guest(yard.grounds)
    guest.get(f"/link/{secret}")
    assert guest.post(f"/link/{secret}").status_code == 303
    return guest


def test_a_link_opens_one_record_and_what_is_done_is_known_by_its_address(yard: Yard) -> None:
    second = yard.made.create("job", what="Rudder", party=yard.sea).id
    secret = make_link(yard, "uli@example.com")
    looked = Guest(yard.grounds).get(f"/link/{secret}")
    assert looked.headers["Referrer-Policy"] == "same-origin"
    assert looked.headers["Cache-Control"] == "no-store"
    assert "Mast" not in looked.text
    uli = opened(yard, secret)
    page = uli.get(f"/job/{yard.job}")
    assert "Mast" in text(page)
    for language, words in (("zh", "确认日期"), ("en", "Confirm the date")):  # whoever chose none reads what their browser speaks
        uli.client.set_cookie("language", language)
        assert words in text(uli.get(f"/job/{yard.job}"))
    assert uli.get(f"/job/{second}").status_code == 404
    assert uli.get("/job").location.endswith(f"/job/{yard.job}")
    assert uli.get(f"/party/{yard.sea}").status_code == 404
    assert uli.get("/job/new").status_code == 403
    assert uli.post(f"/job/{yard.job}", {"_version": version(page), "phone": "5"}).status_code == 303
    event = yard.made.events("job", yard.job)[-1]
    with yard.app.database.read() as conn:
        user = yard.app.tables.user
        assert conn.scalar(sa.select(user.c.name).where(user.c.id == event.actor_id)) == "uli@example.com"


def test_a_mail_of_a_rule_carries_a_link_that_stands_in_no_table(yard: Yard) -> None:
    yard.made.redefine(YARD, rules="""
      tell:
        trigger: {type: entered, form: job, state: agreed}
        actions: [{type: mail, connection: post, to: ["'uli@example.com'"], subject: {en: Agreed}, message: {en: "Look:"}, portal: owners}]
    """)  # fmt: skip
    yard.app = yard.made.application
    with yard.app.database.write() as conn:
        table = yard.app.tables.form["job"]
        conn.execute(sa.update(table).where(table.c.id == yard.job).values(signed_by="x", signature=(1,)))
    from engine import service

    service.take(yard.app, yard.made.actor("admin"), "job", yard.job, "confirm", values={"signed_by": "x"})
    mails = Recorder()
    yard.made.deliver(mails)
    text_of_mail = mails.tasks[0].data["text"]
    assert text_of_mail.startswith("Look:\n\nhttps://yard.example.com/portal/owners/link/")
    secret = text_of_mail.rpartition("/")[2]
    assert secret not in str(yard.made.ledger("message"))
    assert "portal" not in mails.tasks[0].data
    assert "uli@example.com" in text(Guest(yard.grounds).get(f"/link/{secret}"))


def test_looking_at_a_link_changes_nothing(yard: Yard) -> None:
    secret = make_link(yard)
    guest = Guest(yard.grounds)
    guest.get(f"/link/{secret}")
    assert guest.get(f"/job/{yard.job}").location.endswith("/portal/owners/sign_in")
    with yard.app.database.read() as conn:
        assert conn.scalar(sa.select(yard.app.tables.portal_link.c.used_at)) is None
        assert conn.scalar(sa.select(yard.app.tables.portal_link.c.token_hash)) != secret


def test_a_link_ends_by_time_and_by_being_taken_back(yard: Yard) -> None:
    secret = make_link(yard)
    guest = opened(yard, secret)
    ann = yard.grounds.visitor("ann")
    at = re.search(rf"/job/{yard.job}/links/(\d+)/revoke", ann.get(f"/job/{yard.job}/access").text)
    assert at is not None
    ann.post(at[0])
    assert guest.get(f"/job/{yard.job}").status_code == 303
    assert Guest(yard.grounds).get(f"/link/{secret}").status_code == 404
    other = make_link(yard)
    yard.made.clock.advance(days=15)
    assert Guest(yard.grounds).get(f"/link/{other}").status_code == 404


# --- nothing else ----------------------------------------------------------------------------------------------------


def addresses(yard: Yard) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of everything the site answers to."""
    values = {"form_name": "job", "record_id": yard.job, "portal_name": "owners", "transition_name": "confirm",
              "transition": "confirm", "field_name": "party", "secret": "x", "which": "mistakes", "kind": "csv",
              "direction": "next", "rule_name": "none", "rule": "none"}  # fmt: skip
    adapter, found = yard.grounds.web.url_map.bind("localhost"), []
    for rule in yard.grounds.web.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            given = {name: values.get(name, 1) for name in rule.arguments}
            found.append((rule.endpoint, method, adapter.build(rule.endpoint, given, method=method)))
    return found


def test_the_cookie_of_a_portal_opens_no_address_of_the_inside(yard: Yard) -> None:
    """Even where somebody sends it there by hand, under either name, or as a token."""
    eve = yard.outside(yard.sea)
    secret, web, opened_doors = eve.cookie, yard.grounds.web, set()
    for endpoint, method, address in addresses(yard):
        if address.startswith(("/portal/", "/static/")) or endpoint in PUBLIC:
            continue
        for headers in (
            {"Cookie": f"appmill={secret}; appmill_portal={secret}"},
            {"Authorization": f"Bearer {secret}"},
        ):
            answer = web.test_client(use_cookies=False).open(
                address, method=method, headers={**headers, "X-CSRF-Token": csrf_token_for(secret), "Sec-Fetch-Site": "same-origin"}
            )  # fmt: skip
            refused = answer.status_code in (401, 403) or (answer.status_code == 303 and "/sign_in" in answer.location)
            if not refused:
                opened_doors.add((endpoint, method, answer.status_code))
    assert opened_doors == set()


PUBLIC = {
    "auth.sign_in_page",
    "auth.sign_in",
    "auth.sign_out",
    "static_files.favicon",
    "hooks.receive_message",
    "feeds.receive_item",
    "me.browser_language",
    # asked by machines that watch over the process; they say a word, or want the operator's token
    "health.live",
    "health.metrics",
    "health.ready",
    # the installed page and what it is made of, which shows nothing of anybody's
    "phone.app_icon",
    "phone.manifest",
    "phone.offline",
    "phone.worker",
    # opened by a secret of their own in the address
    "deciding.decide",
    "deciding.show",
    "walls.enter",
}


def test_nothing_changes_in_a_portal_without_its_token(yard: Yard) -> None:
    eve = yard.outside(yard.sea)
    ours = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(eve.cookie)}
    for _endpoint, method, address in addresses(yard):
        if address.startswith("/portal/") and method == "POST":
            for wrong in (
                {"X-CSRF-Token": "0" * 43},
                {"Sec-Fetch-Site": "cross-site"},
                {"Origin": "https://else.example"},
            ):
                answer = eve.client.post(address, data={"body": "x", "phone": "1"}, headers={**ours, **wrong})
                assert answer.status_code == 403, (address, wrong)
    assert yard.made.get("job", yard.job)["version"] == 1


def test_the_doors_of_a_portal_tell_nothing_of_others_records(yard: Yard) -> None:
    """Every address below /portal, as Eve, with the ids of a record that is not hers."""
    yard.message(None, "internal words")
    other = {"job": yard.other}
    eve = yard.outside(yard.sea)
    for _endpoint, method, address in addresses(yard):
        if address.startswith("/portal/") and "sign_out" not in address:
            path = address.removeprefix("/portal/owners").replace(f"/{yard.job}", f"/{other['job']}")
            answer = eve.get(path) if method == "GET" else eve.post(path)
            assert answer.status_code < 500, (method, path)
            for hidden in ("Hull", "Lake", "internal words", "777.77", "Ann"):
                assert hidden not in answer.text, (method, path, hidden)


def test_somebody_inside_is_nobody_in_a_portal_and_the_other_way_round(yard: Yard) -> None:
    ann = yard.grounds.visitor("ann")
    assert ann.get("/portal/owners/job").location.endswith("/portal/owners/sign_in")
    yard.outside(yard.sea)
    visitor = yard.grounds.visitor()
    visitor.get("/sign_in")
    for login in ("eve@example.com", "owners/eve@example.com"):
        assert visitor.post("/sign_in", {"login": login, "password": PASSWORD}).status_code == 401
    mia = Guest(yard.grounds, "makers")
    mia.get("/sign_in")
    assert mia.post("/sign_in", {"address": "eve@example.com", "password": PASSWORD}).status_code == 401


def test_people_outside_are_not_among_the_people_inside(yard: Yard) -> None:
    yard.outside(yard.sea)
    admin = yard.grounds.visitor("admin")
    assert "Eve" not in admin.get("/admin/users").text
    assert "Eve eve@example.com Sea" in text(admin.get("/admin/outside"))
    ann = yard.grounds.visitor("ann")
    assert ann.get(f"/job/{yard.job}/people?q=E").json == []
    with yard.app.database.read() as conn:
        user = yard.app.tables.user
        id = conn.scalar(sa.select(user.c.id).where(user.c.name == "Eve"))
    assert admin.post(f"/admin/users/{id}", {"name": "Eve", "roles": ["clerk"]}).status_code in (404, 409)
    assert admin.get(f"/admin/users/{id}").status_code == 404
    assert admin.post(f"/admin/users/{id}/reset").status_code == 404
    assert admin.post("/admin/groups", {"name": "Crew", "roles": ["clerk"], "members": [str(id)]}).status_code == 409
    assert admin.post("/admin/users", {"login": "x1", "name": "X", "roles": ["owner_outside"]}).status_code == 422


def test_an_administrator_sees_what_a_person_outside_sees_and_changes_nothing(yard: Yard) -> None:
    yard.outside(yard.sea)
    with yard.app.database.read() as conn:
        [person] = outsiders.outsiders_of(conn, yard.app, yard.app.definition.portals["owners"])
    admin = yard.grounds.visitor("admin")
    ann = yard.grounds.visitor("ann")
    assert ann.post(f"/party/{yard.sea}/access/{person.id}/look").status_code == 403
    assert admin.post(f"/party/{yard.sea}/access/{person.id}/look").location == "/portal/owners/"
    looking = Guest(yard.grounds)
    looking.client = admin.client
    page = looking.get(f"/job/{yard.job}")
    assert "You see what Eve sees" in page.text
    assert "To fill in" not in page.text
    assert looking.post(f"/job/{yard.job}", {"_version": version(page), "phone": "9"}).status_code == 403
    assert looking.post(f"/job/{yard.job}/messages", {"body": "x"}).status_code == 403
    assert yard.made.get("job", yard.job)["phone"] is None


def test_files_outside_are_those_the_portal_shows(yard: Yard) -> None:
    """Granted is not enough: the form's other files are not shown there."""
    ids = {}
    for field in ("drawing", "secret_file"):
        stored: StoredFile = yard.app.files.put(io.BytesIO(field.encode()), name=f"{field}.txt")
        values = {"form": "job", "record_id": yard.job, "field": field, "sha256": stored.sha256, "name": f"{field}.txt",
                  "media_type": "text/plain", "size": 7, "created_at": yard.made.clock()}  # fmt: skip
        with yard.app.database.write() as conn:
            made = conn.execute(sa.insert(yard.app.tables.attachment).values(**values))
            ids[field] = made.inserted_primary_key[0]
            table = yard.app.tables.form["job"]
            conn.execute(sa.update(table).where(table.c.id == yard.job).values(**{field: (ids[field],)}))
    eve = yard.outside(yard.sea)
    page = eve.get(f"/job/{yard.job}")
    assert "drawing.txt" in page.text
    assert "secret_file.txt" not in page.text
    assert status(eve, f"/files/{ids['drawing']}") == 200
    assert eve.get(f"/files/{ids['secret_file']}").status_code == 404
    mia = yard.outside(yard.maker, "mia@example.com", "Mia", "makers")
    assert mia.get(f"/files/{ids['drawing']}").status_code == 404


def test_a_demo_has_somebody_to_try_a_portal_as_for_whom_there_is_something_to_do(yard: Yard) -> None:
    yard.made.create("job", what="Keel", party=yard.lake)
    demo.open_portals(yard.app)
    demo.open_portals(yard.app)  # twice is once
    guest = Guest(yard.grounds)
    guest.get("/sign_in")
    assert guest.post("/sign_in", {"address": "owners@example.com", "password": demo.PASSWORD}).status_code == 303
    shown = text(guest.get("/job"))
    assert "Keel" in shown
    assert "Hull" in shown
    assert "Mast" not in shown
