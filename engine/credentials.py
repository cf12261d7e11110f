"""How the other side knows who calls: credentials of connections, and the secrets in them, which stand in a definition
by name only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NewType

from engine.language import option
from engine.outside.signing import basic, hmac_text, signature_headers

HeaderName = NewType("HeaderName", str)
ParameterName = NewType("ParameterName", str)
SecretName = NewType("SecretName", str)


@dataclass(frozen=True)
class Secret:
    """The name of a secret. Its value never stands in the definition, an export, a log or a page."""

    secret: SecretName = option("The name of the secret, such as ERP_TOKEN.", pattern="^[A-Z][A-Z0-9_]{0,62}$")


SIGNED = re.compile(r"(\{[a-z]*\})")  # places in what an HMAC is made of


@dataclass(frozen=True)
class Signing:
    """What a credential may look at: one request just before it is sent. ``moment`` in whole seconds since 1970."""

    key: str
    moment: int
    method: str
    path: str
    body: bytes
    value: Callable[[Secret], str]  # the value of a secret
    token: Callable[[TokenCall], str]  # a token that was asked for, kept as long as it is good


@dataclass(frozen=True)
class TokenCall:
    """How a token is asked for: a POST of ``form`` to ``url``; what is secret in it, by name, is put in when it is
    sent. ``user``: both are sent as HTTP Basic instead."""

    url: str
    form: Mapping[str, str]
    secrets: Mapping[str, Secret]
    user: tuple[str, Secret] | None = None
    name: str = "token"  # under which it is kept


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
    """An HMAC of the body, and of more where the other side wants it, in a header."""

    type: ClassVar[str] = "hmac"
    key: Secret = option("The shared key.")
    header: HeaderName = option("The header.", HeaderName("X-Signature"))
    algorithm: Literal["sha256", "sha512", "sha1"] = option(
        "The hash; sha1 only for systems that know no other.", "sha256"
    )
    encoding: Literal["hex", "base64"] = option("How the HMAC is written.", "hex")
    prefix: str = option("What stands in front of it, such as `sha256=`.", "")
    over: str = option(
        "What is signed: any text with {body}, {timestamp} in seconds since 1970, {method} and {path} (without query).",
        "{body}",
    )
    timestamp: HeaderName | None = option("The header that carries the timestamp. Default: none.", None)

    def headers(self, signing: Signing) -> Mapping[str, str]:
        moment = str(signing.moment)
        parts = {"{body}": signing.body, "{timestamp}": moment.encode(), "{method}": signing.method.encode(),
                 "{path}": signing.path.encode()}  # fmt: skip
        signed = b"".join(parts.get(part, part.encode()) for part in SIGNED.split(self.over))
        made = hmac_text(signing.value(self.key), signed, self.algorithm, self.encoding)
        return {self.header: self.prefix + made, **({self.timestamp: moment} if self.timestamp else {})}


@dataclass(frozen=True, kw_only=True)
class SignatureCredential(Credential):
    """Signed like Appmill's own webhooks: HMAC-SHA256 over time and body, so that nobody can send it again later."""

    type: ClassVar[str] = "signature"
    key: Secret = option("The shared key.")

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return signature_headers(signing.value(self.key), signing.moment, signing.key, signing.body)


@dataclass(frozen=True, kw_only=True)
class OAuthClientCredential(Credential):
    """A token that a client asks for with its secret (OAuth 2) and that is renewed by itself."""

    type: ClassVar[str] = "oauth2_client"
    token_url: str = option("Where the token is asked for, such as https://shop.example.com/oauth/token.", minLength=8)
    client: str = option("The client's id.", minLength=1)
    secret: Secret = option("The client's secret.")
    scope: str | None = option("What the token shall be good for, as the other side writes it.", None)
    refresh: Secret | None = option(
        "A refresh token; then the token is asked for with it, otherwise with the client's own credentials.", None
    )
    sent: Literal["body", "basic"] = option("How client and secret are sent when the token is asked for.", "body")
    parameters: Mapping[str, str] = option("What else is sent then, such as audience.", {})
    header: HeaderName = option("The header that carries the token.", HeaderName("Authorization"))
    prefix: str = option("What stands in front of the token there.", "Bearer ")

    @property
    def asked(self) -> TokenCall:
        grant = "refresh_token" if self.refresh else "client_credentials"
        form = {"grant_type": grant, **({"scope": self.scope} if self.scope else {}), **self.parameters}
        secrets = {"refresh_token": self.refresh} if self.refresh else {}
        name = f"token of {self.client} at {self.token_url}"
        if self.sent == "basic":
            return TokenCall(self.token_url, form, secrets, (self.client, self.secret), name)
        secrets, form = {**secrets, "client_secret": self.secret}, {**form, "client_id": self.client}
        return TokenCall(self.token_url, form, secrets, name=name)

    def headers(self, signing: Signing) -> Mapping[str, str]:
        return {self.header: self.prefix + signing.token(self.asked)}


CREDENTIALS = (
    BasicCredential, BearerCredential, HeaderCredential, QueryCredential, HmacCredential, SignatureCredential,
    OAuthClientCredential,
)  # fmt: skip
