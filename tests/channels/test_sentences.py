"""Everything the connectors of shops say has its Chinese."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import plugins.channels
from engine.connectors import SmtpConnection
from engine.schema import first_line, keys_of
from engine.texts import Catalogue
from plugins.channels.amazon import AmazonConnection
from plugins.channels.shopify import ShopifyConnection
from plugins.channels.vendure import VendureConnection
from plugins.channels.woocommerce import WooCommerceConnection

CONNECTORS = (AmazonConnection, ShopifyConnection, VendureConnection, WooCommerceConnection)
ENGINES = {key.name for key in keys_of(SmtpConnection)} - {"unsure", "private"}  # said by the engine's own room
FOLDER = Path(inspect.getfile(plugins.channels)).parent
MODULES = ("amazon", "asking", "following", "graphql", "items", "shopify", "vendure", "woocommerce")


def sentences() -> Iterator[str]:
    for connector in CONNECTORS:
        yield first_line(connector)
        yield from (key.doc for key in keys_of(connector) if key.name not in ENGINES)
    for name in MODULES:
        for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "message" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value


def test_every_sentence_has_its_chinese():
    chinese = Catalogue().texts("zh")
    assert [text for text in dict.fromkeys(sentences()) if text not in chinese] == []
