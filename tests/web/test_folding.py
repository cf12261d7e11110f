"""Templates keep what never changes as finished text, and nothing else."""

import pytest
from flask import Flask
from jinja2 import DictLoader
from markupsafe import Markup

from engine.web.folding import Environment, in_language

TEMPLATES = {
    "plain.html": "{{ _('Save') }} {{ icon('check') }} {{ _('{n} left', n=count) }} {{ icon(name) }}",
    "own.html": "{% for icon in ('a', 'b') %}{{ icon }}{% endfor %}{% macro _(text) %}<{{ text }}>{% endmacro %}{{ _('x') }}",
    "argument.html": "{% macro show(text, glyph) %}{{ glyph }}{{ text }}{% endmacro %}{{ show(_('a < b'), icon('x')) }}",
}


@pytest.fixture
def site():
    flask = Flask("folding", static_folder=None)
    flask.jinja_environment = Environment
    flask.jinja_env.loader = DictLoader(TEMPLATES)
    return flask


def words(called):
    def words_of(language):
        def translate(pattern, **values):
            called.append(pattern)
            return f"{language}:{pattern.format(**values)}"

        return {"_": translate, "icon": lambda name: Markup("<svg {}>").format(name)}, {}

    return words_of


def test_constant_calls_are_made_once_and_the_others_each_time(site):
    called = []
    template = in_language(site, "en", words(called)).get_template("plain.html")
    drawn = [template.render(count=count, name="x") for count in (1, 2)]
    assert drawn == ["en:Save <svg check> en:1 left <svg x>", "en:Save <svg check> en:2 left <svg x>"]
    assert called == ["Save", "{n} left", "{n} left"]


def test_every_language_has_its_own(site):
    drawn = [
        in_language(site, one, words([])).get_template("plain.html").render(count=1, name="x") for one in ("en", "zh")
    ]
    assert drawn == ["en:Save <svg check> en:1 left <svg x>", "zh:Save <svg check> zh:1 left <svg x>"]


def test_names_that_a_template_makes_itself_are_left_alone(site):
    assert in_language(site, "en", words([])).get_template("own.html").render() == "ab<x>"


def test_constants_are_escaped_like_values(site):
    assert in_language(site, "en", words([])).get_template("argument.html").render() == "<svg x>en:a &lt; b"
