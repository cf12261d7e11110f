"""What happened is written down whole: figures of cards, worked out anew from the events alone by another database."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import pytest
from making import make

from engine.builtin import default_registry
from engine.cli import main
from engine.load import load_text
from engine.retelling import retell
from engine.simulating.opening import opened, simulate
from engine.spans import Span
from engine.tallies import by_day, in_groups, total
from engine.web.pagecards.look import Look
from engine.web.pagecards.values import measure_of

SHOP = """
app: shop
label: Shop
languages: [en]
timezone: Europe/Berlin
currency: EUR
roles: {clerk: {label: Clerk}, boss: {label: Boss}}
forms:
  sale:
    label: Sale
    title: record.name
    fields:
      name: {type: text, required: true}
      amount: {type: money, min: 0, max: 9999, required: true}
      pieces: {type: integer, min: 1, max: 50}
      kind: {type: choice, required: true, default: a, options: {a: {label: A}, b: {label: B}, c: {label: C}}}
      pin: {type: text, sensitive: true}
    permissions:
      clerk: {create: true, read: true, update: true}
      boss: {read: true, delete: true, update: true}
    workflow:
      initial: open
      states:
        open: {label: Open}
        paid: {label: Paid}
        closed: {label: Closed, final: true}
      transitions:
        pay: {label: Pay, from: [open], to: paid, roles: [clerk]}
        close: {label: Close, from: [paid], to: closed, roles: [boss]}
pages:
  overview:
    label: Overview
    cards:
      - {type: number, label: Open, form: sale, where: not record.state.final}
      - {type: number, label: Worth, form: sale, fold: sum, field: amount}
      - {type: number, label: On average, form: sale, where: "record.kind == 'b'", fold: mean, field: pieces}
      - {type: breakdown, label: By state, form: sale, group: state, fold: sum, field: amount}
      - {type: trend, label: A day, form: sale, date: created_at, by: day, fold: sum, field: amount}
      - type: table
        label: Kinds
        form: sale
        rows: kind
        figures: [{fold: count}, {fold: sum, field: amount}, {fold: max, field: pieces}]
"""
BERLIN = ZoneInfo("Europe/Berlin")
# Every sale as its events left it: each field's last value, its last state, and whether it was taken out of every list.
RECORDS = """
CREATE TABLE event AS SELECT * FROM read_json_auto(?, columns = {
  id: 'BIGINT', "at": 'TIMESTAMPTZ', form: 'VARCHAR', record_id: 'BIGINT', kind: 'VARCHAR', to_state: 'VARCHAR', changes: 'JSON'});
CREATE TABLE told AS
  SELECT record_id, id, unnest(json_keys(changes)) AS field, changes FROM event WHERE form = 'sale' AND changes IS NOT NULL;
CREATE TABLE sale AS SELECT record_id,
  CAST((SELECT json_extract_string(changes, '$.amount[1]') FROM told t
        WHERE t.record_id = e.record_id AND field = 'amount' ORDER BY id DESC LIMIT 1) AS DECIMAL(18, 2)) AS amount,
  CAST((SELECT json_extract_string(changes, '$.pieces[1]') FROM told t
        WHERE t.record_id = e.record_id AND field = 'pieces' ORDER BY id DESC LIMIT 1) AS INTEGER) AS pieces,
  (SELECT json_extract_string(changes, '$.kind[1]') FROM told t
        WHERE t.record_id = e.record_id AND field = 'kind' ORDER BY id DESC LIMIT 1) AS kind,
  arg_max(to_state, id) FILTER (WHERE to_state IS NOT NULL) AS state,
  min("at") AS created_at
  FROM event e WHERE form = 'sale' GROUP BY record_id
  HAVING coalesce(arg_max(kind, id) FILTER (WHERE kind IN ('deleted', 'restored')), '') <> 'deleted';
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """(application, its events in DuckDB) after a few days in which people sold things."""
    folder = tmp_path_factory.mktemp("shop")
    begin = dt.datetime(2026, 3, 26, tzinfo=BERLIN)  # clocks go forth on the 29th
    registry = default_registry()
    with opened(
        load_text(SHOP, registry), registry, folder, begin=begin, end=begin + dt.timedelta(days=7), seed=5
    ) as simulation:
        simulate(simulation)
        retell(simulation.app, folder / "told")
        other = duckdb.connect()
        first, *rest = RECORDS.split(";")
        other.execute(first, [str(folder / "told" / "events.jsonl")])
        for statement in rest[:-1]:
            other.execute(statement)
        yield simulation, other


def look(simulation, number, conn):
    app = simulation.app
    admin = simulation.actor("admin")
    card = app.definition.pages["overview"].cards[number]
    return card, Look(app, admin, admin.reader(app.definition), conn, "overview", card)


@pytest.mark.parametrize(
    ("number", "recomputed"),
    [
        (0, "SELECT count(*) FROM sale WHERE state <> 'closed'"),
        (1, "SELECT sum(amount) FROM sale"),
    ],
)
def test_a_figure_equals_the_one_made_of_events(shop, number, recomputed):
    simulation, other = shop
    with simulation.app.database.read() as conn:
        card, seen = look(simulation, number, conn)
        (tally,) = total(seen.asking, [measure_of(card)])
    [(expected,)] = other.execute(recomputed).fetchall()
    assert tally.value == expected
    assert tally.value > 0


def test_a_mean_equals_the_one_made_of_events(shop):
    simulation, other = shop
    with simulation.app.database.read() as conn:
        card, seen = look(simulation, 2, conn)
        (tally,) = total(seen.asking, [measure_of(card)])
    [(whole, count)] = other.execute("SELECT sum(pieces), count(pieces) FROM sale WHERE kind = 'b'").fetchall()
    assert tally.value == Decimal(int(whole)) / count


def test_a_breakdown_equals_the_one_made_of_events(shop):
    simulation, other = shop
    with simulation.app.database.read() as conn:
        card, seen = look(simulation, 3, conn)
        found = {
            keys[0]: tallies[0].value for keys, tallies in in_groups(seen.asking, [measure_of(card)], ["state"], 10)
        }
    expected = dict(other.execute("SELECT state, sum(amount) FROM sale GROUP BY state").fetchall())
    assert found == expected
    assert len(found) == 3


def test_a_trend_equals_the_one_made_of_events_on_the_night_the_clocks_change_too(shop):
    simulation, other = shop
    window = Span("day", dt.date(2026, 3, 20), dt.date(2026, 4, 10))
    with simulation.app.database.read() as conn:
        card, seen = look(simulation, 4, conn)
        days = by_day(seen.asking, measure_of(card), seen.field("created_at"), window, BERLIN)
        found = {day: tally.value for day, _group, tally in days}
    expected = dict(
        other.execute(
            "SELECT CAST(timezone('Europe/Berlin', created_at) AS DATE), sum(amount) FROM sale GROUP BY 1"
        ).fetchall()
    )
    assert found == expected
    assert len(found) >= 4


def test_a_table_equals_the_one_made_of_events(shop):
    simulation, other = shop
    with simulation.app.database.read() as conn:
        card, seen = look(simulation, 5, conn)
        measures = [measure_of(figure) for figure in card.figures]
        rows = in_groups(seen.asking, measures, ["kind"], 10)
    found = {keys[0]: tuple(tally.value for tally in tallies) for keys, tallies in rows}
    query = "SELECT kind, count(*), sum(amount), max(pieces) FROM sale GROUP BY kind"
    assert found == {kind: tuple(rest) for kind, *rest in other.execute(query).fetchall()}


def test_what_is_written_is_exact_and_keeps_secrets(sqlite_url, tmp_path, clock, capsys):
    made = make(SHOP, sqlite_url, tmp_path, clock, people={"ann": "clerk"})
    made.create("sale", name="x", amount="0.10", kind="b", pin="1234", as_="ann")
    made.application.database.close()
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP)
    assert main(["export-events", str(file), "--database", sqlite_url, "--output", str(tmp_path / "told")]) == 0
    [sale] = [json.loads(line) for line in (tmp_path / "told/records/sale.jsonl").read_text().splitlines()]
    assert (sale["amount"], sale["pin"], sale["created_at"]) == ("0.10", "••••", "2026-03-04T01:30:00+00:00")
    told = (tmp_path / "told/events.jsonl").read_text()
    assert "1234" not in told
    assert json.loads(told.splitlines()[-1])["changes"]["amount"] == [None, "0.10"]
    assert "password" not in (tmp_path / "told/people.jsonl").read_text()
    assert f"{tmp_path}/told/events.jsonl" in capsys.readouterr().out
