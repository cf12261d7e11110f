"""Where goods go: the provinces and larger cities of China, and the countries that shops outside deliver to.

``regions.csv``: usual name, province around it, other names, and where it is. Of a province its capital stands for the
whole, since that is where goods are handed over. Pure functions of texts, for expressions.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from engine.api import Registry

EARTH = 6371.0  # mean radius in km
ENDINGS = re.compile(r"(特别行政区|壮族自治区|维吾尔自治区|回族自治区|自治区|自治州|地区|省|市)$")
NOT_SAID = re.compile(r"[\W_]+|(?:维吾尔|壮族|回族)?自治区|特别行政区|[省市区县镇乡街道]")


@dataclass(frozen=True)
class Place:
    """``within``: the province around a city. ``remote``: carriers charge more and take longer."""

    name: str
    within: str
    names: tuple[str, ...]
    latitude: float
    longitude: float
    remote: bool


def register(registry: Registry) -> None:
    for function in (region_of, city_of, is_remote, distance_km, same_address, postal_address):
        registry.function(function)


@cache
def places() -> dict[str, Place]:
    """By each of their names, in small letters."""
    with Path(__file__).with_name("regions.csv").open(encoding="utf-8") as file:
        found = [_place(row) for row in csv.DictReader(file)]
    return {_plain(name): place for place in found for name in (place.name, *place.names)}


def _place(row: dict[str, str]) -> Place:
    names = tuple(row["aka"].split("|"))
    return Place(row["place"], row["within"], names, float(row["latitude"]), float(row["longitude"]),
                 row["remote"] == "yes")  # fmt: skip


def _plain(text: str) -> str:
    """Full-width letters and digits as usual ones, small, no blanks around it."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _named(text: str | None) -> Place | None:
    plain = _plain(text or "")
    return places().get(plain) or places().get(ENDINGS.sub("", plain))


def _begins(text: str | None) -> Place | None:
    """The place whose name a whole address begins with; of a single sign nobody can tell."""
    plain = _plain(text or "")
    names = (name for name in places() if len(name) > 1 and plain.startswith(name) and _ends_there(plain, name))
    longest = max(names, key=len, default=None)
    return None if longest is None else places()[longest]


def _ends_there(text: str, name: str) -> bool:
    """Whether the name is over where it ends: Austin does not begin with AU, while 东莞市 begins with 东莞."""
    rest = text[len(name) : len(name) + 1]
    return not (name[-1].isascii() and rest.isascii() and rest.isalnum())


def region_of(province: str | None, address: str | None = None, country: str | None = None) -> str | None:
    """The usual name of the province (or the country, outside China) that a text names: 新疆 of 'Xinjiang'."""
    if country and _plain(country) not in ("cn", "china", "中国"):
        abroad = _named(country)
        return abroad.name if abroad else country.strip().upper()
    found = _named(province) or _begins(province) or _begins(address)
    return None if found is None else found.within or found.name


def city_of(city: str | None, province: str | None = None) -> str | None:
    """The usual name of a city: 东莞 of '东莞市' or 'Dongguan'. One that is not known stays as it is written."""
    found = _named(city) or _begins(city)
    if found is not None:
        return found.name
    return ENDINGS.sub("", city.strip()) if city and city.strip() else region_of(province)


def is_remote(region: str | None) -> bool:
    """Whether carriers count the province as remote."""
    found = _named(region)
    return found is not None and found.remote


def distance_km(one: str | None, other: str | None) -> Decimal | None:
    """Kilometres between two places as the crow flies; empty where one of them is not known.

    The haversine formula over the places' coordinates.
    """
    here, there = _named(one), _named(other)
    if here is None or there is None:
        return None
    up, across = math.radians(there.latitude - here.latitude), math.radians(there.longitude - here.longitude)
    share = math.sin(up / 2) ** 2 + (
        math.cos(math.radians(here.latitude)) * math.cos(math.radians(there.latitude)) * math.sin(across / 2) ** 2
    )
    return Decimal(round(2 * EARTH * math.asin(math.sqrt(share))))


def same_address(region: str | None, city: str | None, rest: str | None) -> str:
    """What is the same for two spellings of one address: 'Ａ座 12号' and 'a座12号', with or without 省 and 市."""
    plain = _plain("".join(part or "" for part in (region, city, rest)))
    return NOT_SAID.sub("", plain)


def postal_address(
    country: str | None, province: str | None, city: str | None, district: str | None, street: str | None
) -> dict[str, str] | None:
    """The parts of an address put together."""
    parts = {"country": country, "province": province, "city": city, "district": district, "street": street}
    return {name: text for name, text in parts.items() if text} or None
