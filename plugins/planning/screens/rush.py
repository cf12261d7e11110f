"""The rush order on the page of its record: simulate, compare, mix, choose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from engine.api import (
    Actor,
    Application,
    Denied,
    LongWork,
    Message,
    Missing,
    Refused,
    begin_work,
    cancel_work,
    every,
    get,
    look_at_work,
    may,
    message,
    readable_fields,
    together,
)
from engine.api.screens import (
    Blueprint,
    Response,
    actor,
    application,
    go,
    render,
    request,
    shown_moment,
    shown_money,
    toast,
)
from plugins.planning.floor.reading import PLANNER, Row
from plugins.planning.floor.rush_answers import KIND
from plugins.planning.floor.rushing import FORM, NEW
from plugins.planning.floor.time import moment
from plugins.planning.floor.writing import WHY
from plugins.planning.screens.gantt import Picture, picture

SECONDS = (3, 10, 30)
WHY_NOT = {
    "no_time": message("There was no time left to look for it; simulate longer."),
    "no_overtime": message("No machine group allows overtime."),
    "no_outside": message("No operation may be done outside."),
    "no_movable": message("No order may give way."),
}


@dataclass(frozen=True)
class Touched:
    """An order on the list, ``number`` empty where the reader may not see it, ``penalty`` None."""

    id: str
    number: str
    customer: str
    key: bool
    old_end: Any
    new_end: Any
    late: int
    penalty: Decimal | None


@dataclass(frozen=True)
class Shown:
    """An answer with its figures: ``overtime`` in hours, ``cost`` None where the reader may not see money."""

    name: str
    label: str
    end: Any
    in_time: bool
    cost: Decimal | None
    overtime: Decimal
    outside: tuple[str, ...]
    changeovers: int
    late_orders: int
    moved_promises: int
    key_customers: int
    later: tuple[Touched, ...]
    same_as: str
    why_not: str
    chosen: bool
    work: int


@dataclass(frozen=True)
class Panel:
    case: Row
    works: tuple[LongWork, ...]
    may_ask: bool
    red: tuple[Touched, ...] | None
    why: Sequence[Sequence[str]]
    answers: tuple[Shown, ...]
    picture: Picture | None
    looked_at: str
    movable: tuple[tuple[str, str, bool], ...]
    may_leave: tuple[tuple[str, str], ...]
    longer: bool
    seconds: Sequence[int] = SECONDS

    @property
    def working(self) -> LongWork | None:
        return next((one for one in self.works if not one.over), None)


def make_blueprint(_application: Application) -> Blueprint:
    blueprint = Blueprint("planning_rush", __name__, url_prefix="/planning/rush")
    blueprint.get("/<int:id>")(show)
    blueprint.post("/<int:id>/simulate")(simulate)
    blueprint.post("/<int:id>/mix")(mix)
    blueprint.post("/<int:id>/cancel")(cancel)
    blueprint.post("/<int:id>/choose")(choose)
    return blueprint


# --- what is asked ---------------------------------------------------------------------------------------------------


def show(id: int) -> str:
    case = get(application(), actor(), FORM, id)
    panel = panel_of(case, request.args.get("look", ""))
    return render(
        "rush_panel.html", layout="fragment.html", panel=panel, options=_labels(),
        moment=shown_moment, money=shown_money, reason=_reason, why_not=WHY_NOT,
    )  # fmt: skip


def _labels() -> Mapping[str, Any]:
    """What each answer is called."""
    return application().definition.forms[FORM].fields["choice"].options  # type: ignore[attr-defined, no-any-return]


def _reason(kind: str, of: str) -> Message:
    return message(WHY[kind], **({"of": of} if "{of}" in WHY[kind] else {}))


def simulate(id: int) -> Response:
    case, asked = _askable(id), request.form.get("seconds", str(SECONDS[1]))
    seconds = next((each for each in SECONDS if str(each) == asked), None)
    if seconds is None:
        raise Refused(message("Simulate for {seconds} seconds.", seconds=[str(each) for each in SECONDS]))
    work = begin_work(application(), actor(), KIND, {"case": id, "seconds": seconds})
    _keep(case, work=work)
    return go(f"/{FORM}/{id}#rush")


def mix(id: int) -> Response:
    """One answer by hand: these orders may move, these operations may leave, overtime or not."""
    case = _askable(id)
    main = _works(case)
    if not main or not main[0].over:
        raise Refused(message("Simulate first."))
    found = main[0].result
    params = {
        "case": id, "seconds": SECONDS[0], "main": main[0].id, "longer": "longer" in request.form,
        "may_move": [one for one in request.form.getlist("may_move") if one in found["movable"]],
        "outside": [one for one in request.form.getlist("outside") if one in {each[0] for each in found["may_leave"]}],
    }  # fmt: skip
    _keep(case, mixed_work=begin_work(application(), actor(), KIND, params))
    return go(f"/{FORM}/{id}#rush")


def cancel(id: int) -> Response:
    for work in _works(_askable(id)):
        cancel_work(application(), work.id, KIND)
    return go(f"/{FORM}/{id}#rush")


def choose(id: int) -> Response:
    """Take one answer: the figures and the orders it touches are kept with the record, which is then proposed."""
    case, app = _askable(id), application()
    name = request.form.get("name", "")
    found = [(work, one) for work in _works(case) for one in work.result.get("alternatives", ()) if one["name"] == name]
    if not found or found[-1][1]["why_not"]:
        raise Refused(message("There is no such answer; simulate again."))
    work, answer = found[-1]
    values = {**_decision(answer), "choice": name, "chosen_work": work.id, "proposed_by": actor().id}
    with together(app, PLANNER) as walks:
        walks.save(FORM, values, id=id)
        walks.take(FORM, id, "propose")
    toast(message("Proposed; those who decide are asked."))
    return go(f"/{FORM}/{id}")


def _decision(answer: Mapping[str, Any]) -> dict[str, Any]:
    later = [one for one in answer["impacts"] if one[2] > one[1] and int(one[0]) > 0]  # a held promise is no order
    lines = [{"order": int(order), "key": key, "old_end": moment(old), "new_end": moment(new), "days": late,
              "penalty": Decimal(penalty) / 100} for order, old, new, late, penalty, key in later[:500]]  # fmt: skip
    return {
        "ready_at": moment(answer["end"]), "cost": Decimal(answer["cost"]) / 100,
        "overtime": round(Decimal(answer["overtime"]) / 60, 1), "outside": len(answer["outside"]),
        "moved_promises": answer["moved_promises"], "key_customers": _keys(answer), "lines": lines,
    }  # fmt: skip


def _keys(answer: Mapping[str, Any]) -> int:
    return sum(1 for _order, old, new, late, _penalty, key in answer["impacts"] if key and new > old and late > 0)


def _askable(id: int) -> Row:
    """The record, if this person may still ask about it."""
    case = get(application(), actor(), FORM, id)
    if not _may_ask(case):
        raise Denied(message("This rush order is decided, or it is not for you to decide."))
    return case


def _may_ask(case: Row) -> bool:
    form = application().definition.forms[FORM]
    deciding = form.workflow.transitions["apply"].roles if form.workflow else ()
    role_may = actor().boundless or not actor().roles.isdisjoint(deciding)
    return role_may and bool(may(application(), actor(), "update", form)) and case["state"] == "asked"


def _keep(case: Row, **values: int) -> None:
    """Which simulation belongs to it: kept by planning, as nobody writes it."""
    more = {"mixed_work": None} if "work" in values else {}
    with together(application(), PLANNER) as walks:
        walks.save(FORM, {**more, **values}, id=case["id"])


# --- what is shown ---------------------------------------------------------------------------------------------------


def _works(case: Row) -> tuple[LongWork, ...]:
    """The simulation and the mix by hand; which they are stands in fields nobody else reads."""
    return _works_of(get(application(), PLANNER, FORM, case["id"]))


def _works_of(kept: Row) -> tuple[LongWork, ...]:
    found = []
    for id in (kept["work"], kept["mixed_work"]):
        try:
            found += [look_at_work(application(), id, KIND)] if id else []
        except Missing:
            continue  # tidied away
    return tuple(found)


def panel_of(case: Row, look: str) -> Panel:
    kept = get(application(), PLANNER, FORM, case["id"])
    works, decided = _works_of(kept), (kept["choice"], kept["chosen_work"])
    answers = [(work, one) for work in works for one in work.result.get("alternatives", ())]
    main: Mapping[str, Any] = works[0].result if works else {}
    red = main.get("red")
    ids = {one[0] for _work, answer in answers for one in answer["impacts"]} | set(main.get("movable", ()))
    ids |= {one[0] for one in red["lines"]} if red else set()
    names = _orders(application(), actor(), ids)
    money = _may_see_money()
    shown = tuple(_shown(work, one, main, names, money, decided) for work, one in answers)
    chosen = next((one.name for one in shown if one.name == look), "") or next(
        (one.name for one in shown if one.chosen), shown[0].name if shown else "")  # fmt: skip
    drawn = [(work.result, one) for work, one in answers if one["name"] == chosen and "before" in work.result]
    moved = {one[0] for one in red["lines"]} if red else set()
    movable = [(id, names[id][0], id in moved) for id in main.get("movable", ()) if id in names]
    return Panel(
        case, works, _may_ask(case), tuple(_touched(one, names, money) for one in red["lines"]) if red else None,
        red["why"] if red else (), shown, picture(application(), actor(), drawn[-1][0], drawn[-1][1], names)
        if drawn else None, chosen, tuple(sorted(movable, key=lambda one: (not one[2], one[1]))[:60]),
        tuple((id, name) for id, name, order in main.get("may_leave", ()) if order in names or order == main["order"]),
        bool(main.get("longer")),
    )  # fmt: skip


def _may_see_money() -> bool:
    form = application().definition.forms[FORM]
    return readable_fields(application(), actor(), form).always("cost")


def _orders(app: Application, who: Actor, ids: set[str]) -> dict[str, tuple[str, str]]:
    """(number, customer) of the orders the reader may see."""
    rows = {row["id"]: row for row in every(app, who, "order", ids=[int(id) for id in ids if int(id) != NEW])}
    wanted = {row["customer"] for row in rows.values() if row.get("customer")}
    customers = {row["id"]: row["_title"] for row in every(app, who, "customer", ids=wanted)}
    return {str(id): (row["number"], customers.get(row.get("customer"), "")) for id, row in rows.items()}


def _touched(line: Sequence[Any], names: Mapping[str, tuple[str, str]], money: bool) -> Touched:
    order, old, new, late, penalty, key = line
    number, customer = names.get(order, ("", ""))
    return Touched(order, number, customer, key, moment(old), moment(new), late,
                   Decimal(penalty) / 100 if money else None)  # fmt: skip


def _shown(
    work: LongWork, one: Mapping[str, Any], main: Mapping[str, Any], names: Mapping[str, tuple[str, str]], money: bool,
    decided: tuple[str | None, int | None],
) -> Shown:  # fmt: skip
    labels = {id: name for id, name, _order in main.get("may_leave", ())}
    later = tuple(_touched(each, names, money) for each in one["impacts"] if each[2] > each[1])
    return Shown(
        one["name"], _labels()[one["name"]], moment(one["end"]), one["end"] <= main["wanted"],
        Decimal(one["cost"]) / 100 if money else None, round(Decimal(one["overtime"]) / 60, 1),
        tuple(labels.get(id, id) for id in one["outside"]), one["changeovers"], one["late_orders"],
        one["moved_promises"], _keys(one), later, one["same_as"], one["why_not"],
        decided == (one["name"], work.id), work.id,
    )  # fmt: skip
