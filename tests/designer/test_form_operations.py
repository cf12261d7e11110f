"""What people do to forms, as the file says it before and after."""

from textwrap import dedent

import pytest
from drafting import after, draft, refusal

from designer.forms import canvas_of, palette
from designer.forms.copies import snippet
from designer.forms.rights import rights_of
from designer.naming import name_from
from designer.operations import Breaks, perform
from engine.builtin import default_registry
from engine.texts import say

HEAD = """\
app: works
label: {zh: 车间, en: Works}
languages: [zh, en]
roles:
  planner: {label: {zh: 计划, en: Planner}}
"""
PLAIN = """\
forms:
  # what is asked for
  job:
    label: {zh: 任务, en: Job}
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      due_on: {type: date, label: {zh: 交期, en: Due on}}   # agreed with the site
    permissions:
      planner: {create: true, read: true, update: true}
"""
LAID_OUT = """\
forms:
  job:
    label: {zh: 任务, en: Job}
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      due_on: {type: date, label: {zh: 交期, en: Due on}}
      note: {type: long_text, label: {zh: 备注, en: Note}}
    sections:
      - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
      - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
    views:
      open: {type: list, label: {zh: 全部, en: All}, columns: [name, due_on]}
    permissions:
      planner: {create: true, read: true, update: true}
"""


def changed(yaml, operation, /, *, language="zh", base=None, **arguments):
    """The lines that went and the lines that came."""
    before = draft(HEAD + yaml, language=language, base=None if base is None else HEAD + base)
    now = after(before, operation, **arguments)
    assert not now.reading.errors, [str(finding) for finding in now.findings]
    return difference(before.text, now.text)


def difference(old, new):
    from difflib import ndiff

    return "\n".join(line.rstrip() for line in ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-")


def lines(text):
    return dedent(text).strip("\n")


TABLE = {
    "a field without sections comes where it is put": (
        PLAIN, "field.add", {"form": "job", "type": "integer", "at": 1, "label": "件数"},
        "+       jian_shu: {type: integer, label: {zh: 件数}}",
    ),
    "a field in a section stands behind its neighbour in both places": (
        LAID_OUT, "field.add", {"form": "job", "type": "boolean", "section": 0, "at": 1},
        """
        +       yes_or_no: {type: boolean, label: {zh: 是否, en: Yes or no}}
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [name, yes_or_no, due_on]}
        """,
    ),
    "a choice has two options to begin with": (
        PLAIN, "field.add", {"form": "job", "type": "choice", "label": "等级"},
        """
        +       deng_ji:
        +         type: choice
        +         label: {zh: 等级}
        +         options:
        +           option_1: {label: {zh: 选项 1, en: Option 1}}
        +           option_2: {label: {zh: 选项 2, en: Option 2}}
        """,
    ),
    "a link knows its form": (
        PLAIN, "field.add", {"form": "job", "type": "link", "of": "job", "label": "前序任务"},
        "+       qian_xu_ren_wu: {type: link, label: {zh: 前序任务}, form: job}",
    ),
    "lines bring a form of their own": (
        PLAIN, "field.add", {"form": "job", "type": "lines", "of": "+", "label": "工序", "name": "steps"},
        """
        +       steps: {type: lines, label: {zh: 工序}, form: job_line}
        +   job_line:
        +     label: {zh: 工序}
        +     fields:
        +       name: {type: text, label: {zh: 名称, en: Name}}
        """,
    ),
    "a move without sections is a move in the fields": (
        PLAIN, "field.move", {"form": "job", "field": "due_on", "section": 0, "at": 0},
        """
        +       due_on: {type: date, label: {zh: 交期, en: Due on}}   # agreed with the site
        -       due_on: {type: date, label: {zh: 交期, en: Due on}}   # agreed with the site
        """,
    ),
    "a move between sections": (
        LAID_OUT, "field.move", {"form": "job", "field": "due_on", "section": 1, "at": 0},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [name]}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: [due_on, note]}
        """,
    ),
    "the last field of a section leaves it empty": (
        LAID_OUT, "field.move", {"form": "job", "field": "note", "section": 0, "at": 0},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [note, name, due_on]}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: []}
        """,
    ),
    "off the form": (
        LAID_OUT, "field.move", {"form": "job", "field": "due_on", "section": -1},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [name]}
        """,
    ),
    "a duplicate stands behind": (
        LAID_OUT, "field.duplicate", {"form": "job", "field": "due_on"},
        """
        +       due_on_2: {type: date, label: {zh: 交期（副本）, en: Due on (copy)}}
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [name, due_on, due_on_2]}
        """,
    ),
    "what only shows a field follows when it goes": (
        LAID_OUT, "field.remove", {"form": "job", "field": "due_on"},
        """
        -       due_on: {type: date, label: {zh: 交期, en: Due on}}
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: [name]}
        -       open: {type: list, label: {zh: 全部, en: All}, columns: [name, due_on]}
        +       open: {type: list, label: {zh: 全部, en: All}, columns: [name]}
        """,
    ),
    "several fields move together": (
        LAID_OUT, "fields.move", {"form": "job", "fields": ["name", "due_on"], "section": 1, "at": 0},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, fields: []}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: [name, due_on, note]}
        """,
    ),
    "several fields become required": (
        LAID_OUT, "fields.set", {"form": "job", "fields": ["due_on", "note"], "option": "required", "value": True},
        """
        -       due_on: {type: date, label: {zh: 交期, en: Due on}}
        +       due_on: {type: date, label: {zh: 交期, en: Due on}, required: true}
        -       note: {type: long_text, label: {zh: 备注, en: Note}}
        +       note: {type: long_text, label: {zh: 备注, en: Note}, required: true}
        """,
    ),
    "pasted fields get names of their own": (
        LAID_OUT, "fields.paste", {"form": "job", "section": 1, "yaml": "note: {type: text}\nmore: {type: date, id: old}\n"},
        """
        +       note_2: {type: text}
        +       more: {type: date}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note, note_2, more]}
        """,
    ),
    "the first section is written with the one there was": (
        PLAIN, "section.add", {"form": "job", "label": "更多", "fields": ["due_on"]},
        """
        +     sections:
        +       - {fields: [name]}
        +       - {label: {zh: 更多}, fields: [due_on]}
        """,
    ),
    "a section gets a heading in one language": (
        LAID_OUT, "section.rename", {"form": "job", "section": 1, "text": "说明"},
        """
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 说明, en: Other}, columns: 1, fields: [note]}
        """,
    ),
    "a section moves": (
        LAID_OUT, "section.move", {"form": "job", "section": 1, "to": 0},
        """
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        """,
    ),
    "the fields of a section that goes are kept": (
        LAID_OUT, "section.remove", {"form": "job", "section": 0},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, fields: [name, due_on, note]}
        """,
    ),
    "columns": (
        LAID_OUT, "section.columns", {"form": "job", "section": 0, "count": 3},
        """
        -       - {label: {zh: 基本, en: Basics}, fields: [name, due_on]}
        +       - {label: {zh: 基本, en: Basics}, columns: 3, fields: [name, due_on]}
        """,
    ),
    "a tab": (
        LAID_OUT, "section.tab", {"form": "job", "section": 1, "text": "附加"},
        """
        -       - {label: {zh: 其他, en: Other}, columns: 1, fields: [note]}
        +       - {label: {zh: 其他, en: Other}, columns: 1, tab: {zh: 附加}, fields: [note]}
        """,
    ),
    "another type keeps what fits": (
        LAID_OUT, "type.change", {"form": "job", "field": "name", "type": "series"},
        """
        -       name: {type: text, label: {zh: 名称, en: Name}, required: true}
        +       name: {type: series, label: {zh: 名称, en: Name}, pattern: "J{yyyy}{mm}-{0000}"}
        """,
    ),
    "a right of one field": (
        LAID_OUT, "field.grant", {"form": "job", "field": "note", "role": "planner", "verb": "update", "value": False},
        """
        -       planner: {create: true, read: true, update: true}
        +       planner: {create: true, read: true, update: true, fields: {note: {update: false}}}
        """,
    ),
    "a form": (
        PLAIN, "form.add", {"label": "工地"},
        """
        +   gong_di:
        +     label: {zh: 工地}
        +     fields:
        +       name: {type: text, label: {zh: 名称, en: Name}, required: true}
        +     views:
        +       all: {type: list, label: {zh: 全部, en: All}, columns: [name, updated_at]}
        +     permissions:
        +       planner: {create: true, read: true, update: true}
        """,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_the_file_says_it_as_a_person_would(case):
    text, operation, arguments, expected = TABLE[case]
    assert changed(text, operation, **arguments) == lines(expected)


def test_the_name_of_a_new_field_follows_its_first_label():
    added = after(draft(HEAD + PLAIN, language="zh"), "field.add", form="job", type="text")
    assert "text: {type: text, label: {zh: 文本, en: Text}}" in added.text
    named = after(added, "field.label", form="job", field="text", text="特殊包装要求")
    assert "te_shu_bao_zhuang_yao_qiu: {type: text, label: {zh: 特殊包装要求}}" in named.text
    field = "te_shu_bao_zhuang_yao_qiu"
    english = after(named, "field.label", form="job", field=field, text="Packing", language="en")
    assert "packing: {type: text, label: {zh: 特殊包装要求, en: Packing}}" in english.text


def test_a_name_a_person_chose_stays():
    added = after(draft(HEAD + PLAIN, language="zh"), "field.add", form="job", type="text", name="packing")
    named = after(added, "field.label", form="job", field="packing", text="特殊包装要求")
    assert "packing: {type: text, label: {zh: 特殊包装要求}}" in named.text


def test_the_name_of_a_field_in_force_stays():
    named = after(draft(HEAD + PLAIN, language="zh"), "field.label", form="job", field="due_on", text="截止日期")
    assert "due_on: {type: date, label: {zh: 截止日期, en: Due on}}   # agreed with the site" in named.text


def test_everything_that_names_a_new_field_follows_its_label():
    added = after(draft(HEAD + LAID_OUT, language="zh"), "field.add", form="job", type="integer", section=1)
    shown = after(added, "set", path=["forms", "job", "fields", "note", "visible_when"], value="record.whole_number > 2")
    named = after(shown, "field.label", form="job", field="whole_number", text="数量")
    assert 'visible_when: "record.shu_liang > 2"' in named.text or "visible_when: record.shu_liang > 2" in named.text
    assert "fields: [note, shu_liang]" in named.text


REFUSED = {
    ("field.add", "type", "nothing"): "There is no field type nothing.",
    ("field.add", "type", "link"): "Choose the form it points to.",
    ("field.add", "type", "lookup"): "It shows something of a linked record: add a link to a form first.",
    ("field.add", "type", "rollup"): (
        "It sums up what points here: let another form link to this one first, or add lines."
    ),
    ("section.columns", "count", 9): "A section has 1 to 4 columns.",
    ("section.remove", "section", 7): "The form has no section 8.",
    ("field.label", "text", " "): "A field needs a label that people can read.",
    ("fields.paste", "yaml", "[a]"): "What was copied is no fields; copy fields of a form first.",
}
NEEDED = {
    "field.label": {"field": "name"}, "section.columns": {"section": 0}, "fields.paste": {"section": 0},
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence(case):
    operation, argument, value = case
    arguments = {"form": "job", **NEEDED.get(operation, {}), argument: value}
    assert say(refusal(draft(HEAD + PLAIN), operation, **arguments).reason, "en") == REFUSED[case]


NEEDS_IT = LAID_OUT.replace("long_text,", "long_text, required_when: record.due_on is not None,")


def test_what_needs_a_field_stands_in_the_way_unless_forced():
    refused = refusal(draft(HEAD + NEEDS_IT), "field.remove", form="job", field="due_on")
    assert isinstance(refused, Breaks)
    assert say(refused.reason, "en") == "Due on is still used in 1 places."
    assert [place[0] for place in refused.places] == [("forms", "job", "fields", "note", "required_when")]
    forced = after(draft(HEAD + NEEDS_IT), "field.remove", form="job", field="due_on", force=True)
    assert "due_on: {" not in forced.text
    assert "columns: [name]" in forced.text


def test_the_last_columns_of_a_view_stand_in_the_way():
    refused = refusal(draft(HEAD + LAID_OUT), "fields.remove", form="job", fields=["name", "due_on"])
    assert isinstance(refused, Breaks)
    assert {place[0][:5] for place in refused.places} == {("forms", "job", "views", "open", "columns")}


def test_a_form_that_is_needed_stays():
    text = PLAIN.replace("    permissions:", "      step: {type: lines, form: row}\n    permissions:") + (
        "  row: {label: Row, fields: {name: {type: text}}}\nmenu:\n  - {label: All, items: [job]}\n"
    )
    refused = refusal(draft(HEAD + text), "form.remove", form="row")
    assert say(refused.reason, "en") == "Row is still used in 1 places."
    added = after(draft(HEAD + text), "form.add", label="Site")
    assert "items: [job, site]" in added.text
    assert "items: [job]" in after(added, "form.remove", form="site").text


def test_the_last_form_goes_as_well():
    whole = after(draft(HEAD + PLAIN), "form.remove", form="job")
    assert whole.at(("forms",)) is None
    assert whole.reading.errors == 0
    assert after(whole, "form.add", label="Site").reading.errors == 0


def test_copies_go_from_form_to_form():
    text = LAID_OUT + "  other: {label: Other, fields: {name: {type: text}}}\n"
    before = draft(HEAD + text)
    piece = snippet(before, "job", ["due_on", "note"])
    assert piece.startswith("due_on: {type: date, label: {zh: 交期, en: Due on}}")
    pasted = after(before, "fields.paste", form="other", yaml=piece)
    assert list(pasted.data["forms"]["other"]["fields"]) == ["name", "due_on", "note"]


# --- the canvas ------------------------------------------------------------------------------------------------------


def test_the_canvas_shows_sections_fields_and_their_marks():
    lines_form = "  row: {label: Row, fields: {part: {type: text, label: {zh: 零件, en: Part}}}}\n"
    text = LAID_OUT.replace("    sections:", "      rows: {type: lines, form: row}\n    sections:") + lines_form
    canvas = canvas_of(draft(HEAD + text, language="zh", base=HEAD + LAID_OUT), "job")
    assert [(tab.label, tab.named) for tab in canvas.tabs] == [("任务", False)]
    first, second = canvas.tabs[0].sections
    assert (first.label, first.columns, second.columns) == ("基本", 2, 1)
    assert [(field.label, field.type_label, field.marks, field.uses) for field in first.fields] == [
        ("名称", "文本", ("required",), 2),
        ("交期", "日期", (), 2),
    ]
    (rows,) = canvas.tray
    assert (rows.marks, [column.label for column in rows.columns]) == (("new",), ["零件"])


def test_the_canvas_is_drawn_from_a_file_with_mistakes():
    canvas = canvas_of(draft(HEAD + LAID_OUT.replace("type: date", "type: dat")), "job")
    field = canvas.tabs[0].sections[0].fields[1]
    assert (field.label, field.type, field.icon) == ("Due on", "dat", "help-circle")
    assert field.errors == ("Unknown 'dat'; did you mean 'date'?",)


def test_without_sections_there_is_one():
    canvas = canvas_of(draft(HEAD + PLAIN), "job")
    assert [[field.name for field in section.fields] for section in canvas.tabs[0].sections] == [["name", "due_on"]]
    assert (canvas.written, canvas.tray) == (False, ())


def test_the_palette_holds_every_type_and_is_found_by_pinyin():
    registry = default_registry()
    shelves = palette(registry, "zh")
    pieces = {piece.type: piece for shelf in shelves for piece in shelf.pieces}
    assert set(pieces) == set(registry.fields)
    assert all(not piece.label.isascii() for piece in pieces.values())
    assert "daduanwenben" in pieces["long_text"].found_by.split()
    assert "ddwb" in pieces["long_text"].found_by.split()
    assert [shelf.label for shelf in shelves][:2] == ["文字", "数字"]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("特殊包装要求", "te_shu_bao_zhuang_yao_qiu"),
        ("Due date", "due_date"),
        ("VIP 客户", "vip_ke_hu"),
        ("Größe", "grosse"),
        ("3D 图纸", "text"),
        ("！", "text"),
        ("这是一个非常非常长的字段名称用来测试长度限制", "zhe_shi_yi_ge_fei_chang_fei_chang_zhang"),
    ],
)
def test_names_are_read_from_labels(label, name):
    assert name_from(label, "text") == name


def test_the_rights_of_a_field_are_a_matrix():
    text = LAID_OUT.replace("update: true}", "update: record.due_on is None, fields: {note: {read: false}}}")
    rights = rights_of(draft(HEAD + text), "job", "note")
    assert [(right.role, right.verb, right.record, right.own) for right in rights] == [
        ("planner", "read", True, False),
        ("planner", "update", "record.due_on is None", None),
    ]


def test_labels_of_the_undo_list():
    made = perform(draft(HEAD + LAID_OUT), "fields.move", {"form": "job", "fields": ["name", "note"], "section": 1})
    assert say(made.label, "en") == "Name, Note are moved"
    assert made.select == ("forms", "job", "fields", "name")
