"""The rooms build on each other in one direction only."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Lowest first: a module may import from its own floor and those below.
FLOORS = [
    "errors language formats yamlfile texts faults causes measuring cron calendars holidays worktime promises",
    "registry schema validate build",
    "fields effects",
    "expressions scripts",
    "views cards portals prints reach triggers scenario task actions errands approve credentials connectors connecting outside timers schedules hooks letterbox feeds sites",
    "definition examples reference program timetable",
    "checks complete load builtin",
    "storage",
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms.split()}
TOP = len(FLOORS)


def imports(path):
    """What a module imports when it is loaded, type checking aside."""
    tree = ast.parse(path.read_text())
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _running(node):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _running(child)


def modules(folder):
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted((ROOT / folder).rglob("*.py"))]


@pytest.mark.parametrize("path", modules("engine"))
def test_the_engine_imports_downwards(path):
    own = FLOOR.get(path.relative_to(ROOT / "engine").parts[0].removesuffix(".py"), TOP)
    names = [name.split(".") for name in imports(path)]
    assert not [name for name in names if name[0] in ("designer", "plugins", "tests")]
    assert not [name for name in names if name[0] == "engine" and FLOOR.get(name[1], TOP) > own]


@pytest.mark.parametrize("path", modules("plugins"))
def test_plugins_import_the_engine_through_its_api_only(path):
    names = [name.split(".") for name in imports(path)]
    assert not [name for name in names if name[0] == "engine" and name[1] != "api"]
    assert not [name for name in names if name[0] in ("designer", "tests")]
