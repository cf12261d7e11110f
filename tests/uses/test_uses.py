"""Every place a name can stand in is known, and a rename rewrites all of them and nothing else."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from deep import some
from reading import loaded
from rewriting import apply, as_text, mistakes, read, scalars, shape, written_at

from engine.connectors import HttpConnection, Operation, Reading
from engine.extensions import registry_for
from engine.language import Label
from engine.load import Loaded, examine
from engine.uses import KeyEdit, Thing, breaks, index_of, rename, thing
from engine.uses.breaks import without
from engine.uses.things import kinds

ROOT = Path(__file__).parents[2]
EVERYWHERE = ROOT / "tests/uses/everywhere.yaml"
APPS = {path.stem: path for path in (EVERYWHERE, ROOT / "apps/order_hub.yaml", ROOT / "tests/apps/maintenance.yaml")}
REGISTRY = registry_for(ROOT / "apps/order_hub.yaml")  # of its own: it gets one more connector


@REGISTRY.connector
@dataclass(frozen=True, kw_only=True)
class Hub(HttpConnection):
    """A system with an operation."""

    type: ClassVar[str] = "hub"

    def operations(self):
        return {"pull": Operation(Label({"": "Pull"}), {"id": {"type": "integer"}}, frozenset({"id"}))}

    def readings(self):
        return {"requests": Reading(Label({"": "Requests"}), {"no": "its number"})}


@pytest.fixture(scope="module", params=APPS)
def uses(request):
    return index_of(loaded(APPS[request.param], REGISTRY), REGISTRY)


@pytest.fixture(scope="module")
def everywhere():
    return index_of(loaded(EVERYWHERE, REGISTRY), REGISTRY)


def new_name(thing):
    return f"{thing.own[:50]}_2"


def test_every_kind_of_thing_is_in_the_example(everywhere):
    assert {thing.kind for thing in everywhere.things} == set(kinds())


def test_at_every_place_stands_the_name(uses):
    for found, places in uses.places.items():
        for place in places:
            text = written_at(uses.source, place)
            assert found.own in (text, re.sub(r"\\x61", "a", text).strip("'\"")), (found, place)


def test_everything_renamed_at_once_loads_and_means_the_same(uses):
    renamings = [rename(uses, thing, new_name(thing)) for thing in uses.things]
    assert not [one.refused for one in renamings if one.refused]
    edits = list(dict.fromkeys(edit for one in renamings for edit in one.edits))
    again = read(apply(uses.source, edits), REGISTRY)
    keys = {edit.path: edit.name for edit in edits if isinstance(edit, KeyEdit)}
    names = {tuple(one.thing.names): one.new for one in renamings}

    def renamed(thing):
        return Thing(thing.kind, tuple(f"{name[:50]}_2" for name in thing.names))

    assert names
    assert shape(again) == shape(uses, renamed, keys)


def batches(uses, count):
    """All things, so many in one file that each can be told from the others and all is over in seconds."""
    rows = defaultdict(list)
    for at, found in enumerate(uses.things):
        rows[at % count].append(found)
    return list(rows.values())


def test_each_thing_renamed_alone_loads_and_means_the_same(uses):
    """Two dozen files for each application, in each of which a few things have other names and all others keep theirs;
    one of the files in the short form."""
    for batch in some(batches(uses, 24), 1):
        renamings = [rename(uses, thing, new_name(thing)) for thing in batch]
        edits = list(dict.fromkeys(edit for one in renamings for edit in one.edits))
        again = read(apply(uses.source, edits), REGISTRY)
        keys = {edit.path: edit.name for edit in edits if isinstance(edit, KeyEdit)}
        changed = {(thing.kind, thing.names): new_name(thing) for thing in batch}
        assert shape(again) == shape(uses, lambda thing, changed=changed: follow(thing, changed), keys)


LEADS = {"field": "form", "state": "form", "transition": "form", "view": "form", "print_format": "form",
         "option": "form field"}  # fmt: skip


def follow(thing, changed):
    """A thing whose own name or a name that leads to it changed."""
    kinds = [*LEADS.get(thing.kind, "").split(), thing.kind]
    names = (
        changed.get((kind, thing.names[: at + 1]), name)
        for at, (kind, name) in enumerate(zip(kinds, thing.names, strict=True))
    )
    return Thing(thing.kind, tuple(names))


def unknown_words(uses):
    """Words in values that are the name of something, and no place of the index."""
    names = {thing.own for thing in uses.things}
    known = {(place.path, place.start) for places in uses.places.values() for place in places if place.sort != "key"}
    for path, text in scalars(uses.source.data):
        for word in re.finditer(r"[A-Za-z_][A-Za-z0-9_]*", text):
            if word[0] in names and (path, word.start()) not in known:
                yield ".".join(map(str, path)), word[0]


def test_no_name_in_a_value_is_overlooked(everywhere):
    assert sorted(unknown_words(everywhere)) == [
        ("connections.hub.base_url", "hub"),
        ("connections.hub.type", "hub"),
        ("forms.ticket.checks.0.message", "project"),  # words for people
        ("forms.ticket.workflow.transitions.close.when", "all"),  # functions
        ("pages.start.cards.1.label", "priority"),
        ("rules.on_close.actions.5.until", "days"),
        ("rules.on_script.actions.0.source", "rest"),  # a name of the script's own
        ("rules.on_script.actions.0.source", "rest"),
        ("rules.on_script.actions.0.source", "rest"),
    ]


def test_no_name_as_a_key_is_overlooked(everywhere):
    names = {thing.own for thing in everywhere.things}
    known = {place.path for places in everywhere.places.values() for place in places if place.sort == "key"}
    rest = (".".join(map(str, path)) for path in everywhere.source.keys if path[-1] in names and path not in known)
    assert sorted(rest) == [
        "demo_users.ann.name",
        "forms.ticket.prints.front_sheet.parts",
        "forms.ticket.prints.line_label.parts",
        "forms.ticket.views.bars.start",
        "rules.on_close.actions.3.json.name",
        "rules.on_script.actions.0.values.level",
        "scenarios.a_high_ticket_is_asked_about.steps",
    ]


def test_a_rename_leaves_every_other_character_as_it_is(everywhere):
    """``due_on`` stands for one field only, so the whole text can be compared."""
    renaming = rename(everywhere, thing("field", "ticket.due_on"), "term")
    expected = everywhere.source.text.replace("due_on", "term").replace(
        "term: {type: date", "term: {id: due_on, type: date"
    )
    assert apply(everywhere.source, renaming.edits) == expected


# --- what forbids a name

REFUSED = [
    ("field", "ticket.due_on", "name", "There is a field 'name' already."),
    ("field", "ticket.due_on", "state", "'state' is reserved; choose another name."),
    ("field", "ticket.due_on", "class", "'class' is reserved; choose another name."),
    ("field", "step.hours", "parent", "'parent' is reserved; choose another name."),
    ("field", "ticket.due_on", "Due on",
     "'Due on' is no name: small letters, digits and '_', a letter first, at most 63."),
    ("field", "ticket.due_on", "", "'' is no name: small letters, digits and '_', a letter first, at most 63."),
    ("form", "ticket", "api", "'api' is reserved; choose another name."),
    ("form", "ticket", "project", "There is a form 'project' already."),
    ("form", "ticket", "start", "The menu could not tell the form 'start' from the page."),
    ("page", "start", "step", "The menu could not tell the page 'step' from the form."),
    ("role", "lead", "admin", "'admin' is reserved; choose another name."),
    ("role", "lead", "user", "'user' means something else here already."),
    ("state", "ticket.stuck", "previous", "'previous' is reserved; choose another name."),
    ("state", "ticket.stuck", "open", "There is a state 'open' already."),
    ("option", "project.level.grey", "best", "'best' is what the option 'gold' is called."),
    ("rule", "on_mail", "on_date", "There is a rule 'on_date' already."),
    ("connection", "post", "hub", "There is a connection 'hub' already."),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "new", "said"), REFUSED)
def test_a_name_that_cannot_be_taken_is_refused(everywhere, kind, name, new, said):
    renaming = rename(everywhere, thing(kind, name), new)
    assert ([str(finding.message) for finding in renaming.refused], renaming.edits) == ([said], ())


def test_a_name_that_stays_changes_nothing(everywhere):
    renaming = rename(everywhere, thing("form", "ticket"), "ticket")
    assert (renaming.edits, renaming.refused) == ((), ())


SMALL = """
app: small
label: Small
forms:
  job:
    label: Job
    fields:
      first: {type: choice, options: {red: {}, blue: {}}}
      second: {type: choice, options: {red: {}, blue: {}}}
      name: {type: text, id: was, visible_when: "coalesce(record.first, record.second) == 'red'"}
      note: {type: text, renamed_from: gone, required_when: "format(record.first) == 'blue' and record['name']"}
      rows: {type: lines, form: row}
      total: {type: rollup, of: task, via: tasks, fold: count}
    views: {all: {type: list, columns: [name]}}
    permissions: {}
  row: {label: Row, fields: {text: {type: text}}}
  task: {label: Task, fields: {tasks: {type: link, form: job}, row: {type: lines, form: more}}}
  more: {label: More, fields: {text: {type: text}}}
"""


@pytest.fixture(scope="module")
def small():
    text = SMALL.replace(" and record['name']", "")
    return read(text, REGISTRY)


def test_a_text_that_is_an_option_of_two_fields_is_not_renamed_for_one(small):
    renaming = rename(small, thing("option", "job.first.red"), "rose")
    assert [(str(finding.message), finding.path) for finding in renaming.refused] == [
        ("'red' is also a name of job.second.red here; say it in two conditions first.",
         "forms.job.fields.name.visible_when"),
    ]  # fmt: skip


def test_a_text_nothing_is_known_of_is_told_and_left(small):
    renaming = rename(small, thing("option", "job.first.blue"), "azure")
    assert renaming.perhaps == (("forms", "job", "fields", "note", "required_when"),)
    (use,) = [use for use in small.of(thing("option", "job.first.blue")) if not use.sure]
    assert str(use.sentence) == ("form “Job” › field “note” › “required_when” may mean option “blue”; look at it.")
    assert "format(record.first) == 'blue'" in apply(small.source, renaming.edits)


def test_the_former_name_of_another_is_refused(small):
    (finding,) = rename(small, thing("field", "job.first"), "gone").refused
    assert (str(finding.message), finding.path) == (
        "'gone' is the former name of 'note'.", "forms.job.fields.note.renamed_from",
    )  # fmt: skip


def test_an_identity_that_is_written_stays(small):
    text = apply(small.source, rename(small, thing("field", "job.name"), "label").edits)
    assert "label: {type: text, id: was, visible_when" in text
    again = read(text, REGISTRY)
    assert "name: {type: text, id: was" in apply(again.source, rename(again, thing("field", "job.label"), "name").edits)


def test_the_lines_a_rollup_would_take_instead_are_refused():
    text = SMALL.replace(" and record['name']", "").replace("of: task,", "of: row,").replace("via: tasks", "via: job")
    text = text.replace(
        "row: {label: Row, fields: {text: {type: text}}}",
        "row: {label: Row, fields: {text: {type: text}, job: {type: link, form: job}}}",
    )
    uses = read(text, REGISTRY)
    (finding,) = rename(uses, thing("field", "job.rows"), "job").refused
    assert str(finding.message) == "'job' means something else here already."


# --- what breaks without a thing


def broken(uses, thing):
    """What loading says once the thing is really deleted: the paths of its mistakes."""
    text = as_text(without(uses.source.data, uses.things[thing].path))
    return {finding.path for finding in mistakes(text, REGISTRY)}


@pytest.mark.parametrize("kind", sorted(kinds().keys() - {"app"}))
def test_what_deleting_breaks_is_told_before(everywhere, kind):
    for found in (found for found in everywhere.things if found.kind == kind):
        places = [one.path for one in breaks(everywhere, found)]
        told = {".".join(map(str, path[:length])) for path in places for length in range(len(path) + 1)}
        assert broken(everywhere, found) <= told, found


def test_every_reference_that_is_told_really_breaks(everywhere):
    """Names in the YAML itself; what an expression would read then is the same check, seen above."""
    for found in (
        found for found in everywhere.things if found.kind in ("form", "role", "rule", "connection", "state")
    ):
        paths = broken(everywhere, found)
        for one in breaks(everywhere, found):
            if one.by == found and everywhere.at(one.path)[0][1].sort in ("reference", "key"):
                assert ".".join(map(str, one.path)) in paths, (found, one)


def test_what_follows_from_a_gap_is_told_too(everywhere):
    (one,) = breaks(everywhere, thing("transition", "ticket.back"))
    assert (one.path[-2:], one.by, str(one.sentence)) == (
        ("states", "stuck"), None, "No transition leaves the state 'stuck'; let one leave it, or make it final.",
    )  # fmt: skip
    assert breaks(everywhere, thing("view", "ticket.parts")) == ()


def test_what_would_still_load_and_not_work_is_told(everywhere):
    places = {".".join(map(str, one.path)) for one in breaks(everywhere, thing("option", "ticket.mood.bad"))}
    assert "rules.on_change.actions.0.values.mood" in places


def test_there_and_back_again_leaves_every_character(uses):
    """All names changed and changed back: only the identities that were written on the way are new."""
    there = read(apply(uses.source, all_edits(uses, lambda own: f"{own[:50]}_2")), REGISTRY)
    back = apply(there.source, all_edits(there, lambda own: own.removesuffix("_2")))
    assert without_ids(back) == without_ids(uses.source.text)


def all_edits(uses, renamed):
    found = (rename(uses, thing, renamed(thing.own)) for thing in uses.things)
    return list(dict.fromkeys(edit for one in found for edit in one.edits))


def without_ids(text):
    """Single-quoted texts may come back in double quotes where an escape stood in a name."""
    text = re.sub(r"\n +id: [a-z0-9_]+(?=\n)", "", text)
    return re.sub(r"id: [a-z0-9_]+(, )?", "", text).replace("b\\\\x61d", "bad")


def test_a_definition_with_mistakes_is_indexed_as_far_as_it_goes():
    definition, source, findings = examine((ROOT / "tests/apps/broken_25.yaml").read_text(), REGISTRY)
    uses = index_of(Loaded(definition, source, findings), REGISTRY)
    assert len(uses.things) > 10
    for found in uses.things:
        assert not rename(uses, found, new_name(found)).refused
        assert all(str(one.sentence) for one in breaks(uses, found))
