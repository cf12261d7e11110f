"""The page that explains the API: the OpenAPI document as people read it."""

from __future__ import annotations

from typing import Any

from engine.web.render import render


def page(document: dict[str, Any], base: str) -> str:
    return render("api_docs.html", document=document, base=base)
