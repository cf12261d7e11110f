"""Operations on the cards of a page."""

from __future__ import annotations

import copy
from typing import Any

from designer.forms.steps import Steps
from designer.naming import text_of
from designer.operations import Made, operation
from designer.pages.starters import card_data
from designer.text import EditRefused
from designer.workspace import Workspace
from engine.cards import Card
from engine.errors import message
from engine.schema import keys_of
from engine.yamlfile import Path

LAST = -1
COLUMNS = 12
USUAL_WIDTH = next(key.default for key in keys_of(Card) if key.name == "width")


def page_data(workspace: Workspace, page: str) -> dict[str, Any]:
    """What the file says of a page. Raises EditRefused when there is none."""
    found = workspace.at(("pages", page))
    if not isinstance(found, dict):
        raise EditRefused(message("There is no page {name}.", name=page))
    return found


def cards_data(workspace: Workspace, page: str) -> list[Any]:
    found = page_data(workspace, page).get("cards")
    return found if isinstance(found, list) else []


def path_of(page: str, card: int) -> Path:
    return ("pages", page, "cards", card)


def _card(workspace: Workspace, page: str, card: int) -> dict[str, Any]:
    """What the file says of a card. Raises EditRefused when there is none."""
    there = cards_data(workspace, page)
    if not 0 <= card < len(there) or not isinstance(there[card], dict):
        raise EditRefused(message("Page {page} has no card {number}.", page=page, number=card + 1))
    return dict(there[card])


def _called(workspace: Workspace, data: dict[str, Any]) -> str:
    return text_of(data.get("label"), workspace.language) or str(data.get("type", ""))


@operation("card.add")
def add(workspace: Workspace, page: str, kind: str, at: int = LAST, form: str = "", width: int = 0) -> Made:
    """A new card with figures at once; over the form of the card before it where none is named."""
    steps, there = Steps(workspace), cards_data(workspace, page)
    place = len(there) if at == LAST else max(0, min(at, len(there)))
    data = card_data(steps, kind, form or _form_before(there, place), _labels(workspace))
    if width:
        data["width"] = _within(width)
    _insert(steps, page, place, data)
    label = message("{label} is added", label=_called(workspace, data))
    return Made(steps.edits, label, path_of(page, place))


def _insert(steps: Steps, page: str, place: int, data: dict[str, Any]) -> None:
    if steps.at(("pages", page, "cards")) is None:
        steps.set(("pages", page, "cards"), [data])
    else:
        steps.insert(("pages", page, "cards"), place, data)


def _form_before(there: list[Any], place: int) -> str:
    forms = [card.get("form", "") for card in there[:place] if isinstance(card, dict)]
    return next((form for form in reversed(forms) if form), "")


def _labels(workspace: Workspace) -> list[Any]:
    """How the cards of the file write their labels."""
    pages = workspace.map_at(("pages",))
    return [card["label"] for page in pages.values() if isinstance(page, dict)
            for card in page.get("cards") or () if isinstance(card, dict) and "label" in card]  # fmt: skip


@operation("card.move")
def move(workspace: Workspace, page: str, card: int, to: int) -> Made:
    """Put a card at another place; ``to`` counts in the result."""
    data = _card(workspace, page, card)
    place = max(0, min(to, len(cards_data(workspace, page)) - 1))
    steps = Steps(workspace)
    if place != card:
        steps.move(path_of(page, card), ("pages", page, "cards"), place)
    return Made(steps.edits, message("{label} is moved", label=_called(workspace, data)), path_of(page, place))


@operation("card.resize")
def resize(workspace: Workspace, page: str, card: int, width: int) -> Made:
    """So many twelfths of the page; the usual width is not written down."""
    data, wanted = _card(workspace, page, card), _within(width)
    steps = Steps(workspace)
    if wanted != data.get("width", USUAL_WIDTH):
        steps.set((*path_of(page, card), "width"), None if wanted == USUAL_WIDTH else wanted)
    label = message("{label} is {width} of 12 wide", label=_called(workspace, data), width=wanted)
    return Made(steps.edits, label, path_of(page, card))


def _within(width: int) -> int:
    return max(1, min(COLUMNS, width))


@operation("card.duplicate")
def duplicate(workspace: Workspace, page: str, card: int) -> Made:
    """The same card once more, behind it."""
    data, steps = _card(workspace, page, card), Steps(workspace)
    steps.insert(("pages", page, "cards"), card + 1, copy.deepcopy(data))
    return Made(steps.edits, message("{label} is added", label=_called(workspace, data)), path_of(page, card + 1))


@operation("card.remove")
def remove(workspace: Workspace, page: str, card: int) -> Made:
    """Take a card out."""
    data, steps = _card(workspace, page, card), Steps(workspace)
    steps.remove(path_of(page, card))
    left = len(cards_data(workspace, page)) - 1
    select = path_of(page, min(card, left - 1)) if left else ("pages", page)
    return Made(steps.edits, message("{label} is removed", label=_called(workspace, data)), select)
