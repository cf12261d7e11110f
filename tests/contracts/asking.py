"""How the tests of the contract servers ask: straight at the vendor, or over the wire."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from contracts.trade import Sold
from contracts.vendor import Asked, Said, Vendor, respond

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def ask(vendor: Vendor, method: str, path: str, *, query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None, form: Mapping[str, Any] | None = None, data: Any = None) -> Said:  # fmt: skip
    """One call with what can go wrong with it, without a wire."""
    kind, body = _body(form, data)
    named = {name.lower(): value for name, value in {**kind, **(headers or {})}.items()}
    pairs = tuple((name, str(value)) for name, value in (query or {}).items())
    return respond(vendor, Asked(method, path, pairs, named, body))


def nos(orders: Iterable[Sold]) -> list[str]:
    return [order.no for order in orders]


def content(said: Said) -> Any:
    return json.loads(said.body)


def over_http(method: str, url: str, *, headers: Mapping[str, str] | None = None,
              form: Mapping[str, Any] | None = None, data: Any = None) -> tuple[int, Any, Mapping[str, str]]:  # fmt: skip
    """Status, JSON and headers of a real call."""
    kind, body = _body(form, data)
    request = urllib.request.Request(url, body or None, {**kind, **(headers or {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read()), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null"), dict(error.headers)


def _body(form: Mapping[str, Any] | None, data: Any) -> tuple[dict[str, str], bytes]:
    if form is not None:
        return {"Content-Type": FORM}, urlencode(form).encode()
    if data is not None:
        return {"Content-Type": JSON}, json.dumps(data, ensure_ascii=False).encode()
    return {}, b""
