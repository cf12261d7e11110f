"""What was seen is what is done: publishing, its history, and everything that stands in its way."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from making import MakeApp
from shop import PEOPLE, SHOP, TRIPLED, WIDER, history, put, seen

from engine.errors import Denied, Invalid, Refused, Stale
from engine.load import hash_of
from engine.publishing import changes
from engine.publishing.history import text_of
from engine.publishing.preparing import prepare, prepare_rollback
from engine.publishing.publish import publish
from engine.storage.decisions import Decision


def test_a_publication_changes_tables_values_and_history_at_once(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    ticket = made.create("ticket", name="A", pieces="4")
    put(made, TRIPLED, reason=" Three a box ", by="pan")
    assert made.get("ticket", ticket)["twice"] == 12
    newest, first = history(made)
    assert (newest.kind, newest.hash, newest.before) == ("published", hash_of(TRIPLED), hash_of(SHOP))
    assert (newest.reason, newest.by_name, newest.report["recomputed"]) == ("Three a box", "Pan", 1)
    assert (first.kind, first.before, first.by_name) == ("started", None, None)
    with made.application.database.read() as conn:
        assert text_of(conn, newest.before) == SHOP
        event = made.application.tables.event
        noted = conn.execute(sa.select(event).where(event.c.kind == "definition.published")).mappings().one()
    assert (noted["form"], noted["record_id"], noted["reason"]) == ("_app", newest.id, "Three a box")
    assert noted["changes"] == {"definition": [hash_of(SHOP), hash_of(TRIPLED)]}


def test_preparing_changes_nothing(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    found = seen(made, WIDER)
    assert found.describe("en")[0] == "New column colour of ticket."
    assert (found.base_hash, found.hash, found.guarded, found.drifted) == (hash_of(SHOP), hash_of(WIDER), False, False)
    assert len(history(made)) == 1


def test_mistakes_and_what_is_in_force_already_are_refused(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    broken = prepare(made.application, SHOP.replace("record.name", "record.nam"))
    assert (broken.loaded, broken.plan, broken.errors) == (None, None, 1)
    with pytest.raises(Invalid, match="The definition has mistakes; check it again"):
        publish(made.application, broken, by=made.actor("admin"))
    with pytest.raises(Refused, match="This is in force already; there is nothing to publish"):
        publish(made.application, prepare(made.application, SHOP), by=made.actor("admin"))
    other = prepare(made.application, SHOP.replace("app: shop", "app: other"))
    assert str(other.findings[-1].message) == "This is the application other; shop is running here."


def test_somebody_else_was_faster(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    mine = seen(made, TRIPLED)
    put(made, WIDER, by="pan", reason="Colours")
    with pytest.raises(Stale) as refusal:
        publish(made.application, mine, by=made.actor("admin"))
    at = f"{made.clock():%Y-%m-%d %H:%M} UTC"
    assert str(refusal.value) == (
        f"Pan put another definition in force at {at} meanwhile (Colours). Nothing was changed; look at the difference"
        " again."
    )
    assert [each.hash for each in history(made)] == [hash_of(WIDER), hash_of(SHOP)]
    assert seen(made, TRIPLED, base=hash_of(SHOP)).drifted


def test_a_process_that_is_behind_compares_with_what_is_in_force(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    behind = made.application
    put(made, WIDER)
    found = prepare(behind, TRIPLED)
    assert (found.base_hash, found.running.hash) == (hash_of(WIDER), hash_of(WIDER))


def test_the_data_changed_since(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    without = "".join(line for line in SHOP.splitlines(True) if "pieces" not in line)
    made.create("ticket", name="A", pieces="4")
    mine = seen(made, without, decisions={"field ticket.pieces": Decision("archive")})
    made.create("ticket", name="B", pieces="5")
    with pytest.raises(Stale, match=r"^The data changed since this was prepared: .*2.* Nothing was changed; look at it"):
        publish(made.application, mine, by=made.actor("admin"))
    assert made.count("ticket") == 2


def test_who_may_publish(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    with pytest.raises(Denied, match="Only administrators and designers may publish"):
        publish(made.application, seen(made, WIDER), by=made.actor("li"))
    wider_rights = seen(made, SHOP.replace("update: true", "update: true, delete: true"))
    assert wider_rights.guarded
    with pytest.raises(Denied) as refusal:
        publish(made.application, wider_rights, by=made.actor("pan"))
    assert str(refusal.value) == "Only administrators may publish this: it changes the permissions of Ticket."
    with pytest.raises(Denied, match="looking as somebody else"):
        publish(made.application, wider_rights, by=made.actor("admin").looking_as("planner"))
    publish(made.application, wider_rights, by=made.actor("admin"))


def test_back_to_what_was(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    put(made, TRIPLED)
    ticket = made.create("ticket", name="A", pieces="4")
    back = prepare_rollback(made.application, hash_of(SHOP))
    made.application = publish(made.application, back, by=made.actor("pan"), reason="Too many")
    assert made.get("ticket", ticket)["twice"] == 8
    assert [(each.kind, each.hash) for each in history(made)][:2] == [
        ("rolled_back", hash_of(SHOP)), ("published", hash_of(TRIPLED))
    ]  # fmt: skip


def test_a_draft_is_closed_by_its_publication(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    app, tables = made.application, made.application.tables
    with app.database.write() as conn:
        draft = changes.begin(conn, tables, title="Colours", base=hash_of(SHOP), base_text=SHOP, text=WIDER,
                              by=made.id_of("pan"), now=made.clock())  # fmt: skip
    put(made, WIDER, change_id=draft.id, by="pan")
    with app.database.read() as conn:
        assert changes.find(conn, tables, draft.id).state == "published"
    assert history(made)[0].change_id == draft.id
    with pytest.raises(Stale, match="This draft was published or discarded meanwhile"):
        put(made, TRIPLED, change_id=draft.id)
    assert made.application.definition.hash == hash_of(WIDER)


def test_a_new_rollup_is_worked_out_for_the_records_there_are(make_app: MakeApp) -> None:
    made = make_app(TEAMS)
    team = made.create("team", name="Red")
    made.create("player", team=str(team.id))
    put(made, TEAMS.replace("name: {type: text}", "name: {type: text}\n      size: {type: rollup, of: player, via: team}"))
    assert made.get("team", team)["size"] == 1


TEAMS = """\
app: teams
label: Teams
forms:
  team:
    label: Team
    fields:
      name: {type: text}
  player:
    label: Player
    fields:
      team: {type: link, form: team}
"""


def test_the_file_follows(make_app: MakeApp, tmp_path: Path) -> None:
    made = make_app(SHOP, people=PEOPLE)
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    file.chmod(0o640)
    object.__setattr__(made.application, "file", file)
    put(made, WIDER)
    assert (file.read_text(), file.stat().st_mode & 0o777, made.application.file) == (WIDER, 0o640, file)
    file.write_text(SHOP + "# by hand\n")
    found = seen(made, TRIPLED)
    assert [str(note) for note in found.notes] == [
        f"The file {file} was edited by hand and is not in force. It is left as it is; bring both together before the"
        " next start."
    ]
    publish(made.application, found, by=made.actor("admin"))
    assert file.read_text() == SHOP + "# by hand\n"
    assert not list(tmp_path.glob(".*.new"))
