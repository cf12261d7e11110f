"""An interface of GraphQL described in YAML: Relay pages, and errors that come with HTTP 200."""

from __future__ import annotations

import re

import pytest
from connecting.archive import Archive, Reader, connection, task
from contracts.vendor import Asked, Effect, Said, said, serving
from surroundings import World

from engine.connecting.graphql import is_mutation
from engine.errors import DeliveryFailed

THINGS = """
type: graphql
base_url: URL/graphql
private: true
auth: {type: bearer, token: {secret: TOKEN}}
reads:
  things:
    query: |
      query Things($after: String, $filter: Filter) {
        things(first: 2, after: $after, filter: $filter) { nodes { id changedAt } pageInfo { hasNextPage endCursor } }
      }
    variables: {after: cursor, filter.changedSince: since}
    items: answer.data.things.nodes
    key: item.id
    version: item.changedAt
    pages: {by: cursor, next: answer.data.things.pageInfo.endCursor, more: answer.data.things.pageInfo.hasNextPage}
does:
  stamp:
    query: |
      mutation Stamp($input: StampInput!) { stamp(input: $input) { stamp { id } userErrors { message } } }
    variables: {input.thing: thing, input.mark: mark}
    takes: [thing, mark]
    answers: {stamp: answer.data.stamp.stamp.id}
    failed: answer.data.stamp.userErrors
  look: {query: "{ me { name } }", answers: {name: answer.data.me.name}}
test: {query: "{ me { name } }", says: answer.data.me.name}
"""


class Graph(Archive):
    own_mishaps = (*Archive.own_mishaps, "throttled", "coded", "half_data")

    def inside(self, asked: Asked) -> Said:
        query, variables = asked.json["query"], asked.json.get("variables", {})
        if self.strikes("throttled", asked):
            cost = {"requestedQueryCost": 100, "throttleStatus": {"currentlyAvailable": 40, "restoreRate": 20}}
            return said({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], "extensions": {"cost": cost}})
        if self.strikes("coded", asked):
            return said({"errors": [{"message": "no field x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]})
        if "mutation" in query:
            return self.stamp(asked, variables["input"])
        if "me {" in query:
            return said({"data": {"me": {"name": "Archive of the north"}}})
        start = int((variables.get("after") or "c0")[1:])
        found = [one for one in self.things if one["changed_at"] >= variables["filter"]["changedSince"].replace("Z", "+00:00")]
        part = [{"id": f"gid://{one['id']}", "changedAt": one["changed_at"]} for one in found[start : start + 2]]
        info = {"hasNextPage": start + 2 < len(found), "endCursor": f"c{start + len(part)}"}
        answer = {"data": {"things": {"nodes": part, "pageInfo": info}}}
        return said(answer | {"errors": [{"message": "a node is missing"}]} if self.strikes("half_data", asked) else answer)

    def stamp(self, asked: Asked, given: dict[str, str]) -> Said:
        if given["mark"] == "no":
            return said({"data": {"stamp": {"stamp": None, "userErrors": [{"message": "the ink is dry"}]}}})
        self.effects.append(Effect("stamp", given["thing"], given, asked.headers.get("idempotency-key", "")))
        return said({"data": {"stamp": {"stamp": {"id": "S-1"}, "userErrors": []}}})


@pytest.fixture
def archive():
    with serving(Graph()) as served:
        yield served


def reader(archive):
    return Reader(connection(THINGS, archive.url))


def test_every_page_is_read_and_nothing_counts_as_sent(archive):
    reading = reader(archive)
    assert reading.keys() == [f"gid://{number}" for number in range(1, 6)]
    assert reading.world.sent == 0
    assert [asked.json["variables"] for asked in archive.vendor.asked[:2]] == [
        {"filter": {"changedSince": "2026-03-02T01:30:00Z"}}, {"after": "c2", "filter": {"changedSince": "2026-03-02T01:30:00Z"}},
    ]  # fmt: skip


@pytest.mark.parametrize("mishap", ["error", "half", "html", "throttled", "coded", "half_data", "lost"])
def test_what_goes_wrong_in_the_middle_loses_nothing(archive, mishap):
    archive.vendor.mishaps.next(mishap, only=lambda asked: len(archive.vendor.asked) > 1)
    reading = reader(archive)
    reading.seconds = 0.4 if mishap == "lost" else 2.0
    assert len(set(reading.keys(patience=1))) == 5
    assert len(reading.failures) == 1


@pytest.mark.parametrize(
    ("mishap", "said", "after"),
    [
        ("throttled", "{url}/graphql asks to wait: Throttled", 3.0),
        ("coded", "{url}/graphql failed: no field x", None),
        ("half_data", "{url}/graphql failed: a node is missing", None),
        ("no_list", "{url}/graphql: answer.data.things.nodes should be a list; it is nothing.", None),
    ],
)
def test_errors_that_come_with_200_are_failures(archive, mishap, said, after):
    archive.vendor.mishaps.next(mishap)
    with pytest.raises(DeliveryFailed) as caught:
        reader(archive).all()
    error = caught.value
    assert (str(error), error.after, error.again, error.unsure) == (said.format(url=archive.url), after, True, False)


def perform(archive, operation, seconds=2.0, **values):
    made, world = connection(THINGS, archive.url), World({"TOKEN": "t-123"})
    return made.perform(operation, values, task(made, "k-9", seconds), world), world


def test_a_mutation_carries_its_key_and_a_query_is_no_change(archive):
    result, world = perform(archive, "stamp", thing="gid://1", mark="red")
    assert (result, world.sent) == ({"stamp": "S-1"}, 1)
    assert archive.vendor.effects[0].call == "k-9"
    result, world = perform(archive, "look")
    assert (result, world.sent, world.turns) == ({"name": "Archive of the north"}, 0, ["look"])
    operations = connection(THINGS, archive.url).operations()
    assert {name: one.writes for name, one in operations.items()} == {"stamp": True, "look": False}


@pytest.mark.parametrize(
    ("mishap", "mark", "again", "unsure"),
    [("half", "red", True, True), ("coded", "red", True, True), ("throttled", "red", True, False), (None, "no", False, False)],
)
def test_what_came_of_a_mutation_is_known_or_called_unsure(archive, mishap, mark, again, unsure):
    if mishap:
        archive.vendor.mishaps.next(mishap)
    with pytest.raises(DeliveryFailed) as caught:
        perform(archive, "stamp", thing="gid://1", mark=mark)
    assert (caught.value.again, caught.value.unsure) == (again, unsure)


def test_trying_it_out(archive):
    made = connection(THINGS, archive.url)
    assert str(made.try_out(task(made), World({"TOKEN": "t-123"}))) == "It answered: Archive of the north"


@pytest.mark.parametrize(
    ("query", "changes"),
    [
        ("mutation { a }", True), ("mutation A($x: Int) { a }", True), ("query A { a } mutation B { b }", True),
        ("{ a }", False), ("query Q { mutation }", False), ("# mutation {\n{ a }", False), ('{ a(x: "mutation {") }', False),
    ],
)  # fmt: skip
def test_mutations_are_known(query, changes):
    assert is_mutation(query) is changes
    assert is_mutation(re.sub(r" ", "\n  ", query)) is changes or "#" in query or '"' in query
