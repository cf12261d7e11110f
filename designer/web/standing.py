"""How far a draft is on its way into force: what is wrong, what changes, what is to be decided, what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from designer.difference import Difference, Group, differences, grouped
from designer.inforce import InForce, in_force
from designer.web.frame import desk
from designer.workspace import Workspace
from engine.application import Application
from engine.errors import Finding, Message, message
from engine.fields.base import Field
from engine.load import hash_of
from engine.people import Actor
from engine.publishing import jobs
from engine.publishing.history import Version, latest_of
from engine.publishing.jobs import Job
from engine.publishing.preparing import Prepared, prepare
from engine.storage.decisions import Decision, MigrationQuestion
from engine.storage.migrate import source_of
from engine.yamlfile import Path, dotted


@dataclass(frozen=True)
class Standing:
    """A draft beside what is in force. Each part is worked out when it is asked for: a trial that is polled needs no
    plan."""

    app: Application
    actor: Actor
    draft: Workspace

    @cached_property
    def prepared(self) -> Prepared:
        """Checked and planned, with what was decided so far."""
        change = self.draft.change
        decisions = {id: Decision.from_data(given) for id, given in change.decisions.items()}
        kind = "rolled_back" if self.is_rollback else "published"
        known = self.draft.reading
        examined = (known.definition, known.source, known.findings)
        return prepare(self.app, known.text, decisions, base=change.base, kind=kind, examined=examined)

    @cached_property
    def current(self) -> InForce:
        return in_force(self.app)

    @cached_property
    def former(self) -> Version | None:
        """When this very text was put in force before."""
        hash_ = hash_of(self.draft.text)
        with self.app.database.read() as conn:
            return latest_of(conn, hash_) if source_of(conn, hash_) is not None else None

    @cached_property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(jobs.recent(self.app, self.actor, change_id=self.draft.change.id))

    @property
    def overtaken(self) -> bool:
        """Somebody published since it began."""
        return self.prepared.drifted

    @property
    def is_rollback(self) -> bool:
        """Its text was in force before."""
        return self.former is not None

    @cached_property
    def newest(self) -> Version | None:
        """Who put in force what is in force."""
        with self.app.database.read() as conn:
            return latest_of(conn, self.current.hash)

    # --- what changes

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """Beside what is in force; of an overtaken draft, beside what it began from."""
        ground = self.draft.change.base_text if self.overtaken else self.current.text
        old = desk().readings.of(ground)
        if old.definition is None or self.draft.definition is None:
            return ()
        return tuple(differences(old.loaded, self.draft.loaded, self.app.registry))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        return grouped(self.differences)

    @property
    def wider(self) -> int:
        return sum(bool(one.widened) for one in self.differences)

    @cached_property
    def places(self) -> Mapping[str, Path]:
        """The place each finding is about, by its dotted path."""
        return {dotted(path): path for path in self.draft.source.values}

    def place_of(self, finding: Finding) -> Path | None:
        return self.places.get(finding.path) if finding.path else None

    # --- what is to be decided

    @property
    def questions(self) -> tuple[MigrationQuestion, ...]:
        return self.prepared.plan.questions if self.prepared.plan else ()

    @cached_property
    def open(self) -> frozenset[str]:
        """The questions somebody still has to answer."""
        plan = self.prepared.plan
        return frozenset(each.id for each in plan.open_questions) if plan else frozenset()

    @property
    def problems(self) -> Mapping[str, Message]:
        """What is wrong with a decision, by the question."""
        return self.prepared.plan.problems if self.prepared.plan else {}

    def form_of(self, question: MigrationQuestion) -> str | None:
        """The form in force whose records a question is about; None where it cannot be opened by that name."""
        about = question.about
        known = about[:1] == ("forms",) and len(about) > 1 and about[1] in self.app.definition.forms
        return str(about[1]) if known else None

    def field_of(self, question: MigrationQuestion) -> Field | None:
        """The field a question is about, which says how its values are typed."""
        about, definition = question.about, self.draft.definition
        if definition is None or about[:1] != ("forms",) or len(about) < 4 or about[2] != "fields":
            return None
        form = definition.forms.get(str(about[1]))
        return form.fields.get(str(about[3])) if form else None

    def decided(self, question: MigrationQuestion) -> Decision:
        """What was chosen, or is chosen by itself."""
        given = (self.prepared.decisions or {}).get(question.id)
        return given or Decision(question.default or "")

    # --- what was tried

    def job(self, kind: str) -> Job | None:
        """The latest of a kind that looked at the text as it is now."""
        mine = hash_of(self.draft.text)
        return next((job for job in self.jobs if job.kind == kind and job.hash == mine), None)

    @property
    def moving(self) -> bool:
        """Whether something of the trial is under way."""
        return any(job is not None and job.running for job in (self.gate, self.rehearsal))

    @property
    def gate(self) -> Job | None:
        return self.job(jobs.GATE)

    @property
    def rehearsal(self) -> Job | None:
        return self.job(jobs.REHEARSE)

    @property
    def trial(self) -> Job | None:
        """What has to have gone well before it is published: a rehearsal of a way back, the gates of anything else."""
        return self.rehearsal if self.is_rollback else self.gate

    @property
    def wants_trial(self) -> bool:
        """Nobody tried it yet, and nothing stands in the way of trying it."""
        ready = not (self.prepared.errors or self.prepared.same or self.overtaken)
        return ready and self.trial is None and not (self.is_rollback and (self.open or not self.may_publish))

    @property
    def publishing(self) -> Job | None:
        """A publication that is under way, of this draft."""
        return next((job for job in self.jobs if job.kind == jobs.PUBLISH and job.running), None)

    @property
    def failed(self) -> bool:
        """It was tried, and did not go well; people may go on when they say so."""
        trial = self.trial
        return trial is not None and trial.state == jobs.DONE and not went_well(trial)

    # --- may it be published?

    @property
    def may_publish(self) -> bool:
        return self.actor.is_admin or not (self.prepared.guarded or self.is_rollback)

    @cached_property
    def waits_for(self) -> tuple[Message, ...]:
        """Why it cannot be published yet, in the order people go through the page."""
        found: list[Message] = []
        if self.prepared.errors:
            found.append(message("Mistakes to be mended: {count}.", count=self.prepared.errors))
        elif self.prepared.same:
            found.append(message("It is what is in force already."))
        if self.overtaken:
            found.append(message("What was published meanwhile is to be merged in."))
        if self.open:
            found.append(message("Decisions about the data to be made: {count}.", count=len(self.open)))
        trial = self.trial
        if not found and (trial is None or trial.state != jobs.DONE):
            found.append(message("It is to be rehearsed on a copy first.") if self.is_rollback
                         else message("It is to be tried out first."))  # fmt: skip
        if self.is_rollback and self.failed:
            found.append(message("The rehearsal did not go well."))
        return tuple(found)


def went_well(job: Job) -> bool:
    if job.kind == jobs.REHEARSE:
        rehearsal = jobs.rehearsal_of(job)
        return rehearsal is not None and rehearsal.ok
    return bool(job.result.get("ok"))

