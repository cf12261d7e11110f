"""Building an application through the designer's screens, control by control, as somebody with the paper version
beside the screen would. Nothing here writes YAML: what stands in the paper version is clicked and typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args, get_origin
from urllib.parse import quote

from playwright.sync_api import Locator, Page

from designer.panel.inputs import group_of, kind_of
from designer.slots import Slot, is_thing, slot_at
from engine.registry import Registry
from engine.schema import Key
from engine.yamlfile import Path

LAST = ("initial", "title", "unique")  # name what is made below them
FIRST = ("fields", "workflow", "states", "sections", "permissions")  # what other parts of a form name


class Builder:
    """``paper`` is the plain data to be built; ``steps`` counts what was clicked and typed."""

    def __init__(self, page: Page, draft: str, paper: dict[str, Any], registry: Registry) -> None:
        self.page, self.draft, self.paper, self.registry = page, draft, paper, registry
        self.steps = 0
        self.made: Path | None = None

    def build(self, *parts: str) -> None:
        """Everything of the paper version, or these parts of it, in its order; what others name comes before."""
        for part in parts or sorted(self.paper, key=lambda name: name == "menu"):
            self.part(part)

    def part(self, part: str) -> None:
        slot = self.slot((part,))
        if has_things(slot):
            self.things((part,), slot, self.paper[part])
        else:
            self.thing((), {part: self.paper[part]})

    # --- things

    def thing(self, path: Path, wanted: Mapping[str, Any]) -> None:
        """Every option of one thing: simple ones in its panel, then what stands inside it."""
        later: list[tuple[Path, Slot, Any]] = []
        self.open(path)
        for name, value in wanted.items():
            slot = self.slot((*path, name)) if name != "type" else None
            if slot is None:
                continue
            if has_things(slot) or is_thing(slot.hint) or name in LAST:
                later.append(((*path, name), slot, value))
            else:
                self.option(slot, value)
        if path:  # the application itself is built part by part
            self.unwanted(path, wanted)
        for inner, slot, value in sorted(later, key=lambda found: FIRST.index(found[0][-1]) if found[0][-1] in FIRST
                                         else len(FIRST)):  # fmt: skip
            self.inside(inner, slot, value)

    def inside(self, path: Path, slot: Slot, value: Any) -> None:
        if has_things(slot):
            self.things(path, slot, value)
            return
        self.open(path[:-1])
        if not is_thing(slot.hint):
            self.option(slot, value)
            return
        box = self.control(path, slot.key)
        kinds = box.locator(":scope > [data-part=kind]")
        if kinds.count():
            if kinds.input_value() != value["type"]:
                self.doing(lambda: kinds.select_option(value["type"]))
        elif (begin := box.locator(":scope > [data-begin]")).count():
            self.doing(begin.click)
        self.thing(path, value)

    def things(self, path: Path, slot: Slot, value: Any) -> None:
        """A list or a map of things: each is added below its list, named, and filled."""
        named = isinstance(value, dict)
        present = list(self.there(path) or ()) if named else [None] * len(self.there(path) or ())
        for at, (name, wanted) in enumerate(value.items() if named else enumerate(value)):
            if named and at == 0 and present and name not in present:  # what came with the thing itself
                self.rename((*path, present[0]), name)
                present[0] = name
            elif (named and name not in present) or (not named and at >= len(present)):
                self.add(path, slot, name if named else None, wanted)
        for name, wanted in value.items() if named else enumerate(value):
            self.kind((*path, name), wanted)
            self.thing((*path, name), wanted)

    def add(self, path: Path, slot: Slot, name: str | None, wanted: Any) -> None:
        self.open(path[:-1])
        box = self.control(path, slot.key)
        types = box.locator(":scope > .item-new [data-part=type]")
        if types.count():
            types.select_option(wanted["type"])
        keys = box.locator(":scope > .item-new [data-part=key]")
        if keys.count():
            keys.select_option(name)
        label = box.locator(":scope > .item-new [data-part=label]")
        if label.count():
            label.fill(str(name))
        told = self.doing(box.locator(":scope > .item-new [data-add]").click)
        if name is not None and told["select"][-1] != name:
            self.rename(tuple(told["select"]), name)

    def rename(self, path: Path, name: str) -> None:
        self.open(path)
        box = self.page.locator("#panel-name")
        box.fill(name)
        self.doing(lambda: box.press("Enter"))

    def kind(self, path: Path, wanted: Any) -> None:
        if not isinstance(wanted, dict) or "type" not in wanted or self.slot(path).base is None:
            return
        if (self.there(path) or {}).get("type") == wanted["type"]:
            return
        self.open(path)
        self.doing(lambda: self.page.locator("#panel-kind").select_option(wanted["type"]))

    def unwanted(self, path: Path, wanted: Mapping[str, Any]) -> None:
        """What a new thing was given so that it could stand, and the paper version does not say."""
        for name in [name for name in self.there(path) or {} if name != "type" and name not in wanted]:
            slot = self.slot((*path, name))
            if slot.key is not None and not slot.key.required:
                self.show(slot)
                self.doing(self.page.locator(f"[data-unset='{compact((*path, name))}']").first.click)

    # --- options

    def option(self, slot: Slot, value: Any) -> None:
        if self.there(slot.path) == value:
            return
        self.show(slot)
        box = self.control(slot.path, slot.key)
        getattr(self, f"_{box.get_attribute('data-kind')}")(box, slot, value)

    def _type(self, box: Locator, text: str) -> None:
        def typed() -> None:
            box.fill(text)
            box.blur()

        self.doing(typed)

    def _text(self, box: Locator, _slot: Slot, value: Any) -> None:
        self._type(box, typed(value))

    def _expression(self, box: Locator, _slot: Slot, value: Any) -> None:
        self._type(as_text(box), str(value))

    _number = _script = _receiver = _text

    def _strings(self, box: Locator, _slot: Slot, value: Any) -> None:
        self._type(box, "\n".join(map(str, value)))

    def _yaml(self, box: Locator, _slot: Slot, value: Any) -> None:
        self._type(box, json.dumps(value, ensure_ascii=False, default=float))

    def _switch(self, box: Locator, _slot: Slot, value: Any) -> None:
        if box.evaluate("box => box.tagName") == "SELECT":
            self.doing(lambda: box.select_option("true" if value else "false"))
        elif box.is_checked() != value:  # what holds by itself need not be said
            self.doing(box.click)

    def _select(self, box: Locator, _slot: Slot, value: Any) -> None:
        self.doing(lambda: box.select_option(value))

    _name = _select

    def _label(self, box: Locator, _slot: Slot, value: Any) -> None:
        texts = value if isinstance(value, dict) else {"zh": value, "en": value}
        for language in ("zh", "en"):
            one = box.locator(f"[data-language={language}]")
            if one.count() and one.input_value() != str(texts.get(language, "")):
                self._type(one, str(texts.get(language, "")))

    _template = _label

    def _condition(self, box: Locator, _slot: Slot, value: Any) -> None:
        way = box.locator("[data-part=way]")
        if isinstance(value, bool):
            self.doing(lambda: way.select_option("true" if value else "false"))
            return
        way.select_option("when")
        self._type(as_text(box.locator("[data-part=expression]")), value)

    def _duration(self, box: Locator, _slot: Slot, value: Any) -> None:
        unit = "wd" if value.endswith("wd") else value[-1]
        amount = box.locator("[data-part=amount]")
        self._type(amount, value.removesuffix(unit))
        if box.locator("[data-part=unit]").input_value() != unit:
            self.doing(lambda: box.locator("[data-part=unit]").select_option(unit))

    def _names(self, box: Locator, slot: Slot, value: Any) -> None:
        for at in reversed(range(len(self.there(slot.path) or ()))):
            if at or value[0] != self.there(slot.path)[0]:
                self.doing(box.locator(f"[data-drop='{at}']").click)
        for name in value:
            if name not in (self.there(slot.path) or ()):
                self.doing(lambda name=name: box.locator("[data-part=add]").select_option(name))
        for at, name in enumerate(self.there(slot.path) or ()):
            if name not in value:
                self.doing(box.locator(f"[data-drop='{at}']").click)

    def _several(self, box: Locator, slot: Slot, value: Any) -> None:
        for name in {*value, *(self.there(slot.path) or ())}:
            if (name in value) != (name in (self.there(slot.path) or ())):
                self.doing(box.locator(f"input[value='{name}']").click)

    def _pairs(self, box: Locator, slot: Slot, value: Any) -> None:
        for name, item in value.items():
            if name not in (self.there(slot.path) or {}):
                new = box.locator("[data-part=new-name]")
                if new.evaluate("box => box.tagName") == "SELECT":
                    new.select_option(name)
                else:
                    new.fill(name)
                self._type(box.locator("[data-part=new-value]"), typed(item))
        for name in self.there(slot.path) or {}:
            if name not in value:
                self.doing(box.locator(f"[data-unset='{compact((*slot.path, name))}']").click)

    # --- the page

    def open(self, path: Path) -> None:
        """The page of a place, by its address, as from a bookmark."""
        query = f"?path={quote(compact(path))}" if path else ""
        wanted = f"{self.draft}/at{query}"
        if self.made != path:
            self.page.goto(wanted)
            self.made = path

    def show(self, slot: Slot) -> None:
        """The tab of the panel an option is on."""
        self.tab(slot.key, kind_of(slot.hint))

    def tab(self, key: Key | None, kind: str) -> None:
        tab = self.page.locator(f"#tab-{group_of(key, kind)}") if key else None
        if tab is not None and tab.count() and tab.get_attribute("aria-selected") != "true":
            tab.click()

    def control(self, path: Path, key: Key | None) -> Locator:
        if is_thing(self.slot(path).hint) or has_things(self.slot(path)):
            self.tab(key, "thing")
        return self.page.locator(f"[data-kind][data-path='{compact(path)}']").first

    def doing(self, act: Any) -> dict[str, Any]:
        """Do something that is sent, and wait until it is kept; answers what the server said."""
        self.steps += 1
        with self.page.expect_response(lambda answer: answer.url.endswith("/do")) as waited:
            act()
        answer = waited.value
        told: dict[str, Any] = answer.json()
        assert answer.status == 200, told
        self.page.locator(f"#designer[data-version='{told['version']}']").wait_for(state="attached")
        self.page.locator(".designer-saved[data-quiet]").wait_for(state="attached")
        self.kept = None
        if told.get("select") and list(self.made or ()) != told["select"]:
            self.made = None
        return told

    # --- the draft as it stands

    kept: Any = None

    def there(self, path: Path) -> Any:
        from designer.text import Document
        from designer.workspace import step_into

        if self.kept is None:
            text = self.page.request.get(f"{self.draft}/yaml/text").json()["text"]
            self.kept = Document.read(text).data
        found = self.kept
        for step in path:
            found = step_into(found, step)
        return found

    def slot(self, path: Path) -> Slot:
        found = slot_at(self.paper, path, self.registry)
        assert found is not None, path
        return found


def typed(value: Any) -> str:
    """What somebody types for a value: lists and maps as YAML on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def as_text(box: Locator) -> Locator:
    """A condition as its text, where the builder stands in its place."""
    if not box.is_visible():
        box.locator("xpath=ancestor::*[.//*[@data-as-text]][1]").locator("[data-as-text]").first.click()
    return box


def has_things(slot: Slot) -> bool:
    args = get_args(slot.hint)
    if get_origin(slot.hint) is tuple:
        return is_thing(args[0])
    return get_origin(slot.hint) is Mapping and is_thing(args[1])


def compact(path: Path) -> str:
    """A path as the page's attributes hold it."""
    return json.dumps(path, ensure_ascii=False)
