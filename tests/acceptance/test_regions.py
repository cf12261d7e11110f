"""Where channel orders go: names as shops write them, and how far it is."""

from __future__ import annotations

import pytest

from plugins.order_hub.regions import (
    city_of,
    distance_km,
    is_remote,
    places,
    postal_address,
    region_of,
    same_address,
)

PROVINCES = 34


def test_all_provinces_are_known_and_so_are_those_that_carriers_call_remote() -> None:
    provinces = {place.name for place in places().values() if not place.within and place.name.isalpha()
                 and not place.name.isascii()}  # fmt: skip
    assert len(provinces) == PROVINCES
    remote = {place.name for place in places().values() if place.remote}
    assert remote == {"新疆", "西藏", "青海", "甘肃", "宁夏", "内蒙古", "海南"}
    assert {place.within for place in places().values() if place.within} <= provinces


@pytest.mark.parametrize(
    ("province", "address", "country", "region"),
    [
        ("新疆维吾尔自治区", None, "CN", "新疆"),
        ("XinJiang", None, None, "新疆"),
        ("广东", None, "CN", "广东"),
        (None, "内蒙古自治区呼伦贝尔市海拉尔区", None, "内蒙古"),
        (None, "东莞市长安镇", None, "广东"),
        ("California", None, "US", "US"),
        ("Attica", None, "GR", "GR"),
        (None, "Ｎowhere 1", None, None),
        ("京", None, "CN", "北京"),
        (None, None, None, None),
    ],
)
def test_a_region_is_told_from_what_shops_write(
    province: str | None, address: str | None, country: str | None, region: str | None
) -> None:
    assert region_of(province, address, country) == region


def test_cities_that_are_not_known_stay_as_they_are_written() -> None:
    assert [city_of("东莞市"), city_of("Urumqi"), city_of("昭通市"), city_of(None, "四川省"), city_of(" ")] == [
        "东莞", "乌鲁木齐", "昭通", "四川", None,
    ]  # fmt: skip


def test_a_word_that_only_begins_like_a_place_is_another_place() -> None:
    assert [city_of("Austin", "US"), city_of("Dongguan City"), region_of("Inverness")] == ["Austin", "东莞", None]


def test_distances_are_great_circles() -> None:
    assert 1050 < (distance_km("上海", "北京") or 0) < 1090
    assert 2900 < (distance_km("喀什", "西安") or 0) < 3100
    assert distance_km("西安", "西安") == 0
    assert distance_km("西安", "昭通") is None
    assert (is_remote("Tibet"), is_remote("江苏"), is_remote(None)) == (True, False, False)


def test_two_spellings_of_an_address_are_the_same() -> None:
    one = same_address("新疆", "喀什", "色满路 １２号Ａ座")
    assert one == same_address("新疆维吾尔自治区", "喀什市", "色满路12号，a座")
    assert one != same_address("新疆", "喀什", "色满路 13号A座")


def test_an_address_has_the_parts_that_are_told() -> None:
    assert postal_address("CN", "江苏省", None, "", "新华路 1号") == {
        "country": "CN", "province": "江苏省", "street": "新华路 1号",
    }  # fmt: skip
    assert postal_address(None, None, None, None, None) is None
