"""The order hub's rule “voucher uploaded and finance approved”: in either order, one transition, one mail."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from making import Made, MakeApp
from reading import hub_registry
from recorders import SmtpRecorder
from werkzeug.datastructures import FileStorage

from engine.errors import AppmillError
from engine.people import Actor, system_actor
from engine.walking import Saved
from engine.web.uploads import take_in

HUB = Path(__file__).parents[2] / "apps/order_hub.yaml"
PDF = b"%PDF-1.4 voucher"


@pytest.fixture
def post() -> Iterator[SmtpRecorder]:
    with SmtpRecorder() as recorder:
        yield recorder


@pytest.fixture
def hub(make_app: MakeApp, post: SmtpRecorder) -> Made:
    text = HUB.read_text("utf-8").replace("port: 1025", f"port: {post.port}")
    made = make_app(text, registry=hub_registry())
    users = made.application.tables.user
    with made.application.database.write() as conn:
        conn.execute(sa.update(users).where(users.c.login == "sun").values(email="sun@example.com"))
    return made


def file(made: Made, field: str, who: Actor) -> int:
    upload = FileStorage(io.BytesIO(PDF + field.encode()), filename=f"{field}.pdf")
    with made.application.database.write() as conn:
        return take_in(conn, made.application, who, "order", field, upload, 10**6).id


def pending(made: Made) -> Saved:
    maker = {"as_": system_actor()}
    customer = made.create("customer", name="Zhejiang", sales_person=made.id_of("li"), **maker)
    product = made.create("product", sku="P-1", name="Cap", family="cap", price="1.5", cost="1", **maker)
    order = made.create(
        "order", customer=customer.id, sales_person=made.id_of("li"), ordered_on="2026-03-01", due_on="2026-04-01",
        priority="normal", channel="direct", lines=[{"product": product.id, "quantity": 10, "price": "2"}], **maker,
    )  # fmt: skip
    return made.update("order", order, contract_file=[file(made, "contract_file", system_actor())], **maker)


def upload(made: Made, order: Saved) -> None:
    made.update("order", order, voucher=[file(made, "voucher", made.actor("wang"))], as_="wang")


def approve(made: Made, order: Saved) -> None:
    made.update("order", order, finance_approved=True, as_="wang")


@pytest.mark.parametrize("steps", [(upload, approve), (approve, upload)])
def test_in_either_order_there_is_one_transition_and_one_mail(
    hub: Made, post: SmtpRecorder, steps: tuple[Any, Any]
) -> None:
    order = pending(hub)
    steps[0](hub, order)
    assert (hub.get("order", order)["state"], hub.deliver()) == ("pending", [])
    steps[1](hub, order)
    hub.deliver()
    assert hub.get("order", order)["state"] == "preparing"
    taken = [event for event in hub.events("order", order) if event.kind == "taken"]
    assert [(event.rule, event.transition) for event in taken] == [("ready_to_prepare", "settle")]
    number = hub.get("order", order)["number"]
    assert [(mail["receivers"], number in mail["subject"]) for mail in post.arrivals] == [(["sun@example.com"], True)]
    hub.update("order", order, note="later", as_=system_actor())
    hub.deliver()
    assert len(post.arrivals) == 1


def test_both_at_once_is_once(hub: Made, post: SmtpRecorder) -> None:
    order = pending(hub)
    voucher = file(hub, "voucher", hub.actor("wang"))
    refused: list[AppmillError] = []
    gate = threading.Barrier(2)

    def do(**values: Any) -> None:
        gate.wait()
        try:
            hub.update("order", order, as_="wang", **values)
        except AppmillError as error:
            refused.append(error)

    both = [threading.Thread(target=do, kwargs=one) for one in ({"voucher": [voucher]}, {"finance_approved": True})]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    hub.deliver()
    assert refused == []
    assert hub.get("order", order)["state"] == "preparing"
    assert len(post.arrivals) == 1
