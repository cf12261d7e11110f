"""The rules of a draft on screen: the blocks and their sentence, trying one out, and who may see what of it."""

from __future__ import annotations

import html
import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from preview_world import designing
from visiting import Grounds, text

from engine.publishing import changes

PEOPLE = {"pia": "planner", "max": "planner", "ann": "agent", "ada": "admin"}
DESK = """\
app: desk
label: {zh: 服务台, en: Desk}
roles:
  planner: {label: {zh: 计划员, en: Planner}}
  agent: {label: {zh: 客服, en: Agent}}
designers: [planner]
forms:
  ticket:
    label: {zh: 工单, en: Ticket}
    title: record.subject
    fields:
      subject: {type: text, label: {zh: 主题, en: Subject}}
      cost: {type: integer, label: {zh: 费用, en: Cost}}
      pay: {type: integer, label: {zh: 工资, en: Pay}}
    permissions:
      planner: {create: true, read: "record.subject != 'secret'", update: true, fields: {pay: {read: false}}}
      agent: {create: true, read: true, update: true}
    workflow:
      initial: open
      states: {open: {label: {zh: 待处理, en: Open}}, done: {label: {zh: 完成, en: Done}, final: true}}
      transitions: {finish: {label: {zh: 办结, en: Finish}, from: [open], to: done, roles: [agent]}}
rules:
  costly:
    label: {zh: 贵的工单, en: Costly tickets}
    trigger: {type: updated, form: ticket}
    when: record.cost > 1000
    shadow: true
    actions:
      - type: branch
        when: record.state == 'open'
        then: [{type: take, transition: finish}]
      - {type: notify, to: [agent], message: "{{ record.subject }}"}
  paid:
    trigger: {type: updated, form: ticket}
    when: record.pay > 5
    actions: [{type: notify, to: [agent], message: "Pay {{ record.pay }}"}]
"""


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def site(make_app: Any) -> Grounds:
    made = make_app(DESK, people=PEOPLE, registry=designing())
    made.ids = [made.create("ticket", as_="ada", subject="Crane", cost=2000, pay=9).id,
                made.create("ticket", as_="ada", subject="Lamp", cost=20, pay=9).id,
                made.create("ticket", as_="ada", subject="secret", cost=9000).id]  # fmt: skip
    grounds = Grounds(made)
    grounds.id = begun(grounds, "pia")
    return grounds


def begun(grounds: Grounds, login: str, source: str = DESK) -> int:
    app = grounds.app
    with app.database.write() as conn:
        return changes.begin(conn, app.tables, title="Rules", base=app.definition.hash, base_text=DESK,
                             text=source, by=grounds.user(login).id, now=app.clock()).id  # fmt: skip


def page(grounds: Grounds, path: str, login: str = "pia", draft: int | None = None) -> str:
    answer = grounds.visitor(login).get(f"/designer/{draft or grounds.id}{path}")
    assert answer.status_code == 200, text(answer)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def do(grounds: Grounds, operation: str, version: int = 1, **arguments: Any) -> Any:
    body = json.dumps({"version": version, "operation": operation, "arguments": arguments})
    return grounds.visitor("pia").post(f"/designer/{grounds.id}/do", body, content_type="application/json")


# --- the screen ------------------------------------------------------------------------------------------------------


def test_a_rule_is_drawn_with_its_sentence_in_both_languages(site: Grounds) -> None:
    shown = page(site, "/rule/costly")
    assert "中 修改工单时，如果费用大于1,000：如果状态为“待处理”，则执行“办结”；然后通知客服“‹主题›”。" in shown
    assert (
        "EN When a Ticket is changed, if Cost is greater than 1,000: if State is “Open”, take “Finish”; "
        "then tell Agent “‹Subject›”. The rule only watches: nothing is done."
    ) in shown
    drawn = ["when", "A Ticket is changed", "if", "Cost is greater than 1,000", "then", "Is it so?", "State is “Open”",
             "if so", "Take “Finish”", "if not", "Tell Agent"]  # fmt: skip
    canvas = page(site, "/rule/costly/canvas").partition("Delete removes it.")[2]
    places = [canvas.index(one) for one in drawn]
    assert places == sorted(places)


def test_the_room_of_rules_tells_what_each_does(site: Grounds) -> None:
    shown = page(site, "/rule-all")
    assert "Rules New rule Costly tickets When a Ticket is changed, if Cost is greater than 1,000" in shown
    assert shown.index("watches only") < shown.index("Paid")
    assert "Rules do things by themselves" not in shown
    none = begun(site, "pia", DESK[: DESK.index("rules:")])
    assert page(site, "/rule-all", draft=none).startswith("Rules do things by themselves")
    broken = begun(site, "pia", "app: [")
    assert "The draft has mistakes that have to be mended first." in page(site, "/rule-all", draft=broken)


def test_the_list_says_how_each_rule_stands_and_a_new_one_leads_there(site: Grounds) -> None:
    shown = page(site, "/rule")
    assert "Costly tickets watches only" in shown
    assert "Paid" in shown
    told = do(site, "rule.add", label="Lost ones", trigger="entered", form="ticket").json
    assert told["select"] == ["rules", "lost_ones"]
    assert told["label"] == "The rule “Lost ones” is added"
    new = page(site, "/rule/lost_ones")
    assert "A Ticket enters “Done”" in new
    assert "The safe way: publish it watching only." in new
    assert "The safe way" not in page(site, "/rule/costly")


def test_the_pickers_offer_every_registered_type_in_the_readers_language(site: Grounds) -> None:
    registry = site.app.registry
    answer = site.visitor("pia").get(f"/designer/{site.id}/rule/costly").text
    assert set(re.findall(r'data-pick="(\w+)"', answer)) == {*registry.actions, *registry.triggers}
    assert "Tell people in the application" in answer


def test_findings_stand_at_their_step_and_the_sentence_goes_on(site: Grounds) -> None:
    source = DESK.replace("transition: finish}", "transition: vanish}").replace("to: [agent], message: \"Pay", "to: 5, message: \"Pay")
    broken = begun(site, "pia", source)
    answer = site.visitor("pia").get(f"/designer/{broken}/rule/costly/canvas").text
    step = answer[answer.index('id="step-actions-0-then-0"') :].split("rule-number")[0]
    assert "prop-problem" in step
    assert "vanish" in step
    other = page(site, "/rule/paid/canvas", draft=broken)
    assert "… (Tell people in the application, not finished)" in other
    assert "not finished yet" in other


def test_a_file_that_is_no_yaml_still_has_a_screen(site: Grounds) -> None:
    broken = begun(site, "pia", DESK.replace("app: desk", "app: [desk"))
    assert page(site, "/rule/costly/canvas", draft=broken)
    assert page(site, "/rule", draft=broken)


# --- trying it out ---------------------------------------------------------------------------------------------------


def test_it_is_tried_on_a_record_and_says_what_it_would_do(site: Grounds) -> None:
    crane, lamp, _secret = site.made.ids
    shown = page(site, f"/rule/costly/try?record={crane}")
    assert "It watches only. Out of the shadow it would do this:" in shown
    assert "held Cost > 1000 Cost: 2,000" in shown
    assert "Take “Finish”" in shown
    assert "Tell Agent" in shown
    assert "The condition does not hold: it would do nothing." in page(site, f"/rule/costly/try?record={lamp}")
    with site.app.database.read() as conn:
        assert conn.execute(site.app.tables.run.select()).all() == []


def test_what_is_tried_is_the_draft(site: Grounds) -> None:
    lamp = site.made.ids[1]
    assert do(site, "condition.set", path=["rules", "costly", "when"], text="record.cost < 1000").status_code == 200
    assert "held Cost < 1000 Cost: 20" in page(site, f"/rule/costly/try?record={lamp}")


def test_what_the_reader_may_not_see_is_not_shown(site: Grounds) -> None:
    crane, _lamp, secret = site.made.ids
    assert "Pay: 9" not in page(site, f"/rule/paid/try?record={crane}")
    assert "Whether it would act depends on what you may not see." in page(site, f"/rule/paid/try?record={crane}")
    assert "There is no Ticket 3, or you may not see it." in page(site, f"/rule/costly/try?record={secret}")
    offered = site.visitor("pia").get(f"/designer/{site.id}/rule/costly/records?q=").json
    assert {one["title"] for one in offered} == {"Crane", "Lamp"}


def test_a_draft_that_changes_forms_is_tried_on_a_sample(site: Grounds) -> None:
    crane, _lamp, secret = site.made.ids
    source = DESK.replace("      cost: {", "      note: {type: text}\n      cost: {").replace(
        "when: record.cost > 1000", "when: record.cost > 1000 and record.note is None"
    )
    draft = begun(site, "pia", source)
    shown = page(site, f"/rule/costly/try?record={crane}", draft=draft)
    assert "The draft changes forms: it is tried on a sample of the records you may read." in shown
    assert "held Note is empty" in shown
    assert "There is no Ticket 3, or you may not see it." in page(site, f"/rule/costly/try?record={secret}", draft=draft)
    wider = begun(site, "pia", source.replace("\"record.subject != 'secret'\"", "true").replace("{pay: {read: false}}", "{}"))
    assert "secret" not in page(site, f"/rule/costly/try?record={secret}", draft=wider)
    assert "Pay: 9" not in page(site, f"/rule/paid/try?record={crane}", draft=wider)


def test_history_is_for_administrators_and_told_when_it_is_over(site: Grounds, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = begun(site, "ada")
    ada, pia = site.visitor("ada"), site.visitor("pia")
    assert pia.post(f"/designer/{site.id}/rule/costly/history", {"days": "30"}).status_code == 403
    answer = ada.post(f"/designer/{draft}/rule/costly/history", {"days": "30"})
    assert answer.status_code == 200
    job = re.search(r"/history/(\d+)", answer.text + ada.get(f"/designer/{draft}/rule/costly/try").text)
    assert job is not None
    for _ in range(200):
        answer = ada.get(f"/designer/{draft}/rule/costly/history/{job[1]}")
        if "data-poll" not in answer.text:
            break
    assert "Would have acted" in answer.text
    assert ada.get(f"/designer/{draft}/rule/paid/history/{job[1]}").status_code == 404
    assert pia.get(f"/designer/{site.id}/rule/costly/history/{job[1]}").status_code == 404
    assert pia.post(f"/designer/{site.id}/rule/costly/history/{job[1]}/cancel").status_code == 404
    changed = begun(site, "ada", DESK.replace("      cost: {", "      note: {type: text}\n      cost: {"))
    answer = ada.post(f"/designer/{changed}/rule/costly/history", {"days": "30"})
    assert answer.status_code == 409


# --- names -----------------------------------------------------------------------------------------------------------

def test_names_from_the_address_reach_no_markup(site: Grounds) -> None:
    name = quote("<img src=x onerror=alert(1)>")
    for door in (f"/rule/{name}", f"/rule/{name}/try", f"/rule-list?current={name}"):
        assert "<img src=x" not in site.visitor("pia").get(f"/designer/{site.id}{door}").text
