"""Pages of a draft: their cards on a grid of twelve, their filters, and the menu that leads to them."""

from designer.pages import cards, menu, pages

__all__ = ["cards", "menu", "pages"]
