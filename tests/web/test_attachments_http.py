"""Files over HTTP: who may read them, what is refused, how they are sent."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pytest
from fake_clock import FakeClock
from form_world import Person, World, inputs, make_world
from PIL import Image

from engine import service
from engine.web.uploads import clean_name, clean_up


@pytest.fixture
def world(tmp_path: Path, clock: FakeClock) -> World:
    return make_world(tmp_path, clock)


@pytest.fixture
def li(world: World) -> Person:
    return world.person("li", "agent")


def upload(person: Person, name: str, content: bytes, **where: str) -> Any:
    """The body is made here: the test client keeps bodies of a megabyte in a file it never closes."""
    fields = {"form": "ticket", "field": "papers", "csrf_token": person.token, **where}
    parts = [f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()]
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + content + b"\r\n--x--\r\n"
    return person.client.post("/files", data=body, content_type="multipart/form-data; boundary=x", buffered=True)


def picture(width: int = 400) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, 300), "red").save(out, "PNG")
    return out.getvalue()


def ticket(world: World, person: Person, **values: object) -> int:
    return service.save(world.app, person.actor, "ticket", {"subject": "Pump", "due_on": "2026-03-10", **values}).id


def test_an_unsaved_upload_is_its_uploaders_alone(world: World, li: Person) -> None:
    boss = world.person("bo", "boss")
    assert upload(li, "a.txt", b"hello").status_code == 201

    assert li.get("/files/1").data == b"hello"
    assert boss.get("/files/1").status_code == 404
    assert boss.get("/files/999").status_code == 404


def test_a_saved_file_is_read_by_whoever_may_read_its_field(world: World, li: Person) -> None:
    boss, guest = world.person("bo", "boss"), world.person("gu", "guest")
    upload(li, "a.txt", b"hello")
    ticket(world, li, papers=["1"])
    upload(boss, "b.txt", b"internal", field="hidden_papers")
    service.save(world.app, boss.actor, "ticket", {"hidden_papers": ["2"]}, id=1)

    assert [person.get("/files/1").status_code for person in (li, boss, guest)] == [200, 200, 404]
    assert [person.get("/files/2").status_code for person in (li, boss, guest)] == [404, 200, 404]
    assert [person.get("/files/2/thumb").status_code for person in (li, boss, guest)] == [404, 404, 404]


def test_nobody_takes_the_upload_of_another(world: World, li: Person) -> None:
    wang = world.person("wang", "agent")
    upload(li, "a.txt", b"hello")

    answer = wang.post("/ticket/new", {"subject": "Mine now", "due_on": "2026-03-10", "papers": "1"})

    assert answer.status_code == 422
    assert wang.get("/files/1").status_code == 404


def test_nobody_takes_the_file_of_another_record(world: World, li: Person) -> None:
    boss = world.person("bo", "boss")
    upload(boss, "b.txt", b"internal", field="hidden_papers")
    ticket(world, boss, hidden_papers=["1"])

    answer = li.post("/ticket/new", {"subject": "Mine now", "due_on": "2026-03-10", "papers": "1"})

    assert answer.status_code == 422
    assert li.get("/files/1").status_code == 404


def test_a_file_taken_out_of_its_field_is_no_longer_shown(world: World, li: Person) -> None:
    upload(li, "a.txt", b"hello")
    id = ticket(world, li, papers=["1"])
    service.save(world.app, li.actor, "ticket", {"papers": []}, id=id)

    assert li.get("/files/1").status_code == 404


def test_uploading_needs_the_right_to_the_field(world: World, li: Person) -> None:
    guest = world.person("gu", "guest")
    id = ticket(world, li)

    assert upload(li, "a.txt", b"x", field="hidden_papers").status_code == 403
    assert upload(guest, "a.txt", b"x", id=str(id)).status_code == 404
    assert upload(li, "a.txt", b"x", field="subject").status_code == 404
    assert upload(li, "a.txt", b"x", form="nothing").status_code == 404


def test_kind_and_size_are_limited_in_a_sentence(li: Person) -> None:
    program = upload(li, "run.exe", b"MZ")
    large = upload(li, "large.txt", b"x" * (1024 * 1024 + 1))

    assert (program.status_code, large.status_code) == (422, 422)
    assert program.get_json()["error"]["message"] == "Papers takes pdf, image, text; got “run.exe”."
    assert large.get_json()["error"]["message"] == "Papers takes files of at most 1 MB; “large.txt” has 1.0 MB."


@pytest.mark.parametrize("name", ["offer.pdf", "photo.PNG", "photo.jpg"])
def test_a_file_that_holds_something_else_than_its_name_says_is_refused(world: World, li: Person, name: str) -> None:
    sentence = f"Papers: “{name}” does not hold what its name says."
    refused = upload(li, name, b"just text")
    assert (refused.status_code, refused.get_json()["error"]["message"]) == (422, sentence)
    assert upload(li, "offer.pdf", b"%PDF-1.7 x").status_code == 201


def test_an_upload_for_a_record_number_no_record_has_is_refused_in_a_sentence(li: Person) -> None:
    assert upload(li, "a.txt", b"x", id="9" * 30).status_code in (201, 404)


def test_what_is_sent_cannot_run_here(li: Person) -> None:
    upload(li, "page.txt", b"<script>alert(1)</script>")
    upload(li, "ok.png", picture())

    text, image = li.get("/files/1"), li.get("/files/2")

    assert text.headers["Content-Disposition"].startswith("attachment;")
    assert text.mimetype == "text/plain"
    assert image.headers["Content-Disposition"].startswith("inline;")
    for answer in (text, image):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cache-Control"] == "private, no-cache"


def test_the_name_is_text_in_the_header(li: Person) -> None:
    upload(li, "图纸 '1'; x=y.txt", b"hello")

    answer = li.get("/files/1")

    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"__ _1__ x_y.txt\"; filename*=UTF-8''%E5%9B%BE%E7%BA%B8%20%271%27%3B%20x%3Dy.txt"
    )


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\x00b\u202etxt.exe", "abtxt.exe"),
        ("", "file"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 150 + ".pdf"),
    ],
)
def test_a_name_keeps_no_path_and_nothing_that_deceives(name: str, kept: str) -> None:
    assert clean_name(name) == kept


def test_a_thumbnail_is_small_and_only_of_pictures(li: Person) -> None:
    upload(li, "ok.png", picture(800))
    upload(li, "a.txt", b"hello")

    small = li.get("/files/1/thumb")

    assert small.mimetype == "image/webp"
    assert Image.open(io.BytesIO(small.data)).size == (160, 60)
    assert li.get("/files/2/thumb").status_code == 404


def test_without_a_script_files_come_with_the_form_and_survive_an_error(world: World, li: Person) -> None:
    refused = li.post("/ticket/new", {"subject": "", "due_on": "2026-03-10", "papers": "",
                                      "papers:files": (io.BytesIO(b"hello"), "a.txt")})  # fmt: skip

    assert refused.status_code == 422
    kept = inputs(refused.text)
    assert kept["papers"] == "1"
    assert "a.txt" in refused.text
    saved = li.post("/ticket/new", {"subject": "Pump", "due_on": "2026-03-10", "papers": "1"})
    assert saved.status_code == 303
    assert li.get("/files/1").data == b"hello"


def test_uploads_nobody_kept_are_forgotten(world: World, li: Person, clock: FakeClock) -> None:
    upload(li, "a.txt", b"hello")
    upload(li, "b.txt", b"hello")
    upload(li, "c.txt", b"other")
    ticket(world, li, papers=["1"])
    clock.advance(days=3)

    assert clean_up(world.app, older=dt.timedelta(days=2)) == 2

    later = world.sign_in(li.id, "li", ("agent",))
    assert later.get("/files/1").data == b"hello"  # the content of the second, kept for the first
    assert later.get("/files/3").status_code == 404


def test_a_file_of_a_comment_is_read_with_the_record(world: World, li: Person) -> None:
    guest = world.person("gu", "guest")
    id = ticket(world, li)
    li.post(f"/ticket/{id}/comments", {"body": "see", "files": (io.BytesIO(b"hello"), "a.txt")})

    assert li.get("/files/1").status_code == 200
    assert guest.get("/files/1").status_code == 404
    li.post(f"/ticket/{id}/comments/1", {"_delete": "1"})
    assert li.get("/files/1").status_code == 404
