"""The definition in force, and putting another in its place: check → plan → confirm. A check changes nothing.

Only changes that lose nothing are applied here; what takes data away from people is for ``appmill migrate`` on the
machine itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, request
from werkzeug.wrappers import Response

from engine.definition import AppDefinition
from engine.errors import Finding, Invalid, Refused, message
from engine.load import examine
from engine.publishing.file import follow
from engine.publishing.preparing import prepare
from engine.publishing.publish import publish
from engine.storage.migrate import Plan, plan_migration, refuse_explicit, source_of
from engine.storage.tables import build_tables
from engine.web.auth import require_admin
from engine.web.context import actor, application, reader, site
from engine.web.render import go, render, toast

blueprint = Blueprint("publishing", __name__, url_prefix="/admin/definition")
blueprint.before_request(require_admin)

LARGEST = 1_000_000


@dataclass(frozen=True)
class Checked:
    """A text that was looked at: what was found, and what it would do to the database."""

    text: str
    findings: tuple[Finding, ...]
    plan: Plan | None
    steps: tuple[str, ...]

    @property
    def errors(self) -> int:
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def lines(self) -> Sequence[tuple[str, str]]:
        """Each line of the text with its mark: ``wrong``, ``warned`` or nothing."""
        worst: dict[int, str] = {}
        for finding in self.findings:
            if finding.severity != "note" and worst.get(finding.line) != "wrong":
                worst[finding.line] = "wrong" if finding.severity == "error" else "warned"
        return [(line, worst.get(number, "")) for number, line in enumerate(self.text.splitlines(), 1)]


@blueprint.get("")
def show() -> str:
    return _page(text_in_force(), None)


def proposed(text: str) -> tuple[str, int]:
    """The page with a text that was made from the one in force: checked, and applied when somebody says so."""
    checked = _check(text)
    return _page(checked.text, checked), 422 if checked.errors else 200


def _page(text: str, checked: Checked | None) -> str:
    return render("admin/definition.html", text=text, checked=checked, definition=application().definition)


def text_in_force() -> str:
    """As it was applied; empty when nobody kept it."""
    app = application()
    with app.database.read() as conn:
        kept = source_of(conn, app.definition.hash)
    file = site().definition_file
    return kept or (Path(file).read_text("utf-8") if file else "")


@blueprint.post("/check")
def check() -> tuple[str, int]:
    return proposed(_given())


def _given() -> str:
    """The uploaded file, else what stands in the box."""
    upload = request.files.get("file")
    raw = upload.read(LARGEST + 1) if upload and upload.filename else request.form.get("text", "").encode()
    if len(raw) > LARGEST:
        raise Invalid(message("A definition has at most {count} bytes.", count=LARGEST))
    return raw.decode("utf-8-sig", "replace").replace("\r\n", "\n")


def _check(text: str) -> Checked:
    app = application()
    definition, _source, findings = examine(text, app.registry)
    other = _other_application(definition)
    found = (*findings, other) if other else findings
    if definition is None or any(finding.severity == "error" for finding in found):
        return Checked(text, found, None, ())
    with app.database.read() as conn:
        plan = plan_migration(conn, definition, build_tables(definition, app.registry), app.clock())
    return Checked(text, found, plan, tuple(plan.describe(reader().language)))


def _other_application(definition: AppDefinition | None) -> Finding | None:
    """The file of another application is no new version of this one."""
    running = application().definition.app
    if definition is None or definition.app == running:
        return None
    reason = message("This is the application {other}; {app} is running here.", other=definition.app, app=running)
    return Finding("error", reason, "app")


@blueprint.post("/apply")
def apply() -> Response:
    """Put the text in force for everybody; what was seen and what is applied are the same text, as it comes along."""
    app, text = application(), _given()
    other = _other_application(examine(text, app.registry)[0])
    if other:
        raise Refused(other.message)
    prepared = prepare(app, text)
    if prepared.plan is not None:
        refuse_explicit(prepared.plan)
    applied = publish(app, prepared, by=actor())
    if app.file is None and site().definition_file:
        follow(Path(str(site().definition_file)), prepared.text, prepared.hash, app.database)
    site().current.replace(applied)
    toast(message("The new definition is in force."))
    return go("/admin/definition")
