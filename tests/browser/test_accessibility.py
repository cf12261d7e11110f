"""Every main screen as axe-core sees it: nothing serious or critical, in light and dark, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from deep import some
from playwright.sync_api import Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / ".venv/axe/node_modules/axe-core/axe.min.js"
APP = ROOT / "apps/order_hub.yaml"
SCREENS = {
    "home": "/", "list": "/order?view=all", "new": "/order/new", "record": "/order/{order}", "edit": "/order/{order}/edit",
    "kanban": "/order?view=board", "calendar": "/order?view=due", "gantt": "/order?view=schedule",
    "page": "/pages/overview", "users": "/admin/users", "roles": "/admin/roles", "definition": "/designer",
    "automation": "/admin/automation", "rule": "/admin/automation/rules/freeze_over_limit",
    "runs": "/admin/automation/runs", "queue": "/admin/automation/queue", "schedules": "/admin/automation/schedules",
    "webhooks": "/admin/automation/webhooks", "connections": "/admin/automation/connections",
    "audit": "/admin/audit", "me": "/me", "search": "/search?q=SO", "nothing here": "/nowhere/here",
}  # fmt: skip
ON_A_PHONE = {"home", "list", "new", "record", "edit", "kanban", "calendar", "page", "automation", "runs", "me"}
ASK = "axe.run(document, {resultTypes: ['violations']})"
ASK_COLOURS = "axe.run(document, {resultTypes: ['violations'], runOnly: ['color-contrast']})"


def faults(page: Page, ask: str = ASK) -> list[str]:
    """What axe finds that keeps people out: rule, what is wrong, where."""
    page.wait_for_function("!document.querySelector('.htmx-request')")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return [
        f"{one['id']}: {one['help']}: {node['html'][:120]}"
        for one in page.evaluate(ask)["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"][:3]
    ]


@pytest.fixture
def hub(serve: Callable[..., object]) -> object:
    from engine import demo

    assert AXE.exists(), "run: .venv/bin/python tools/axe.py"
    served = serve(APP)
    demo.seed(served.app, 12)  # type: ignore[attr-defined]
    return served


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light")])
def test_no_screen_keeps_people_out(hub, open_page, page_as, watch, size, theme):
    watch.expect("404")  # the page that is not there
    ask = ASK if theme == "light" else ASK_COLOURS  # all that another theme changes
    table = hub.app.tables.form["order"]
    with hub.app.database.read() as conn:
        order = conn.execute(table.select().with_only_columns(table.c.id).limit(1)).scalar_one()
    stranger = open_page(hub, size=size, theme=theme, bypass_csp=True)
    stranger.goto(f"{hub.url}/sign_in")
    found = {"sign-in": faults(stranger, ask)}
    page = page_as(hub, "admin", size=size, theme=theme, bypass_csp=True)
    screens = [name for name in SCREENS if size != "phone" or name in ON_A_PHONE]
    for name in some(screens, 8 if (size, theme) == ("desktop", "light") else 3):
        path = SCREENS[name]
        page.goto(hub.url + path.format(order=order))
        page.locator("html[data-ready]").wait_for()
        found[name] = faults(page, ask)
    assert {name: what for name, what in found.items() if what} == {}
