"""What is wrong with `reach:` is said when the file is read, at its place."""

from __future__ import annotations

import pytest
from reaching_world import HEAD, REACH, Outbox, registry_with

from engine.load import examine

REGISTRY = registry_with(Outbox())


def said(reach: str) -> list[str]:
    _definition, _source, findings = examine(HEAD + reach, REGISTRY, "app.yaml")
    return [f"{one.path}: {one.message}" for one in findings if one.path.startswith(("reach", "rules"))]


def test_what_is_right_says_nothing():
    assert said(REACH) == []


@pytest.mark.parametrize(
    ("right", "wrong", "because"),
    [
        ("connection: ding", "connection: dong",
         "reach.ways.chat.connection: There is no connection 'dong'; did you mean 'ding'?"),
        ("connection: ding", "connection: ding, alone: true",
         "reach.ways.chat.alone: Messages of 'ding' go to a group: its operation `send` takes no `to`."),
        ("told: {at_once: [mail]}", "told: {at_once: [mail], digest: [mail]}",
         "reach.told.digest.0: 'mail' goes out at once already."),
        ("told: {at_once: [mail]}", "told: {at_once: [post]}",
         "reach.told.at_once.0: There is no way 'post'"),
        ("told: {at_once: [mail]}", "told: {locked: true}",
         "reach.told.locked: Nobody could be reached: name a way in `at_once` or `digest`."),
        ("told: {at_once: [mail]}", 'told: {at_once: [mail], texts: {mail: {title: "{{ record.name }}"}}}',
         "reach.told.texts.mail.title: There is no name record here"),
        ("told: {at_once: [mail]}", 'told: {at_once: [mail]}\n  quiet: {from: "07:00", to: "07:00"}',
         "reach.quiet.to: Quiet hours end at another time than they begin."),
        ("told: {at_once: [mail]}", 'told: {at_once: [mail]}\n  quiet: {from: "7:00", to: "08:00"}',
         "reach.quiet.from:"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_at_its_place(right, wrong, because):
    assert any(one.startswith(because) for one in said(REACH.replace(right, wrong))), said(REACH.replace(right, wrong))
