"""What a run of material planning writes beside pegging: requests, requirements that take an alternative, and what
became different."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from engine.api import Together
from plugins.planning.floor.materials import Needs
from plugins.planning.floor.reading import Row
from plugins.planning.material_shapes import Netting, Peg
from plugins.planning.requests import Change, Proposal, Share, difference, requests, same

Differences = list[dict[str, Any]]


@dataclass
class Asking:
    """``asked``: by planned purchase, the request that asks for it, once requests are written."""

    needs: Needs
    netting: Netting
    pegs: Sequence[Row]
    asked: dict[str, int] = field(default_factory=dict)
    _changed: Differences = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = list(self.needs.proposed.values())
        self.before = proposals_of(self.rows, self.pegs, self.netting)
        self.after = requests(self.netting)
        self.changes = difference(self.before, self.after)
        self.replaced = [peg for peg in self.netting.pegs if peg.instead and peg.demand in self.needs.requirements]

    # --- requests

    def write_requests(self, walks: Together, ended: str) -> None:
        """Those that stay what they are are not touched; ``ended`` is said of those that go."""
        ids = {after: self.rows[before]["id"] for before, after in same(self.before, self.after).items()}
        for place, proposal in enumerate(self.after):
            id = ids.get(place)
            values = self._values(proposal, self.needs.proposed.get(id or 0))
            if values:
                version = self.needs.proposed[id]["version"] if id else None
                id = walks.save("purchase_request", values, id=id, version=version).id
            assert id is not None  # a new one always has values
            self.asked.update(dict.fromkeys(proposal.plans, id))
        kept = set(ids.values())
        for row in self.rows:
            if row["id"] not in kept:
                walks.take("purchase_request", row["id"], "drop", version=row["version"], reason=ended)

    def _values(self, proposal: Proposal, row: Row | None) -> dict[str, Any]:
        """What differs from the request there is. One whose day is over keeps it, as long as it is needed today."""
        day, order_by = _date(proposal.day), _date(proposal.release)
        if row is not None and row["needed_on"] < day and proposal.day == self.netting.today:
            day, order_by = row["needed_on"], row["order_by"]
        orders = {share.order for share in proposal.shares if share.order}
        wanted = {
            "product": int(proposal.item), "quantity": proposal.quantity, "needed_on": day,
            "order_by": order_by, "supplier": int(proposal.supplier) if proposal.supplier else None,
            "order": int(orders.pop()) if len(orders) == 1 else None,
            "planned_quantity": proposal.quantity, "planned_on": day,
        }  # fmt: skip
        return wanted if row is None else {name: value for name, value in wanted.items() if row[name] != value}

    # --- alternatives

    def write_replaced(self, walks: Together) -> None:
        """The alternative is required, and reserved with it, before the component is required no longer."""
        for peg in self.replaced:
            row = self.needs.requirements[peg.demand]
            product = int(self.netting.supplies[peg.supply].item)
            walks.save("requirement", {
                "order": row["order"], "job": row["job"], "product": product, "instead_of": row["product"],
                "due_on": row["due_on"], "needed": peg.quantity,
            })  # fmt: skip
            walks.save("requirement", {"needed": row["needed"] - peg.quantity}, id=row["id"], version=row["version"])

    # --- what became different

    @property
    def is_nothing(self) -> bool:
        return not self.changes and not self.replaced

    def differences(self) -> Iterator[dict[str, Any]]:
        """After the requests are written, which are named."""
        ids = {_key(one): row["id"] for one, row in zip(self.before, self.rows, strict=True)}
        for change in self.changes:
            yield _difference(change, self._request(change, ids))
        for peg in self.replaced:
            yield self._replacement(peg)

    def _request(self, change: Change, ids: Mapping[tuple[str, ...], int]) -> int:
        if change.after is not None:
            return self.asked[change.after.plans[0]]
        assert change.before is not None  # a change has one or the other
        return ids[_key(change.before)]

    def _replacement(self, peg: Peg) -> dict[str, Any]:
        row = self.needs.requirements[peg.demand]
        product = int(self.netting.supplies[peg.supply].item)
        return {"kind": "instead", "product": product, "new_quantity": peg.quantity, "new_day": row["due_on"]}


def proposals_of(rows: Sequence[Row], pegs: Sequence[Row], netting: Netting) -> list[Proposal]:
    """The requests of the last run as proposals; whom they serve stands in pegging. A day that is over means today."""
    shares: dict[int, list[Share]] = {row["id"]: [] for row in rows}
    for peg in pegs:
        if peg["request"] in shares:
            end = str(peg["requirement"]) if peg["requirement"] else f"safety:{peg['product']}"
            shares[peg["request"]].append(Share(end, str(peg["order"] or ""), peg["quantity"]))
    return [_proposal(row, shares[row["id"]], netting.today) for row in rows]


def _proposal(row: Row, shares: Sequence[Share], today: int) -> Proposal:
    day, release = max(row["needed_on"].toordinal(), today), (row["order_by"] or row["needed_on"]).toordinal()
    return Proposal(
        str(row["product"]), str(row["supplier"] or ""), day, release, row["quantity"], max(0, today - release),
        (f"request {row['id']}",), tuple(shares),
    )  # fmt: skip


def _key(proposal: Proposal) -> tuple[str, ...]:
    return proposal.plans


def _difference(change: Change, request: int) -> dict[str, Any]:
    one = change.after or change.before
    assert one is not None  # a change has one or the other
    return {
        "kind": _kind(change), "product": int(one.item), "supplier": int(one.supplier) if one.supplier else None,
        "request": request, **_told("old", change.before), **_told("new", change.after),
    }  # fmt: skip


def _kind(change: Change) -> str:
    before, after = change.before, change.after
    if before is None or after is None:
        return "new" if before is None else "dropped"
    if change.kind == "moved":
        return "earlier" if after.day < before.day else "later"
    return "more" if after.quantity > before.quantity else "less"


def _told(which: str, proposal: Proposal | None) -> dict[str, Decimal | dt.date]:
    return {} if proposal is None else {f"{which}_quantity": proposal.quantity, f"{which}_day": _date(proposal.day)}


def _date(day: int) -> dt.date:
    return dt.date.fromordinal(day)
