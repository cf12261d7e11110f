"""What is stored survives every rename: values, people's roles, files, saved views, runs that wait."""

import sqlalchemy as sa
from rewriting import apply, read

from engine.builtin import default_registry
from engine.storage.namechanges import Renamed, renamed_query
from engine.uses import rename, thing

APP = """
app: shop
label: Shop
languages: [en]
roles:
  clerk: {label: Clerk}
  boss: {label: Boss}
demo_users:
  li: {name: Li, roles: [clerk]}
forms:
  job:
    label: Job
    title: record.note
    fields:
      number: {type: series, pattern: "J{000}"}
      note: {type: text}
      urgency: {type: choice, options: {low: {}, high: {}}, default: low}
      tags: {type: choices, options: {night: {}, far: {}}}
      handler: {type: role, default: boss}
      papers: {type: attachment}
      others: {type: links, form: job}
      parent_job: {type: link, form: job}
      rows: {type: lines, form: row, totals: [amount]}
      total: {type: computed, result: {type: integer}, value: "sum(line.amount for line in record.rows)"}
    views:
      all: {type: list, columns: [note, urgency, state]}
    permissions:
      clerk: {create: true, read: true, update: "record.state == 'open'"}
    workflow:
      initial: open
      states:
        open: {label: Open, owner: clerk, within: 1d}
        held: {label: Held, aside: true}
        done: {label: Done, final: true}
      transitions:
        hold: {label: Hold, from: [open], to: held, roles: [clerk]}
        back: {label: Back, from: [held], to: previous, roles: [clerk]}
        finish: {label: Finish, from: [open], to: done, roles: [clerk]}
  row:
    label: Row
    fields:
      amount: {type: integer}
rules:
  later:
    trigger: {type: created, form: job}
    actions:
      - {type: wait, for: 2h}
      - {type: set, values: {urgency: "'high'"}}
"""
RENAMED = [  # what stands inside another comes first
    ("option", "job.urgency.low", "slow"), ("option", "job.tags.far", "abroad"), ("state", "job.open", "waiting"),
    ("state", "job.held", "frozen"), ("transition", "job.finish", "end"), ("view", "job.all", "every"),
    ("field", "job.note", "remark"), ("field", "job.number", "no"), ("field", "job.urgency", "haste"),
    ("field", "job.tags", "marks"), ("field", "job.handler", "who"), ("field", "job.papers", "files_here"),
    ("field", "job.others", "near"), ("field", "job.parent_job", "above"), ("field", "job.rows", "parts"),
    ("field", "job.total", "whole"), ("field", "row.amount", "pieces"), ("form", "job", "task"), ("form", "row", "part"),
    ("role", "clerk", "writer"), ("role", "boss", "head"), ("rule", "later", "afterwards"),
]  # fmt: skip


def renamed(text, things):
    """The text after one rename after the other."""
    for kind, name, new in things:
        uses = read(text, default_registry())
        found = rename(uses, thing(kind, name), new)
        assert found.refused == ()
        text = apply(uses.source, found.edits)
    return text


def test_every_value_survives_the_rename_of_everything(make_app, clock):
    app = make_app(APP)
    first = app.create("job", note="one", tags="night,far", urgency="low", as_="li")
    rows = [{"amount": "2"}, {"amount": "3"}]
    second = app.create("job", note="two", others=[first.id], parent_job=first.id, rows=rows, as_="li")
    app.take("job", second, "hold", as_="li")
    with app.application.database.write() as conn:
        tables = app.application.tables
        file = {"form": "job", "record_id": first.id, "field": "papers", "sha256": "0" * 64, "name": "a.pdf",
                "media_type": "application/pdf", "size": 1, "created_at": clock()}  # fmt: skip
        conn.execute(sa.insert(tables.attachment).values(**file))
        query = "view=all&where.urgency.is=low&where.state.is=open&sort=-note&columns=note%2Curgency%2Cstate"
        conn.execute(sa.insert(tables.saved_view).values(form="job", owner=app.id_of("li"), name="Mine", query=query))
    before = app.get("job", second)

    app.redefine(renamed(APP, RENAMED))

    one, two = app.get("task", first), app.get("task", second)
    assert (one["remark"], one["no"], one["haste"], one["marks"], one["who"]) == (
        "one", "J001", "slow", ("night", "abroad"), "head",
    )  # fmt: skip
    assert (one["state"], one["owner_role"], two["state"], two["_previous"]) == (
        "waiting",
        "writer",
        "frozen",
        "waiting",
    )
    assert (two["above"], two["whole"], two["_title"], two["created_at"]) == (first.id, 5, "two", before["created_at"])
    assert [line["pieces"] for line in app.lines("part", second)] == [2, 3]
    with app.application.database.read() as conn:
        tables = app.application.tables
        assert list(conn.scalars(sa.select(tables.link["task", "near"].c.target_id))) == [first.id]
        assert conn.execute(sa.select(tables.attachment.c.form, tables.attachment.c.field)).all() == [
            ("task", "files_here")
        ]
        assert conn.scalar(sa.select(tables.saved_view.c.query)) == (
            "view=every&where.haste.is=slow&where.state.is=waiting&sort=-remark&columns=remark%2Chaste%2Cstate"
        )
        stays = conn.execute(sa.select(tables.stay.c.form, tables.stay.c.state, tables.stay.c.owner_role)).all()
        assert sorted(set(map(tuple, stays)), key=str) == [("task", "frozen", None), ("task", "waiting", "writer")]
    assert app.actor("li").roles == {"writer"}
    moves = [(event.form, event.from_state, event.to_state) for event in app.events("task", second)]
    assert moves == [("task", None, "waiting"), ("task", "waiting", "frozen")]

    assert app.create("task", remark="three", as_="li").row["no"] == "J003"

    clock.advance(hours=3)
    app.deliver()  # what began under the old names goes on under the new ones
    assert [(run["state"], run["error"]) for run in app.ledger("run")] == [("done", None)] * 3
    assert app.get("task", first)["haste"] == "high"


def test_one_rename_at_a_time_keeps_the_database_in_step(make_app):
    app = make_app(APP)
    first = app.create("job", note="one", urgency="high", as_="li")
    text = APP
    for new in ("task", "duty", "job"):  # there and back again
        uses = read(text, default_registry())
        (form,) = [found for found in uses.things if found.kind == "form" and found.own != "row"]
        text = apply(uses.source, rename(uses, form, new).edits)
        app.redefine(text)
    assert "job:\n    id: job\n" in text
    assert app.get("job", first)["urgency"] == "high"


def test_a_saved_query_keeps_what_it_does_not_understand():
    names = Renamed({"note": "remark"}, {"size": {"s": "small"}})
    assert renamed_query("q=note&where.size.any=s&where.size.any=l&sort=-note,size&x=1", names) == (
        "q=note&where.size.any=small&where.size.any=l&sort=-remark%2Csize&x=1"
    )
