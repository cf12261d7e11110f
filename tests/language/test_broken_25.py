
"""A file with 25 different mistakes gets 25 sentences, each with its line and column, in one run."""

from pathlib import Path

import pytest

from engine.builtin import default_registry
from engine.cli import main
from engine.errors import DefinitionError
from engine.load import load_file

FILE = Path(__file__).parent.parent / "apps" / "broken_25.yaml"

EXPECTED = """
8:3: roles.boss: 'label' is missing.
9:3: roles.boss: 'boss' stands twice, in lines 8 and 9; keep one.
13:12: forms.task.label: '&label' is an anchor; leave it out.
14:5: forms.task.lable: Unknown key 'lable'; did you mean 'label'?
16:37: forms.task.fields.title.required: Expected true or false; got 'maybe'.
22:20: forms.task.fields.note.type: Unknown 'txt'; did you mean 'text'?
23:7: forms.task.fields.owner_name: 'owner_name' is required, but it is read-only.
24:35: forms.task.fields.project.form: There is no form 'projekt'; expected one of task.
25:7: forms.task.fields.total: These values are worked out from each other in a circle: task.total → task.double → task.total.
29:19: forms.task.sections.0.columns: Expected at most 4; got 9.
31:42: forms.task.views.all.columns.1: 'task' has no field 'due_date'; did you mean 'due_on'?
32:37: forms.task.views.month.date: Expected a date; 'title' is of type text.
34:66: forms.task.permissions.clerk.update: There is no function todai; did you mean today?
35:7: forms.task.permissions.bos: There is no role 'bos'; did you mean 'boss'?
39:37: forms.task.workflow.states.open.within: Expected a length of time such as 30m, 4h, 2d, 1w or 3wd; got '4 hours'.
40:44: forms.task.workflow.states.doing.leave_with.0: The state 'doing' needs 'proof', but it stands in no section.
41:9: forms.task.workflow.states.waiting: No transition leaves the state 'waiting'; let one leave it, or make it final.
42:9: forms.task.workflow.states.lost: No record can get into the state 'lost': no transition leads there.
45:115: forms.task.workflow.transitions.start.when: task has no field owner_nam; did you mean owner_name?
46:52: forms.task.workflow.transitions.finish.to: 'task' has no state 'doen'; did you mean 'done'?
47:9: forms.task.workflow.transitions.wait: Nobody may take 'wait': give it roles, or let a rule take it.
49:36: forms.task.workflow.transitions.back.from.0: 'previous' only leads out of a state with 'aside: true', and 'lost' has none.
50:3: forms.Task-Line: 'Task-Line' cannot be a name: use small letters, digits and '_', with a letter first, at most 63.
56:3: rules.forth: These rules wake each other for ever: forth → on_new → forth.
67:63: rules.tell.actions.0.message: task has no field titel; did you mean title?
""".strip().splitlines()


def test_every_mistake_is_reported_once_with_its_place():
    with pytest.raises(DefinitionError) as caught:
        load_file(FILE, default_registry())
    shown = [str(finding).removeprefix(f"{FILE}:") for finding in caught.value.findings]
    assert shown == EXPECTED
    assert len(shown) == 25


def test_the_command_prints_them_and_exits_with_one(capsys):
    assert main(["check", str(FILE)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.removeprefix(f"{FILE}:") for line in lines[:-1]] == EXPECTED
    assert lines[-1] == f"{FILE}: 25 errors, 0 warnings, 0 notes"
