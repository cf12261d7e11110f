"""How a request shows who sent it: pure functions from key and content to header values."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

SIGNATURE, TIMESTAMP, DELIVERY = "X-Appmill-Signature", "X-Appmill-Timestamp", "X-Appmill-Delivery"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def hmac_text(key: str, body: bytes, algorithm: str = "sha256", encoding: str = "hex") -> str:
    made = hmac.new(key.encode(), body, getattr(hashlib, algorithm))
    return made.hexdigest() if encoding == "hex" else base64.b64encode(made.digest()).decode()


def signature(key: str, moment: int, body: bytes) -> str:
    """HMAC-SHA256, in hex, over ``<seconds since 1970>.<body>``: what a receiver works out again and compares."""
    return hmac_text(key, f"{moment}.".encode() + body)


def signature_headers(key: str, moment: int, delivery: str, body: bytes) -> Mapping[str, str]:
    """``delivery`` is the same at every attempt of one delivery."""
    return {SIGNATURE: signature(key, moment, body), TIMESTAMP: str(moment), DELIVERY: delivery}
