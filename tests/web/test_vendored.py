"""What the browser is served that others wrote: the recorded bytes, and nothing that calls another host."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("vendor", ROOT / "tools/vendor.py")
vendor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(vendor)
RECIPE = tomllib.loads((ROOT / "tools/vendor.toml").read_text())
FILES = {
    vendor.served_name(package["name"], package["version"], name): digest
    for package in RECIPE["package"]
    for name, digest in package["files"].items()
}


@pytest.mark.parametrize("name", FILES)
def test_a_vendored_file_is_the_recorded_one_and_calls_nobody(name):
    content = (ROOT / "static/vendor" / name).read_bytes()
    assert vendor.sha256(content) == FILES[name]
    assert vendor.fetchable_urls(content) == []
    assert b"sourceMappingURL" not in content


def test_nothing_else_lies_among_the_vendored_files():
    folder = ROOT / "static/vendor"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert sorted(found - set(FILES)) == []


def test_the_icons_are_the_recorded_ones():
    assert vendor.sha256((ROOT / "static/icons.svg").read_bytes()) == RECIPE["icons"]["sha256"]


def test_every_icon_that_is_named_exists():
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons.svg").read_text()))
    named = set()
    for path in (ROOT / "engine").rglob("*.html"):
        named |= set(re.findall(r'icon\("([a-z0-9-]+)"', path.read_text()))
    for path in [*(ROOT / "engine").rglob("*.py"), *(ROOT / "static/js").rglob("*.js")]:
        named |= set(re.findall(r'icon(?:: [\w\[\]]+)? ?[=(] ?"([a-z0-9-]+)"', path.read_text()))
    for path in [*(ROOT / "apps").glob("*.yaml"), *(ROOT / "tests/apps").glob("*.yaml")]:
        named |= set(re.findall(r"\bicon: ([a-z0-9-]+)", path.read_text()))
    assert sorted(named - sprite) == []


def test_every_package_stands_in_the_licences():
    text = (ROOT / "static/THIRD_PARTY_LICENSES").read_text()
    for package in (*RECIPE["package"], RECIPE["icons"]):
        assert f"{package['name']} {package['version']} ({package['licence']})" in text


@pytest.mark.parametrize("hostile", [b"url(//fonts.gstatic.com/a.woff2)", b'fetch("https://cdn.example.com/x.js")'])
def test_an_address_of_another_host_is_found(hostile):
    assert vendor.fetchable_urls(hostile)
