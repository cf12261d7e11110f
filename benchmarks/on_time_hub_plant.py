"""The Order Hub that benchmarks/on_time_hub.py runs: opened on an empty SQLite file, with the factory in its records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from on_time_drawn import COOLING, GROUPS, PACKING, Drawn, Product

from engine import demo
from engine.api import Application, Registry, Together, system_actor, together, users_of
from engine.application import start
from engine.extensions import registry_for
from engine.load import Loaded, load_text
from engine.scenarios.recorder import Recorder
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.timing.simulate import Hands, Passing, Story

HUB = Path(__file__).parents[1] / "apps/order_hub.yaml"
PEOPLE = system_actor("people")  # whoever may do it in the plant
OPERATIONS = ("press", "pack")
TOGETHER = 10  # pieces of one cycle at the bench: routings are written in whole seconds
ENOUGH = 5  # reports that a standard time needs, as its machine group says
CALIBRATION = ("calibrate_weekly",)
SPARED = ("weekly_dashboard",)  # a page as PDF takes seconds, and nothing is decided by it


@dataclass(frozen=True)
class Plant:
    """The ids of the records, by the numbers of what was drawn; ``parts``: the inserts of a product."""

    machines: Mapping[int, int]
    products: Mapping[int, int]
    parts: Mapping[int, int]
    customer: int
    seller: int
    supplier: int
    store: int


@dataclass
class Running:
    """The application and its time: ``until`` does everything that falls due, by the code that does it in service."""

    app: Application
    hands: Hands
    passing: Passing
    stack: ExitStack = field(repr=False)

    def until(self, moment: dt.datetime) -> None:
        self.passing.until(moment)
        if not self.passing.story.complete or self.passing.story.failed:
            raise RuntimeError(f"{moment}: {self.passing.story.failed} deliveries failed")

    def close(self) -> None:
        self.stack.close()


@cache
def types() -> Registry:
    return registry_for(HUB)


@cache
def read(off: tuple[str, ...] = ()) -> Loaded:
    """The definition with these rules switched off in its text."""
    text = HUB.read_text()
    for name in off:
        head = f"\n  {name}:\n    label:"
        if text.count(head) != 1:
            raise ValueError(f"the definition has no rule {name}")
        text = text.replace(head, f"\n  {name}:\n    enabled: false\n    label:")
    return load_text(text, types(), file=HUB.name)


def opened(off: Collection[str], begin: dt.datetime) -> Running:
    """With the people of the demo and no records, at that moment. Mails are kept, nothing leaves the process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="on-time-")))
        database = Database(f"sqlite:///{folder / 'hub.db'}", synchronous="OFF")
        stack.callback(database.close)
        registry = replace(types(), performers=Recorder().performers(types()))
        hands = Hands(begin)
        app = start(read(tuple(off)), database, registry=registry, files=FileStore(folder / "files"), clock=hands)
        demo.make_people(app, demo.people(app.definition))
        passing = Passing(app, hands, Story())
        stack.enter_context(passing.listening())
        return Running(app, hands, passing, stack.pop_all())


# --- the factory in records


def fill(app: Application, happens: Drawn) -> Plant:
    with together(app, PEOPLE) as walks:
        line = _made(walks, "production_line", name="Hall")
        groups = [_group(walks, name, change) for name, _, change, _ in GROUPS]
        machines = {
            number: _made(walks, "machine", code=f"M{number:02}", name=f"M{number:02}", line=line, group=groups[group],
                          shifts="two_shifts")
            for number, group in enumerate(happens.machines)
        }  # fmt: skip
        supplier = _made(walks, "supplier", name="Inserts")
        parts = {one.id: _part(walks, one, supplier) for one in happens.products if one.bought}
        products = {one.id: _product(walks, one, groups, parts.get(one.id)) for one in happens.products}
        customer = _made(walks, "customer", name="Customers")
        store = _made(walks, "location", code="A1", zone="raw")
    seller = dict(users_of(app))["li"]
    return Plant(machines, products, parts, customer, seller, supplier, store)


def _made(walks: Together, form: str, **values: Any) -> int:
    return walks.save(form, values).id


def _group(walks: Together, name: str, changeover: int) -> int:
    change = {"changeover": f"{changeover}m"} if changeover else {}
    return _made(walks, "machine_group", name=name, standard_reports=ENOUGH, **change)


def _part(walks: Together, product: Product, supplier: int) -> int:
    return _made(walks, "product", sku=f"PT-{product.id:02}", name=f"Insert {product.id}", kind="part", cost="1",
                 lead_days=5, supplier=supplier)  # fmt: skip


def _product(walks: Together, product: Product, groups: list[int], part: int | None) -> int:
    mould = _made(walks, "mould", code=f"MD-{product.id:02}", name=f"Mould {product.id}")
    press = {"number": 10, "name": OPERATIONS[0], "group": groups[product.group], "mould": mould,
             "cycle": f"{product.cycle}s", "cavities": product.cavities, "setup": f"{product.setup}m",
             "wait": f"{COOLING}m"}  # fmt: skip
    pack = {"number": 20, "name": OPERATIONS[1], "group": groups[PACKING],
            "cycle": f"{max(1, round(product.pack * TOGETHER))}s", "cavities": TOGETHER}  # fmt: skip
    bom = [] if part is None else [{"component": part, "quantity": "1"}]
    return _made(walks, "product", sku=f"FG-{product.id:02}", name=f"Product {product.id}", family="housing", price="1",
                 bom=bom, operations=[press, pack])  # fmt: skip
