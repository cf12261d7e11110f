"""What is said of an interface that is described wrongly."""

from __future__ import annotations

import pytest
from connecting.archive import APP, indented
from surroundings import REGISTRY

from engine.load import examine

REST = """
type: rest
base_url: https://archive.example.com/api
reads:
  things: {path: /things, query: {since: since, page: page}, items: answer.data, key: item.id, version: item.at, pages: {by: page}}
does:
  stamp: {path: "/things/{{ thing }}/stamps", json: {mark: mark}, takes: [thing, mark]}
"""
GRAPH = """
type: graphql
base_url: https://archive.example.com/graphql
reads:
  things: {query: "query ($after: String, $since: Date) { things { id } }", variables: {after: cursor, since: since}, items: answer.data.things, key: item.id, version: item.at, pages: {by: cursor, next: answer.end}}
"""


def said(yaml):
    found = examine(APP + indented(yaml), REGISTRY, "desk.yaml")[2]
    head = "connections.archive."
    return [f"{one.severity} {one.path.removeprefix(head)}: {one.message}" for one in found if head in one.path]


def test_descriptions_without_mistakes():
    assert said(REST) == []
    assert said(GRAPH) == []


PLACE = "reads.things"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("page: page}", "page: pge}", ["error reads.things.query.page: There is no name pge here; did you mean page?", "error reads.things.pages: Pages by page are asked for, but nothing that is asked names `page`."]),
        ("since: since,", "since: since +,", ["error reads.things.query.since: This is not an expression: since +", "note reads.things: Nothing that is asked names `since`: every look reads everything."]),
        ("items: answer.data", "items: item.data", ["error reads.things.items: There is no name item here"]),
        ("key: item.id", "key: status.id", ["error reads.things.key: There is no name status here"]),
        ("{since: since, page: page}", "{page: page}", ["note reads.things: Nothing that is asked names `since`: every look reads everything."]),
        (", version: item.at", "", ["note reads.things: Without a version, what comes last counts, though it may be older."]),
        ("{by: page}", "{by: offset}", ["error reads.things.pages: Pages by offset are asked for, but nothing that is asked names `offset`."]),
        ("{by: page}", "{by: page, next: answer.next}", ["error reads.things.pages: Pages by cursor and `next` belong together."]),
        ("{by: page}", "{by: since}", ["error reads.things.pages: Pages by since need `size`, and a `version` that is a moment."]),
        ("page: page}", "page: page, n: size}", ["error reads.things.pages: `size` is asked for, but `pages` does not say how many."]),
        ("path: /things,", "", ["error reads.things: Say where it is read (path), or how it is told (webhook)."]),
        ("path: /things,", "path: '/things?x=1',", ["error reads.things.path: A path ends before '?' and '#'; what follows belongs into query."]),
        ("path: /things,", "path: /things/../x,", ["error reads.things.path: A path has no '.' or '..' parts and no control characters."]),
        ("path: /things,", "path: /things, json: {a: page},", ["error reads.things.json: GET sends no body; use query, or POST."]),
        ("page: page}", "page: page, api_key: \"'abcdef'\"}", ["warning reads.things.query.api_key: This looks like a secret, and whoever sees the definition sees it; use auth."]),
        ("{{ thing }}", "{{ other }}", ["error does.stamp.path: There is no name other here"]),
        ("{mark: mark}", "{mark: record.mark}", ["error does.stamp.json.mark: There is no name record here"]),
        ("key: item.id", "key: user.id", ["error reads.things.key: No person is there when a connection reads or calls: there is no user."]),
        ("[thing, mark]", "[thing, mark, text]", ["error does.stamp.takes.2: 'text' is a function of expressions; choose another name."]),
        ("[thing, mark]", "[thing, mark, thing]", ["error does.stamp.takes.0: 'thing' is said twice.", "error does.stamp.takes.2: 'thing' is said twice."]),
        ("{mark: mark}", "{mark: mark}, form: {a: mark}", ["error does.stamp.form: One body is sent: json or form."]),
        ("type: rest", "type: rest\ntimezone: Mars/Base", ["error timezone: There is no time zone 'Mars/Base'; expected one such as Asia/Shanghai."]),
        ("type: rest", "type: rest\nauth: {type: oauth2_client, token_url: 'http://a.example/t', client: a, secret: {secret: S}}", ["warning auth.token_url: Secrets travel unencrypted; use https."]),
        ("type: rest", "type: rest\nauth: {type: oauth2_client, token_url: 'https://a.example/t', client: a, secret: {secret: S}, parameters: {password: x}}", ["warning auth.parameters.password: This looks like a secret, and whoever sees the definition sees it; use auth."]),
    ],
)  # fmt: skip
def test_a_description_of_rest(old, new, expected):
    assert old in REST
    assert sorted(said(REST.replace(old, new))) == sorted(expected)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{by: cursor, next: answer.end}", "{by: link}", "error reads.things.pages: GraphQL has no header Link; pages go by cursor."),
        ("$since: Date", "$from: Date", "error reads.things.variables.since: The query has no variable $since."),
        ("after: cursor, ", "", "error reads.things.pages: Pages by cursor are asked for, but nothing that is asked names `cursor`."),
    ],
)
def test_a_description_of_graphql(old, new, expected):
    assert old in GRAPH
    assert said(GRAPH.replace(old, new)) == [expected]


def test_a_secret_is_written_by_name_only():
    text = REST.replace("type: rest", "type: rest\nauth: {type: oauth2_client, token_url: 'https://a.example/t', client: a, secret: abc}")
    assert said(text) == ["error auth.secret: Expected a mapping of keys; got 'abc'."]
