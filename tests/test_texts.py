from pathlib import Path

import pytest

from engine.errors import message
from engine.language import Label
from engine.texts import Catalogue, say, translator

PO = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"

msgid "{label} is required"
msgstr "请填写{label}"

msgid "Saved {count} records"
msgstr "已保存 {count} 条记录"

msgid "a text"
msgstr "文本"

msgid "Broken {x}"
msgstr "坏的 {y}"
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Catalogue:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "room.po").write_text(PO, encoding="utf-8")
    return Catalogue([tmp_path])


def test_a_message_is_said_in_the_readers_language_with_labels_in_it(catalogue):
    required = message("{label} is required", label=Label({"zh": "客户", "en": "Customer"}))
    assert catalogue.say(required, "zh") == "请填写客户"
    assert catalogue.say(required, "en") == "Customer is required"


def test_a_message_inside_a_message_is_translated_too(catalogue):
    assert catalogue.say(message("{label} is required", label=message("a text")), "zh") == "请填写文本"


def test_many_values_are_listed_in_the_readers_way(catalogue):
    missing = message("{label} is required", label=(message("a text"), "x"))
    assert catalogue.say(missing, "zh") == "请填写文本、x"
    assert catalogue.say(missing, "en") == "a text, x is required"


def test_what_nobody_translated_stays_english(catalogue):
    assert catalogue.say("Nobody knows", "zh") == "Nobody knows"


def test_a_translation_that_names_other_values_falls_back_to_english(catalogue):
    assert catalogue.say(message("Broken {x}", x=1), "zh") == "Broken 1"


def test_templates_translate_with_values(catalogue):
    assert catalogue.translator("zh")("Saved {count} records", count=3) == "已保存 3 条记录"
    assert catalogue.translator("zh")("a text") == "文本"


def test_later_folders_win(catalogue, tmp_path):
    other = tmp_path / "plugin"
    (other / "zh").mkdir(parents=True)
    (other / "zh" / "own.po").write_text(PO.replace("文本", "文字"), encoding="utf-8")
    assert Catalogue([tmp_path, other]).say("a text", "zh") == "文字"


def test_the_engines_own_catalogue_answers_through_the_short_names():
    assert say("Nobody wrote this sentence", "zh") == "Nobody wrote this sentence"
    assert translator("en")("Saved {count} records", count=3) == "Saved 3 records"
