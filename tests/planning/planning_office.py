"""Those who decide about rush orders in the plant."""

from __future__ import annotations

from typing import Any

from planning_plant import LOOKER, Plant

from engine.api import begin_work, every, get, look_at_work, save, take
from plugins.planning.floor import rush_answers


class Office(Plant):
    """Those who decide about rush orders in the plant."""

    def asks(self, **values: Any) -> int:
        wanted = {"customer": self.customer, "product": self.cap, "quantity": 1200, "wanted_on": "2026-06-02",
                  "sales_person": self.made.id_of("li")}  # fmt: skip
        return self.make("rush_order", **{**wanted, **values})

    def case(self, id: int) -> Any:
        return get(self.app, LOOKER, "rush_order", id)

    def simulated(self, id: int, **params: Any) -> dict[str, Any]:
        work = begin_work(self.app, LOOKER, rush_answers.KIND, {"case": id, "seconds": 0.3, **params})
        self.made.deliver()
        found = look_at_work(self.app, work, rush_answers.KIND)
        assert found.state == "done", found.error
        return {**found.result, "work": work}

    def propose(self, id: int, found: dict[str, Any], name: str) -> dict[str, Any]:
        """As the screen does."""
        answer = next(one for one in found["alternatives"] if one["name"] == name)
        values = {"choice": name, "chosen_work": found["work"], "moved_promises": answer["moved_promises"]}
        save(self.app, LOOKER, "rush_order", values, id=id)
        take(self.app, LOOKER, "rush_order", id, "propose")
        self.made.deliver()
        return answer

    def take(self, id: int, transition: str, who: str, **more: Any) -> None:
        take(self.app, self.made.actor(who), "rush_order", id, transition, **more)
        self.made.deliver()

    def applied(self, id: int, found: dict[str, Any], name: str) -> dict[str, Any]:
        answer = self.propose(id, found, name)
        take(self.app, LOOKER, "rush_order", id, "approve")
        self.take(id, "apply", "zhao")
        return answer

    def places(self) -> dict[int, tuple[Any, ...]]:
        names = ("machine", "planned_start", "planned_end")
        return {row["id"]: tuple(row[name] for name in names) for row in every(self.app, LOOKER, "job_step")}


def busy(office: Office) -> list[int]:
    """Two orders that fill the mould until Thursday."""
    orders = [office.order(2400, "2026-06-03"), office.order(2400, "2026-06-05")]
    office.made.deliver()
    return orders
