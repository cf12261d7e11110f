"""A small workshop whose people are reached by mail and by chat; mails and chat messages are kept instead of sent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import sqlalchemy as sa
from making import Made

from engine.builtin import default_registry
from engine.connectors import Connection, Operation
from engine.errors import DeliveryFailed, message
from engine.language import Label
from engine.outside.task import Surroundings, Task
from engine.reaching import states
from engine.registry import Registry
from engine.secrets import Sources

SEND = {"text": {"type": "string"}, "title": {"type": "string"}, "mentions": {"type": "array"},
        "buttons": {"type": "array"}}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GroupChat(Connection):
    """A robot that writes to a group."""

    type: ClassVar[str] = "group_chat"

    def operations(self) -> Mapping[str, Operation]:
        return {"send": Operation(Label({"": "Send"}), SEND, frozenset({"text"}))}


@dataclass(frozen=True, kw_only=True)
class PersonalChat(Connection):
    """A robot that writes to one person."""

    type: ClassVar[str] = "personal_chat"

    def operations(self) -> Mapping[str, Operation]:
        return {"send": Operation(Label({"": "Send"}), {**SEND, "to": {"type": "string"}}, frozenset({"text"}))}


@dataclass
class Outbox:
    """What went out: mails as their data, chat messages as their values, with the connection."""

    sent: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)  # connection → why

    def __call__(self, task: Task, surroundings: Surroundings) -> Mapping[str, Any]:
        surroundings.about_to_send()
        name = task.connection.name if task.connection else ""
        if name in self.fails:
            raise DeliveryFailed(message("{reason}", reason=self.fails[name]), again=False)
        self.sent.append((name, task.data["values"] if task.kind == "call" else task.data))
        return {}

    def texts(self) -> list[tuple[str, str]]:
        return [(name, str(data.get("subject") or data.get("title") or data["text"])) for name, data in self.sent]


def registry_with(outbox: Outbox) -> Registry:
    registry = default_registry()
    registry.connector(GroupChat)
    registry.connector(PersonalChat)
    registry.performers["mail"] = outbox  # type: ignore[index]
    registry.performers["call"] = outbox  # type: ignore[index]
    return registry


HEAD = """
app: workshop
label: {zh: 工坊, en: Workshop}
languages: [en, zh]
timezone: Asia/Shanghai
roles:
  worker: {label: {zh: 工人, en: Worker}}
  chief: {label: {zh: 主管, en: Chief}}
demo_users:
  wu: {name: Wu, roles: [worker]}
  chen: {name: Chen, roles: [chief]}
connections:
  post: {type: smtp, host: mail.example.com, sender: Workshop <app@example.com>}
  ding: {type: group_chat}
  im: {type: personal_chat}
forms:
  job:
    label: {zh: 工单, en: Job}
    title: record.name
    fields:
      name: {type: text, label: {zh: 名称, en: Name}, required: true}
      hands: {type: user, label: {zh: 谁做, en: Whose}}
      cost: {type: integer, label: {zh: 费用, en: Cost}}
      hidden: {type: boolean, label: {zh: 隐藏, en: Hidden}, default: false}
    permissions:
      worker: {create: true, read: "not record.hidden", update: true, fields: {cost: {read: false}}}
      chief: {create: true, read: true, update: true}
    workflow:
      initial: open
      states:
        open: {label: {zh: 待办, en: Open}, owner: worker, owner_expression: record.hands}
        done: {label: {zh: 完成, en: Done}, final: true}
      transitions:
        finish: {label: {zh: 完成, en: Finish}, from: [open], to: done, roles: [worker, chief]}
rules:
  tell:
    trigger: {type: button, form: job, roles: [worker, chief], label: {zh: 通知, en: Tell}}
    actions: [{type: notify, to: [worker], message: {zh: "看看 {{ record.name }}", en: "Look at {{ record.name }}"}}]
  sign:
    trigger: {type: button, form: job, roles: [worker, chief], label: {zh: 请批, en: Sign}}
    actions:
      - type: approve
        label: {zh: 开工审批, en: Go-ahead}
        message: {zh: "{{ record.name }} 可以开工吗?", en: "May {{ record.name }} begin?"}
        steps: [{label: {zh: 主管, en: Chief}, to: [chief]}]
        shows: [name, cost]
        one_time: 2d
"""
REACH = """
reach:
  ways:
    chat: {label: {zh: 钉钉群, en: Group chat}, connection: ding}
    mail: {label: {zh: 邮件, en: E-mail}, connection: post}
  asked: {at_once: [mail], urgent: true}
  responsible: {at_once: [mail]}
  mentioned: {at_once: [mail]}
  told: {at_once: [mail]}
"""
MORNING = dt.datetime(2026, 3, 2, 2, 0, tzinfo=dt.UTC)  # a Monday, 10:00 in Shanghai
ADDRESS = "https://work.example.com"


@dataclass
class World:
    made: Made
    outbox: Outbox

    @property
    def app(self) -> Any:
        return self.made.application

    def deliver(self) -> list[tuple[str, str]]:
        """Deliver what is due; answers what went out with it: (connection, subject, title or text)."""
        before = len(self.outbox.sent)
        self.made.deliver()
        return self.outbox.texts()[before:]

    def at(self, moment: dt.datetime) -> None:
        self.made.clock.now = moment

    def later(self, **length: float) -> list[tuple[str, str]]:
        self.made.clock.now += dt.timedelta(**length)
        return self.deliver()

    def account(self, login: str, **values: Any) -> None:
        table = self.app.tables.user
        with self.app.database.write() as conn:
            conn.execute(sa.update(table).where(table.c.id == self.made.id_of(login)).values(**values))

    def read_all(self, login: str) -> None:
        table = self.app.tables.notification
        with self.app.database.write() as conn:
            conn.execute(
                sa.update(table).where(table.c.user_id == self.made.id_of(login)).values(read_at=self.app.clock())
            )

    def states(self, login: str = "wu") -> list[list[str]]:
        """How each notice of somebody went out, the oldest first, in English."""
        table = self.app.tables.notification
        with self.app.database.read() as conn:
            ids = conn.scalars(
                sa.select(table.c.id).where(table.c.user_id == self.made.id_of(login)).order_by(table.c.id)
            ).all()
            found = states.of_notices(self.app, conn, ids)
        return [[str(one.said(lambda at: f"{at:%d %H:%M}")) for one in found.get(id, ())] for id in ids]


MakeWorld = Callable[..., World]


def world(make_app: Any, reach: str = REACH, now: dt.datetime = MORNING, address: str | None = ADDRESS) -> World:
    outbox = Outbox()
    made = make_app(HEAD + reach, registry=registry_with(outbox), now=now)
    object.__setattr__(made.application, "sources", Sources(address=address))
    here = World(made, outbox)
    here.account("wu", email="wu@example.com", phone="13800000001", language="en", timezone="Asia/Shanghai")
    here.account("chen", email="chen@example.com", phone="13800000002", language="zh", timezone="Asia/Shanghai")
    return here
