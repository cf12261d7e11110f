"""The whole life of records over the API."""

from __future__ import annotations

from calling import Site


def repair(site: Site) -> tuple[int, dict]:
    chief = site.program("chris")
    area = chief.create("area", name="Hall 1")
    pump = chief.create("equipment", tag="P-1", name="Pump", area=area["id"], price="1200.5")
    return pump["id"], site.program("olga").create("repair", equipment=pump["id"], fault="It leaks", kinds=["leak"])


def test_a_repair_from_report_to_done(site: Site) -> None:
    pump, made = repair(site)
    olga, chief, tom = site.program("olga"), site.program("chris"), site.program("tom")
    assert made["number"].startswith("R")
    assert made["titles"]["equipment"] == "P-1 Pump"
    print(made)
