"""What must never run and what must: each snippet of the corpus is refused, fails, is stopped, or gives its result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from deep import some
from snippets import HOST, NAMES, load, named

from engine.scripts.breaker import Breaker
from engine.scripts.errors import ScriptFailed, ScriptRefused, ScriptStopped
from engine.scripts.policy import CALLS, compile_script
from engine.scripts.policy import NAMES as KNOWN
from engine.scripts.pool import Pool
from engine.scripts.templates import check_template_source

REFUSED = [snippet for part in load("refused").values() for snippet in part]
LARGE = [
    "x" * 20_001,
    "return " + "(" * 31 + ")" * 31,
    "return " + "[" * 5000 + "]" * 5000,
    "return " + "-" * 5000 + "1",
    "return " + "not " * 2000 + "1",
    "return " + "- " * 6 + "1",
    "return " + "1+" * 500 + "1",
    "return " + "record" + ".x" * 500,
    "return " + "x[0]" + "[0]" * 500,
    "return " + "1 if 1 else " * 500 + "1",
    "return " + "lambda: " * 500 + "1",
    "return " + "1 or (" * 40 + "1" + ")" * 40,
    "".join(" " * depth + "if 1:\n" for depth in range(90)) + " " * 90 + "pass",
    "if 1: pass\n" + "elif 1: pass\n" * 1500,
    "return " + "9" * 19_000,
    "return f'" + "{" * 9000,
    "return 1\n" + "import os\n" * 1900,
]
FAILED = load("failed")
STOPPED = load("stopped")
FINE = load("fine")
TEMPLATES = load("templates")
LEAKS = (" at 0x", "Traceback", "/work", "/tmp", ".py", "site-packages", "0x7f")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    made = Pool(wall=1.5, cpu=0.25, memory_mb=64, steps=60_000)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_rests(pool: Pool) -> None:
    """The breaker has a test of its own."""
    pool.breaker = Breaker()


def test_the_corpus_is_large_enough():
    hostile = {*REFUSED, *LARGE, *(source for source, _ in FAILED), *(source for source, _ in STOPPED)}
    assert len(hostile) >= 400
    assert len(FINE) >= 30


@pytest.mark.parametrize("source", REFUSED, ids=named)
def test_what_the_language_does_not_have_is_refused_before_it_is_compiled(source):
    said = refusal_of(source)
    assert 5 < len(said) < 400
    assert not any(leak in said for leak in LEAKS)


@pytest.mark.parametrize("source", LARGE, ids=named)
def test_what_is_too_large_is_refused_within_a_second(source):
    spent = []
    for _ in range(3):  # the fastest of three: a busy machine makes any one of them slow
        begun = time.process_time()
        refusal_of(source)
        spent.append(time.process_time() - begun)
        if spent[-1] < 1:
            break
    assert min(spent) < 1


def refusal_of(source: str) -> str:
    with pytest.raises(ScriptRefused) as refused:
        compile_script(source, KNOWN | CALLS)
    assert all(place.line >= 1 and place.column >= 0 for place in refused.value.places)
    return str(refused.value)


@pytest.mark.parametrize(("source", "said"), FAILED, ids=named)
def test_what_a_script_may_not_do_fails_with_its_line(pool, source, said):
    with pytest.raises(ScriptFailed) as failed:
        pool.run(source, NAMES, HOST)
    assert str(failed.value) == said


@pytest.mark.parametrize(("source", "limits"), some(STOPPED, 12), ids=named)
def test_what_does_not_end_is_ended(pool, source, limits):
    with pytest.raises(ScriptStopped) as stopped:
        pool.run(source, NAMES, HOST)
    assert stopped.value.limit in (*limits, "time")  # which comes first where the machine is busy elsewhere


@pytest.mark.parametrize(("source", "value"), FINE, ids=named)
def test_honest_scripts_give_their_result(pool, source, value):
    assert pool.run(source, NAMES, HOST).value == exact(value)


def exact(value: Any) -> Any:
    if isinstance(value, list):
        return [exact(each) for each in value]
    return Decimal(str(value)) if isinstance(value, float) else value


# --- templates -------------------------------------------------------------------------------------------------------

SHOWN = {**NAMES, "html": "<b>", "x": "a" * 1000}


@pytest.mark.parametrize("text", TEMPLATES["refused"], ids=named)
def test_hostile_templates_are_refused_when_read(pool, text):
    assert check_template_source(text)
    with pytest.raises(ScriptRefused):
        pool.render(text, SHOWN, html=True)


@pytest.mark.parametrize(("text", "said"), TEMPLATES["failed"], ids=named)
def test_templates_fail_with_their_line(pool, text, said):
    assert not check_template_source(text)
    with pytest.raises(ScriptFailed) as failed:
        pool.render(text, SHOWN, html=True)
    assert str(failed.value) == said


@pytest.mark.parametrize(("text", "limits"), TEMPLATES["stopped"], ids=named)
def test_templates_that_do_not_end_are_ended(pool, text, limits):
    with pytest.raises(ScriptStopped) as stopped:
        pool.render(text, SHOWN, html=True)
    assert stopped.value.limit in (*limits, "time")  # which comes first where the machine is busy elsewhere


@pytest.mark.parametrize(("text", "shown"), TEMPLATES["fine"], ids=named)
def test_honest_templates_are_rendered(pool, text, shown):
    assert pool.render(text, SHOWN, html=True) == shown
