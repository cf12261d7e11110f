"""Whether connections can work, and whether they keep to themselves what is secret."""

from __future__ import annotations

import re

from engine.calendars import exact_seconds, seconds_of
from engine.checks.review import Review, unknown
from engine.connectors import Connection, HttpConnection, ImapConnection, SmtpConnection
from engine.credentials import (
    SIGNED,
    HeaderCredential,
    HmacCredential,
    OAuthClientCredential,
    QueryCredential,
    SecretName,
)
from engine.errands import Call
from engine.errors import Message, message
from engine.outside.guard import host_mistake, read_url
from engine.outside.letter import address_in
from engine.outside.request import FRAMING
from engine.yamlfile import Path

SOONEST = 10  # seconds between two looks into a mailbox
LONGEST = 600  # seconds: a call holds a worker for so long
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
TELLING = re.compile(r"(?i)authorization|cookie|token|secret|password|passwd|api[-_]?key|access[-_]?key|signature")
SECRET_LIKE = re.compile(r"(?i:basic|bearer|token)\s+\S{6,}|(?=[^ ]*[0-9])(?=[^ ]*[A-Za-z])[A-Za-z0-9+/=_.-]{24,}")


def check_connections(review: Review) -> None:
    for name, connection in review.definition.connections.items():
        path: Path = ("connections", name)
        _timeout(review, connection, path)
        for option, wrong in connection.mistakes():
            review.error((*path, option), wrong)
        if isinstance(connection, HttpConnection):
            _http(review, connection, path)
        if isinstance(connection, SmtpConnection):
            _smtp(review, connection, path)
        if isinstance(connection, ImapConnection):
            _imap(review, connection, path)
    for rule in review.definition.rules.values():
        for place, action, _form in rule.steps():
            if isinstance(action, Call):
                _operation(review, action, ("rules", rule.name, *place))
    for leaf in review.leaves:
        if leaf.hint is SecretName and leaf.value == "KEY":  # APPMILL_SECRET_KEY signs the sessions of people
            review.error(leaf.path, message("The secret KEY is reserved; choose another name."))


def _timeout(review: Review, connection: Connection, path: Path) -> None:
    length = connection.timeout
    if seconds_of(length) > LONGEST:
        review.error((*path, "timeout"), message("A call may take 10 minutes (10m) at most."))


# --- HTTP


def _http(review: Review, connection: HttpConnection, path: Path) -> None:
    url = read_url(connection.base_url)
    if isinstance(url, Message):
        review.error((*path, "base_url"), url)
    elif url.query or "#" in connection.base_url:
        review.error((*path, "base_url"), message("A base_url ends before '?' and '#'."))
    elif url.scheme == "http" and not connection.private and connection.auth is not None:
        review.warning((*path, "base_url"), message("Secrets travel unencrypted; use https."))
    for index, host in enumerate(connection.hosts):
        if wrong := _host_and_port(host):
            review.error((*path, "hosts", index), wrong)
    for name, value in connection.headers.items():
        check_header(review, (*path, "headers", name), name, value)
    check_header(review, (*path, "key_header"), connection.key_header, "", at_key=False)
    _credential(review, connection, (*path, "auth"))


def _host_and_port(text: str) -> Message | None:
    url = read_url(f"https://{text}")
    if isinstance(url, Message):
        return url
    return None if url.path == "/" and not text.endswith("/") else message("Only host or host:port is written here.")


def check_header(review: Review, path: Path, name: str, value: str, *, at_key: bool = True) -> None:
    if not _HEADER.fullmatch(name):
        review.error(path, message("'{name}' is no name of a header.", name=name), at_key=at_key)
    elif name.lower() in FRAMING:
        review.error(path, message("The header {name} is set by Appmill itself.", name=name), at_key=at_key)
    elif re.search(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]", value):
        review.error(path, message("A header has one line, without control characters, in Latin letters."))
    elif value and (TELLING.search(name) or SECRET_LIKE.search(value)):
        said = message("This looks like a secret, and whoever sees the definition sees it; use auth.")
        review.warning(path, said)


def _credential(review: Review, connection: HttpConnection, path: Path) -> None:
    auth = connection.auth
    if isinstance(auth, HeaderCredential):
        for name in auth.values:
            check_header(review, (*path, "values", name), name, "")
    if isinstance(auth, HmacCredential):
        check_header(review, (*path, "header"), auth.header, "", at_key=False)
        if auth.timestamp is not None:
            check_header(review, (*path, "timestamp"), auth.timestamp, "", at_key=False)
        for place in sorted(set(SIGNED.findall(auth.over)) - {"{body}", "{timestamp}", "{method}", "{path}"}):
            review.error((*path, "over"), message("{place} is no place of what is signed.", place=place))
    if isinstance(auth, OAuthClientCredential):
        _token(review, auth, path, private=connection.private)
    if isinstance(auth, QueryCredential):
        said = message("Secrets in addresses end up in logs of the other side; use a header where it takes one.")
        review.note(path, said)


def _token(review: Review, auth: OAuthClientCredential, path: Path, *, private: bool) -> None:
    check_header(review, (*path, "header"), auth.header, "", at_key=False)
    url = read_url(auth.token_url)
    if isinstance(url, Message):
        review.error((*path, "token_url"), url)
    elif url.scheme == "http" and not private:
        review.warning((*path, "token_url"), message("Secrets travel unencrypted; use https."))
    for name, value in auth.parameters.items():
        if TELLING.search(name) or SECRET_LIKE.search(value):
            said = message("This looks like a secret, and whoever sees the definition sees it; use auth.")
            review.warning((*path, "parameters", name), said)


# --- mail


def _smtp(review: Review, connection: SmtpConnection, path: Path) -> None:
    if wrong := host_mistake(connection.host.lower()):
        review.error((*path, "host"), wrong)
    for option in ("sender", "reply_to"):
        written = getattr(connection, option)
        if written is not None and isinstance(found := address_in(written), Message):
            review.error((*path, option), found)
    if (connection.user is None) != (connection.password is None):
        there = "password" if connection.user is None else "user"
        review.error((*path, there), message("User and password belong together; one is missing."))
    elif connection.user is not None and connection.security == "none":
        review.warning((*path, "security"), message("The password travels unencrypted; use starttls or tls."))
    if connection.unsure == "repeat":
        said = message("Mail servers do not know a mail again: one whose answer was lost may arrive twice.")
        review.warning((*path, "unsure"), said)


def _imap(review: Review, connection: ImapConnection, path: Path) -> None:
    if wrong := host_mistake(connection.host.lower()):
        review.error((*path, "host"), wrong)
    if connection.security == "none":
        review.warning((*path, "security"), message("The password travels unencrypted; use starttls or tls."))
    seconds = exact_seconds(connection.every)
    if seconds is None or not SOONEST <= seconds <= 86_400:
        said = message("A mailbox is looked into every 10 seconds at most, and once in 24 hours at least.")
        review.error((*path, "every"), said)
    if connection.largest_file > connection.largest:
        review.error((*path, "largest_file"), message("An attachment is no larger than its mail."))


# --- calls


def _operation(review: Review, action: Call, path: Path) -> None:
    connection = review.definition.connections.get(action.connection)
    if connection is None or "call" not in connection.serves:
        return  # said by the reference check
    operations = connection.operations()
    operation = operations.get(action.operation)
    if operation is None:
        said = message("'{connection}' has no operation '{name}'", connection=connection.name, name=action.operation)
        review.error((*path, "operation"), unknown(said, action.operation, operations))
        return
    for name in action.values:
        if name not in operation.takes:
            said = message("'{name}' is nothing '{operation}' takes", name=name, operation=action.operation)
            review.error((*path, "values", name), unknown(said, name, operation.takes), at_key=True)
    missing = tuple(sorted(operation.needs - set(action.values)))
    if missing:
        said = message("'{operation}' needs {missing}.", operation=action.operation, missing=missing)
        review.error((*path, "operation"), said)
