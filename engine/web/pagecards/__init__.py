"""How the cards of a page are drawn: a card and a look at the records in, what its template is given out."""

from engine.web.pagecards.drawing import draw, kept_figures, shown_to, template_of
from engine.web.pagecards.look import Look

__all__ = ["Look", "draw", "kept_figures", "shown_to", "template_of"]
