"""A rush order in a real browser: what it does to others, what could be done, who agrees, and the plan afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from making import Recorder, with_performer
from order_world import ORDER_HUB, choose, in_days, open_step, press, ready, save_page
from playwright.sync_api import Page, expect
from story_people import CALM, WANTED, photograph

from engine.api import adopt, save, system_actor
from engine.jobs import delivering
from engine.jobs.desk import Desk

SETUP = system_actor("setup")
BOOK = Path(__file__).parents[2] / "docs" / "rush_order.md"
PICTURES = BOOK.parent / "images" / "rush"
# picture → who, and what happens
TOLD = {
    "asked": ("Zhao Min, planning", "A key customer wants 5,000 sets at once. Nothing is entered yet but what is asked for."),
    "red_list": ("Zhao Min, planning", "Simulated beside the plan: the orders it would delay, the worst first, and why the rush order is not ready earlier."),
    "answers": ("Zhao Min, planning", "What could be done, each with its date, its cost and who is hurt; where two plans are the same it says so."),
    "before_and_after": ("Zhao Min, planning", "The machines before and after: the rush order, what moves and where it stood, what stays."),
    "mixed": ("Zhao Min, planning", "A mix by hand: she ticks the orders that may move, and simulates again."),
    "on_the_phone": ("Sun Qiang, workshop, on the phone", "The same on a telephone, without the money."),
    "proposed": ("Zhao Min, planning", "Taken: as a key customer slips, two people have to sign."),
    "director": ("Director Lin, on the phone", "What is asked, in figures."),
    "manager": ("General manager He, in English", "The second signature."),
    "applied": ("Zhao Min, planning", "Written into the plan in one go, exactly as it was shown."),
    "seller_is_told": ("Li Na, sales, on the phone", "Whose orders are ready on another day is told which."),
    "tower": ("General manager He, in English", "The control tower has the new dates."),
    "machines": ("Zhao Min, planning", "The plan of the machines, with the rush order in it."),
    "history": ("Zhao Min, planning", "What moved, why and by whom, for every change of the plan."),
    "taken_back": ("Zhao Min, planning", "As long as nothing of it has begun it can be taken back: everything stands where it stood."),
}  # fmt: skip


def picture(name: str) -> str:
    return f"{list(TOLD).index(name) + 1:02d}_{name}.png"


def written() -> str:
    """docs/rush_order.md, whole."""
    parts = ["# A rush order", "From the question to the plan, and back. The pictures are taken by the test that plays it in "
             "a real browser (`tests/browser/test_rush_story.py`); with `STORY=1` it takes them anew."]  # fmt: skip
    for place, (name, (who, what)) in enumerate(TOLD.items(), 1):
        parts.append(f"## {place}. {who}\n\n{what}\n\n![{what}](images/rush/{picture(name)})")
    return "\n\n".join(parts) + "\n"


class Plant:
    """A moulder with two presses, a bench and six orders in the plan; and whoever is at the keyboard."""

    def __init__(self, served: Any, page_as: Callable[..., Page]) -> None:
        self.served, self.app, self.page_as, self.shot = served, served.app, page_as, list[str]()
        with self.app.database.read() as conn:
            user = self.app.tables.user
            self.people = {row.login: row.id for row in conn.execute(sa.select(user.c.login, user.c.id))}
        line = self.made("production_line", name="一号线")
        presses = self.made("machine_group", name="注塑机", overtime_hours="4", overtime_cost="90", weekend=True)
        benches = self.made("machine_group", name="包装台", overtime_hours="4", overtime_cost="60", weekend=True)
        for code, group in (("M01", presses), ("M02", presses), ("P01", benches)):
            self.made("machine", code=code, name=code, line=line, group=group, shifts="round_the_clock", hourly_cost="60")
        self.plater = self.made("supplier", name="外协厂")
        products = [self._product(*each, presses, benches) for each in (("HS-2050", "控制器外壳"), ("GR-0318", "尼龙齿轮"))]
        customers = [self.made("customer", name=name, level=level, credit_limit="9000000")
                     for name, level in (("苏州精工机械有限公司", "a"), ("宁波海曙塑业", "b"))]  # fmt: skip
        for place in range(6):
            self._order(customers[place % 2], products[place % 2], 2 + place)
        self.go_on()

    def made(self, form: str, **values: Any) -> int:
        return save(self.app, SETUP, form, values).id

    def _product(self, sku: str, name: str, presses: int, benches: int) -> int:
        mould = self.made("mould", code=f"MD-{sku}", name=name)
        return self.made("product", sku=sku, name=name, family="housing", price="12.5", cost="7", operations=[
            {"number": 10, "name": "注塑", "group": presses, "mould": mould, "cycle": "60s", "setup": "1h",
             "outside": self.plater, "outside_days": 4, "outside_price": "3"},
            {"number": 20, "name": "包装", "group": benches, "cycle": "6s"},
        ])  # fmt: skip

    def _order(self, customer: int, product: int, due: int) -> None:
        values = {"customer": customer, "sales_person": self.people["li"], "due_on": in_days(due), "planned": True,
                  "penalty": "500", "lines": [{"product": product, "quantity": 1200, "price": "12.5"}]}  # fmt: skip
        order = adopt(self.app, SETUP, "order", values, state="preparing").id
        self.made("job", order=order, product=product, quantity=1200)

    def at(self, login: str, path: str, *, size: str = "desktop", language: str = "zh") -> Page:
        return ready(self.page_as(self.served, login, path=path, size=size, language=language))

    def go_on(self) -> None:
        """What delivery would do now, until nothing waits."""
        table, app, desk = self.app.tables.message, with_performer(self.app, Recorder()), Desk()
        while True:
            with app.database.read() as conn:
                due = (table.c.state == "waiting", table.c.due_at <= app.clock())
                found = list(conn.scalars(sa.select(table.c.id).where(*due).order_by(table.c.id)))
            if not found:
                return
            for id in found:
                delivering.deliver(app, id, desk)

    def places(self) -> list[Any]:
        table = self.app.tables.form["job_step"]
        with self.app.database.read() as conn:
            rows = sa.select(table.c.id, table.c.machine, table.c.planned_start, table.c.planned_end)
            return list(conn.execute(rows.where(table.c.deleted_at.is_(None)).order_by(table.c.id)))

    def shoot(self, page: Page, name: str, at: str = "") -> None:
        self.shot.append(name)
        if WANTED:
            if at:
                page.locator(at).first.scroll_into_view_if_needed()
                page.evaluate("at => document.querySelector(at).scrollIntoView({block: 'start'})", at)
                page.evaluate("window.scrollBy(0, -70)")
            page.wait_for_timeout(CALM)
            photograph(page, PICTURES / picture(name))


@pytest.fixture
def plant(serve: Any, page_as: Any) -> Plant:
    return Plant(serve(ORDER_HUB), page_as)


def test_a_rush_order_from_the_question_to_the_plan_and_back(plant: Plant) -> None:
    before = plant.places()
    page = plant.at("zhao", "/rush_order/new")
    case = planning_asks(plant, page)
    planning_simulates(plant, page)
    planning_mixes(plant, page)
    the_workshop_looks_on_the_phone(plant, case)
    assert plant.places() == before  # nothing was written
    planning_takes_one(plant, page)
    two_people_sign(plant, case)
    planning_applies(plant, page, case)
    everybody_sees_it(plant)
    assert plant.places() != before
    planning_takes_it_back(plant, page, case)
    assert plant.places() == before
    if WANTED:
        BOOK.write_text(written(), encoding="utf-8")
    assert plant.shot == list(TOLD)


def test_the_book_is_the_story() -> None:
    assert BOOK.read_text(encoding="utf-8") == written(), "STORY=1 pytest tests/browser/test_rush_story.py writes it"
    assert sorted(one.name for one in PICTURES.iterdir()) == sorted(picture(name) for name in TOLD)


def planning_asks(plant: Plant, page: Page) -> str:
    choose(page, "#f-customer", "苏州精工")
    choose(page, "#f-product", "HS-2050")
    page.locator("#f-quantity").fill("5000")
    page.locator("#f-wanted_on").fill(in_days(5))
    choose(page, "#f-sales_person", "李娜")
    page.locator("#f-reason").fill("客户产线停了，等这批外壳")
    plant.shoot(page, "asked")
    save_page(page)
    expect(page.locator("h1")).to_contain_text("RO2")
    return page.url.removeprefix(plant.served.url).split("?")[0]


def planning_simulates(plant: Plant, page: Page) -> None:
    ready(page).locator("#rush select[name=seconds]").select_option("3")
    page.locator("#rush .rush-ask button").click()
    expect(page.locator(".rush-working")).to_be_visible()
    plant.go_on()
    expect(page.locator(".rush-answer")).to_have_count(5)
    expect(page.locator(".rush-red .is-late").first).to_contain_text("SO2")
    page.locator(".rush-why summary").click()
    plant.shoot(page, "red_list", "#rush")
    plant.shoot(page, "answers", ".rush-answers")
    plant.shoot(page, "before_and_after", ".rush-legend")


def planning_mixes(plant: Plant, page: Page) -> None:
    page.locator(".rush-mix summary").click()
    for tick in page.locator(".rush-mix input[name=may_move]").all()[:3]:
        tick.check()
    page.locator(".rush-mix form > button").click()
    expect(page.locator(".rush-working")).to_be_visible()
    plant.go_on()
    mixed = page.locator(".rush-answer").filter(has_text="自选组合")
    expect(mixed).to_be_visible()
    plant.shoot(page, "mixed", ".rush-answers")


def the_workshop_looks_on_the_phone(plant: Plant, case: str) -> None:
    phone = plant.at("sun", case, size="phone")
    expect(phone.locator(".rush-answer").first).to_be_visible()
    expect(phone.locator(".rush-answers")).not_to_contain_text("增加成本")
    expect(phone.locator("#rush form")).to_have_count(0)  # not for the workshop to decide
    assert phone.evaluate("document.documentElement.scrollWidth") <= 390
    plant.shoot(phone, "on_the_phone", ".rush-answers")


def planning_takes_one(plant: Plant, page: Page) -> None:
    page.locator(".rush-answer").filter(has_text="不采取措施").locator("form button").click()
    expect(page.locator("[data-state=proposed]").first).to_be_visible()
    plant.go_on()
    page.reload()
    expect(ready(page).locator("main")).to_contain_text("会签")
    plant.shoot(page, "proposed")


def two_people_sign(plant: Plant, case: str) -> None:
    for login, name, size, language in (("lin", "director", "phone", "zh"), ("he", "manager", "desktop", "en")):
        page = plant.at(login, "/approvals", size=size, language=language)
        page.locator("[data-approval] .btn-primary").first.click()
        expect(ready(page).locator("main")).to_contain_text("5,000")
        plant.shoot(page, name)
        page.locator(".approval-yes button").click()
        ready(page)
        plant.go_on()


def planning_applies(plant: Plant, page: Page, case: str) -> None:
    page.goto(plant.served.url + case)
    dialog = open_step(page, "apply")
    press(dialog)
    expect(page.locator("[data-state=applying]").first).to_be_visible()
    plant.go_on()
    page.reload()
    expect(ready(page).locator("[data-state=applied]").first).to_be_visible()
    expect(page.locator("#show-made_order")).to_contain_text("SO2")
    plant.shoot(page, "applied")


def everybody_sees_it(plant: Plant) -> None:
    phone = plant.at("li", "/notifications", size="phone")
    expect(phone.locator("main")).to_contain_text(re.compile("插单 RO.*完工日变了"))
    plant.shoot(phone, "seller_is_told")
    page = plant.at("he", "/order?view=tower", language="en")
    expect(page.locator("main")).to_contain_text("SO2")
    plant.shoot(page, "tower")
    page = plant.at("zhao", "/job_step?view=machines")
    expect(page.locator(".gantt-bar").first).to_be_visible()
    plant.shoot(page, "machines")
    page.goto(plant.served.url + "/plan_change")
    ready(page).locator("td a", has_text="PC2").first.click()
    expect(ready(page).locator("main")).to_contain_text("插单 RO")
    plant.shoot(page, "history")


def planning_takes_it_back(plant: Plant, page: Page, case: str) -> None:
    page.goto(plant.served.url + case)
    dialog = open_step(page, "undo")
    dialog.locator("#f-_reason").fill("客户改从库存发货")
    press(dialog)
    expect(page.locator("[data-state=undoing]").first).to_be_visible()
    plant.go_on()
    page.reload()
    expect(ready(page).locator("[data-state=undone]").first).to_be_visible()
    plant.shoot(page, "taken_back")
