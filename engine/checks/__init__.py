"""What a schema cannot say: whether the names mean something and the whole makes sense."""

from __future__ import annotations

from engine.checks.approving import check_approving
from engine.checks.asking import check_asking
from engine.checks.calendars import check_calendars
from engine.checks.cards import check_cards
from engine.checks.circles import check_circles
from engine.checks.connecting import check_connecting
from engine.checks.connections import check_connections
from engine.checks.expressions import check_expressions
from engine.checks.feeds import check_feeds
from engine.checks.filling import check_filling
from engine.checks.icons import check_icons
from engine.checks.loops import check_loops
from engine.checks.names import check_names
from engine.checks.portals import check_portals
from engine.checks.prints import check_prints
from engine.checks.queries import check_queries
from engine.checks.reach import check_reach
from engine.checks.review import Review
from engine.checks.scenarios import check_scenarios
from engine.checks.scripts import check_scripts
from engine.checks.shapes import check_shapes
from engine.checks.sites import check_sites
from engine.checks.tasks import check_tasks
from engine.checks.texts import check_texts
from engine.checks.timing import check_timing
from engine.checks.workflows import check_workflows
from engine.definition import AppDefinition
from engine.errors import Finding
from engine.registry import Registry
from engine.yamlfile import Source

CHECKS = (
    check_names,
    check_expressions,
    check_queries,
    check_shapes,
    check_cards,
    check_circles,
    check_workflows,
    check_filling,
    check_loops,
    check_connections,
    check_connecting,
    check_feeds,
    check_sites,
    check_scripts,
    check_prints,
    check_calendars,
    check_portals,
    check_reach,
    check_timing,
    check_asking,
    check_approving,
    check_scenarios,
    check_tasks,
    check_icons,
    check_texts,
)


def check(
    definition: AppDefinition, source: Source, registry: Registry, lost: frozenset[str] = frozenset()
) -> list[Finding]:
    """Everything wrong with a built definition; ``lost`` are names left out because they are wrong themselves."""
    review = Review(definition, source, registry, lost)
    for look in CHECKS:
        look(review)
    return review.findings
