"""What every card of a page has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.language import Duration, Expression, FormName, Label, option


@dataclass(frozen=True, kw_only=True)
class Card:
    """One card of a page.

    A card of a plugin answers in ``draw(look)`` what its ``template`` is given; ``look`` is an
    ``engine.web.pagecards.Look``. The usual template shows ``figure``, ``url`` and ``lines``: (text, address or None).
    """

    type: ClassVar[str]
    icon: ClassVar[str] = "layout-dashboard"
    template: ClassVar[str] = "cards/said.html"
    label: Label = option("The heading.")
    width: int = option("Twelfths of the page's width.", 3, minimum=1, maximum=12)
    refresh: Duration | None = option("Ask again this often, such as 30s, while the page is open.", None)

    def draw(self, look: Any) -> Mapping[str, Any]:
        """What the template is given."""
        return {}


@dataclass(frozen=True, kw_only=True)
class FormCard(Card):
    """A card over records of a form."""

    form: FormName = option("The form whose records it shows.")
    where: Expression | None = option("Only records for which this holds.", None)
