"""The examples of the README are definitions that load, and everything these connectors say has its Chinese."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml
from driving_china import CONNECTIONS, desk_of
from jsonschema import Draft202012Validator
from test_readme import APP
from test_sentences import ENGINES

import plugins.channels
from engine.builtin import default_registry
from engine.load import app_schema, load_text
from engine.schema import first_line, keys_of
from engine.texts import Catalogue
from engine.yamlfile import read_source
from plugins.channels.channel import Channel
from plugins.channels.kingdee_rows import Bills

FOLDER = Path(plugins.channels.__file__).parent
EXAMPLES = re.findall(r"^```yaml\n(connections:.*?)^```$", (FOLDER / "README-china.md").read_text(encoding="utf-8"), re.S | re.M)
MODULES = ("jd", "taobao", "pages", "bots", "wecom", "dingtalk", "feishu", "kingdee_cloud", "kingdee_door", "kingdee_rows",
           "kingdee_k3wise", "k3wise_stock", "asking")  # fmt: skip


@pytest.fixture(scope="module")
def registry():
    made = default_registry()
    plugins.channels.register(made)
    return made


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: next(iter(yaml.safe_load(text)["connections"])))
def test_an_example_loads_and_fits_the_schema(example, registry):
    text = APP.format(connections=example)
    (connection,) = load_text(text, registry).definition.connections.values()
    assert isinstance(connection, Channel)
    assert connection.unsure == "repeat"
    assert [found.message for found in Draft202012Validator(app_schema(registry)).iter_errors(read_source(text).data)] == []


def test_every_connector_has_an_example():
    shown = {connection["type"] for text in EXAMPLES for connection in yaml.safe_load(text)["connections"].values()}
    assert shown == set(CONNECTIONS)


def sentences():
    for connector in (*CONNECTIONS.values(), Bills):
        yield first_line(connector)
        yield from (key.doc for key in keys_of(connector) if connector is Bills or key.name not in ENGINES)
    for name in MODULES:
        for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def test_every_sentence_has_its_chinese():
    chinese = Catalogue().texts("zh")
    assert [text for text in dict.fromkeys(sentences()) if text not in chinese] == []


@pytest.mark.parametrize("kind", CONNECTIONS)
def test_limits_name_what_there_is_and_let_everything_through(kind):
    with desk_of(kind) as desk:
        known = {*desk.connection.operations(), *desk.connection.readings(), "all"}
        assert set(desk.connection.usual_limits()) <= known
        assert all(rate.burst >= 1 for rate in desk.connection.usual_limits().values())
