"""The examples of the README are definitions that load, and every connector of it is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from driving import desk_of
from jsonschema import Draft202012Validator

import plugins.channels
from engine.builtin import default_registry
from engine.load import app_schema, load_text
from engine.yamlfile import read_source
from plugins.channels.channel import Channel

README = Path(plugins.channels.__file__).with_name("README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(connections:.*?)^```$", README, re.S | re.M)
APP = """
app: hub
label: Hub
languages: [en]
roles: {{member: {{label: Member}}}}
forms:
  ticket:
    label: Ticket
    fields: {{number: {{type: text}}}}
    permissions: {{member: {{create: true, read: true}}}}
{connections}"""


@pytest.fixture(scope="module")
def registry():
    made = default_registry()
    plugins.channels.register(made)
    return made


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: next(iter(yaml.safe_load(text)["connections"])))
def test_an_example_loads_and_fits_the_schema(example, registry):
    text = APP.format(connections=example)
    loaded = load_text(text, registry)
    (connection,) = loaded.definition.connections.values()
    assert isinstance(connection, Channel)
    assert connection.unsure == "repeat"
    assert [found.message for found in Draft202012Validator(app_schema(registry)).iter_errors(read_source(text).data)] == []


def test_the_shops_all_have_an_example():
    shown = {connection["type"] for text in EXAMPLES for connection in yaml.safe_load(text)["connections"].values()}
    assert {"amazon_sp", "shopify", "vendure", "woocommerce"} <= shown


@pytest.mark.parametrize("kind", ["amazon", "shopify", "vendure", "woocommerce"])
def test_limits_name_what_there_is_and_let_everything_through(kind):
    with desk_of(kind) as desk:
        known = {*desk.connection.operations(), *desk.connection.readings(), "all"}
        assert set(desk.connection.usual_limits()) <= known
        for name in known - {"all"}:
            assert name in desk.connection.usual_limits() or "all" in desk.connection.usual_limits()
