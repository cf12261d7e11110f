"""Everything the language says about a definition is said in Chinese too."""

import ast
from pathlib import Path

from engine import texts, validate
from engine.cli import main

ROOT = Path(__file__).parents[2]
MODULES = [
    *(ROOT / "engine" / f"{name}.py" for name in ("yamlfile", "validate", "load")),
    *(ROOT / "engine/checks").glob("*.py"),
    *(ROOT / "engine/commands").glob("check.py"),
]


def patterns():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if called == "message" and isinstance(node.args[0], ast.Constant):
                yield node.args[0].value
    yield from validate._EXPECTED.values()
    yield from validate._PATTERNS.values()


def test_every_sentence_has_its_chinese():
    known = texts.Catalogue().texts("zh")
    assert [pattern for pattern in patterns() if pattern not in known] == []


def test_the_command_speaks_chinese(capsys, tmp_path):
    file = tmp_path / "app.yaml"
    file.write_text("app: a\nlabel: A\nlanguages: []\n")
    assert main(["check", str(file), "--language", "zh"]) == 1
    assert capsys.readouterr().out == (
        f"{file}:3:12: languages: 列表中至少要有 1 项；现有 0 项。\n{file}：1 个错误，0 个警告，0 条提示\n"
    )


def test_a_file_that_cannot_be_read_gets_a_sentence(capsys, tmp_path):
    assert main(["check", str(tmp_path)]) == 1
    assert capsys.readouterr().out == (
        f"{tmp_path}:1:1: The file cannot be read: Is a directory.\n{tmp_path}: 1 errors, 0 warnings, 0 notes\n"
    )
    gone = tmp_path / "gone.yaml"
    assert main(["check", str(gone)]) == 1
    assert capsys.readouterr().out.startswith(f"{gone}:1:1: The file cannot be read: No such file or directory.\n")
    gone.write_bytes(b"a: 1\nb: \xff")
    assert main(["check", str(gone)]) == 1
    assert capsys.readouterr().out.startswith(f"{gone}:2:4: The file is not UTF-8 text: byte 0xff cannot be read.\n")
