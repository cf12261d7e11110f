"""An interface of REST described in YAML: read page by page, through every mishap, without losing a thing."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from connecting.archive import REST, SINCE, Archive, Reader, connection, task
from contracts.vendor import serving
from fake_clock import START
from surroundings import World

from engine.connectors import Span
from engine.errors import DeliveryFailed

ALL = ["1", "2", "3", "4", "5"]
HEAD = "reads:\n  things:\n    path: /things\n    items: answer.data\n    key: item.id\n    version: item.changed_at\n    "
PAGES = {
    "page": "query: {since: since, page: page}\n    pages: {by: page}",
    "page with a size": "query: {since: since, page: page, per: size}\n    pages: {by: page, size: 2}",
    "offset": "query: {since: since, offset: offset}\n    pages: {by: offset, size: 2}",
    "cursor": "query: {since: since, cursor: cursor}\n    pages: {by: cursor, next: answer.meta.next}",
    "link": "query: {since: since}\n    pages: {by: link}",
    "since": "query: {since: since, page: page}\n    pages: {by: since, size: 2}",
    "a search": "method: POST\n    json: {since: since, offset: offset}\n    pages: {by: offset, size: 2}",
}


@pytest.fixture
def archive():
    with serving(Archive()) as served:
        yield served


def reader(archive, pages, more="", auth=""):
    return Reader(connection(f"{REST}{auth}{HEAD}{PAGES[pages]}\n{more}", archive.url))


@pytest.mark.parametrize("pages", PAGES)
def test_every_page_is_read_once(archive, pages):
    reading = reader(archive, pages)
    items = reading.all()
    assert list(dict.fromkeys(item.key for item in items)) == ALL
    assert items[0].version == "2026-03-02T19:31:00.000000Z"
    assert items[0].data == archive.vendor.things[0]
    assert set(reading.world.turns) == {"things"}
    assert len(reading.world.turns) == len(archive.vendor.asked)
    assert reading.world.sent == 0


QUICK = ("error", "refuse", "half", "html", "no_list")


@pytest.mark.parametrize(
    ("pages", "mishap"), [*((one, mishap) for one in PAGES for mishap in QUICK), ("a search", "timeout"), ("link", "lost")]
)
def test_what_goes_wrong_in_the_middle_loses_nothing(archive, pages, mishap):
    archive.vendor.mishaps.next(mishap, only=lambda asked: len(archive.vendor.asked) > 1)
    reading = reader(archive, pages)
    reading.seconds = 0.4 if mishap in ("timeout", "lost") else 2.0
    assert list(dict.fromkeys(reading.keys(patience=1))) == ALL
    assert len(reading.failures) == 1


@pytest.mark.parametrize("pages", ["page", "page with a size", "offset", "a search"])
@pytest.mark.parametrize("mishap", ["duplicate_page", "missing_page"])
def test_a_page_that_comes_twice_or_empty_is_asked_for_again(archive, pages, mishap):
    archive.vendor.mishaps.next(mishap)
    assert reader(archive, pages).keys() == ALL
    assert archive.vendor.mishaps.happened == {mishap: 1}


def test_fewer_things_than_were_promised_are_read_again(archive):
    archive.vendor.mishaps.next("missing_page", times=2)
    reading = reader(archive, "page", "    total: answer.meta.total")
    assert list(dict.fromkeys(reading.keys())) == ALL
    archive.vendor.mishaps.next("missing_page", times=20)
    with pytest.raises(DeliveryFailed) as caught:
        reading.all()
    assert (str(caught.value), caught.value.after) == (
        "The pages of “things” of 'archive' hold fewer things than it says, time and again.", 600.0,
    )  # fmt: skip
    archive.vendor.mishaps.planned.clear()
    rested, cursor = World({}), reading.cursor
    rested.now = lambda: START + dt.timedelta(minutes=10)
    part = reading.connection.read("things", cursor, task(reading.connection), rested)
    assert ([item.key for item in part.items], part.more) == (["1", "2"], True)


def test_a_way_on_that_ran_out_begins_the_round_anew(archive):
    reading = reader(archive, "cursor")
    archive.vendor.gone.add("c2")
    assert list(dict.fromkeys(reading.keys())) == ALL
    archive.vendor.gone |= {"c2"} | {f"c{number}" for number in range(9)}
    archive.vendor.forgets = False
    with pytest.raises(DeliveryFailed, match="answered 410"):
        reading.all()


def test_pages_that_never_change_are_a_failure(archive):
    archive.vendor.mishaps.next("duplicate_page", times=20)
    with pytest.raises(DeliveryFailed, match="answers the same page again and again"):
        reader(archive, "page").all()


def test_the_cursor_goes_on_from_the_newest_thing(archive):
    reading = reader(archive, "page")
    reading.all()
    archive.vendor.things.append(archive.vendor.thing(6))
    part = reading.connection.read("things", reading.cursor, task(reading.connection), reading.world)
    assert ([item.key for item in part.items], part.more) == (["5", "6"], True)


@pytest.mark.parametrize(
    ("mishap", "said"),
    [
        ("html", "{url}/api/things answered text/html where JSON was expected: <html><body>Please sign in</body></html>"),
        ("error", "{url}/api/things answered 500: <html>Internal Server Error</html>"),
        ("half", "{url}/api/things answered 200, but the answer broke off."),
        ("no_list", "{url}/api/things: answer.data should be a list; it is nothing."),
        ("error_inside", "{url}/api/things failed: the index is being built"),
    ],
)
def test_what_is_wrong_is_said_and_never_an_empty_list(archive, mishap, said):
    archive.vendor.mishaps.next(mishap)
    with pytest.raises(DeliveryFailed) as caught:
        reader(archive, "page", "    failed: answer.error").all()
    assert (str(caught.value), caught.value.again, caught.value.unsure) == (said.format(url=archive.url), True, False)


def test_a_thing_without_a_key_is_a_failure(archive):
    archive.vendor.things[1]["id"] = None
    with pytest.raises(DeliveryFailed, match=r"a thing has no item\.id; it should name it\.$"):
        reader(archive, "page").all()


def test_too_often_says_when_to_come_again(archive):
    archive.vendor.limits.append("17")
    with pytest.raises(DeliveryFailed) as caught:
        reader(archive, "page").all()
    assert (caught.value.after, caught.value.again) == (17.0, True)


def test_an_answer_can_ask_to_wait(archive):
    archive.vendor.mishaps.next("error_inside")
    with pytest.raises(DeliveryFailed) as caught:
        reader(archive, "page", auth="busy: if_else(contains(answer.error.message, 'built'), 30, None)\n").all()
    assert (str(caught.value), caught.value.after) == (f"{archive.url}/api/things asks to wait.", 30.0)


def test_moments_are_asked_for_as_the_other_side_writes_them(archive):
    for how, expected in {
        "seconds": "1772415000", "milliseconds": "1772415000000", "iso": "2026-03-02T01:30:00Z", "plain": "2026-03-02 09:30:00",
    }.items():  # fmt: skip
        reading = reader(archive, "page", auth=f"moments: {how}\ntimezone: Asia/Shanghai\n")
        cursor = reading.connection.begin("things", Span(SINCE, SINCE + dt.timedelta(days=1)))
        reading.connection.read("things", cursor, task(reading.connection), reading.world)
        assert archive.vendor.asked[-1].params["since"] == expected


# --- who calls

AUTH = """
auth: {type: oauth2_client, token_url: URL/token, client: desk, secret: {secret: SECRET}, scope: read write}
"""


def guarded(archive, pages="page", auth=AUTH):
    archive.vendor.guard = "nobody has it"
    return reader(archive, pages, auth=auth)


def test_a_token_is_asked_for_once_and_kept(archive):
    reading = guarded(archive)
    assert reading.keys() == ALL
    assert archive.vendor.tokens == ["token-1"]
    asked = archive.vendor.asked[0]
    assert (asked.method, asked.form) == (
        "POST", {"grant_type": "client_credentials", "scope": "read write", "client_id": "desk", "client_secret": "s-456"},
    )  # fmt: skip
    assert reading.world.sent == 0


def test_client_and_secret_can_be_sent_as_basic(archive):
    assert guarded(archive, auth=AUTH.replace("scope: read write", "sent: basic")).keys() == ALL
    assert "client_secret" not in archive.vendor.asked[0].form


@pytest.mark.parametrize("pages", ["page", "cursor", "link"])
def test_a_token_that_ends_between_two_pages_is_renewed_once(archive, pages):
    archive.vendor.mishaps.next("expired_token", only=lambda asked: len(archive.vendor.asked) > 3)
    assert guarded(archive, pages).keys() == ALL
    assert archive.vendor.tokens == ["token-1", "token-2"]


def test_tokens_that_are_refused_again_are_not_asked_for_without_end(archive):
    reading = guarded(archive)
    archive.vendor.mishaps.next("expired_token", times=9)
    for _ in range(3):
        with pytest.raises(DeliveryFailed) as caught:
            reading.all()
    assert archive.vendor.tokens == ["token-1", "token-2"]
    assert str(caught.value) == f'{archive.url}/api/things refuses the token that was got for it: {{"error": "token expired"}}'
    assert caught.value.again


def test_a_wrong_secret_is_said_without_it(archive):
    from surroundings import REGISTRY

    from engine.outside.carrying import carry_out
    from engine.outside.task import Task

    reading = guarded(archive)
    world = World({"SECRET": "wrong-one"})
    with pytest.raises(DeliveryFailed) as caught:
        carry_out(REGISTRY, Task("http", {"method": "GET", "path": "/me"}, reading.connection, "k", 1, 2.0), world)
    assert str(caught.value) == f'{archive.url}/token answered 401: {{"error": "invalid_client", "secret": "•••"}}'
    assert world.shown == [("SECRET", "127.0.0.1")]


def test_plain_http_connections_can_ask_for_tokens_too(archive):
    from surroundings import call, http_to

    from engine.credentials import OAuthClientCredential, Secret

    archive.vendor.guard = "nobody has it"
    auth = OAuthClientCredential(token_url=f"{archive.url}/token", client="desk", secret=Secret("SECRET"), refresh=Secret("OLD"))
    answer = call(http_to(archive, auth=auth), World({"SECRET": "s-456", "OLD": "r-1"}), method="GET", path="/me")
    assert answer["json"] == {"name": "Archive of the north"}
    assert archive.vendor.asked[0].form["grant_type"] == "refresh_token"


def test_what_a_link_repeats_of_a_secret_stays_out_of_the_cursor(archive):
    reading = reader(archive, "link", auth="auth: {type: query, values: {key: {secret: TOKEN}}}\n")
    part = reading.connection.read("things", reading.connection.begin("things", Span(SINCE)), task(reading.connection), reading.world)
    assert "t-123" not in json.dumps(part.cursor)
    assert reading.keys() == ALL
    assert {asked.params["key"] for asked in archive.vendor.asked} == {"t-123"}


# --- calls

STAMP = """
does:
  stamp:
    path: "/things/{{ thing }}/stamps"
    json: {mark: mark, by.name: who, by.tags.0: "'desk'"}
    takes: [thing, mark]
    optional: [who]
    answers: {stamp: answer.stamp.id}
    failed: answer.error
    done_already: answer.code == 'already_stamped'
  look: {method: GET, path: /me}
  send: {path: "/things/{{ thing }}/notes", form: {text: words}, takes: [thing, words]}
"""


def perform(archive, operation, key="k-1", seconds=2.0, **values):
    made = connection(REST + STAMP, archive.url)
    world = World({})
    return made.perform(operation, values, task(made, key, seconds), world), world


def test_a_call_says_what_it_carries_and_by_which_key(archive):
    result, world = perform(archive, "stamp", thing="a b/c", mark="red", who="Li")
    assert result == {"stamp": "S-a%20b%2Fc"}
    [effect] = archive.vendor.effects
    assert (effect.values, effect.call) == ({"mark": "red", "by": {"name": "Li", "tags": ["desk"]}}, "k-1")
    assert (world.turns, world.sent) == (["stamp"], 1)


def test_what_was_done_before_counts_as_done(archive):
    perform(archive, "stamp", thing="7", mark="red")
    assert perform(archive, "stamp", thing="7", mark="red")[0] == {"stamp": None}
    assert archive.vendor.effected("stamp") == {"7": 1}


def test_a_refusal_inside_an_answer_is_not_tried_again(archive):
    with pytest.raises(DeliveryFailed) as caught:
        perform(archive, "stamp", thing="7", mark="no")
    assert (str(caught.value), caught.value.again) == (f"{archive.url}/api/things/7/stamps failed: the ink is dry", False)


@pytest.mark.parametrize("mishap", ["lost", "half"])
def test_a_lost_answer_is_unsure_and_the_same_call_again_has_no_second_effect(archive, mishap):
    archive.vendor.mishaps.next(mishap)
    with pytest.raises(DeliveryFailed) as caught:
        perform(archive, "stamp", seconds=0.4, thing="7", mark="red")
    assert caught.value.unsure
    perform(archive, "stamp", thing="7", mark="red")
    assert archive.vendor.effected("stamp") == {"7": 1}


@pytest.mark.parametrize("more", ["answers: {stamp: answer.stamp + 1}", "failed: answer.stamp + 1", "done_already: answer.stamp + 1"])
def test_a_description_that_does_not_fit_leaves_open_what_came_of_a_call(archive, more):
    made = connection(f"{REST}does:\n  stamp:\n    path: /things/7/stamps\n    json: {{mark: \"'red'\"}}\n    {more}\n", archive.url)
    if "done" in more:
        assert made.perform("stamp", {}, task(made), World({})) == {"answer": {"stamp": {"id": "S-7"}}}
        return
    with pytest.raises(DeliveryFailed, match="cannot be worked out") as caught:
        made.perform("stamp", {}, task(made), World({}))
    assert caught.value.unsure


def test_a_form_and_a_look(archive):
    assert perform(archive, "look")[0] == {"answer": {"name": "Archive of the north"}}
    assert perform(archive, "look")[1].sent == 0
    perform(archive, "send", thing="3", words="a & b")
    assert archive.vendor.effects[-1].values == {"text": "a & b"}


@pytest.mark.parametrize("thing", ["", None, ".", ".."])
def test_no_value_makes_a_hole_in_the_path(archive, thing):
    with pytest.raises(DeliveryFailed, match="leaves a hole in the path"):
        perform(archive, "stamp", thing=thing, mark="red")
    assert archive.vendor.asked == []


def test_what_it_can_do_is_said(archive):
    made = connection(REST + STAMP, archive.url)
    operations = made.operations()
    assert {name: (sorted(one.takes), sorted(one.needs), one.writes) for name, one in operations.items()} == {
        "stamp": (["mark", "thing", "who"], ["mark", "thing"], True), "look": ([], [], False),
        "send": (["thing", "words"], ["thing", "words"], True),
    }  # fmt: skip


# --- trying it out


def test_trying_it_out(archive):
    made = connection(REST + "test: {path: /me, says: answer.name}", archive.url)
    assert str(made.try_out(task(made), World({}))) == "It answered: Archive of the north"
    reading = reader(archive, "page with a size")
    assert str(reading.connection.try_out(task(reading.connection), reading.world)) == "It answered; 0 of “things” were read."
    described = reading.connection.readings()["things"]
    assert (described.pulled, described.pushed, described.spans) == (True, False, True)
