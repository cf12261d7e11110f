"""The process that publishes and is killed: `python tests/faults/publishing_scene.py`.

It reads one command per line, as JSON, lets a child of its own do it and answers {"code": …, "said": …}. Commands:

    {"do": "prepare", "url", "file", "records"}       make the application and its records
    {"do": "publish", "url", "file", "kill", "how"}   publish NEW; die at that point (0: never), by exit or KILL
    {"do": "look", "url", "file"}                     start as a restarted server does; answers what is there
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import sqlalchemy as sa

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent), str(ROOT / "tests/outside")]

from scene import Death, in_child, watched  # noqa: E402

from engine import service  # noqa: E402
from engine.application import Application, open_application  # noqa: E402
from engine.people import load_actor  # noqa: E402
from engine.publishing.history import versions  # noqa: E402
from engine.publishing.inforce import silent  # noqa: E402
from engine.publishing.preparing import plan_of, prepare  # noqa: E402
from engine.publishing.publish import publish  # noqa: E402
from engine.publishing.rehearsing import contents  # noqa: E402
from engine.storage.decisions import Decision  # noqa: E402
from engine.web import factory  # noqa: E402

NOW = dt.datetime(2026, 3, 4, 1, 30, tzinfo=dt.UTC)
OLD = """\
app: shop
label: Shop
roles: {sales: {label: Sales}}
forms:
  ticket:
    label: Ticket
    title: record.name
    fields:
      name: {type: text, required: true}
      pieces: {type: integer}
      colour: {type: choice, options: {red: {}, blue: {}, green: {}}}
      remark: {type: text}
      twice: {type: computed, result: {type: integer}, value: record.pieces * 2}
    permissions: {sales: {create: true, read: true, update: true}}
    workflow:
      initial: new
      states: {new: {label: New}, looked_at: {label: Looked at}, done: {label: Done, final: true}}
      transitions:
        look: {label: Look, from: [new], to: looked_at, roles: [sales]}
        finish: {label: Finish, from: [new, looked_at], to: done, roles: [sales]}
"""
# A field and a state go, an option goes, a required field and an index come, what is worked out is worked out otherwise.
NEW = (
    OLD.replace("record.pieces * 2", "record.pieces * 3")
    .replace("      remark: {type: text}\n", "      packing: {type: text, required: true}\n")
    .replace(", green: {}", "")
    .replace("{type: integer}\n      colour", "{type: integer, index: true}\n      colour")
    .replace(" looked_at: {label: Looked at},", "")
    .replace("        look: {label: Look, from: [new], to: looked_at, roles: [sales]}\n", "")
    .replace("[new, looked_at]", "[new]")
)
PAGES = os.environ.get("FAULTS") == "full"
TAKES = {"from_now_on": "", "replace": "red", "move": "new", "archive": "", "fill": "box"}


def opened(url: str, file: str) -> Application:
    return open_application(file, url, clock=lambda: NOW)


def make(url: str, file: str, records: int) -> Any:
    Path(file).write_text(OLD)
    app = opened(url, file)
    table = app.tables.form["ticket"]
    with app.database.write() as conn:
        conn.execute(sa.insert(app.tables.user).values(login="ann", name="Ann", created_at=NOW))
        conn.execute(sa.insert(app.tables.user_role).values(user_id=1, role="admin"))
        for first in range(0, records, 5000):
            rows = [_record(number) for number in range(first + 1, min(first + 5000, records) + 1)]
            conn.execute(sa.insert(table), rows)
    app.database.close()
    return records


def _record(number: int) -> dict[str, Any]:
    return {
        "name": f"T{number}", "_title": f"T{number}", "pieces": number % 100, "twice": number % 100 * 2, "version": 1,
        "colour": ("red", "blue", "green")[number % 3], "remark": f"remark {number}" if number % 2 else None,
        "state": ("new", "looked_at", "done")[number % 3], "state_since": NOW, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def put(url: str, file: str, kill: int) -> Any:
    app = opened(url, file)
    with app.database.read() as conn:
        ann = load_actor(conn, app.tables, 1)
    death = Death(kill)
    first = prepare(app, NEW)
    chosen = {each.id: _decided([choice.name for choice in each.choices]) for each in first.open_questions}
    prepared = prepare(app, NEW, chosen)
    with watched(death):
        fresh = publish(app, prepared, by=ann, reason="Boxes")
    fresh.database.close()
    return {"passed": death.passed, "questions": sorted(chosen)}


def _decided(choices: list[str]) -> Decision:
    name = next(each for each in TAKES if each in choices)
    return Decision(name, TAKES[name])


def look(url: str, file: str) -> Any:
    """What a restarted server finds: which definition, which tables with what in them; and whether it serves."""
    app = opened(url, file)
    with app.database.read() as conn:
        fits = plan_of(app, conn, app.definition, {}).empty
        kinds = [[each.kind, each.hash, each.reason] for each in versions(conn, app.tables)]
        ann = load_actor(conn, app.tables, 1)
    told = contents(app.database, silent, None)  # type: ignore[arg-type]
    data = {name: [each.rows, each.hash, *each.columns] for name, each in told.items() if each.rows or "_" not in name}
    found = {
        "hash": app.definition.hash, "file": hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16], "fits": fits,
        "history": kinds, "data": data, "left": [each.name for each in Path(file).parent.glob(".*")],
    }  # fmt: skip
    found["serves"] = _serves(app, ann)
    app.database.close()
    return found


def _serves(app: Application, ann: Any) -> list[Any]:
    """A page, a record that is made and moved on."""
    page = factory.make_web(app, secret_key="k" * 32).test_client().get("/sign_in").status_code if PAGES else 200
    more = {"packing": "box"} if "packing" in app.definition.forms["ticket"].fields else {}
    made = service.save(app, ann, "ticket", {"name": "after", "pieces": "7", **more})
    moved = service.take(app, ann, "ticket", made.id, "finish")
    return [page, made.row["twice"], moved.row["state"]]


DO = {
    "prepare": lambda line: make(line["url"], line["file"], line["records"]),
    "publish": lambda line: put(line["url"], line["file"], line["kill"]),
    "look": lambda line: look(line["url"], line["file"]),
}


def serve() -> None:
    for text in sys.stdin:
        line = json.loads(text)
        os.environ["APPMILL_FAULT_SIGNAL"] = line.get("how", "exit")
        code, said = in_child(lambda line=line: DO[line["do"]](line))
        print(json.dumps({"code": code, "said": said}), flush=True)


if __name__ == "__main__":
    serve()
