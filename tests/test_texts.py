import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any, Literal, get_args, get_origin

import pytest
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes
from reading import hub_registry

from designer.panel.known import words
from designer.slots import is_thing
from engine.definition import AppDefinition
from engine.errors import message
from engine.language import Label
from engine.registry import Registry
from engine.schema import first_line, is_choice, keys_of, kinds_of
from engine.texts import Catalogue, folders, say, translator

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


# --- every sentence people can see has its Chinese -------------------------------------------------------------------

ROOT = Path(__file__).parent.parent
SAYING = frozenset({"message", "wrong", "_", "translate", "Message", "say"})


def test_every_sentence_has_its_chinese():
    sentences = list(_sentences())  # finds the plugins, and they bring their words
    chinese = Catalogue().texts("zh")
    missing = {text: place for text, place in sentences if text not in chinese and _has_words(text)}
    assert not missing, "no Chinese for:\n" + "\n".join(f"{place}: {text!r}" for text, place in missing.items())


def test_no_words_are_said_in_two_ways():
    """The last catalogue would win, and one of the two places read wrong."""
    said: dict[str, dict[str, str]] = {}
    for path in sorted(path for folder in folders() for path in (folder / "zh").glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale="zh"):
                if entry.id and entry.string:
                    said.setdefault(str(entry.id), {})[path.name] = str(entry.string)
    assert {words: found for words, found in said.items() if len(set(found.values())) > 1} == {}


def test_every_translation_fills_the_same_places():
    """A value left out of the Chinese is allowed, a value the English does not give is a defect."""
    wrong = {
        pattern: chinese
        for pattern, chinese in Catalogue().texts("zh").items()
        if _places(chinese) is None or not (_places(chinese) or set()) <= (_places(pattern) or set())
    }
    assert not wrong


def _has_words(pattern: str) -> bool:
    return any(character.isalpha() for character in re.sub(r"\{[^}]*\}", "", pattern))


def _places(pattern: str) -> set[str] | None:
    try:
        return {name for _text, name, _spec, _conversion in Formatter().parse(pattern) if name}
    except ValueError:
        return set() if "{" not in pattern.replace("{{", "") else None


def _sentences() -> Iterator[tuple[str, str]]:
    for folder in ("engine", "designer", "plugins"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for text in _said_in_python(path):
                yield text, str(path.relative_to(ROOT))
        for path in sorted((ROOT / folder).rglob("*.html")):
            for text in _said_in_template(path):
                yield text, str(path.relative_to(ROOT))
    for text in _said_by_types():
        yield text, "the registered types"


def _said_in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in SAYING:
                yield from _texts_in(node.args[0])


def _texts_in(node: ast.expr) -> Iterator[str]:
    """A text, or the texts of a choice between two."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.strip():
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts_in(node.body), *_texts_in(node.orelse))


def _said_in_template(path: Path) -> Iterator[str]:
    environment = Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], autoescape=True)
    for call in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
            texts = [call.args[0], *call.args[0].find_all(nodes.Const)]
            if isinstance(call.args[0], nodes.CondExpr):
                texts = [call.args[0].expr1, call.args[0].expr2]
            yield from (text.value for text in texts[:2] if isinstance(text, nodes.Const) and text.value)


def _said_by_types() -> Iterator[str]:
    """Labels of filter operators, and the palette's one line of each type."""
    registry = hub_registry()
    for kinds in (
        registry.fields, registry.views, registry.triggers, registry.actions, registry.cards, registry.connectors,
        registry.credentials,
    ):  # fmt: skip
        for cls in kinds.values():
            yield (inspect.getdoc(cls) or "").partition("\n")[0]
            operators = getattr(cls, "operators", ())
            if not isinstance(operators, property):
                yield from (operator.label for operator in operators)
    yield from _said_by_options(registry)


def _said_by_options(registry: Registry) -> Iterator[str]:
    """What the designer says about every key of the language: its label, its line of help, and what it may be."""
    for cls in _classes(registry):
        yield first_line(cls)
        for key in keys_of(cls):
            yield key.doc
            yield from (words(str(option)) for option in _options(key.hint))


def _classes(registry: Registry) -> Iterator[Any]:
    """Every class a mapping of a definition file may become."""
    seen: set[Any] = set()
    waiting: list[Any] = [AppDefinition]
    while waiting:
        hint = waiting.pop()
        waiting += get_args(hint)
        if not is_thing(hint) or hint in seen:
            continue
        seen.add(hint)
        if is_choice(hint):
            waiting += kinds_of(hint, registry).values()
        else:
            yield hint
            waiting += [key.hint for key in keys_of(hint)]


def _options(hint: Any) -> Iterator[Any]:
    """The values of choices, also inside lists."""
    if get_origin(hint) is Literal:
        yield from (option for option in get_args(hint) if isinstance(option, str))
    for inner in get_args(hint) if get_origin(hint) is not Literal else ():
        yield from _options(inner)
