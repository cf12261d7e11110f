"""A draft's rule tried out: on a record, over the live data where the draft's forms are those in force, else over a
sample of it; and on what happened lately."""

from __future__ import annotations

from dataclasses import dataclass

from designer.preview import world
from designer.workspace import Workspace
from engine.application import Application
from engine.definition import Form, Rule
from engine.errors import Message, Refused, message
from engine.people import Actor
from engine.triggers import OnRecord
from engine.trying import jobs
from engine.trying.dry import Trial, dry_run

SAMPLE = message("The draft changes forms: it is tried on a sample of the records you may read.")


@dataclass(frozen=True)
class Stage:
    """Where a rule is tried: ``app`` holds the records, ``note`` says what is special about them."""

    app: Application
    rule: Rule
    note: Message | None = None

    @property
    def form(self) -> Form | None:
        """The form whose records wake it; None where none does."""
        on_record = isinstance(self.rule.trigger, OnRecord) and self.rule.form
        return self.app.definition.forms.get(self.rule.form or "") if on_record else None

    def tried(self, actor: Actor, record_id: int | None) -> Trial:
        """What the rule would do now. Nothing is done. Raises Missing for a record the actor may not see."""
        form = self.form
        return dry_run(self.app, actor, self.rule, form.name if form else None, record_id)


def stage_of(live: Application, workspace: Workspace, actor: Actor, name: str) -> Stage:
    """Raises Refused while the rule or the draft has mistakes."""
    rule = workspace.definition.rules.get(name) if workspace.definition else None
    if rule is None or workspace.definition is None or workspace.reading.errors:
        raise Refused(message("The draft has mistakes; put them right to try the rule."))
    if same_forms(live, workspace):
        return Stage(live, rule)
    return Stage(world(workspace, actor, live), rule, SAMPLE)


def same_forms(live: Application, workspace: Workspace) -> bool:
    """Whether the draft leaves forms, roles and connections as they are in force."""
    now, then = live.definition, workspace.definition
    return then is not None and (now.forms, now.roles, now.connections) == (then.forms, then.roles, then.connections)


def look_back(live: Application, workspace: Workspace, actor: Actor, name: str, days: int) -> int:
    """A back-test of the draft's rule that runs from now on; answers its job. Raises Denied, Refused."""
    stage_of(live, workspace, actor, name)
    if not same_forms(live, workspace):
        raise Refused(message("The draft changes forms, and what happened is kept in those in force. "
                              "Publish the forms first, with the rule watching only."))  # fmt: skip
    id = jobs.begin(live, actor, name, days, draft=workspace.text)
    jobs.start(live, actor, id)
    return id
