"""An application with something of everything that a condition can read, and people who do things at random."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from making import Made

from engine.errors import AppmillError

WORLD = """
    app: desk
    label: Desk
    languages: [en]
    timezone: Europe/Berlin
    roles: {clerk: {label: Clerk}, chief: {label: Chief}}
    connections:
      post: {type: smtp, host: mail.example.org, sender: desk@example.org}
    forms:
      project:
        label: Project
        title: record.name
        fields:
          name: {type: text, required: true}
          budget: {type: money}
          closed: {type: boolean}
          tickets: {type: rollup, of: ticket, via: project}
        permissions: {clerk: {create: true, read: true, update: true}}
      step:
        label: Step
        fields:
          what: {type: text}
          hours: {type: decimal, scale: 2}
      ticket:
        label: Ticket
        title: record.name
        fields:
          name: {type: text, required: true}
          urgent: {type: boolean}
          amount: {type: money}
          due_on: {type: date}
          called_at: {type: datetime}
          note: {type: text}
          score: {type: integer}
          pin: {type: text, sensitive: true}
          project: {type: link, form: project}
          friends: {type: links, form: ticket}
          steps: {type: lines, form: step}
          hours: {type: rollup, of: step.hours, via: steps, fold: sum}
          cost: {type: computed, result: {type: decimal}, value: "record.hours * 2"}
          doubled: {type: computed, result: {type: money}, value: "record.amount * 2"}
          helper: {type: user}
        permissions:
          clerk: {create: true, read: true, update: true, delete: true}
          chief: {create: true, read: true, update: true, delete: true}
        workflow:
          initial: open
          states:
            open: {label: Open, within: 2d}
            doing: {label: Doing, owner_expression: record.helper}
            done: {label: Done, final: true}
          transitions:
            begin: {label: Begin, from: [open], to: doing, roles: [clerk, chief]}
            stop: {label: Stop, from: [doing], to: open, roles: [clerk, chief]}
            finish: {label: Finish, from: [doing, open], to: done, roles: [chief]}
            reopen: {label: Reopen, from: [done], to: open, roles: [chief]}
    demo_users:
      ann: {name: Ann, roles: [clerk]}
      bob: {name: Bob, roles: [chief]}
"""

RULES = """
      big:
        trigger: {type: changed, form: ticket}
        when: record.amount >= 100 and record.project.budget > record.amount
        actions: [{type: notify, to: [chief], message: "{{ record.name }} of {{ record.project }}: {{ record.amount }}"}]
      grew:
        trigger: {type: updated, form: ticket}
        when: record.hours > 4 and record.hours != old.hours
        actions:
          - {type: set, values: {score: "(record.score or 0) + 1"}}
          - {type: notify, to: [record.created_by], message: "{{ record.cost }} from {{ old.cost }}"}
      named:
        trigger: {type: updated, form: ticket, field: name, to: "'hot'"}
        actions: [{type: set, values: {urgent: "True"}}]
      begun:
        trigger: {type: entered, form: ticket, state: doing}
        when: any(step.hours > 2 for step in record.steps) or count(friend for friend in record.friends) > 0
        actions:
          - {type: set, values: {note: "'begun by ' + user.name"}}
          - {type: wait, for: 2h}
          - {type: notify, to: [chief], message: "still {{ record.state.label }}"}
      late:
        trigger: {type: left, form: ticket, state: open}
        when: record.due_on < today() or now() > record.state_due
        actions: [{type: create, form: project, values: {name: "'late ' + record.name", budget: "record.amount"}}]
      ended:
        trigger: {type: taken, form: ticket, transition: finish}
        actions:
          - {type: update, form: ticket, where: "record.project == source.project and record.state == 'open'",
             values: {score: "(record.score or 0) + 10"}}
          - {type: mail, connection: post, to: ["'boss@example.org'"], subject: "Done: {{ record.name }}",
             message: "{{ record.hours }} h, {{ len(record.steps) }} steps"}
      tidy:
        trigger: {type: deleted, form: ticket}
        when: record.project.name != 'none'
        actions: [{type: notify, to: [clerk], message: "{{ old.name }} gone, {{ count(step for step in record.steps) }}"}]
      push:
        trigger: {type: button, form: ticket, label: Push, roles: [clerk]}
        when: record.urgent and not record.project.closed
        actions: [{type: set, values: {score: "99"}}]
      owned:
        trigger: {type: changed, form: ticket}
        when: record.owner == user or (record.state == 'doing' and record.owner.name == 'Ann')
        actions: [{type: notify, to: [record.owner], message: "yours"}]
      reopen:
        trigger: {type: updated, form: ticket, field: urgent}
        when: record.state == 'done' and record.urgent
        actions: [{type: take, transition: reopen}]
      no_zero:
        trigger: {type: updated, form: ticket, field: amount}
        when: record.amount == 0
        actions: [{type: refuse, message: "Not nothing."}]
      watched:
        trigger: {type: updated, form: ticket, field: score}
        shadow: true
        actions: [{type: notify, to: [chief], message: "{{ record.score }}"}]
"""


class Life:
    """People doing things, the same for the same seed."""

    def __init__(self, made: Made, seed: int) -> None:
        self.made, self.dice = made, random.Random(seed)
        self.tickets: list[int] = []
        self.projects: list[int] = []
        self.refused = 0

    def live(self, turns: int) -> None:
        for _turn in range(turns):
            self.made.clock.advance(minutes=self.dice.randint(1, 200))
            act = self.dice.choice(self.acts)
            try:
                act(self)
            except AppmillError:
                self.refused += 1

    def who(self) -> str:
        return self.dice.choice(["ann", "bob", "admin"])

    def ticket(self) -> int:
        return self.dice.choice(self.tickets) if self.tickets else 0

    def values(self) -> dict[str, Any]:
        dice = self.dice
        day = self.made.clock().date().toordinal()
        choices: dict[str, Callable[[], Any]] = {
            "name": lambda: dice.choice(["hot", "cold", "mild"]),
            "urgent": lambda: dice.random() < 0.5,
            "amount": lambda: dice.choice(["0", "50", "150", "250.50", None]),
            "due_on": lambda: type(self.made.clock().date()).fromordinal(day + dice.randint(-3, 3)).isoformat(),
            "called_at": lambda: self.made.clock().isoformat(),
            "note": lambda: dice.choice(["a", "b", None]),
            "pin": lambda: dice.choice(["1234", "9", None]),
            "project": lambda: dice.choice([*self.projects, None]),
            "friends": lambda: dice.sample(self.tickets, min(len(self.tickets), dice.randint(0, 2))),
            "helper": lambda: dice.choice([self.made.id_of("ann"), self.made.id_of("bob"), None]),
        }
        return {name: choices[name]() for name in dice.sample(list(choices), dice.randint(1, 4))}

    def new_project(self) -> None:
        budget = self.dice.choice(["10", "200", "999"])
        self.projects.append(self.made.create("project", name=f"P{len(self.projects)}", budget=budget).id)

    def change_project(self) -> None:
        if self.projects:
            self.made.update("project", self.dice.choice(self.projects), as_=self.who(),
                             budget=self.dice.choice(["10", "200", "999"]), closed=self.dice.random() < 0.5)  # fmt: skip

    def new_ticket(self) -> None:
        steps = [{"what": f"s{n}", "hours": self.dice.choice(["1.5", "3", None])} for n in range(self.dice.randint(0, 3))]
        values = {"name": "new", **self.values(), "steps": steps}
        self.tickets.append(self.made.create("ticket", as_=self.who(), **values).id)

    def change_ticket(self) -> None:
        self.made.update("ticket", self.ticket(), as_=self.who(), **self.values())

    def change_steps(self) -> None:
        id = self.ticket()
        stored = self.made.lines("step", id)
        kept = [{"id": line["id"]} for line in stored if self.dice.random() < 0.7]
        for line in kept:
            if self.dice.random() < 0.5:
                line["hours"] = self.dice.choice(["0.5", "2.25", "6"])
        self.dice.shuffle(kept)
        new = [{"what": "more", "hours": self.dice.choice(["1", "5"])} for _ in range(self.dice.randint(0, 2))]
        self.made.update("ticket", id, as_=self.who(), steps=[*kept, *new])

    def move(self) -> None:
        step = self.dice.choice(["begin", "stop", "finish"])
        self.made.take("ticket", self.ticket(), step, as_=self.who(), **self.values())

    def drop(self) -> None:
        if self.dice.random() < 0.3:
            self.made.delete("ticket", self.ticket(), as_=self.who())

    def bring_back(self) -> None:
        self.made.restore("ticket", self.ticket(), as_="admin")

    def press(self) -> None:
        self.made.press("ticket", self.ticket(), "push", as_=self.who())

    def adopt(self) -> None:
        self.tickets.append(self.made.adopt("ticket", name="old", state="doing", amount="500").id)

    acts = (new_project, change_project, new_ticket, change_ticket, change_ticket, change_ticket, change_steps,
            change_steps, move, move, move, drop, bring_back, press, adopt)  # fmt: skip


def tried(app: Any, actor: Any) -> Any:
    """Everything there is to try: each rule on records, with changes supposed, and on what happened. As JSON."""
    from engine.trying.back import back_test
    from engine.trying.dry import dry_run
    from engine.trying.shadow import shadow_report
    from engine.trying.supposing import Supposed

    changes = [None, Supposed({"name": "hot", "amount": "250", "urgent": "yes"}), Supposed(transition="begin"),
               Supposed(transition="finish"), Supposed(kind="deleted")]  # fmt: skip
    found: dict[str, Any] = {}
    for name in app.definition.rules:
        found[name] = [back_test(app, actor, name, 90).json(), shadow_report(app, name)]
        for id in (1, 2, 3):
            for change in changes:
                try:
                    found[name].append(dry_run(app, actor, name, "ticket", id, change=change).json("en"))
                except AppmillError as refused:
                    found[name].append(str(refused))
    return json.loads(json.dumps(found))
