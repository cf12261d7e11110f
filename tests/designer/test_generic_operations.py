"""Given a file, when someone does one thing in the designer, then the file says it, and nothing else changed."""

import pytest
from drafting import after, draft, refusal

from engine.errors import Invalid, Missing

FILE = """\
app: desk
label: Desk  # what people see
roles:
  agent: {label: Agent}
forms:
  ticket:
    label: Ticket
    fields:
      # what it is about
      subject: {type: text, label: Subject, required: true}
      due_on: {type: date}
    views:
      all: {type: list, label: All, columns: [subject, due_on], sort: [due_on]}
    permissions:
      agent: {read: "record.subject != ''"}
"""


@pytest.fixture
def desk():
    return draft(FILE)


def test_a_value_is_set_where_it_stands(desk):
    found = after(desk, "set", path=["forms", "ticket", "label"], value="Case")
    assert found.text == FILE.replace("label: Ticket", "label: Case")


def test_a_new_key_comes_where_the_reference_lists_it(desk):
    found = after(desk, "set", path=["forms", "ticket", "fields", "subject", "help"], value="One line")
    assert "subject: {type: text, label: Subject, help: One line, required: true}" in found.text


def test_maps_that_are_missing_are_written_with_the_value(desk):
    found = after(desk, "set", path=["forms", "ticket", "permissions", "agent", "fields", "due_on", "read"], value=False)
    assert "agent: {read: \"record.subject != ''\", fields: {due_on: {read: false}}}" in found.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3", "3"), ("-2.50", "-2.50"), ("true", "true"), ("False", '"False"'), ("007", '"007"'), ("P-1", "P-1"), ("", '""'),
        ("[{subject: Oil, n: 2}]", "[{subject: Oil, n: 2}]"), ("null", '"null"'), ("1e5", "1e5"),
    ],
)  # fmt: skip
def test_where_anything_may_stand_it_is_what_was_meant(desk, text, said):
    found = after(desk, "typed", path=["forms", "ticket", "fields", "subject", "default"], text=text)
    assert f"subject: {{type: text, label: Subject, required: true, default: {said}}}" in found.text


def test_half_a_list_is_refused(desk):
    said = refusal(desk, "typed", path=["forms", "ticket", "fields", "subject", "default"], text="[{a: 1}")
    assert "never closed" in str(said)


def test_what_is_unset_is_unsaid(desk):
    found = after(desk, "unset", path=["forms", "ticket", "fields", "subject", "required"])
    assert "subject: {type: text, label: Subject}" in found.text
    assert after(found, "unset", path=["forms", "ticket", "fields", "subject", "required"]).text == found.text


def test_a_rename_reaches_every_use_and_keeps_the_identity(desk):
    found = after(desk, "rename", path=["forms", "ticket", "fields", "subject"], new="title")
    assert "title: {type: text, label: Subject, required: true, id: subject}" in found.text
    assert "columns: [title, due_on]" in found.text
    assert "record.title != ''" in found.text
    assert found.reading.errors == 0


def test_what_is_new_in_the_draft_needs_no_identity():
    found = after(draft(FILE, base=FILE.replace("due_on: {type: date}", "").replace(", due_on]", "]")),
                  "rename", path=["forms", "ticket", "fields", "due_on"], new="due")  # fmt: skip
    assert "      due: {type: date}\n" in found.text


def test_what_is_needed_is_not_removed_without_a_word(desk):
    said = refusal(desk, "remove", path=["forms", "ticket", "fields", "subject"])
    assert str(said.reason) == "form “Ticket” › field “Subject” is still used in 2 places."
    assert [path for path, _sentence in said.places] == [
        ("forms", "ticket", "views", "all", "columns", 0), ("forms", "ticket", "permissions", "agent", "read"),
    ]  # fmt: skip
    found = after(desk, "remove", path=["forms", "ticket", "fields", "subject"], force=True)
    assert "subject: {" not in found.text
    assert "what it is about" not in found.text


def test_an_unused_thing_is_removed_at_once(desk):
    found = after(desk, "remove", path=["forms", "ticket", "views", "all"])
    assert "all:" not in found.text


def test_a_piece_of_yaml_is_typed(desk):
    found = after(desk, "yaml", path=["forms", "ticket", "fields", "due_on"], text="{type: date, required: true}")
    assert "due_on: {type: date, required: true}" in found.text


@pytest.mark.parametrize(("operation", "arguments", "said"), [
    ("set", {"path": ["forms"]}, "set takes path, value; got path."),
    ("set", {"path": "forms", "value": 1}, "set: path: a list is expected."),
    ("rename", {"path": ["app"], "new": 7}, "rename: new: 7 does not fit."),
    ("set", {"path": ["forms", "x", "y", "z"], "value": 1}, None),
])  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(desk, operation, arguments, said):
    if said is None:
        assert after(desk, operation, **arguments).reading.errors  # it can be said, and the check tells what is wrong
        return
    error = refusal(desk, operation, **arguments)
    assert isinstance(error, Invalid)
    assert str(error.reason) == said


def test_an_unknown_operation_is_missing(desk):
    assert isinstance(refusal(desk, "field.explode"), Missing)
