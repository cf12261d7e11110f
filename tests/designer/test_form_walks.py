"""Whatever somebody does to a form, in whatever order: the file loads, or the operation was refused with a sentence."""

from drafting import draft
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from designer.forms import canvas_of
from designer.operations import perform
from designer.text import apply
from engine.builtin import default_registry
from engine.errors import AppmillError
from engine.texts import say

REGISTRY = default_registry()
YAML = """\
# the works
app: works
label: {zh: 车间, en: Works}
roles:
  planner: {label: {zh: 计划, en: Planner}}
forms:
  site:
    label: {zh: 工地, en: Site}
    fields:
      name: {type: text, label: {zh: 名称, en: Name}}   # as on the sign
    permissions:
      planner: {create: true, read: true}
  job:
    label: {zh: 任务, en: Job}
    fields:
      # first of all
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      site: {type: link, form: site, label: {zh: 工地, en: Site}}
      due_on:
        type: date
        label: {zh: 交期, en: Due on}

      note: {type: long_text, label: 备注, visible_when: record.due_on is not None}
    sections:
      - {label: {zh: 基本, en: Basics}, fields: [name, site]}
      - label: {zh: 其他, en: Other}
        tab: {zh: 更多, en: More}
        fields: [due_on, note]
    views:
      open: {type: list, label: {zh: 全部, en: All}, columns: [name, due_on], sort: [-due_on]}
    permissions:
      planner: {create: true, read: true, update: true, fields: {note: {update: false}}}
menu:
  - {label: {zh: 全部, en: All}, items: [site, job]}
"""
COMMENTS = ["# the works", "# as on the sign", "# first of all"]
FORMS = st.sampled_from(["job", "job", "site"])
SMALL = st.integers(-1, 3)
TYPES = st.sampled_from(sorted(REGISTRY.fields))
LABELS = st.sampled_from(["特殊包装", "Due date", "名称", "x: {y}", "# no", "'", "重量（kg）"])


@st.composite
def intentions(draw):
    """(operation, arguments that need a field → how to choose it)."""
    return draw(st.sampled_from(sorted(_ARGUMENTS))), draw(st.integers(0, 10_000)), draw(FORMS), {
        "type": draw(TYPES), "section": draw(SMALL), "at": draw(SMALL), "to": draw(SMALL), "text": draw(LABELS),
        "count": draw(st.integers(1, 4)), "label": draw(LABELS), "force": draw(st.booleans()),
        "of": draw(st.sampled_from(["", "site", "job", "+"])), "verb": draw(st.sampled_from(["read", "update"])),
        "value": draw(st.sampled_from([True, False, None])), "role": "planner", "yaml": "name: {type: text}\n",
        "option": draw(st.sampled_from(["required", "wide", "unique"])),
    }  # fmt: skip


_ARGUMENTS = {
    "field.add": ("form", "type", "section", "at", "label", "of"),
    "field.move": ("form", "field", "section", "at"),
    "field.duplicate": ("form", "field"),
    "field.remove": ("form", "field"),
    "field.label": ("form", "field", "text"),
    "field.grant": ("form", "field", "role", "verb", "value"),
    "fields.move": ("form", "fields", "section", "at"),
    "fields.remove": ("form", "fields"),
    "fields.set": ("form", "fields", "option", "value"),
    "fields.paste": ("form", "yaml", "section", "at"),
    "section.add": ("form", "label", "fields"),
    "section.rename": ("form", "section", "text"),
    "section.move": ("form", "section", "to"),
    "section.remove": ("form", "section"),
    "section.columns": ("form", "section", "count"),
    "section.tab": ("form", "section", "text"),
    "form.add": ("label",),
}


def asked(workspace, operation, choice, form, values):
    names = list(workspace.data["forms"][form]["fields"])
    several = [names[choice % len(names)], names[(choice // 7) % len(names)]]
    known = {**values, "form": form, "field": names[choice % len(names)], "fields": list(dict.fromkeys(several))}
    return {key: known[key] for key in _ARGUMENTS[operation]}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(intentions(), min_size=1, max_size=8))
def test_any_walk_leaves_a_file_that_loads(walk):
    workspace = draft(YAML, language="zh", registry=REGISTRY)
    for operation, choice, form, values in walk:
        try:
            made = perform(workspace, operation, asked(workspace, operation, choice, form, values))
            applied = apply(workspace.document, made.edits)
        except AppmillError as refused:
            assert say(refused.reason, "zh")
            continue
        workspace = workspace.with_text(applied.text)
        errors = [finding for finding in workspace.findings if finding.severity == "error"]
        assert not errors, (operation, [str(finding) for finding in errors])
        for name in workspace.data["forms"]:
            canvas_of(workspace, name)
    assert workspace.text.startswith(COMMENTS[0])
