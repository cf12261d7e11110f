"""Whether an interface that the definition describes can be read and called as it is described."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from zoneinfo import ZoneInfoNotFoundError

from engine.checks.connections import SECRET_LIKE, TELLING, check_header
from engine.checks.review import Review
from engine.connecting.declared import DeclaredConnection
from engine.connecting.expressing import FUNCTIONS, names_in
from engine.connecting.parts import Does, GraphqlDoes, GraphqlRead, PushedBy, Read, RestDoes, RestRead
from engine.connecting.rest import RestConnection
from engine.connectors import Connection
from engine.errors import Message, message
from engine.expressions import ExpressionRefused, compile_expression
from engine.formats import zone
from engine.language import NAME_PATTERN, Expression
from engine.outside.guard import path_mistake
from engine.yamlfile import Path

_ASKED_BY = {"page": "page", "offset": "offset", "cursor": "cursor", "since": "since"}


def check_connecting(review: Review) -> None:
    for name, connection in review.definition.connections.items():
        if isinstance(connection, DeclaredConnection):
            _declared(review, connection, ("connections", name))
    for leaf in review.leaves:
        if leaf.hint is Expression and leaf.inside(Connection) is not None and "user" in names_in([leaf.value]):
            review.error(leaf.path, message("No person is there when a connection reads or calls: there is no user."))


def _declared(review: Review, connection: DeclaredConnection, path: Path) -> None:
    try:
        zone(connection.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        said = message("There is no time zone '{name}'; expected one such as Asia/Shanghai.", name=connection.timezone)
        review.error((*path, "timezone"), said)
    if isinstance(connection, RestConnection) and connection.test is not None:
        _path(review, connection.test.path, (*path, "test", "path"))
    for name, read in connection.described().items():
        _read(review, connection, read, (*path, "reads", name))
    for name, does in connection.doing().items():
        _does(review, does, (*path, "does", name))


def _read(review: Review, connection: DeclaredConnection, read: Read, path: Path) -> None:
    if not connection.is_pulled(read) and read.webhook is None:
        where = "path" if isinstance(read, RestRead) else "query"
        review.error(path, message("Say where it is read ({where}), or how it is told (webhook).", where=where))
    if read.webhook is not None:
        _webhook(review, read.webhook, (*path, "webhook"))
    if isinstance(read, RestRead):
        _path(review, read.path or "", (*path, "path"))
        _body(review, read, path)
    if isinstance(read, GraphqlRead):
        _variables(review, read.query or "", read.variables, path)
    if connection.is_pulled(read):
        _pages(review, read, connection.mentioned(read), path)


def _pages(review: Review, read: Read, named: frozenset[str], path: Path) -> None:
    pages, here = read.pages, (*path, "pages")
    wanted = _ASKED_BY.get(pages.by)
    if wanted is not None and wanted not in named:
        review.error(here, message("Pages by {by} are asked for, but nothing that is asked names `{name}`.",
                                   by=pages.by, name=wanted))  # fmt: skip
    if (pages.by == "cursor") != (pages.next is not None):
        review.error(here, message("Pages by cursor and `next` belong together."))
    if pages.by == "since" and (pages.size is None or read.version is None):
        review.error(here, message("Pages by since need `size`, and a `version` that is a moment."))
    if pages.by == "since" and read.total is not None:
        review.error((*path, "total"), message("Pages by since have no total: it gets less from page to page."))
    if pages.by == "link" and isinstance(read, GraphqlRead):
        review.error(here, message("GraphQL has no header Link; pages go by cursor."))
    if "size" in named and pages.size is None:
        review.error(here, message("`size` is asked for, but `pages` does not say how many."))
    if "since" not in named:
        review.note(path, message("Nothing that is asked names `since`: every look reads everything."))
    if read.version is None:
        review.note(path, message("Without a version, what comes last counts, though it may be older."))


def _webhook(review: Review, hook: PushedBy, path: Path) -> None:
    for option in ("header", "timestamp", "delivery"):
        if (name := getattr(hook, option)) is not None:
            check_header(review, (*path, option), name, "", at_key=False)


def _does(review: Review, does: Does, path: Path) -> None:
    for option in ("takes", "optional"):
        for index, name in enumerate(getattr(does, option)):
            if mistake := _no_name(name, does):
                review.error((*path, option, index), mistake)
    if isinstance(does, RestDoes):
        _path(review, re.sub(r"\{\{.*?\}\}", "x", does.path.text("en")), (*path, "path"))
        _body(review, does, path)
    if isinstance(does, GraphqlDoes):
        _variables(review, does.query, does.variables, path)


def _no_name(name: str, does: Does) -> Message | None:
    if name in FUNCTIONS.functions:
        return message("'{name}' is a function of expressions; choose another name.", name=name)
    if not re.fullmatch(NAME_PATTERN, name):
        return message("'{name}' is no name; write small letters, digits and _.", name=name)
    if [*does.takes, *does.optional].count(name) > 1:
        return message("'{name}' is said twice.", name=name)
    return None


def _path(review: Review, text: str, path: Path) -> None:
    if "?" in text or "#" in text:
        review.error(path, message("A path ends before '?' and '#'; what follows belongs into query."))
    elif mistake := path_mistake(text):
        review.error(path, mistake)


def _body(review: Review, asked: RestRead | RestDoes, path: Path) -> None:
    if asked.json and asked.form:
        review.error((*path, "form"), message("One body is sent: json or form."))
    if asked.method == "GET" and (asked.json or asked.form):
        review.error((*path, "json" if asked.json else "form"), message("GET sends no body; use query, or POST."))
    for option in ("query", "json", "form"):
        _literals(review, getattr(asked, option), (*path, option))


def _variables(review: Review, query: str, variables: Mapping[str, str], path: Path) -> None:
    known = set(re.findall(r"\$(\w+)", query))
    for name in variables:
        if name.partition(".")[0] not in known:
            said = message("The query has no variable ${name}.", name=name.partition(".")[0])
            review.error((*path, "variables", name), said, at_key=True)
    _literals(review, variables, (*path, "variables"))


def _literals(review: Review, named: Mapping[str, str], path: Path) -> None:
    """A secret is no fixed text of the definition."""
    for name, source in named.items():
        try:
            tree = compile_expression(source, FUNCTIONS).tree.body
        except ExpressionRefused:
            continue
        fixed = tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, str) else ""
        if fixed and (TELLING.search(name) or SECRET_LIKE.search(fixed)):
            said = message("This looks like a secret, and whoever sees the definition sees it; use auth.")
            review.warning((*path, name), said)
