"""A web shop on this machine: Vendure, installed by npm into a folder of the cache, started, filled, and shopped in.

``python tests/vendure/shop.py install`` installs it once. Vendure is under the GPL: it is installed by whoever wants to
test against it, and is no part of Appmill.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "appmill" / "vendure"
PASSWORD = "superadmin of the test"
ARTICLES = {"TEA-01": ("Tea 100 g", 1290, 500), "CUP-02": ("Cup", 850, 500)}
LONGEST_START = 120.0


def install() -> None:
    """Where it is not there yet, or in another version."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    done = FOLDER / ".installed"
    if done.exists() and done.read_text() == wanted:
        return
    if shutil.which("npm") is None:
        sys.exit("npm is missing: Vendure needs Node.js 20 or later, https://nodejs.org.")
    (FOLDER / "package.json").write_text(wanted)
    begun = time.monotonic()
    subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=FOLDER, check=True)
    done.write_text(wanted)
    print(f"Vendure is in {FOLDER}, after {time.monotonic() - begun:.0f} s.")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class Shop:
    """A running Vendure. ``admin``: the token of its administrator."""

    url: str
    admin: str = ""

    def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> Any:
        """``data`` of the Admin API."""
        return _asked(f"{self.url}/admin-api", document, variables, self.admin)[0]

    def sign_in(self) -> None:
        document = "mutation($p: String!) { login(username: \"superadmin\", password: $p) { __typename } }"
        self.admin = _asked(f"{self.url}/admin-api", document, {"p": PASSWORD}, "")[1]

    def variant(self, sku: str) -> Any:
        document = "query($s: String!) { productVariants(options: {filter: {sku: {eq: $s}}}) { items { id enabled stockLevels { stockOnHand stockAllocated } } } }"
        return self.ask(document, {"s": sku})["productVariants"]["items"][0]

    def order(self, code: str) -> Any:
        document = "query($c: String!) { orders(options: {filter: {code: {eq: $c}}}) { items { state totalWithTax fulfillments { state method trackingCode } } } }"
        return self.ask(document, {"c": code})["orders"]["items"][0]


@contextmanager
def running(folder: Path) -> Iterator[Shop]:
    """A new shop with ``ARTICLES``."""
    if not (FOLDER / ".installed").exists():
        raise RuntimeError(f"There is no Vendure in {FOLDER}; `make vendure` installs it.")
    port = free_port()
    shutil.copy(HERE / "index.js", FOLDER / "index.js")
    told = {**os.environ, "PORT": str(port), "DATABASE": str(folder / "vendure.sqlite"), "SUPERADMIN": PASSWORD}
    with (folder / "vendure.log").open("w") as log:
        process = subprocess.Popen(["node", "index.js"], cwd=FOLDER, env=told, stdout=log, stderr=log)
    try:
        shop = Shop(f"http://127.0.0.1:{port}")
        _await_up(process, folder / "vendure.log")
        shop.sign_in()
        _fill(shop)
        yield shop
    finally:
        process.terminate()
        process.wait(20)


def _await_up(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + LONGEST_START
    while "UP" not in log.read_text().split():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"Vendure does not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


def _asked(url: str, document: str, variables: Mapping[str, Any] | None, token: str) -> tuple[Any, str]:
    """(data, token). Raises RuntimeError for what GraphQL calls an error, or a mutation refuses."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    body = json.dumps({"query": document, "variables": variables or {}}).encode()
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as answer:
        said = json.load(answer)
        if said.get("errors"):
            raise RuntimeError(said["errors"][0]["message"])
        for one in said["data"].values():
            if isinstance(one, dict) and one.get("message"):
                raise RuntimeError(one["message"])
        return said["data"], answer.headers.get("vendure-auth-token") or token


def _fill(shop: Shop) -> None:
    """A country, no tax, one way to ship, one to pay, and the articles."""
    ask = shop.ask
    country = ask('mutation { createCountry(input: {code: "CN", enabled: true, translations: [{languageCode: en, name: "China"}]}) { id } }')
    zone = ask("mutation($c: ID!) { createZone(input: {name: \"All\", memberIds: [$c]}) { id } }", {"c": country["createCountry"]["id"]})["createZone"]["id"]
    ask("mutation($z: ID!) { updateChannel(input: {id: \"1\", defaultTaxZoneId: $z, defaultShippingZoneId: $z, pricesIncludeTax: true}) { __typename ... on ErrorResult { message } } }", {"z": zone})
    tax = ask('mutation { createTaxCategory(input: {name: "None", isDefault: true}) { id } }')["createTaxCategory"]["id"]
    ask("mutation($z: ID!, $t: ID!) { createTaxRate(input: {name: \"0\", enabled: true, value: 0, categoryId: $t, zoneId: $z}) { id } }", {"z": zone, "t": tax})
    ask('mutation { createShippingMethod(input: {code: "std", fulfillmentHandler: "manual-fulfillment", checker: {code: "default-shipping-eligibility-checker", arguments: [{name: "orderMinimum", value: "0"}]}, calculator: {code: "default-shipping-calculator", arguments: [{name: "rate", value: "495"}, {name: "taxRate", value: "0"}, {name: "includesTax", value: "auto"}]}, translations: [{languageCode: en, name: "Std", description: ""}]}) { id } }')
    ask('mutation { createPaymentMethod(input: {code: "dummy", enabled: true, handler: {code: "dummy-payment-handler", arguments: [{name: "automaticSettle", value: "true"}]}, translations: [{languageCode: en, name: "Dummy", description: ""}]}) { id } }')
    for sku, (name, price, stock) in ARTICLES.items():
        product = ask("mutation($n: String!, $s: String!) { createProduct(input: {enabled: true, translations: [{languageCode: en, name: $n, slug: $s, description: \"\"}]}) { id } }", {"n": name, "s": sku.lower()})["createProduct"]["id"]
        variant = {"productId": product, "sku": sku, "price": price, "stockOnHand": stock, "trackInventory": "TRUE", "translations": [{"languageCode": "en", "name": name}]}
        ask("mutation($v: [CreateProductVariantInput!]!) { createProductVariants(input: $v) { id } }", {"v": [variant]})


# --- people who buy


@dataclass
class Crowd:
    """A thread of people who buy one after the other until they are told to stop. ``placed``: code → total in cents;
    ``refused``: what the shop would not sell, by article."""

    shop: Shop
    placed: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    pause: float = 0.15  # seconds between two of them

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._ids = {sku: self.shop.variant(sku)["id"] for sku in ARTICLES}
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Crowd:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)

    def _go_on(self) -> None:
        for number, sku in zip(itertools.count(1), itertools.cycle(ARTICLES)):
            if self._over.wait(self.pause):
                return
            try:
                self._buy(number, sku)
            except (RuntimeError, urllib.error.URLError, OSError) as error:
                self.broken.append(f"{number}: {error}")

    def _buy(self, number: int, sku: str) -> None:
        try:
            data, token = self._say("mutation($v: ID!, $q: Int!) { addItemToOrder(productVariantId: $v, quantity: $q) { __typename ... on Order { code } ... on ErrorResult { message } } }", "", v=self._ids[sku], q=1 + number % 3)
        except RuntimeError:
            self.refused[sku] = self.refused.get(sku, 0) + 1
            return
        code = data["addItemToOrder"]["code"]
        who = {"firstName": "Min", "lastName": f"Wang {number}", "emailAddress": f"w{number}@example.cn"}
        self._say("mutation($i: CreateCustomerInput!) { setCustomerForOrder(input: $i) { __typename ... on ErrorResult { message } } }", token, i=who)
        where = {"fullName": f"王敏 {number}", "streetLine1": "科技园 1 号", "city": "深圳", "province": "广东省", "postalCode": "518057", "countryCode": "CN", "phoneNumber": "13800000000"}
        self._say("mutation($i: CreateAddressInput!) { setOrderShippingAddress(input: $i) { __typename ... on ErrorResult { message } } }", token, i=where)
        self._say('mutation { setOrderShippingMethod(shippingMethodId: ["1"]) { __typename ... on ErrorResult { message } } }', token)
        self._say('mutation { transitionOrderToState(state: "ArrangingPayment") { __typename ... on ErrorResult { message } } }', token)
        paid, _ = self._say('mutation { addPaymentToOrder(input: {method: "dummy", metadata: {}}) { __typename ... on Order { state totalWithTax } ... on ErrorResult { message } } }', token)
        self.placed[code] = paid["addPaymentToOrder"]["totalWithTax"]

    def _say(self, document: str, token: str, **variables: Any) -> tuple[Any, str]:
        return _asked(f"{self.shop.url}/shop-api", document, variables, token)


if __name__ == "__main__":
    install()
