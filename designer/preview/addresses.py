"""Addresses of the site inside the preview ⇄ addresses of the site around it.

The engine's pages name their own addresses from the root (``/ticket/12``). Here, and nowhere else, they are moved below
the preview's root on the way out and back on the way in; ``js/designer/preview_site.js`` does it for what scripts ask.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

# Attributes that hold addresses; `value` and what people read are left alone.
_ATTRIBUTE = re.compile(
    r"""(\s(?:href|src|action|formaction|poster|cite|hx-[a-z-]+|data-[a-z-]+)\s*=\s*)(["'])(/(?![/\\]|static/)[^"']*)\2"""
)
_DRAFTS = re.compile(r"""\sdata-draft="[^"]*\"""")  # what is typed in a preview is kept nowhere
_IN_JSON = re.compile(r"(&#34;|&quot;)(/(?!/|static/)[a-z_][^&\"'<>]*)\1")
_ADDRESS_KEYS = frozenset({"url", "thumb", "href", "undo", "address", "open", "next"})
_HEADERS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Content-Location")


def outward(root: str, address: str) -> str:
    """An address from the root of the inner site, below ``root``; what leads elsewhere or is there already stays."""
    if not address.startswith("/") or address.startswith(("//", "/static/", f"{root}/")):
        return address
    return root + address


def inward(root: str, address: str) -> str:
    """The address the inner site knows; ``/`` for what is not below ``root``."""
    parts = urlsplit(address)
    if not (parts.path == root or parts.path.startswith(f"{root}/")):
        return "/"
    path = parts.path[len(root) :] or "/"
    return f"{path}?{parts.query}" if parts.query else path


def page_outward(root: str, html: str) -> str:
    plain = _DRAFTS.sub("", html)
    moved = _ATTRIBUTE.sub(lambda found: f"{found[1]}{found[2]}{outward(root, found[3])}{found[2]}", plain)
    return _IN_JSON.sub(lambda found: f"{found[1]}{outward(root, found[2])}{found[1]}", moved)


def data_outward(root: str, data: Any, key: str = "") -> Any:
    """JSON with its addresses moved: what stands under a key of addresses, or anywhere below ``options``."""
    if isinstance(data, Mapping):
        return {name: data_outward(root, each, "url" if key == "options" else name) for name, each in data.items()}
    if isinstance(data, list):
        return [data_outward(root, each, key) for each in data]
    return outward(root, data) if isinstance(data, str) and key in _ADDRESS_KEYS else data


def headers_outward(root: str, headers: Any) -> None:
    """Move the addresses in the headers of an answer, in place; no cookie leaves."""
    headers.remove("Set-Cookie")
    for name in _HEADERS:
        if name in headers:
            headers[name] = outward(root, _local(headers[name]))
    if "HX-Trigger" in headers:
        headers["HX-Trigger"] = json.dumps(data_outward(root, json.loads(headers["HX-Trigger"])))


def _local(address: str) -> str:
    """Without scheme and host, where they were written out."""
    parts = urlsplit(address)
    if not parts.netloc:
        return address
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
