"""Role × form × state × verb × door, for two applications. What is expected is worked out from the YAML grants by plain
Python (oracle.py); what is hidden holds texts that stand nowhere else (canaries.py) and may come out of no door."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from canaries import APPS, World, body_of, make_world
from deep import some
from oracle import Oracle
from visiting import csrf_token_for
from werkzeug.test import TestResponse

from engine.scenarios import doors

PEOPLE = [(file.stem, login) for file in APPS for login in (*Oracle.of(file).yaml["demo_users"], "nobody")]
NOWHERE = 987654  # the id of no record
SYSTEM_KEYS = frozenset(
    {"id", "title", "titles", "masked", "version", "state", "state_since", "state_due", "forecast_at", "owner", "owner_role",
     "created_at", "created_by", "updated_at", "updated_by"}
)  # fmt: skip
everybody = pytest.mark.parametrize(("app", "login"), some(PEOPLE, 4))
a_few = pytest.mark.parametrize(("app", "login"), some(PEOPLE, 2))  # who asks for every address there is


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], World]]:
    made: dict[str, World] = {}

    def world(name: str) -> World:
        if name not in made:
            file = next(file for file in APPS if file.stem == name)
            made[name] = make_world(file, Path(tmp_path_factory.mktemp(name)))
        return made[name]

    yield world
    for one in made.values():
        one.app.database.close()


def api(world: World, login: str, method: str, path: str, json: Any = None) -> TestResponse:
    visitor = world.visitor(login)
    headers = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf_token_for(visitor.cookie)}
    return visitor.client.open(f"/api/v1/{path}", method=method, json=json, headers=headers)


# --- reading: exactly what is granted


@everybody
def test_a_record_shows_exactly_the_granted_fields(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    role = world.role_of[login]
    for form in world.oracle.forms:
        granted = world.oracle.readable(role, form)
        for id in world.oracle.rows[form]:
            answer = api(world, login, "GET", f"records/{form}/{id}")
            page = world.visitor(login).get(f"/{form}/{id}")
            expected = 200 if world.reads(login, form, id) else 404
            assert (answer.status_code, page.status_code) == (expected, expected), (form, id)
            if expected == 200:
                assert set(answer.json) - SYSTEM_KEYS == granted, form
                shown = set(re.findall(r'id="show-([a-z_]+)"', page.text)) & set(world.oracle.fields(form))
                assert shown <= granted, form
                lines_show_what_is_granted(world, role, form, answer.json)


def lines_show_what_is_granted(world: World, role: str, form: str, told: dict[str, Any]) -> None:
    for name, line_form in world.oracle.lines_of(form).items():
        for line in told.get(name, []):
            assert set(line) - SYSTEM_KEYS == world.oracle.readable(role, line_form, form), line_form


@everybody
def test_lists_counts_and_exports_hold_exactly_the_granted_rows(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    role = world.role_of[login]
    for form in world.oracle.forms:
        mine = {id for id in world.oracle.rows[form] if world.reads(login, form, id)}
        listed = api(world, login, "GET", f"records/{form}?count=true&lines=true")
        table = world.visitor(login).get(f"/{form}/export.csv")
        book = world.visitor(login).get(f"/{form}/export.xlsx")
        if not world.oracle.may(role, "read", form):
            assert listed.status_code in (403, 404), form
            assert {table.status_code, book.status_code} <= {403, 404}, form
            continue
        assert {one["id"] for one in listed.json["records"]} == mine, form
        assert listed.json["count"] == len(mine), form
        for one in listed.json["records"]:
            assert set(one) - SYSTEM_KEYS == world.oracle.readable(role, form), form
            lines_show_what_is_granted(world, role, form, one)
        expected = 200 if world.oracle.may(role, "export", form) else 403
        assert (table.status_code, book.status_code) == (expected, expected), form


@everybody
def test_what_is_not_yours_is_answered_like_what_is_not_there(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    for form in world.oracle.forms:
        hidden = next((id for id in world.oracle.rows[form] if not world.reads(login, form, id)), None)
        if hidden is None:
            continue
        field = next(iter(world.oracle.fields(form)))
        for path in ("", "/edit", "/events", "/print", "/related", "/delete", f"/cell?field={field}", "/people"):
            one, none = (world.visitor(login).get(f"/{form}/{id}{path}") for id in (hidden, NOWHERE))
            expected = (404, 422) if "cell" in path else (404,)  # 422: not a field to change in a list
            assert one.status_code == none.status_code, (form, path)
            assert one.status_code in expected, (form, path)
            assert same(one, hidden) == same(none, NOWHERE), (form, path)
        for path in ("", "/events", "/comments", "/transitions"):
            one, none = (api(world, login, "GET", f"records/{form}/{id}{path}") for id in (hidden, NOWHERE))
            assert one.status_code == none.status_code == 404, (form, path)
            assert same(one, hidden) == same(none, NOWHERE), (form, path)


def same(answer: TestResponse, id: int) -> str:
    """The words of an answer without what differs by request or by the number asked for."""
    return re.sub(rf"(?<=/){id}\b|[0-9a-f]{{16}}", "#", answer.text)


# --- changing: refused without a trace


@everybody
def test_changes_that_are_not_granted_leave_no_trace(worlds: Any, app: str, login: str) -> None:
    """Granted ones are sent with a version long gone: they get as far as Stale, and leave no trace either. The others
    are sent with the right version, for whoever reads a record may be told first that it changed."""
    world = worlds(app)
    before = world.snapshot()
    wrong = [
        f"{door}: expected {'open' if granted else 'closed'}, got {answer.status_code}"
        for door, granted, answer in changes(world, login)
        if (answer.status_code not in (403, 404)) != granted or answer.status_code >= 500
        or (answer.status_code < 300 and "GET" not in door)
    ]  # fmt: skip
    assert not wrong
    assert world.snapshot() == before


def changes(world: World, login: str) -> Iterator[tuple[str, bool, TestResponse]]:
    """(which door, whether the grants open it, what it answered)."""
    role, oracle, visitor, user = world.role_of[login], world.oracle, world.visitor(login), world.user(login)
    for form in oracle.forms:
        create = oracle.may(role, "create", form)
        yield f"GET /{form}/new", create, visitor.get(f"/{form}/new")
        yield f"POST /{form}/new", create, visitor.post(f"/{form}/new", {"_version": "x"})
        yield f"API create {form}", create, api(world, login, "POST", f"records/{form}", {"no_such_field": 1})
        imported = api(world, login, "POST", f"forms/{form}/import", {"values": {"no_such_field": 1}})
        yield f"API import {form}", oracle.may(role, "import", form), imported
        for id, row in oracle.rows[form].items():
            yield from changes_of_one(world, login, role, user, form, id, row)


def changes_of_one(
    world: World, login: str, role: str, user: int, form: str, id: int, row: Any
) -> Iterator[tuple[str, bool, TestResponse]]:
    oracle, visitor, now = world.oracle, world.visitor(login), row["version"]
    at, reads = f"/{form}/{id}", world.reads(login, form, id)
    update = reads and oracle.may(role, "update", form, row, user)
    delete = reads and oracle.may(role, "delete", form, row, user)
    yield f"GET {at}/edit", update, visitor.get(f"{at}/edit")
    yield f"POST {at}", update, visitor.post(at, {"_version": now + 7 * update})
    yield (
        f"API change {at}",
        update,
        api(world, login, "PATCH", f"records{at}", {"version": now + 7 * update, "no_such": 1}),
    )
    yield f"GET {at}/delete", delete, visitor.get(f"{at}/delete")
    yield f"POST {at}/delete", delete, visitor.post(f"{at}/delete", {"_version": now + 7 * delete})
    yield f"API delete {at}", delete, api(world, login, "DELETE", f"records{at}?version={now + 7 * delete}")
    if not reads:
        yield f"POST {at}/comments", False, visitor.post(f"{at}/comments", {"body": "Hello"})
        yield f"API comment {at}", False, api(world, login, "POST", f"records{at}/comments", {"body": "Hello"})
        yield f"POST {at}/move", False, visitor.post(f"{at}/move?view=board", {"to": "paid"})
        for name in oracle.fields(form):
            yield f"API reveal {at}.{name}", False, api(world, login, "POST", f"records{at}/reveal/{name}")
            yield f"reveal {at}.{name}", False, visitor.post(f"{at}/reveal/{name}")
    for name in {} if not row.get("state") else oracle.transitions(form, row["state"]):
        granted = role in oracle.transitions(form, row["state"])[name]
        yield from step_doors(world, login, reads, granted, at, name, {"version": now + 7 * granted})


def step_doors(
    world: World, login: str, reads: bool, granted: bool, at: str, name: str, body: dict[str, int]
) -> Iterator[tuple[str, bool, TestResponse]]:
    """Whoever reads the record but has not the role is told so: 403 or 409, never done."""
    page = world.visitor(login).post(f"{at}/take/{name}", {"_version": str(body["version"])})
    told = api(world, login, "POST", f"records{at}/transitions/{name}", body)
    for door, answer in ((f"POST {at}/take/{name}", page), (f"API {at} {name}", told)):
        if not reads or granted:
            yield door, reads, answer
        elif answer.status_code not in (403, 409):
            yield door, not reads, answer


@everybody
def test_a_field_that_may_not_be_changed_is_refused_by_name(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    role, oracle, user = world.role_of[login], world.oracle, world.user(login)
    before = world.snapshot()
    for form in oracle.forms:
        for id, row in oracle.rows[form].items():
            if not (world.reads(login, form, id) and oracle.may(role, "update", form, row, user)):
                continue
            allowed = oracle.updatable(role, form, row, user)
            for name in set(oracle.fields(form)) - allowed:
                answer = api(world, login, "PATCH", f"records/{form}/{id}", {"version": row["version"], name: "77123"})
                assert answer.status_code in (403, 422), (form, id, name, answer.status_code)
                assert name in answer.text
    assert world.snapshot() == before


@everybody
def test_hidden_fields_cannot_be_asked_about(worlds: Any, app: str, login: str) -> None:
    """Filters, sorts, columns, cells, options and changes answer as for a field that does not exist."""
    world = worlds(app)
    role, oracle = world.role_of[login], world.oracle
    for form in oracle.forms:
        if not oracle.may(role, "read", form):
            continue
        some = next((id for id in oracle.rows[form] if world.reads(login, form, id)), NOWHERE)
        for name in set(oracle.fields(form)) - oracle.readable(role, form):
            for path in (
                f"/{form}?where.X.eq=1", f"/{form}?sort=X", f"/{form}?columns=X", f"/{form}/count?where.X.eq=1",
                f"/{form}/export.csv?columns=X", f"/{form}/totals?where.X.gt=1", f"/{form}/{some}/cell?field=X",
                f"/{form}/options/X", f"/{form}/filter?field=X", f"/api/v1/records/{form}?where.X.eq=1",
                f"/api/v1/records/{form}?sort=X", f"/api/v1/records/{form}?columns=X",
                f"/api/v1/forms/{form}/options/X",
            ):  # fmt: skip
                hidden, unknown = (world.visitor(login).get(path.replace("X", one)) for one in (name, f"zz{name[2:]}"))
                assert hidden.status_code == unknown.status_code, path
                assert hidden.status_code >= 400 or "filter?" in path, path
                if hidden.status_code >= 400:
                    assert alike(hidden.text) == alike(unknown.text.replace(f"zz{name[2:]}", name)), path


def alike(text: str) -> str:
    """An answer without the number of the request and what is proposed instead: which of the readable names is near
    depends on the letters typed, not on what there is. Our own files have names of their own."""
    asked = re.sub(r"\"/static/[^\"]*\"", "", text)
    words = re.sub(r"(did you mean|there is)[^<\"]*", "#", asked)
    return re.sub(r"\b[0-9a-f]{16}\b|\b[0-9a-f]{40,}\b", "#", words)


# --- nothing leaks


@a_few
def test_no_door_lets_a_hidden_value_out(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    forbidden = world.forbidden(login)
    pattern = re.compile("|".join(re.escape(text) for text in sorted(forbidden, key=len, reverse=True)) or r"(?!)")
    leaks = set()
    for address in some(list(addresses(world, login)), 1500):
        for headers in ({}, {"HX-Request": "true"}):
            if headers and ("=" in address or address.count("/") > 2 or address.startswith(("/api/", "/files/"))):
                continue  # a fragment is the page without its frame: asked for of lists and records
            answer = world.visitor(login).get(address, headers=headers)
            assert answer.status_code < 500, (address, answer.text[:500])
            for text in pattern.findall(body_of(answer)):
                leaks.add((re.sub(r"/\d+", "/#", address), *forbidden[text][::2], text))
            answer.close()
    assert not leaks, "\n".join(map(str, sorted(leaks)))


@everybody
def test_a_hidden_value_finds_nothing(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    seen: set[tuple[str, str]] = set()
    for text, (form, _id, name) in world.forbidden(login).items():
        if (form, name) in seen:
            continue
        seen.add((form, name))
        outer = world.outer(form)
        wanted = outer[0] if outer else form
        for address in (
            f"/search?q={text}",
            f"/{wanted}?q={text}",
            f"/{wanted}/options?q={text}",
            f"/{wanted}/quick?q={text}",
        ):
            found = world.visitor(login).get(address)
            assert not re.search(rf'href="/{wanted}/\d+"', found.text), (address, name)
        listed = api(world, login, "GET", f"records/{wanted}?q={text}&count=true")
        if listed.status_code == 200:
            assert (listed.json["records"], listed.json["count"]) == ([], 0), (wanted, name, text)


@everybody
def test_a_file_is_read_by_whoever_may_read_its_field(worlds: Any, app: str, login: str) -> None:
    world = worlds(app)
    for file, (form, id, name) in world.files.items():
        granted = world.reads(login, form, id) and name in world.oracle.readable(world.role_of[login], form)
        for path in (f"/files/{file}", f"/api/v1/files/{file}"):
            answer = world.visitor(login).get(path)
            assert answer.status_code == (200 if granted else 404), (path, form, name)
            answer.close()


def addresses(world: World, login: str) -> Iterator[str]:
    """Every address that can be read, for every form and record; fields this person may not see are asked for by name.

    That none is missing is shown in ``tests/scenarios/test_never_reads.py``.
    """
    hidden: dict[str, list[str]] = {}
    for form, _id, name in dict.fromkeys(world.forbidden(login).values()):
        if name not in hidden.setdefault(form, []):
            hidden[form].append(name)
    ids = {form: list(rows) for form, rows in world.oracle.rows.items()}
    return doors.addresses(world.app.definition, ids, world.files, hidden)


# Hidden because they clutter the screen: links to records with rights of their own, and counts of one digit.
WORKINGS = {("pool_line", name) for name in ("map_here", "map_any", "asked", "taken")} | {
    ("rush_order", name) for name in ("work", "mixed_work", "chosen_work", "lines")
}


def test_there_is_something_to_hide(worlds: Any) -> None:
    """Every field that a grant hides from somebody who signs in here has a canary; else the tests above prove nothing
    about it. People of portals have doors of their own."""
    for file in APPS:
        world = worlds(file.stem)
        outside = {role for role, one in world.oracle.yaml["roles"].items() if one and one.get("stands_for")}
        guarded = {(form, name) for form, _id, name in world.canaries}
        for form, one in world.oracle.yaml["forms"].items():
            hidden = {
                name
                for role, grant in one.get("permissions", {}).items()
                if role not in outside
                for name, override in grant.get("fields", {}).items()
                if override.get("read") is False
            }
            assert {(form, name) for name in hidden} - WORKINGS <= guarded
