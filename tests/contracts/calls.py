"""One HTTP call, made by hand: what the tests of the contract servers talk with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit


@dataclass(frozen=True)
class Reply:
    """``headers`` with lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(method: str, url: str, *, told: Any = None, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """``told`` is sent as JSON, ``form`` as a form."""
    parts, sent, body = urlsplit(url), dict(headers or {}), None
    if told is not None:
        sent, body = {"Content-Type": "application/json", **sent}, json.dumps(told)
    if form is not None:
        sent, body = {"Content-Type": "application/x-www-form-urlencoded", **sent}, urlencode(form)
    line = HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        line.request(method, f"{parts.path}{'?' if parts.query else ''}{parts.query}", body, sent)
        answer = line.getresponse()
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        line.close()
