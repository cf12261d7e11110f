"""The frame: headers, forgery, errors, static files, side bar, home, notifications."""

from __future__ import annotations

import gzip
import importlib
import json
import logging
import re
from pathlib import Path

import pytest
from visiting import text

from engine.web import factory
from engine.web.context import Settings
from engine.web.scanning import READER_CSP
from engine.web.security import CSP, foreign_origin


def pages(web):
    """Every address of the site that takes no argument and answers GET."""
    rules = [rule for rule in web.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return sorted({rule.rule for rule in rules})


@pytest.fixture
def database_url(sqlite_url):
    """Nothing here depends on the database."""
    return sqlite_url


# --- headers and who may come in


NO_CODES = {"/tasks/entries", "/scan/dialog"}  # nothing is scanned there, or in the page around it


def test_every_page_is_protected_by_the_same_headers(grounds):
    visitor = grounds.visitor("admin")
    for path in (*pages(grounds.web), "/nowhere/at/all", "/static/nothing.css"):
        answer = visitor.get(path)
        reads_codes = path.startswith(("/tasks", "/scan")) and answer.mimetype == "text/html"
        wanted = READER_CSP if reads_codes and path not in NO_CODES else CSP
        assert answer.headers["Content-Security-Policy"] == wanted, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Referrer-Policy"] == "same-origin", path
        assert answer.headers["X-Request-Id"], path
        if not path.startswith(("/static", "/favicon", "/sw.js")):
            assert answer.headers["Cache-Control"] == "no-store", path


def test_nobody_gets_in_anywhere_without_signing_in(grounds):
    stranger, open_to_all = grounds.visitor(), {"/sign_in", "/favicon.ico", "/sw.js", "/offline"}
    open_to_all |= {"/health/live", "/health/ready", "/metrics"}  # tests/operations/test_health.py asks them
    for path in pages(grounds.web):
        answer = stranger.get(path)
        if path.startswith("/api/"):
            assert answer.status_code == 401 or answer.location.startswith("/sign_in"), path
        elif path not in open_to_all:
            assert (answer.status_code, (answer.location or "").split("?")[0]) == (303, "/sign_in"), path


def test_every_page_varies_by_htmx(grounds):
    visitor = grounds.visitor("ann")
    for path in ("/", "/me", "/notifications", "/sign_in"):
        assert "HX-Request" in visitor.get(path).headers.get("Vary", ""), path


def test_the_frame_and_the_fragment_are_the_same_template(grounds):
    visitor = grounds.visitor("ann")
    assert "<!doctype html>" in visitor.get("/notifications").text
    fragment = visitor.htmx("GET", "/notifications").text
    assert "<!doctype html>" not in fragment
    assert "Nothing new." in fragment
    whole = visitor.get("/notifications", headers={"HX-Request": "true", "HX-Boosted": "true"}).text
    assert "<!doctype html>" in whole


def test_no_template_needs_eval_or_inline_code():
    folder = Path(__file__).parents[2] / "engine/web/templates"
    banned = re.compile(
        r"hx-on[:\-]|\son[a-z]+=\"|\sstyle=\"|<style|<script(?![^>]*\ssrc=)|\"js:|hx-trigger=\"[^\"]*\[|javascript:"
    )
    for path in set(folder.rglob("*.html")) - set(folder.glob("paper*.html")):  # files that hold their own style
        assert not banned.findall(path.read_text()), path.name


# --- forgery

SENT = [
    ({"Sec-Fetch-Site": "same-origin"}, True, 303),
    ({"Sec-Fetch-Site": "none"}, True, 303),
    ({}, True, 303),
    ({"Origin": "http://localhost"}, True, 303),
    ({"Sec-Fetch-Site": "cross-site"}, True, 403),
    ({"Sec-Fetch-Site": "same-site"}, True, 403),
    ({"Origin": "http://evil.example"}, True, 403),
    ({"Origin": "null"}, True, 403),
    ({"Origin": "https://localhost"}, True, 403),
    ({"Origin": "http://localhost:81"}, True, 403),
    ({"Sec-Fetch-Site": "same-origin"}, False, 403),
    ({}, False, 403),
]


@pytest.mark.parametrize(("headers", "with_token", "status"), SENT)
def test_only_this_sites_own_pages_can_change_something(grounds, headers, with_token, status):
    visitor = grounds.visitor("ann")
    data = {"name": "Ann B.", "timezone": "UTC"}
    token = re.search(r'name="csrf_token" value="(\w+)"', visitor.get("/me").text).group(1)
    if with_token:
        data["csrf_token"] = token
    answer = visitor.client.post("/me/profile", data=data, headers=headers)
    assert answer.status_code == status
    assert (grounds.user("ann").name == "Ann B.") == (status == 303)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_needs_the_token(grounds, method):
    visitor = grounds.visitor("ann")
    for rule in grounds.web.url_map.iter_rules():
        if method in (rule.methods or ()) and not rule.arguments:
            assert visitor.client.open(rule.rule, method=method).status_code == 403, rule.rule


def test_another_sessions_token_is_no_use(grounds):
    ann, bob = grounds.visitor("ann"), grounds.visitor("bob")
    token = re.search(r'name="csrf_token" value="(\w+)"', bob.get("/me").text).group(1)
    assert ann.post("/me/profile", {"name": "X", "timezone": "UTC"}, token=token).status_code == 403


def test_json_sent_as_text_from_a_form_is_no_way_around(grounds):
    visitor = grounds.visitor("ann")
    answer = visitor.client.post("/me/profile", data='{"csrf_token": "x"}', content_type="text/plain")
    assert answer.status_code == 403


def test_signing_in_cannot_be_forged_either(grounds):
    stranger = grounds.visitor()
    stranger.get("/sign_in")
    answer = stranger.client.post("/sign_in", data={"login": "ann", "password": "a quiet harbour town"})
    assert answer.status_code == 403
    fresh = grounds.web.test_client().post(
        "/sign_in", data={"login": "ann", "password": "a quiet harbour town", "csrf_token": ""}
    )
    assert fresh.status_code == 403


def test_a_bearer_token_needs_no_csrf_token_and_htmx_sends_it_inherited(grounds):
    answer = grounds.web.test_client().post("/sign_out", headers={"Authorization": f"Bearer {grounds.token('ann')}"})
    assert answer.status_code == 303
    assert 'hx-headers:inherited=\'{"X-CSRF-Token": "' in grounds.visitor("ann").get("/").text


def test_no_get_changes_anything(grounds):
    visitor = grounds.visitor("admin")
    for path in (
        "/sign_out",
        "/look_as",
        "/me/profile",
        "/me/language",
        "/notifications/read",
    ):
        assert visitor.get(path).status_code in (404, 405), path


@pytest.mark.parametrize(
    ("site", "origin", "foreign"),
    [
        ("same-origin", None, False),
        ("none", None, False),
        (None, None, False),
        ("cross-site", "http://h", True),
        (None, "http://h.evil", True),
    ],
)
def test_where_a_request_comes_from(site, origin, foreign):
    assert foreign_origin(site, origin, "h", "http") is foreign


# --- hosts and bodies


def test_a_foreign_host_is_refused_when_hosts_are_named(make_grounds):
    web = make_grounds(settings=Settings(hosts=("hub.example",))).web
    assert web.test_client().get("/sign_in", base_url="http://evil.example").status_code == 422
    assert web.test_client().get("/sign_in", base_url="http://hub.example:8000").status_code == 200


def test_too_large_a_body_is_refused_as_such(make_grounds):
    grounds = make_grounds(settings=Settings(max_body=2000))
    answer = grounds.visitor("ann").post("/me/profile", {"name": "x" * 3000})
    assert answer.status_code == 413
    assert "This is too large to be uploaded." in text(answer)


# --- refusals and failures


def test_a_page_that_is_not_there_says_so_with_a_number_to_ask_about(grounds):
    answer = grounds.visitor("ann").get("/admin/nothing/here")
    assert answer.status_code == 404
    assert "There is nothing here, or nothing you may see." in text(answer)
    assert answer.headers["X-Request-Id"] in answer.text


def test_administration_is_closed_to_everybody_else(grounds):
    visitor = grounds.visitor("bob")
    for path in ("/admin/users", "/admin/audit", "/admin/definition", "/admin/roles", "/admin/tokens", "/admin/groups"):
        assert visitor.get(path).status_code == 403, path
    assert visitor.post("/admin/users", {"login": "eve", "name": "Eve"}).status_code == 403


def test_a_defect_is_logged_with_its_number_and_shown_without_its_trace(make_grounds, caplog):
    grounds = make_grounds(lasting=True)

    @grounds.web.get("/explode")
    def explode() -> str:
        raise RuntimeError("a secret in the middle of things")

    grounds.web.config["PROPAGATE_EXCEPTIONS"] = False
    with caplog.at_level(logging.ERROR, "appmill"):
        answer = grounds.visitor("ann").get("/explode")
    assert answer.status_code == 500
    assert "a secret" not in answer.text
    assert answer.headers["X-Request-Id"] in caplog.text
    assert "a secret in the middle of things" in caplog.text


def test_htmx_is_told_of_a_refusal_by_a_toast_and_keeps_its_page(grounds):
    answer = grounds.visitor("ann").htmx("GET", "/admin/users")
    assert answer.status_code == 403
    assert answer.headers["HX-Reswap"] == "none"
    said = json.loads(answer.headers["HX-Trigger"])["toast"]["toasts"]
    assert said == [{"text": "Only administrators may do this.", "kind": "danger"}]


def test_the_api_has_one_shape_for_errors(grounds):
    answer = grounds.web.test_client().get("/api/v1/nothing/of/the/kind")
    assert answer.status_code in (401, 404)
    assert set(answer.json["error"]) >= {"code", "message", "request_id"}


def test_one_line_per_request_without_secrets(grounds, caplog):
    visitor = grounds.visitor("ann")
    with caplog.at_level(logging.INFO, "appmill.request"):
        visitor.get("/notifications?before=3&token=hush")
        visitor.get("/a\r\nfake/b")
    lines = [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    first = caplog.records[0]
    assert (first.method, first.route, first.status) == ("GET", "/notifications", 200)
    assert not any("hush" in line or "\n" in line or "\r" in line for line in lines)


# --- static files


def test_static_files_last_for_ever_and_travel_packed(grounds):
    client = grounds.web.test_client()
    address = re.search(r'href="(/static/~\w+/css/app\.css)"', client.get("/sign_in").text).group(1)
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})
    plain = client.get(address)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert packed.mimetype == "text/css"
    assert client.get(address, headers={"If-None-Match": packed.headers["ETag"]}).status_code == 304
    assert "Set-Cookie" not in plain.headers


@pytest.mark.parametrize(
    "path", ["../pyproject.toml", "~x/../../pyproject.toml", "%2e%2e/pyproject.toml", "/etc/passwd", "css", ""]
)
def test_nothing_outside_the_folder_is_served(grounds, path):
    assert grounds.web.test_client().get(f"/static/{path}").status_code in (404, 303, 308)


# --- side bar, home, languages


def test_the_side_bar_shows_what_a_person_may_read(grounds):
    ann, bob, gus = (grounds.visitor(login).get("/").text for login in ("ann", "bob", "gus"))
    assert ('href="/ticket"' in ann, 'href="/secret_plan"' in ann, 'href="/pages/wall"' in ann) == (True, False, False)
    assert ('href="/ticket"' in bob, 'href="/secret_plan"' in bob, 'href="/pages/wall"' in bob) == (True, True, True)
    assert 'href="/ticket"' not in gus
    assert "/admin/" not in ann + bob + gus


def test_new_records_are_offered_for_forms_a_person_may_create(grounds):
    assert 'href="/ticket/new"' in grounds.visitor("ann").get("/").text
    assert 'href="/ticket/new"' not in grounds.visitor("gus").get("/").text


def test_the_present_place_is_marked_in_the_side_bar(grounds):
    page = grounds.visitor("admin").get("/admin/users").text
    assert re.findall(r'data-place="([^"]*)" aria-current="page"', page) == ["admin/users"]


def test_work_waits_for_the_role_it_belongs_to_the_overdue_first(grounds):
    made = grounds.made
    made.create("ticket", subject="Old printer", as_="ann")
    made.clock.advance(hours=5)
    made.create("ticket", subject="New screen", as_="ann")
    shown = text(grounds.visitor("ann").get("/"))
    assert "2 waiting for you · 1 overdue" in shown
    assert shown.index("Old printer") < shown.index("New screen")
    assert "Nothing is waiting for you." in text(grounds.visitor("bob").get("/"))


def test_work_that_moves_on_waits_for_the_next_role(grounds):
    ticket = grounds.made.create("ticket", subject="Old printer", as_="ann")
    grounds.made.take("ticket", ticket, "submit", as_="ann")
    assert "1 waiting for you" in text(grounds.visitor("bob").get("/"))
    shown = text(grounds.visitor("ann").get("/"))
    assert "Nothing is waiting for you." in shown
    assert "Changed by me lately Old printer" in shown


def test_people_who_may_read_nothing_are_told_what_will_be_here(grounds):
    shown = text(grounds.visitor("gus").get("/"))
    assert "All done Records that you or your role are responsible for appear here" in shown


def test_the_language_follows_the_person(grounds):
    visitor = grounds.visitor("ann")
    visitor.post("/me/language", {"language": "zh", "next": "/"})
    page = visitor.get("/").text
    assert '<html lang="zh-CN"' in page
    assert "我的待办" in page
    assert grounds.user("ann").language == "zh"


def test_before_signing_in_the_language_is_the_browsers(grounds):
    client = grounds.web.test_client()
    assert "登录名" in client.get("/sign_in", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).text
    assert "Sign-in name" in client.get("/sign_in", headers={"Accept-Language": "en-GB"}).text


def test_the_theme_stands_in_the_first_byte_of_the_page(grounds):
    visitor = grounds.visitor("ann")
    visitor.client.set_cookie("theme", "dark")
    assert 'data-bs-theme="dark"' in visitor.get("/").text.split("<head>")[0]
    visitor.client.set_cookie("theme", '"><script>')
    assert '<html lang="en" data-theme="auto">' in visitor.get("/").text


def test_a_notice_is_counted_listed_and_read_by_opening_it(grounds):
    ticket = grounds.made.create("ticket", subject="Old printer", as_="ann")
    ann = grounds.user("ann").id
    notification = grounds.app.tables.notification
    with grounds.app.database.write() as conn:
        conn.execute(
            notification.insert().values(
                user_id=ann,
                form="ticket",
                record_id=ticket.id,
                message={"en": "Printer is hot", "zh": "打印机发热"},
                at=grounds.made.clock(),
            )
        )
    visitor = grounds.visitor("ann")
    assert 'class="bell-count" title="1 unread">1<' in visitor.get("/").text
    assert "Printer is hot" in visitor.htmx("GET", "/notifications").text
    assert visitor.get("/notifications/1").location == f"/ticket/{ticket.id}"
    assert "bell-count" not in visitor.get("/").text
    assert grounds.visitor("bob").get("/notifications/1").location == "/notifications"


def test_a_page_costs_one_query_for_session_person_and_roles(grounds):
    import sqlalchemy as sa

    visitor = grounds.visitor("ann")
    visitor.get("/me/password")
    seen = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        visitor.get("/me/password")
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert len([statement for statement in seen if statement.lstrip().upper().startswith("SELECT")]) == 1


def test_every_room_with_pages_is_part_of_the_site(grounds):
    folder = Path(factory.__file__).parent
    names = [path.stem for path in folder.glob("*.py") if "\nblueprint = " in path.read_text()]
    blueprints = {importlib.import_module(f"engine.web.{name}").blueprint for name in names}
    nested = {id(inner) for outer in blueprints for inner, _options in outer._blueprints}
    known = {id(one) for one in grounds.web.blueprints.values()} | nested
    assert sorted(one.name for one in blueprints if id(one) not in known) == []
