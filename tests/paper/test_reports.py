"""A page of cards as a file and as a mail: what stands in it is what the named role or person may see."""

from __future__ import annotations

import email
import email.policy

import pytest
from making import Recorder
from recorders import SmtpRecorder
from surroundings import World, smtp_to
from visiting import Grounds
from works_world import PAGE, PEOPLE, YAML, words

from engine.errors import DeliveryFailed
from engine.outside.task import Task
from engine.paper import reporting
from engine.paper.pagesheet import page_document
from engine.paper.press import Printed
from engine.paper.printing import as_role
from engine.timing.clockwork import tick

RULE = """
weekly:
  trigger: {type: schedule, cron: "0 8 * * mon"}
  actions:
    - {type: report, page: wall, connection: post, to: [boss, "'x@example.com'"], subject: Week, message: See attached,
       role: worker, period: last, language: zh}
"""
MORE = """      - {type: records, label: Newest, form: job, columns: [number, price, machine], sort: [-number]}
"""


class Paper:
    """In the place of the press: keeps what it was given."""

    def __init__(self):
        self.documents = []

    def pdf(self, document, seconds):
        self.documents.append(document)
        return Printed(b"%PDF-1.7 " + str(len(self.documents)).encode(), 1)


@pytest.fixture
def works(make_app):
    made = make_app(YAML + PAGE + MORE, rules=RULE, people=PEOPLE)
    for place, name in enumerate(("Press", "Secret mill")):
        machine = made.create("machine", as_="bob", name=name, secret=bool(place)).id
        made.create("job", as_="bob", number=f"J{place}", machine=machine, due_on="2026-03-01", price="100.10")
        made.create("report", as_="bob", machine=machine, day="2026-02-10", run="4h", planned="8h", made=10, good=10)
    return made


def test_a_page_on_paper_holds_what_its_reader_may_see(works):
    app = works.application
    page = app.definition.pages["wall"]
    all_of_it = words(page_document(app, works.actor("bob"), page, "en", {}).text)
    assert "Secret mill" in all_of_it
    assert "Newest Number Price Machine J1 ¥100.10 Secret mill J0 ¥100.10 Press" in all_of_it
    own = page_document(app, as_role(app, "worker"), page, "en", {}).text
    assert "J0" in words(own)
    assert not {"Secret mill", "100.10", "J1"} & set(re_split(words(own)))
    assert 'href="' not in own
    assert "<svg" in own
    assert "src=" not in own


def re_split(text):
    return {*text.split(), *(" ".join(pair) for pair in zip(text.split(), text.split()[1:], strict=False))}


def test_a_page_on_paper_is_in_one_language_and_of_the_span_asked_for(works):
    app = works.application
    page = app.definition.pages["wall"]
    text = words(page_document(app, works.actor("bob"), page, "zh", {"period": "month", "on": "2026-02-01"}).text)
    assert "2026年2月" in text
    assert "这是怎么算的？" in text
    assert "Run / planned × good / made = 8 / 16 × 20 / 20 = 50%" in text


def sent(works, data, post, paper, key="m-1"):
    world = World()
    world.app = works.application
    task = Task("report", data, smtp_to(post), key, 1, 30.0)
    return reporting.perform(task, world, at=paper)


def effect(works):
    """What the rule left to be delivered when its time came."""
    tick(works.application)
    works.clock.advance(days=7)
    tick(works.application)
    recorder = Recorder()
    works.deliver(recorder)
    (task,) = recorder.tasks
    assert task.kind == "report"
    return dict(task.data)


def test_a_rule_mails_the_page_as_its_role_sees_it(works):
    with works.application.database.write() as conn:
        conn.execute(works.application.tables.user.update().values(email=works.application.tables.user.c.login + "@example.com"))
    data, paper = effect(works), Paper()
    with SmtpRecorder() as post:
        result = sent(works, data, post, paper)
        sent(works, data, post, paper)
        first, again = post.arrivals
    letter = email.message_from_string(first["content"], policy=email.policy.default)
    (file,) = letter.iter_attachments()
    assert (file.get_filename(), file.get_content_type()) == ("看板.pdf", "application/pdf")
    assert (letter["Subject"], sorted(first["receivers"])) == ("Week", ["bob@example.com", "x@example.com"])
    assert first["message_id"] == again["message_id"] == result["message_id"]
    document = words(paper.documents[0])
    assert "2026年2月" in document
    assert "50%" in document
    assert "Secret mill" not in document


@pytest.mark.parametrize(("change", "said"), [
    ({"page": "gone"}, "There is no page gone any more."),
    ({"role": None, "person": "nobody"}, "There is no user nobody."),
])  # fmt: skip
def test_a_report_that_cannot_be_drawn_says_why_and_is_not_tried_again(works, change, said):
    data = {"page": "wall", "role": "worker", "person": None, "period": "present", "language": None, "to": ["x@example.com"],
            "subject": "", "text": "", **change}  # fmt: skip
    with SmtpRecorder() as post, pytest.raises(DeliveryFailed) as caught:
        sent(works, data, post, Paper())
    assert (str(caught.value), caught.value.again) == (said, False)


def test_a_person_prints_a_page_of_their_own(works):
    ann = Grounds(works).visitor("ann")
    page = ann.get("/pages/wall/print?period=month&on=2026-02-01")
    assert "Feb 2026" in page.text
    assert "Secret mill" not in page.text
    assert "/pages/wall/print.pdf?period=month" in page.text
    assert ann.get("/pages/none/print").status_code == 404
