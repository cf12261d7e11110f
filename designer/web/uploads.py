"""A definition file from elsewhere: everything wrong with it at once, or a draft of it. For administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, request
from werkzeug.wrappers import Response as Answer

from designer import doing, packages
from designer.inforce import in_force
from designer.web.life import given_title
from engine.errors import Finding, Invalid, message
from engine.load import examine
from engine.publishing import changes
from engine.publishing.preparing import prepare
from engine.storage.decisions import Decision
from engine.web.auth import require_admin
from engine.web.context import actor, application
from engine.web.render import go, render, toast

blueprint = Blueprint("uploads", __name__)
blueprint.before_request(require_admin)
LARGEST = 1_000_000
NONE: Mapping[str, Decision] = {}


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used: its text (nothing where it is none) and everything that was found."""

    name: str
    text: str
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Each line with its mark: ``wrong``, ``warned`` or nothing."""
        marks = {one.line: "warned" for one in self.findings if one.severity == "warning"}
        marks |= {one.line: "wrong" for one in self.findings if one.severity == "error"}
        return [(line, marks.get(number, "")) for number, line in enumerate(self.text.splitlines(), 1)]


@blueprint.get("/upload")
def ask() -> str:
    return _page(None)


def _page(rejected: Rejected | None) -> str:
    return render("designer/life/upload.html", rejected=rejected, packages=packages.AVAILABLE)


@blueprint.post("/upload")
def upload() -> Answer | tuple[str, int]:
    """A good file becomes a draft; of a bad one everything wrong is told and nothing is kept."""
    name, raw = _given()
    decisions: Mapping[str, Decision] = {}
    if packages.is_package(raw):
        found = packages.unpacked(raw)
        raw, decisions = found.text.encode(), found.decisions
    rejected = _rejected(name, raw)
    if rejected is not None:
        return _page(rejected), 422
    return _drafted(name, raw.decode("utf-8-sig"), decisions)


@blueprint.post("/upload/mend")
def mend() -> Answer:
    """A file with mistakes as a draft, to be mended here; it cannot be published before."""
    name, raw = _given()
    return _drafted(name, raw.decode("utf-8-sig", "replace"))


def _given() -> tuple[str, bytes]:
    """The file's name and bytes: an upload, else the text that came along."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return request.form.get("name", ""), request.form.get("text", "").replace("\r\n", "\n").encode()
    raw = file.read(packages.LARGEST + 1)
    if len(raw) > (packages.LARGEST if packages.is_package(raw) else LARGEST):
        raise Invalid(message("A definition has at most {count} bytes.", count=LARGEST))
    return file.filename.replace("\\", "/").rpartition("/")[2][:100], raw


def _rejected(name: str, raw: bytes) -> Rejected | None:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return Rejected(name, "", examine(raw, application().registry)[2])
    prepared = prepare(application(), text)
    return Rejected(name, text, prepared.findings) if prepared.errors else None


def _drafted(name: str, text: str, decisions: Mapping[str, Decision] = NONE) -> Answer:
    app = application()
    current = in_force(app)
    title = given_title() or name or "YAML"
    made = doing.opened(app, title, text, current.hash, current.text, actor().id, app.clock())
    if decisions:
        given = {id: each.as_data() for id, each in decisions.items()}
        with app.database.write() as conn:
            changes.keep(conn, app.tables, made, now=app.clock(), decisions=given)
    toast(message("The file is a draft now; nothing else was changed."))
    return go(f"/designer/{made.id}/difference")
