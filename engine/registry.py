"""Everything that can be extended, by name. Built-ins and plugins enter through the same calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

C = TypeVar("C", bound=type)


@dataclass(frozen=True)
class RegisteredSimulation:
    """``size``: the name of what is counted, such as ``tickets``."""

    function: Callable[..., Any]
    size: str | None = None


@dataclass
class Registry:
    """The types a definition may name with ``type:`` and the functions its expressions may call.

    A plugin is a module with ``register(registry)``; it decorates its classes: ``@registry.field`` and so on. Each
    class carries its name in ``type`` and its palette text in the first line of its docstring.
    """

    fields: dict[str, type] = field(default_factory=dict)
    views: dict[str, type] = field(default_factory=dict)
    triggers: dict[str, type] = field(default_factory=dict)
    actions: dict[str, type] = field(default_factory=dict)
    cards: dict[str, type] = field(default_factory=dict)
    parts: dict[str, type] = field(default_factory=dict)
    connectors: dict[str, type] = field(default_factory=dict)
    credentials: dict[str, type] = field(default_factory=dict)
    performers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    settlers: dict[str, Callable[..., Any]] = field(default_factory=dict)
    errands: dict[str, Callable[..., Any]] = field(default_factory=dict)
    works: dict[str, tuple[Callable[..., Any], float]] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    seeds: dict[str, Callable[..., Any]] = field(default_factory=dict)
    simulations: dict[str, RegisteredSimulation] = field(default_factory=dict)
    invariants: dict[tuple[str, str], Callable[..., Any]] = field(default_factory=dict)
    screens: list[Callable[..., Any]] = field(default_factory=list)
    panels: dict[str, list[str]] = field(default_factory=dict)
    places: list[tuple[str, str, str, Callable[..., bool]]] = field(default_factory=list)
    template_folders: list[str] = field(default_factory=list)
    # Expressions compiled with these functions, by source; filled by engine.expressions.
    compiled: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    def field(self, cls: C) -> C:
        return _enter(self.fields, cls)

    def view(self, cls: C) -> C:
        return _enter(self.views, cls)

    def trigger(self, cls: C) -> C:
        return _enter(self.triggers, cls)

    def action(self, cls: C) -> C:
        return _enter(self.actions, cls)

    def card(self, cls: C) -> C:
        return _enter(self.cards, cls)

    def part(self, cls: C) -> C:
        return _enter(self.parts, cls)

    def connector(self, cls: C) -> C:
        return _enter(self.connectors, cls)

    def credential(self, cls: C) -> C:
        return _enter(self.credentials, cls)

    def performer(self, kind: str, function: Callable[..., Any]) -> None:
        """Who carries out what leaves the process: called with (Task, Surroundings), answers a JSON result; see
        ``engine.outside.task``."""
        self._once(self.performers, kind, function)

    def settler(self, kind: str, function: Callable[..., Any]) -> None:
        """What is written with the result of a kind, in the transaction that keeps it: called with (application,
        connection, run, result); answers what later steps read beside the result, or None."""
        self._once(self.settlers, kind, function)

    def errand(self, kind: str, function: Callable[..., Any]) -> None:
        """Who carries out what follows a change in its own transactions: called with (application, data) after the
        change is saved, answers a JSON result. It may be called again when the process dies, so that doing it twice
        must be doing it once; and once for many messages that wait, so that it reads the records, not the data."""
        self._once(self.errands, kind, function)

    def work(self, kind: str, function: Callable[..., Any], *, seconds: float = 600) -> None:
        """Who carries out long work that a person began: called with (application, params, Word), says how far it is
        and ends soon when ``word.cancelled()``; answers a JSON result and writes nothing else, as it begins anew when
        its process dies. After ``seconds`` nobody counts on it any more."""
        self._once(self.works, kind, (function, seconds))

    def function(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A pure function of plain values, callable by its name in every expression."""
        self._once(self.functions, function.__name__, function)
        return function

    def seed(self, app: str, function: Callable[..., Any]) -> None:
        """Demo data for the application named ``app``: called with (application, count, seed)."""
        self._once(self.seeds, app, function)

    def simulation(self, app: str, function: Callable[..., Any], *, size: str | None = None) -> None:
        """Who acts in a simulation of the application named ``app``: called with the Simulation before it begins, it
        enters agents and plans deeds. ``size``: what ``--size`` counts, which is an option by that name too."""
        self._once(self.simulations, app, RegisteredSimulation(function, size))

    def invariant(self, app: str, name: str, function: Callable[..., Any]) -> None:
        """What must be true of the records of the application named ``app``: called with a Looking, answers each
        Broken; see ``engine.invariants``."""
        if (app, name) in self.invariants:
            raise ValueError(f"{name!r} is registered twice for {app!r}")
        self.invariants[app, name] = function

    def screen(self, make_blueprint: Callable[..., Any]) -> None:
        """More pages: called with the application, answers a Flask blueprint."""
        self.screens.append(make_blueprint)

    def panel(self, form: str, address: str) -> None:
        """A part of the page of every record of ``form``, which fetches itself: ``/planning/rush/{id}``. Where the
        application has no such form, nothing is shown."""
        self.panels.setdefault(form, []).append(address)

    def place(self, address: str, label: str, icon: str, shown: Callable[..., bool]) -> None:
        """A place of the side bar beside the administration: ``/designer``, its English label (translated where it is
        shown), an icon, and who sees it: called with (application, actor)."""
        self.places.append((address, label, icon, shown))

    @staticmethod
    def _once(place: dict[str, Any], name: str, thing: Any) -> None:
        if name in place:
            raise ValueError(f"{name!r} is registered twice")
        place[name] = thing


def _enter(place: dict[str, type], cls: C) -> C:
    Registry._once(place, cls.type, cls)  # type: ignore[attr-defined]
    return cls
