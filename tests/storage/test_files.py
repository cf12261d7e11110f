"""Files: stored once by their content, named for what they are, pictures without what they would give away."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from engine.errors import Invalid, Missing
from engine.storage import pictures
from engine.storage.files import FileStore, StoredFile
from engine.storage.sniff import sniff


def picture(kind: str, size: tuple[int, int] = (40, 20), **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, "red").save(stream, kind, **options)
    return stream.getvalue()


def archive(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return stream.getvalue()


def test_a_file_is_stored_once_under_its_hash(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    first, second = (store.put(io.BytesIO(b"hello"), name=name) for name in ("a.txt", "b.txt"))
    sha256 = hashlib.sha256(b"hello").hexdigest()
    assert first == second == StoredFile(sha256, 5, "text/plain")
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()] == [
        f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
    ]
    with store.open(sha256) as file:
        assert file.read() == b"hello"


def test_a_picture_is_stored_upright_and_without_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    exif[0x010F] = "the maker"
    content = picture("JPEG", exif=exif)
    assert b"the maker" in content
    stored = FileStore(tmp_path).put(io.BytesIO(content), name="photo.jpg")
    assert (stored.media_type, stored.width, stored.height) == ("image/jpeg", 20, 40)
    with FileStore(tmp_path).open(stored.sha256) as file:
        kept = file.read()
    assert b"the maker" not in kept
    assert hashlib.sha256(kept).hexdigest() == stored.sha256
    assert len(kept) == stored.size


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_every_kind_of_picture_stays_its_kind(tmp_path: Path, kind: str) -> None:
    stored = FileStore(tmp_path).put(io.BytesIO(picture(kind)), name="picture.anything")
    assert (stored.media_type, stored.width, stored.height) == (f"image/{kind.lower()}", 40, 20)


def test_what_cannot_be_taken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    with pytest.raises(Invalid, match=r"^The file is empty\.$"):
        store.put(io.BytesIO(b""))
    with pytest.raises(Invalid, match=r"^The file is larger than 1 MB; make it smaller\.$"):
        store.put(io.BytesIO(b"x" * (1024 * 1024 + 1)), largest=1024 * 1024)
    with pytest.raises(Invalid, match=r"^The picture cannot be read; it may be damaged\.$"):
        store.put(io.BytesIO(picture("PNG")[:60]))
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1_000_000)
    with pytest.raises(Invalid, match=r"^The picture has 2 million pixels; at most 1 million are taken\.$"):
        store.put(io.BytesIO(picture("PNG", (2000, 1000))))
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("sha256", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_there_is_nothing_under_another_name(tmp_path: Path, sha256: str) -> None:
    with pytest.raises(Missing):
        FileStore(tmp_path).open(sha256)


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (b"%PDF-1.7\n...", "a.png", "application/pdf"),
        (archive("[Content_Types].xml", "xl/workbook.xml"), "a",
         "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (archive("readme"), "a.docx", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "old.xls", "application/vnd.ms-excel"),
        ("a,b\n1,中\n".encode("gb18030"), "a.csv", "text/csv"),
        ("中文".encode(), "a.txt", "text/plain"),
        (b"<html><script>", "a.html", "text/plain"),
        (b"\0\1\2\3", "a.txt", "application/octet-stream"),
    ],
)  # fmt: skip
def test_what_a_file_is_is_told_by_its_bytes(content: bytes, name: str, media_type: str) -> None:
    assert sniff(content, name) == media_type
