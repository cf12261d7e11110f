"""The story of a record: with what is linked to it, as far as whoever asks may see it."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from tower_world import PEOPLE, YAML, fill

HTMX = {"HX-Request": "true"}


@pytest.fixture
def shop(make_grounds: Any) -> Any:
    grounds = make_grounds(YAML, people=PEOPLE)
    grounds.ids = fill(grounds.made)
    grounds.job = grounds.ids["fine"]
    return grounds


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def story(shop: Any, login: str, more: str = "") -> str:
    text: str = shop.visitor(login).get(f"/job/{shop.job}/events?with=linked{more}", headers=HTMX).text
    return text


def test_what_happened_to_linked_records_stands_in_one_line_of_time(shop: Any) -> None:
    shop.made.create("receipt", job=shop.job, amount="50", as_="ann")
    text = story(shop, "ann")
    assert "Receipt Receipt 50" in words(text)
    assert "paid" in words(text)
    assert text.index("by the rule") < text.index("story-about") or "because" in words(text)
    alone = shop.visitor("ann").get(f"/job/{shop.job}/events").text
    assert "story-about" not in alone


def test_nobody_reads_more_in_it_than_the_records_tell_them(shop: Any) -> None:
    shop.made.create("receipt", job=shop.job, amount="50", as_="ann")
    shop.made.create("receipt", job=shop.job, amount="70077", as_="ann")
    shop.made.update("job", shop.job, price="99", as_="ann")
    cam = story(shop, "cam")
    assert "Receipt 50" in words(cam)
    assert "70,077" not in cam
    assert "99.00" not in cam
    assert "and fields you may not see" in words(cam)
    assert "70,077" in story(shop, "ann")


def test_it_is_told_by_kind(shop: Any) -> None:
    shop.made.take("job", shop.job, "cut", as_="ann")
    ann = shop.visitor("ann")
    ann.post(f"/job/{shop.job}/comments", {"body": "cut it well"})
    shop.made.update("job", shop.job, note="thin", as_="ann")
    states, said, changed = (words(story(shop, "ann", f"&kind={kind}")) for kind in ("states", "messages", "changes"))
    assert "Cut: Planned → Cutting" in states
    assert "thin" not in states
    assert "cut it well" in said
    assert "Planned" not in said
    assert "thin" in changed
    assert "Planned → Cutting" not in changed
    assert shop.visitor("ann").get(f"/job/{shop.job}/events?kind=gossip").status_code == 422


def test_pictures_stand_small_in_it_where_the_field_may_be_seen(shop: Any) -> None:
    ann = shop.visitor("ann")
    sent = ann.post("/files", {"form": "receipt", "field": "slip", "file": (io.BytesIO(PNG), "slip.png")})
    receipt = shop.made.create("receipt", job=shop.job, amount="50", slip=[sent.json["id"]], as_="ann")
    assert receipt.id
    for more in ("", "&kind=files"):
        assert f'src="/files/{sent.json["id"]}/thumb"' in story(shop, "ann", more)
        assert f"/files/{sent.json['id']}" not in story(shop, "cam", more)


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080200000090"
    "7753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def test_it_is_read_page_by_page_without_a_gap(shop: Any) -> None:
    for count in range(30):
        shop.made.create("receipt", job=shop.job, amount=str(count + 1), as_="ann")
    ann, address, seen = shop.visitor("ann"), f"/job/{shop.job}/events?with=linked", []
    while address:
        text = ann.get(address, headers=HTMX).text
        seen += re.findall(r'id="event-(\d+)"', text)
        more = re.search(r'id="older"><a[^>]*href="([^"]+)"', text)
        address = more[1].replace("&amp;", "&") if more else ""
    assert len(seen) == len(set(seen)) == 32  # the job, its receipts, and the note the first of them left


def test_related_records_are_counted_by_state_with_the_newest(shop: Any) -> None:
    client = shop.made.create("customer", name="Acme", as_="ann").id
    for name in ("late", "near"):
        shop.made.update("job", shop.ids[name], client=client, as_="ann")
    shop.made.take("job", shop.ids["near"], "cut", as_="ann")
    text = words(shop.visitor("ann").get(f"/customer/{client}/related").text)
    assert "Jobs 2 just now Planned 1 Cutting 1" in text
