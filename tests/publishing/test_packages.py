"""An application as one file: out of one database, into another; and files that only pretend."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable

import pytest
from making import Made, MakeApp
from shop import PEOPLE, SHOP, put

from engine.errors import Denied, Invalid
from engine.load import hash_of
from engine.publishing.package import export, promote, read_package
from engine.publishing.preparing import prepare
from engine.publishing.publish import publish
from engine.storage.decisions import Decision

WITHOUT = "".join(line for line in SHOP.splitlines(True) if "pieces" not in line)
HIDDEN = SHOP.replace("label: Shop", "label: {en: Shop, zh: 商店}").replace(
    "      sales: {create: true, read: true, update: true}",
    "      sales: {create: true, read: true, update: true}\n"
    "      planner: {read: record.pieces > 3, export: true, fields: {twice: {read: false}}}",
)


def packed(made: Made, who: str = "admin") -> bytes:
    return export(made.application, made.actor(who))


def altered(raw: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def test_what_is_in_it(make_app: MakeApp) -> None:
    made = make_app(HIDDEN, people=PEOPLE)
    for pieces in (3, 4):
        made.create("ticket", name=f"=T{pieces}", pieces=str(pieces))
    package = read_package(packed(made))
    assert (package.app, package.hash, package.definition) == ("shop", hash_of(HIDDEN), HIDDEN)
    assert package.translations["labels"].splitlines()[:2] == ["path,zh,en", "label,商店,Shop"]
    assert package.rows("ticket")[1:] == [["'=T3", "3", "6"], ["'=T4", "4", "8"]]
    assert packed(made) == packed(made)
    theirs = read_package(packed(made, "pan"))
    assert theirs.rows("ticket") == [["Name", "Pieces"], ["'=T4", "4"]]
    with pytest.raises(Denied, match="Only administrators and designers may take the application along"):
        packed(made, "li")


def test_promoted_with_what_was_decided(make_app: MakeApp) -> None:
    made = make_app(SHOP, people=PEOPLE)
    made.create("ticket", name="A", pieces="4")
    (question,) = prepare(made.application, WITHOUT).open_questions
    decided = prepare(made.application, WITHOUT, {question.id: Decision(question.choices[0].name)})
    made.application = publish(made.application, decided, by=made.actor("admin"))
    package = read_package(packed(made))
    put(made, SHOP)  # as the production might still be
    prepared = promote(made.application, package)
    assert (prepared.open_questions, prepared.hash) == ((), hash_of(WITHOUT))
    made.application = publish(made.application, prepared, by=made.actor("admin"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda files: files.update({"../evil.csv": b""}), "“../evil.csv” does not belong into it."),
        (lambda files: files.update({"/etc/passwd": b""}), "“/etc/passwd” does not belong into it."),
        (lambda files: files.update({"data/../x.csv": b""}), "“data/../x.csv” does not belong into it."),
        (lambda files: files.update({"data/": b""}), "“data/” does not belong into it."),
        (lambda files: files.update({"data\\x.csv": b""}), "“data\\x.csv” does not belong into it."),
        (lambda files: files.update({"data/x.csv": b"a"}), "Its list of files does not fit what is in it."),
        (lambda files: files.pop("manifest.json"), "“manifest.json” is missing or cannot be read."),
        (lambda files: files.pop("definition.yaml"), "Its list of files does not fit what is in it."),
        (lambda files: files.update({"manifest.json": b"[" * 100_000}), "“manifest.json” is missing or cannot be read."),
        (lambda files: files.update({"manifest.json": b'{"format": 9}'}), "It was made by another version of Appmill."),
        (lambda files: files.update({"definition.yaml": b"app: x"}), "“definition.yaml” was changed after it was packed."),
        (lambda files: files.update({"definition.yaml": b"a" * 1_100_000}), "“definition.yaml” is too large."),
        (lambda files: files.update({"data/x.csv": b"a" * 7_000_000}), "“data/x.csv” grows too much when it is unpacked."),
        (lambda files: files.update({f"data/x{n}.csv": b"" for n in range(600)}), "It has more than 500 files."),
    ],
)  # fmt: skip
def test_what_only_pretends(whole: bytes, change: Callable[[dict[str, bytes]], None], reason: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_package(altered(whole, change))
    assert str(refusal.value) == f"This is no package that can be taken: {reason}"


@pytest.fixture
def whole() -> bytes:
    files = {"definition.yaml": SHOP.encode()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    files["manifest.json"] = json.dumps({"format": 1, "app": "shop", "hash": hash_of(SHOP), "files": sums}).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize("raw", [b"", b"PK", b"x" * 1000, b"PK\x05\x06" + b"\0" * 18, b"a" * 20_000_001])
def test_what_is_no_package(raw: bytes) -> None:
    with pytest.raises(Invalid, match="This is no package that can be taken: "):
        read_package(raw)


def test_a_damaged_file_and_a_link(whole: bytes) -> None:
    assert read_package(whole).definition == SHOP
    for cut in range(0, len(whole), 37):
        with pytest.raises(Invalid, match="This is no package"):
            read_package(whole[:cut])
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        link = zipfile.ZipInfo("definition.yaml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(Invalid, match=r"“definition\.yaml” does not belong into it"):
        read_package(target.getvalue())
