"""What is said of a connection when its definition is read."""

from __future__ import annotations

import pytest

from engine.builtin import default_registry
from engine.connectors import secrets_in
from engine.load import examine, load_text

APP = """
app: desk
label: Desk
languages: [en]
roles: {{member: {{label: Member}}}}
forms:
  ticket:
    label: Ticket
    fields: {{name: {{type: text}}}}
    permissions: {{member: {{create: true, read: true, update: true}}}}
connections:
  post: {post}
  erp: {erp}
rules:
  tell:
    trigger: {{type: created, form: ticket}}
    actions: [{action}]
"""
POST = "{type: smtp, host: smtp.example.com, sender: Desk <desk@example.com>}"
ERP = "{type: http, base_url: https://erp.example.com/api}"
MAIL = "{type: mail, connection: post, to: [member], subject: New, message: New}"


def said(post=POST, erp=ERP, action=MAIL):
    findings = examine(APP.format(post=post, erp=erp, action=action), default_registry(), "desk.yaml")[2]
    return [f"{finding.severity} {finding.path}: {finding.message}" for finding in findings]


def test_connections_without_mistakes():
    assert said() == []


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (MAIL.replace("post,", "pots,"), "error rules.tell.actions.0.connection: There is no connection 'pots'; did you mean 'post'?"),
        (MAIL.replace("post,", "erp,"), "error rules.tell.actions.0.connection: 'erp' is a connection of type http, which mail cannot use; expected one of post."),
        ("{type: http, connection: post}", "error rules.tell.actions.0.connection: 'post' is a connection of type smtp, which http cannot use; expected one of erp."),
        ("{type: call, connection: erp, operation: buy}", "error rules.tell.actions.0.operation: 'erp' has no operation 'buy'."),
    ],
)  # fmt: skip
def test_an_action_names_a_connection_it_can_use(action, expected):
    assert said(action=action) == [expected]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("base_url: 'ftp://erp.example.com'", "error connections.erp.base_url: An address begins with https:// or http://, not 'ftp:'."),
        ("base_url: 'https://u:p@erp.example.com'", "error connections.erp.base_url: An address holds no user and password; use auth."),
        ("base_url: 'https://0x7f.1'", "error connections.erp.base_url: '0x7f.1' is an unusual way to write an address; write four numbers."),
        ("base_url: 'https://erp.example.com/?a=b'", "error connections.erp.base_url: A base_url ends before '?' and '#'."),
        ("hosts: [a.example, 'b.example/x']", "error connections.erp.hosts.1: Only host or host:port is written here."),
        ("hosts: ['u@a.example']", "error connections.erp.hosts.0: An address holds no user and password; use auth."),
        ("timeout: 11m", "error connections.erp.timeout: A call may take 10 minutes (10m) at most."),
        ("timeout: 1wd", "error connections.erp.timeout: A call may take 10 minutes (10m) at most."),
        ("headers: {'X A': b}", "error connections.erp.headers.X A: 'X A' is no name of a header."),
        ("headers: {Host: b}", "error connections.erp.headers.Host: The header Host is set by Appmill itself."),
        ("headers: {X-A: \"b\\nX-C: d\"}", "error connections.erp.headers.X-A: A header has one line, without control characters, in Latin letters."),
        ("key_header: 'X:A'", "error connections.erp.key_header: 'X:A' is no name of a header."),
        ("auth: {type: bearer, token: {secret: KEY}}", "error connections.erp.auth.token.secret: The secret KEY is reserved; choose another name."),
        ("auth: {type: header, values: {Content-Length: {secret: A}}}", "error connections.erp.auth.values.Content-Length: The header Content-Length is set by Appmill itself."),
        ("headers: {Authorization: Bearer abcdefgh}", "warning connections.erp.headers.Authorization: This looks like a secret, and whoever sees the definition sees it; use auth."),
        ("headers: {X-Tenant: sk_live_51HxYz0AbCdEfGhIjKlMn}", "warning connections.erp.headers.X-Tenant: This looks like a secret, and whoever sees the definition sees it; use auth."),
        ("auth: {type: query, values: {key: {secret: A}}}", "note connections.erp.auth: Secrets in addresses end up in logs of the other side; use a header where it takes one."),
        ("base_url: 'http://erp.example.com', auth: {type: bearer, token: {secret: A}}", "warning connections.erp.base_url: Secrets travel unencrypted; use https."),
    ],
)  # fmt: skip
def test_an_http_connection(more, expected):
    base = "" if "base_url" in more else "base_url: https://erp.example.com, "
    assert said(erp=f"{{type: http, {base}{more}}}") == [expected]


def test_usual_headers_are_no_secrets():
    assert said(erp=ERP.replace("}", ", headers: {X-Tenant: plant-3, Accept-Language: zh-CN, X-Version: '2026-01-01'}}")) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("host: '2130706433', sender: a@b.example", "error connections.post.host: '2130706433' is an unusual way to write an address; write four numbers."),
        ("host: 'a b', sender: a@b.example", "error connections.post.host: 'a b' is no host."),
        ("host: a.example, sender: nobody", "error connections.post.sender: 'nobody' is no mail address."),
        ("host: a.example, sender: a@b.example, reply_to: x", "error connections.post.reply_to: 'x' is no mail address."),
        ("host: a.example, sender: a@b.example, user: me", "error connections.post.user: User and password belong together; one is missing."),
        ("host: a.example, sender: a@b.example, password: {secret: A}", "error connections.post.password: User and password belong together; one is missing."),
        ("host: a.example, sender: a@b.example, security: none, user: me, password: {secret: A}", "warning connections.post.security: The password travels unencrypted; use starttls or tls."),
        ("host: a.example, sender: a@b.example, unsure: repeat", "warning connections.post.unsure: Mail servers do not know a mail again: one whose answer was lost may arrive twice."),
    ],
)  # fmt: skip
def test_a_mail_connection(more, expected):
    assert said(post=f"{{type: smtp, {more}}}") == [expected]


def test_a_secret_is_written_by_name_only():
    found = said(erp=ERP.replace("}", ", auth: {type: bearer, token: abc}}"))
    assert found == ["error connections.erp.auth.token: Expected a mapping of keys; got 'abc'."]
    found = said(erp=ERP.replace("}", ", auth: {type: bearer, token: {secret: lower}}}"))
    assert len(found) == 1
    assert found[0].startswith("error connections.erp.auth.token.secret: ")


def test_two_connections_cannot_be_the_same_one():
    assert said(erp=ERP.replace("}", ", id: post}")) == [
        "error connections.erp.id: 'post' and 'erp' have the same id 'post'."
    ]


def test_seconds_are_read_and_secrets_found():
    erp = ERP.replace("}", ", timeout: 45s, auth: {type: header, values: {X-A: {secret: A}, X-B: {secret: B}}}}")
    definition = load_text(APP.format(post=POST, erp=erp, action=MAIL), default_registry()).definition
    assert str(definition.connections["erp"].timeout) == "45s"
    assert secrets_in(definition.connections) == {"A", "B"}
