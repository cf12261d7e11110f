"""Static files: found once, hashed, compressed once, and told to browsers as never changing.

Our own files are addressed under ``/static/~<hash of them all>/``, so that modules that import each other by relative
names always belong together. Vendored files carry their version in their folder.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, Response, abort, request

FOLDER = Path(__file__).resolve().parents[2] / "static"
FOREVER = "public, max-age=31536000, immutable"
COMPRESSED = {".css", ".js", ".svg", ".json", ".txt", ".webmanifest"}

blueprint = Blueprint("static_files", __name__)


@dataclass(frozen=True)
class Asset:
    """One file as it is sent. ``etag`` is unquoted."""

    body: bytes
    packed: bytes | None
    kind: str
    etag: str


def files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))


def tree_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in files(folder):
        if "vendor" not in path.relative_to(folder).parts:
            digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def asset_url(prefix: str, path: str) -> str:
    return f"/static/{path}" if path.startswith("vendor/") else f"{prefix}/{path}"


@lru_cache(maxsize=512)
def _load(path: Path, modified: int, size: int) -> Asset:
    body = path.read_bytes()
    packed = gzip.compress(body, 9, mtime=0) if path.suffix in COMPRESSED and size > 600 else None
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json")):
        kind += "; charset=utf-8"
    return Asset(body, packed, kind, hashlib.sha256(body).hexdigest()[:20])


def find(folder: Path, name: str) -> Asset | None:
    """The file of this name below the folder; None for anything else, also outside it."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or not path.is_file():
        return None
    stat = path.stat()
    return _load(path, stat.st_mtime_ns, stat.st_size)


def answer(asset: Asset, lasting: bool) -> Response:
    headers = {
        "Cache-Control": FOREVER if lasting else "no-cache",
        "ETag": f'"{asset.etag}"',
        "Vary": "Accept-Encoding",
    }
    if request.if_none_match.contains(asset.etag):
        return Response(status=304, headers=headers)
    if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
        return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, content_type=asset.kind)
    return Response(asset.body, headers=headers, content_type=asset.kind)


@blueprint.get("/static/<path:name>")
def static_file(name: str) -> Response:
    hashed = name.startswith("~") and "/" in name
    asset = find(FOLDER, name.split("/", 1)[1] if hashed else name)
    if asset is None:
        abort(404)
    return answer(asset, lasting=hashed or name.startswith("vendor/"))


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    asset = find(FOLDER, "favicon.svg")
    return answer(asset, lasting=False) if asset else Response(status=204)


static_file.public = True  # type: ignore[attr-defined]
favicon.public = True  # type: ignore[attr-defined]
