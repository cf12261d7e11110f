"""What the documents show, works: their blocks are read out of them and run."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from making import reasons

from engine import api
from engine.builtin import default_registry
from engine.errors import Invalid
from engine.registry import Registry
from engine.web.factory import make_web

DOCS = Path(__file__).parent.parent / "docs"
PLUGINS = (DOCS / "plugins.md").read_text(encoding="utf-8")


def block(document: str, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", document, re.S | re.M)
    assert len(found) == 1, f"one block of {language} is expected, there are {len(found)}"
    return str(found[0])


@pytest.fixture
def registry() -> Iterator[Registry]:
    """The built-ins and the plugin of the document."""
    plugin = ModuleType("plugin_of_the_document")
    sys.modules[plugin.__name__] = plugin  # dataclasses look their own module up
    exec(compile(block(PLUGINS, "python"), "docs/plugins.md", "exec"), plugin.__dict__)
    made = default_registry()
    plugin.register(made)
    yield made
    del sys.modules[plugin.__name__]


@pytest.fixture
def planner(make_app: Any, registry: Registry) -> Any:
    return make_app(block(PLUGINS, "yaml"), registry=registry, people={})


def test_the_plugin_imports_of_the_engine_what_plugins_may() -> None:
    for node in ast.walk(ast.parse(block(PLUGINS, "python"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("engine"):
            assert node.module == "engine.api"
            assert {alias.name for alias in node.names} <= set(api.__all__)


def test_records_are_saved_with_the_field_the_action_and_the_function(planner: Any) -> None:
    task = planner.create("task", name="Paint", due_on="2026-12-01", week="2026-W48")
    planner.update("task", task, due_on="2026-12-02")
    planner.update("task", task, due_on="2026-12-03")
    planner.update("task", task, name="Paint it")

    assert planner.get("task", task)["week"] == "2026-W48"
    assert planner.get("task", task)["changes"] == 2
    today = planner.clock().date()
    assert planner.create("task", name="Sand").row["week"] == f"{today:%G-W%V}"


def test_the_field_says_what_it_wants(planner: Any) -> None:
    with pytest.raises(Invalid) as error:
        planner.create("task", name="Paint", week="next week")
    assert reasons(error) == ["week: Week must be a week such as 2026-W48; got “next week”."]


def test_the_field_has_its_place_in_forms_lists_and_the_api(planner: Any) -> None:
    from calling import Program, Site

    planner.create("task", name="Paint", week="2026-W48")
    planner.create("task", name="Sand", week="2026-W50")
    site = Site(planner)
    admin: Program = site.program("admin")
    found = admin.get("/records/task", **{"where.week.before": "2026-W50"})["records"]
    assert [(one["name"], one["week"]) for one in found] == [("Paint", "2026-W48")]
    create = admin.get("/openapi.json")["components"]["schemas"]["task.create"]["properties"]
    assert create["week"]["anyOf"][0]["pattern"] == "^[0-9]{4}-W[0-9]{2}$"
    headers = admin.headers
    web = make_web(planner.application, secret_key="for tests only").test_client()
    assert 'name="week"' in web.get("/task/new", headers=headers).text
    assert "2026-W48" in web.get("/task", headers=headers).text
    assert "2026-W48" in web.get("/task/export.csv", headers=headers).text


def test_the_card_tells_the_nearest_day(planner: Any) -> None:
    from engine.formats import Reader
    from engine.people import system_actor
    from engine.web.pagecards import Look, draw

    for due in ("2026-03-09", "2026-03-20", "2026-02-01"):
        planner.create("task", name="Paint", due_on=due)
    app, (card,) = planner.application, planner.application.definition.pages["today"].cards
    with app.database.read() as conn:
        drawn = draw(Look(app, system_actor("test"), Reader("en", "UTC"), conn, "today", card))
    assert drawn["figure"] == "2026-03-09"
    assert drawn["lines"] == [("in 5 days", None)]
    assert drawn["url"].startswith("/task?view=today.")
