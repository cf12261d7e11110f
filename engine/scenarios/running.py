"""All scenarios of a definition, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.errors import Missing, message
from engine.load import Loaded
from engine.registry import Registry
from engine.scenarios.playing import play
from engine.scenarios.results import Result
from engine.scenarios.world import opened
from engine.validate import guess


def run_scenarios(
    loaded: Loaded,
    registry: Registry,
    *,
    names: Sequence[str] = (),
    language: str = "en",
    told: Callable[[Result], None] = lambda result: None,
    url: str | None = None,
) -> list[Result]:
    """Play the scenarios (``names``: only these, in the order of the file) and answer how they went; ``told`` is
    called after each. The database of the application is not touched; ``url``: a PostgreSQL database beside which they
    are played instead of in a file. Raises Missing for a name there is not."""
    known = loaded.definition.scenarios
    for name in names:
        if name not in known:
            meant = guess(name, known)
            raise Missing(
                message("There is no scenario {name}; did you mean {guess}?", name=name, guess=meant)
                if meant else message("There is no scenario {name}.", name=name)
            )  # fmt: skip
    wanted = [one for one in known.values() if not names or one.name in names]
    results = []
    if wanted:
        with opened(loaded, registry, language, url) as world:
            for one in wanted:
                results.append(play(world, loaded, one))
                told(results[-1])
    return results
