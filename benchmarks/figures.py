"""Whether the figures on the pages of the Order Hub are those of its events.

    python benchmarks/figures.py --orders 10000 --days 180 --seed 1
    python benchmarks/figures.py --orders 1000 --days 30 --keep /tmp/plant   # again with the same folder: only compared

A factory is simulated, its events are exported as `appmill export-events` does, and every card of every page is drawn
as the manager sees it at the end. `figures.sql` works the same figures out again in DuckDB, of the exported files
alone; no code of the engine has a part in it. Each figure is printed with both values; any that differ make the exit
code 1, as does a card that `figures.sql` has no query for.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import sqlalchemy as sa
from flask import g

from engine import cards
from engine.application import Application, start
from engine.commands.check_data import print_results, say_what
from engine.extensions import registry_for
from engine.invariants.examining import examine
from engine.language import Label
from engine.load import load_file
from engine.people import Actor, load_actor
from engine.retelling import retell
from engine.simulating.opening import NAME, opened, simulate
from engine.simulating.telling import print_figures, say_progress, stopped_by_hand
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.timing.simulate import Hands
from engine.web.factory import make_web
from engine.web.pagecards import Look, draw

HUB = Path(__file__).parents[1] / "apps" / "order_hub.yaml"
SQL = Path(__file__).with_suffix(".sql")
ZONE = ZoneInfo("Asia/Shanghai")
BEGINNING = dt.datetime(2026, 3, 2, tzinfo=ZONE)
MANAGER = "he"
NOTHING = ("", "–", "0")  # what is shown where there is no record

Figures = Mapping[str, str]  # where it stands on the card → what it says
Card = tuple[str, str]  # page, English label


# --- as the pages show them ------------------------------------------------------------------------------------------


def shown(app: Application, login: str = MANAGER) -> dict[Card, Figures]:
    """The figures of all cards, in English, as their templates are given them."""
    with app.database.read() as conn:
        user = app.tables.user
        id = conn.execute(sa.select(user.c.id).where(user.c.login == login)).scalar_one()
        who = replace(load_actor(conn, app.tables, id), language="en")
        with _at_the_site(app, who):
            looks = [Look(app, who, g.reader, conn, page.name, card) for page in app.definition.pages.values()
                     for card in page.cards if type(card) is not cards.TextCard]  # fmt: skip
            return {
                (look.page, look.card.label.text("en")): _FIGURES[type(look.card)](look, draw(look)) for look in looks
            }


@contextmanager
def _at_the_site(app: Application, who: Actor) -> Iterator[None]:
    with make_web(app).test_request_context("/"):
        g.application, g.actor, g.reader = app, who, who.reader(app.definition)
        yield


def _number(look: Look, drawn: Mapping[str, Any]) -> Figures:
    before = {"before": drawn["against"].text} if "against" in drawn else {}
    return {"figure": drawn["figure"], **before}


def _formula(look: Look, drawn: Mapping[str, Any]) -> Figures:
    before = {"before": drawn["then"].worked.text} if "then" in drawn else {}
    rows = {row.label: row.worked.text for row in drawn.get("rows", ())}
    along = {f"trend {place}": one.text for place, (_label, one) in enumerate(drawn.get("table", ()))}
    return {"figure": drawn["worked"].text, **before, **rows, **along}


def _before_after(look: Look, drawn: Mapping[str, Any]) -> Figures:
    if "waiting" in drawn:
        return {}
    along = {f"trend {place}": one.text for place, (_label, one) in enumerate(drawn["table"])}
    return {"before": drawn["before"].text, "after": drawn["after"].text, **along}


def _trend(look: Look, drawn: Mapping[str, Any]) -> Figures:
    if "rows" not in drawn:
        return {}
    heads = drawn["heads"]
    return {f"{place} {head}": cell[0] for place, row in enumerate(drawn["rows"])
            for head, cell in zip(heads, row.cells, strict=True)}  # fmt: skip


def _bars(look: Look, drawn: Mapping[str, Any]) -> Figures:
    return {bar.label: bar.text for bar in drawn["bars"]}


def _table(look: Look, drawn: Mapping[str, Any]) -> Figures:
    rows = [(row.label, row.cells) for row in drawn["rows"]] + [("All", drawn["foot"])]
    return {f"{label} {place}": cell[0] for label, cells in rows for place, cell in enumerate(cells, 1)}


def _records(look: Look, drawn: Mapping[str, Any]) -> Figures:
    ids = dict.fromkeys(re.findall(rf'href="/{look.form.name}/(\d+)"', str(drawn["rows"])))
    return {str(place): id for place, id in enumerate(ids, 1)}


def _gantt(look: Look, drawn: Mapping[str, Any]) -> Figures:
    return {f"bar {bar.id}": str(bar.id) for _line, lane in drawn["lanes"] for _place, bar in lane.bars}


def _cycle(look: Look, drawn: Mapping[str, Any]) -> Figures:
    found = {}
    for place, one in enumerate(drawn["table"]):
        told = {"records": str(one.count), "mean": one.mean, "median": one.median, "p90": one.p90}
        found |= {f"{place} {name}": text for name, text in told.items()}
    return found


def _dwell(look: Look, drawn: Mapping[str, Any]) -> Figures:
    return {f"{row.label} {place}": cell[0] for row in drawn["rows"] for place, cell in enumerate(row.cells, 1)}


def _process(look: Look, drawn: Mapping[str, Any]) -> Figures:
    ways = [(f"{way.start} → {way.end}", way) for way in drawn.get("ways", ())]
    every = [*((node.label, node) for node in drawn.get("nodes", ())), *ways]
    return {key: text for label, one in every for key, text in ((label, one.count), (f"{label} mean", one.mean))}


_FIGURES: Mapping[type[cards.Card], Any] = {
    cards.NumberCard: _number, cards.FormulaCard: _formula, cards.BeforeAfterCard: _before_after, cards.TrendCard: _trend, cards.BreakdownCard: _bars,
    cards.TableCard: _table, cards.AgeingCard: _table, cards.RecordsCard: _records, cards.GanttCard: _gantt,
    cards.CycleCard: _cycle, cards.DwellCard: _dwell, cards.ProcessCard: _process,
}  # fmt: skip


# --- as the events tell them -----------------------------------------------------------------------------------------


def queries() -> tuple[str, dict[Card, str]]:
    """What is done first, and the query of each card."""
    first, *parts = re.split(r"^-- ([a-z_]+): (.+)$", SQL.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return first, dict(zip(zip(parts[0::3], parts[1::3], strict=True), parts[2::3], strict=True))


def recomputed(folder: Path, today: dt.date, words: Mapping[tuple[str, str], str]) -> dict[Card, Figures]:
    """Of an exported folder. ``words``: ("form.field", option) → how it is written."""
    first, of_cards = queries()
    with duckdb.connect() as conn:
        conn.execute("CREATE TABLE words (field VARCHAR, name VARCHAR, label VARCHAR)")
        conn.executemany("INSERT INTO words VALUES (?, ?, ?)", [[*key, label] for key, label in words.items()])
        conn.execute(f"SET VARIABLE folder = '{folder}'")
        conn.execute(f"SET VARIABLE today = DATE '{today}'")
        conn.execute(first)
        return {card: _told(conn, query) for card, query in of_cards.items()}


def _told(conn: Any, query: str) -> Figures:
    return {str(key): "–" if value is None else str(value) for key, value in conn.execute(query).fetchall()}


def words_of(app: Application) -> dict[tuple[str, str], str]:
    """What options and states are called."""
    found = {}
    for form in app.definition.forms.values():
        states = form.workflow.states.items() if form.workflow else ()
        found |= {(f"{form.name}.state", name): _english(state.label) for name, state in states}
        for field in form.fields.values():
            options = getattr(field, "options", {})
            found |= {(f"{form.name}.{field.name}", name): _english(one.label) for name, one in options.items()}
    return found


def _english(label: Label | None) -> str:
    return label.text("en") if label is not None else ""


# --- side by side ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Compared:
    card: Card
    key: str
    shown: str
    told: str

    @property
    def equal(self) -> bool:
        return _plain(self.shown) == _plain(self.told)


def told_by_events(app: Application, folder: Path) -> dict[Card, Figures]:
    """The figures worked out of an export into ``folder``."""
    retell(app, folder)
    return recomputed(folder, app.clock().astimezone(ZONE).date(), words_of(app))


def compared(pages: Mapping[Card, Figures], told: Mapping[Card, Figures]) -> list[Compared]:
    """Every figure of the cards that have a query, beside the one worked out of events."""
    return [
        Compared(card, key, figures.get(key, ""), told[card].get(key, ""))
        for card, figures in pages.items()
        if card in told
        for key in sorted({*figures, *told[card]})
    ]


def without_query(pages: Mapping[Card, Figures]) -> list[Card]:
    known = queries()[1]
    return [card for card in pages if card not in known]


def _plain(text: str) -> tuple[Decimal | None, str]:
    """A figure as a number and its unit: what stands for nothing is 0, and trailing zeros do not count."""
    if text in NOTHING:
        return Decimal(0), ""
    found = re.fullmatch(r"(-?)(?:CN¥)?([\d,]+(?:\.\d+)?)(| d| h| min|%)", text)
    if found is None:
        return None, text
    sign, number, unit = found.groups()
    return Decimal(sign + number.replace(",", "")), unit.removesuffix("%")


# --- the command -----------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1000)
    parser.add_argument("--days", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the simulation and its export; one that is there is compared")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="appmill-figures-") as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        kept = (folder / NAME).exists()
        holds = True if kept else _simulated(folder, options)
        return 0 if _compare(folder, options.days) and holds else 1


def _simulated(folder: Path, options: argparse.Namespace) -> bool:
    """Let the factory run and look at what must be true of its records."""
    registry = registry_for(HUB)
    end = BEGINNING + dt.timedelta(days=options.days)
    with opened(
        load_file(HUB, registry), registry, folder, begin=BEGINNING, end=end, seed=options.seed, size=options.orders,
        told=say_progress,
    ) as simulation:  # fmt: skip
        with stopped_by_hand(simulation):
            figures = simulate(simulation)
        results = examine(simulation.app, told=say_what)
    print_figures(figures)
    print()
    print_results(results)
    print(f"\nmost memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB\n")
    return figures.complete and all(one.holds for one in results)


def _compare(folder: Path, days: int) -> bool:
    registry = registry_for(HUB)
    hands = Hands((BEGINNING + dt.timedelta(days=days)).astimezone(dt.UTC))
    database = Database(f"sqlite:///{folder / NAME}", synchronous="OFF")
    try:
        files = FileStore(folder / "files")
        app = start(load_file(HUB, registry), database, registry=registry, files=files, clock=hands)
        pages = shown(app)
        found, unknown = compared(pages, told_by_events(app, folder / "told")), without_query(pages)
    finally:
        database.close()
    for one in found:
        said = "equal" if one.equal else "DIFFERENT"
        print(f"{said:9}  {': '.join(one.card)}, {one.key.strip()}: {one.shown or '–'} | {one.told or '–'}")
    for card in unknown:
        print(f"NO QUERY   {': '.join(card)}")
    differing = sum(not one.equal for one in found)
    print(f"\n{len(found)} figures of {len(pages)} cards: {differing} different, {len(unknown)} cards without a query")
    return not differing and not unknown


if __name__ == "__main__":
    sys.exit(main())
