"""Values for whatever people of a crowd fill in: drawn by Hypothesis from the definition, all from one seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings

from engine import service
from engine.definition import Form
from engine.errors import AppmillError
from engine.fields.base import Field
from engine.people import Actor
from engine.plans import FormPlan
from engine.walks.drawing import Palette, palettes
from engine.walks.edges import edges_of
from engine.walks.ground import DEEP, Ground, Record

if TYPE_CHECKING:
    from engine.simulating.simulation import Outcome, Simulation

BATCH = 12  # palettes drawn at once
TURNS = 3  # how often each is used, where nothing has to be unique
NEARBY = 40  # the newest records a link may lead to
ANOTHER = 0.03  # how often a new record is made for a link though there are some


class Drawn(Ground):
    """A ground on which many people walk at the same time; refusals are answered."""

    def __init__(self, simulation: Simulation) -> None:
        super().__init__(simulation.world, edges_of(simulation.world.definition))
        self.simulation = simulation
        self.random = simulation.random
        self._spare: dict[str, list[Palette]] = {}

    def shuffle(self, form: Form) -> None:
        """Other values from now on."""
        spare = self._spare.setdefault(form.name, [])
        if not spare:
            plan = self.app.plans.form(form)
            spare += self._palettes(form) * (1 if plan.unique else TURNS)
        self.palette, self.turns = spare.pop(self.random.randrange(len(spare))), {}

    def _palettes(self, form: Form) -> list[Palette]:
        found: list[Palette] = []
        strategy = palettes(self.definition, form, self.edges, self.today)
        quiet = settings(
            max_examples=BATCH, phases=(Phase.generate,), database=None, deadline=None, print_blob=False,
            suppress_health_check=list(HealthCheck), verbosity=Verbosity.quiet,
        )  # fmt: skip

        def keep(palette: Palette) -> None:
            found.append(palette)

        seed(self.random.getrandbits(32))(quiet(given(strategy)(keep)))()
        return found

    # --- how the ground differs

    @property
    def today(self) -> str:
        return self.simulation.today.isoformat()

    def attempt(self, deed: Callable[[], Any]) -> AppmillError | None:
        try:
            deed()
        except AppmillError as refusal:
            return refusal
        return None

    def one(self, plan: FormPlan, found: Field, actor: Actor, depth: int = 0) -> Any:
        turn = self.turns.get((plan.form.name, found.name), 0)
        if found.kind in ("link", "links", "user", "users") or turn:
            candidates = self.candidates(plan, found, actor, depth=depth, fresh=turn > 1)
            return self.random.choice(candidates) if candidates else None
        return super().one(plan, found, actor, depth)

    def _targets(self, form: str, depth: int, fresh: bool) -> list[int]:
        table = self.app.tables.form[form]
        there = sa.select(table.c.id).where(table.c.deleted_at.is_(None)).order_by(table.c.id.desc()).limit(NEARBY)
        with self.app.database.read() as conn:
            ids = [int(id) for id in conn.scalars(there)]
        wanted = fresh or not ids or self.random.random() < ANOTHER
        if wanted and depth < DEEP and not self.app.plans.form(form).form.parent_form:
            made = self.make(form, {}, depth=depth + 1, anyhow=not ids)
            return [*([made.id] if made else []), *ids[:5]]
        return ids

    def made_by(
        self, actor: Actor, form: str, given: Mapping[str, Any], *, must: frozenset[str] = frozenset(), depth: int = 0
    ) -> Record | None:
        made = super().made_by(actor, form, given, must=must, depth=depth)
        if made is not None:
            self.simulation.figures.acts[f"{form} create"] += 1
            self.simulation.figures.by[actor.login] += 1
        return made

    # --- counted once, however often the input is mended

    def do(self, login: str, act: str, deed: Callable[[], AppmillError | None]) -> Outcome:
        def done(_actor: Actor) -> None:
            refusal = deed()
            if refusal is not None:
                raise refusal

        return self.simulation.attempt(login, act, done)

    def create(self, actor: Actor, plan: FormPlan, given: Mapping[str, Any]) -> Outcome:
        values = self._needed(plan, actor, given, 0)
        must = frozenset(values.keys() - given.keys())
        return self.do(actor.login, f"{plan.form.name} create", lambda: self.mended(
            plan, actor, values, lambda now: service.save(self.app, actor, plan.form, now), must,
        ))  # fmt: skip
