"""Connections to the world outside: what a definition says of them, and what a connector offers.

A connection names a connector by ``type`` and holds its settings; whatever is secret stands in it by name only
(``{secret: ERP_TOKEN}``) and is looked up when it is used, by ``engine.secrets``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NewType

from engine.errors import DeliveryFailed, message
from engine.language import Duration, Label, Named, option
from engine.outside.signing import basic, hmac_text, signature_headers
from engine.registry import Registry

if TYPE_CHECKING:
    from engine.outside.task import Surroundings, Task

HeaderName = NewType("HeaderName", str)
ParameterName = NewType("ParameterName", str)
SecretName = NewType("SecretName", str)


@dataclass(frozen=True)
class Secret:
    """The name of a secret. Its value never stands in the definition, an export, a log or a page."""

    secret: SecretName = option("The name of the secret, such as ERP_TOKEN.", pattern="^[A-Z][A-Z0-9_]{0,62}$")


@dataclass(frozen=True, kw_only=True)
class Connection(Named):
    """A system outside that rules send to or call."""

    type: ClassVar[str]
    serves: ClassVar[frozenset[str]] = frozenset({"call"})  # the actions that may name it
    label: Label | None = option("What people call it.", None)
    timeout: Duration = option("How long one call may take.", Duration(30, "s"))
    attempts: int = option("How often a call is tried before it becomes a dead letter.", 8, minimum=1, maximum=50)
    together: int = option("How many calls may be under way at once.", 4, minimum=1, maximum=64)
    unsure: Literal["ask", "repeat"] = option(
        "What to do when the answer to a call was lost: `repeat` it, where the other side knows a call by its key, or "
        "`ask` an administrator.",
        "ask",
    )

    def operations(self) -> Mapping[str, Operation]:
        """What ``call`` may name on this connection."""
        return {}

    def perform(
        self, operation: str, values: Mapping[str, Any], task: Task, surroundings: Surroundings
    ) -> Mapping[str, Any]:
        """Carry out one of ``operations``; answers its JSON result. Raises DeliveryFailed."""
        raise DeliveryFailed(message("'{connection}' cannot be called.", connection=self.name), again=False)


@dataclass(frozen=True)
class Operation:
    """One thing a connector can do. ``takes``: name → JSON Schema of each value; ``needs``: which must be given."""

    label: Label
    takes: Mapping[str, Any]
    needs: frozenset[str] = frozenset()
    writes: bool = True


# --- mail


@dataclass(frozen=True, kw_only=True)
class SmtpConnection(Connection):
    """A mail server that mails are handed to."""

    type: ClassVar[str] = "smtp"
    serves: ClassVar[frozenset[str]] = frozenset({"mail", "report"})
    host: str = option("The name of the mail server, such as smtp.example.com.", minLength=1)
    port: int = option("Its port: usually 587 with starttls, 465 with tls, 25 without.", 587, minimum=1, maximum=65535)
    security: Literal["starttls", "tls", "none"] = option("How the line is encrypted.", "starttls")
    user: str | None = option("The user to sign in as. Default: no sign-in.", None)
    password: Secret | None = option("The user's password.", None)
    sender: str = option("Who mails come from: `Name <address>` or an address.", minLength=3)
    reply_to: str | None = option("Where answers go. Default: to the sender.", None)
    private: bool = option("The server may stand in a private network, or be this machine.", False)


@dataclass(frozen=True, kw_only=True)
class ImapConnection(Connection):
    """A mailbox whose new mails wake rules; it is read by this application alone."""

    type: ClassVar[str] = "imap"
    serves: ClassVar[frozenset[str]] = frozenset()
    host: str = option("The name of the mail server, such as imap.example.com.", minLength=1)
    port: int = option("Its port: usually 993 with tls, 143 with starttls.", 993, minimum=1, maximum=65535)
    security: Literal["starttls", "tls", "none"] = option("How the line is encrypted.", "tls")
    user: str = option("The user to sign in as.", minLength=1)
    password: Secret = option("The user's password.")
    folder: str = option("The folder that is looked into.", "INBOX", minLength=1, maxLength=200)
    every: Duration = option("How often it is looked into.", Duration(1, "m"))
    largest: int = option("The most megabytes of one mail.", 25, minimum=1, maximum=100)
    largest_file: int = option("The most megabytes of one attachment.", 20, minimum=1, maximum=100)
    private: bool = option("The server may stand in a private network, or be this machine.", False)


# --- HTTP


@dataclass(frozen=True)
class Signing:
    """What a credential may look at: one request just before it is sent. ``moment`` in whole seconds since 1970."""

    key: str
    moment: int
    body: bytes
    value: Callable[[Secret], str]  # the value of a secret


@dataclass(frozen=True, kw_only=True)
class Credential:
    """How the other side knows who calls."""

    type: ClassVar[str]

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {}

    def query(self, signing: Signing) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, kw_only=True)
class BasicCredential(Credential):
    """A user and a password, as HTTP Basic."""

    type: ClassVar[str] = "basic"
    user: str = option("The user.")
    password: Secret = option("The password.")

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {"Authorization": basic(self.user, signing.value(self.password))}


@dataclass(frozen=True, kw_only=True)
class BearerCredential(Credential):
    """A token, as `Authorization: Bearer …`."""

    type: ClassVar[str] = "bearer"
    token: Secret = option("The token.")

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {signing.value(self.token)}"}


@dataclass(frozen=True, kw_only=True)
class HeaderCredential(Credential):
    """One or more headers with secret values, such as X-Api-Key."""

    type: ClassVar[str] = "header"
    values: Mapping[HeaderName, Secret] = option("Each header and its secret.", minProperties=1)

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {name: signing.value(secret) for name, secret in self.values.items()}


@dataclass(frozen=True, kw_only=True)
class QueryCredential(Credential):
    """One or more secret parameters of the address, such as ?key=…"""

    type: ClassVar[str] = "query"
    values: Mapping[ParameterName, Secret] = option("Each parameter and its secret.", minProperties=1)

    def query(self, signing: Signing) -> Mapping[str, str]:
        return {name: signing.value(secret) for name, secret in self.values.items()}


@dataclass(frozen=True, kw_only=True)
class HmacCredential(Credential):
    """An HMAC of the body in a header."""

    type: ClassVar[str] = "hmac"
    key: Secret = option("The shared key.")
    header: HeaderName = option("The header.", HeaderName("X-Signature"))
    algorithm: Literal["sha256", "sha512", "sha1"] = option(
        "The hash; sha1 only for systems that know no other.", "sha256"
    )
    encoding: Literal["hex", "base64"] = option("How the HMAC is written.", "hex")
    prefix: str = option("What stands in front of it, such as `sha256=`.", "")

    def headers(self, signing: Signing) -> Mapping[str, str]:
        key = signing.value(self.key)
        return {self.header: self.prefix + hmac_text(key, signing.body, self.algorithm, self.encoding)}


@dataclass(frozen=True, kw_only=True)
class SignatureCredential(Credential):
    """Signed like Appmill's own webhooks: HMAC-SHA256 over time and body, so that nobody can send it again later."""

    type: ClassVar[str] = "signature"
    key: Secret = option("The shared key.")

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return signature_headers(signing.value(self.key), signing.moment, signing.key, signing.body)


@dataclass(frozen=True, kw_only=True)
class HttpConnection(Connection):
    """A system that is called by HTTP."""

    type: ClassVar[str] = "http"
    serves: ClassVar[frozenset[str]] = frozenset({"http", "call"})
    base_url: str = option("What every path is appended to, such as https://erp.example.com/api.", minLength=8)
    auth: Credential | None = option("How we show who we are; goes to the host of base_url only.", None)
    headers: Mapping[str, str] = option("Headers of every call; what is secret belongs into auth.", {})
    hosts: tuple[str, ...] = option("Other hosts calls and redirects may go to, without auth.", ())
    private: bool = option("The hosts may stand in a private network, or be this machine.", False)
    redirects: int = option("How many redirects are followed.", 0, minimum=0, maximum=3)
    key_header: HeaderName = option(
        "The header by which the other side can know a repeated call.", HeaderName("Idempotency-Key")
    )


def secrets_in(thing: Any) -> frozenset[str]:
    """The names of all secrets that a connection, or a whole definition, uses."""
    if isinstance(thing, Secret):
        return frozenset({thing.secret})
    if isinstance(thing, (Mapping, tuple)):
        return frozenset().union(*map(secrets_in, thing.values() if isinstance(thing, Mapping) else thing))
    if is_dataclass(thing):
        return frozenset().union(*(secrets_in(getattr(thing, item.name)) for item in fields(thing)))
    return frozenset()


CREDENTIALS = (
    BasicCredential, BearerCredential, HeaderCredential, QueryCredential, HmacCredential, SignatureCredential,
)  # fmt: skip


def register(registry: Registry) -> None:
    for connector in (SmtpConnection, ImapConnection, HttpConnection):
        registry.connector(connector)
    for credential in CREDENTIALS:
        registry.credential(credential)
