"""A word to whoever is responsible for a record, without leaving the screen it is seen on."""

from __future__ import annotations

from engine.errors import Missing
from engine.once import new_token
from engine.people import load_people, people_with_roles
from engine.web.comments import may_comment
from engine.web.context import actor, application
from engine.web.render import render
from engine.web.screens import form_named
from engine.web.seen import NOT_THERE, see

MOST = 5  # people of a role


def nudge(form_name: str, record_id: int) -> str:
    """A small dialog with a comment that already mentions who is responsible."""
    form = form_named(form_name)
    app = application()
    with app.database.read() as conn:
        seen = see(conn, form, record_id)
        if not may_comment(form, seen):
            raise Missing(NOT_THERE)
        owner, role = seen.row.get("owner"), seen.row.get("owner_role")
        ids = [owner] if owner else sorted(people_with_roles(conn, app.tables, [role]))[:MOST] if role else []
        people = load_people(conn, app.tables, [one for one in ids if one != actor().id])
    names = [f"@{one['login']}" for one in people.values()]
    return render("tower_nudge.html", layout="fragment.html", form=form, id=record_id, title=seen.title,
                  people=[one["name"] for one in people.values()], mentions=" ".join(names), token=new_token())  # fmt: skip
