"""Requests signed by OAuth 1.0a (RFC 5849), as shops ask for where there is no TLS."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

from engine.api import Credential, Secret, Signing


@dataclass(frozen=True, kw_only=True, repr=False)
class OAuth1(Credential):
    """One request signed by OAuth 1.0a (RFC 5849) with HMAC-SHA256, as WooCommerce asks for where there is no TLS."""

    method: str
    url: str
    query_sent: tuple[tuple[str, str], ...]
    key: Secret
    secret: Secret

    def query(self, signing: Signing) -> Mapping[str, str]:
        given = {
            "oauth_consumer_key": signing.value(self.key), "oauth_nonce": secrets.token_hex(16),
            "oauth_signature_method": "HMAC-SHA256", "oauth_timestamp": str(signing.moment),
        }  # fmt: skip
        text = base_string(self.method, self.url, [*self.query_sent, *given.items()])
        signature = hmac.new(f"{signing.value(self.secret)}&".encode(), text.encode(), sha256).digest()
        return {**given, "oauth_signature": b64encode(signature).decode()}


def base_string(method: str, url: str, params: Iterable[tuple[str, str]]) -> str:
    """What is signed (RFC 5849, 3.4.1): the parameters are sorted as they are written encoded."""
    pairs = sorted((_encoded(name), _encoded(value)) for name, value in params)
    return "&".join((method, _encoded(url), _encoded("&".join(f"{name}={value}" for name, value in pairs))))


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
