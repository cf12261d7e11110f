// A select that offers a few records becomes a box to search all of them (combobox pattern of ARIA 1.2). The select
// stays in the form and holds the value.
import { fresh } from "./fresh.js";

const WAIT = 150; // ms after the last key
let count = 0;

export function initLinks(root) {
  for (const box of fresh(root, "[data-link]")) {
    const select = box.querySelector("select");
    if (select && !select.disabled) new LinkSearch(box, select);
  }
}

class LinkSearch {
  constructor(box, select) {
    this.box = box;
    this.select = select;
    this.multiple = select.multiple;
    this.options = [];
    this.at = -1;
    this.makeInput();
    this.makeList();
    select.hidden = true;
    select.tabIndex = -1;
    this.showChosen();
    this.listen();
  }

  makeInput() {
    const input = document.createElement("input");
    input.type = "text";
    input.className = this.select.className;
    input.autocomplete = "off";
    input.spellcheck = false;
    input.id = this.select.id;
    this.select.id += "-select";
    for (const name of ["aria-required", "aria-invalid", "aria-describedby", "aria-label", "placeholder"]) {
      if (this.select.hasAttribute(name)) input.setAttribute(name, this.select.getAttribute(name));
    }
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-expanded", "false");
    input.setAttribute("enterkeyhint", "done");
    if (this.select.autofocus) input.autofocus = true;
    this.input = input;
    this.tokens = document.createElement("span");
    this.tokens.className = "field-link-tokens";
    this.select.before(this.tokens, input);
  }

  makeList() {
    this.list = document.createElement("ul");
    this.list.id = `link-list-${(count += 1)}`;
    this.list.className = "field-link-list";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.input.getAttribute("aria-label") ?? this.labelText());
    if (this.multiple) this.list.setAttribute("aria-multiselectable", "true");
    if ("popover" in this.list) this.list.popover = "manual";
    this.list.hidden = true;
    this.input.setAttribute("aria-controls", this.list.id);
    this.box.append(this.list);
  }

  labelText() {
    return document.querySelector(`label[for="${CSS.escape(this.input.id)}"]`)?.textContent.trim() ?? "";
  }

  listen() {
    this.input.addEventListener("input", (event) => { if (!event.isComposing) this.later(); });
    this.input.addEventListener("compositionend", () => this.later());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("click", () => { if (!this.isOpen) this.search(""); });
    this.input.addEventListener("focus", () => { if (!this.multiple) this.input.select(); });
    this.input.addEventListener("blur", () => this.leave());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the focus in the box
    this.list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) this.choose(Number(item.dataset.at));
    });
    this.tokens.addEventListener("pointerdown", (event) => event.preventDefault()); // blur would redraw them under the finger
    this.tokens.addEventListener("click", (event) => {
      const id = event.target.closest("button")?.dataset.id;
      if (id && !this.input.readOnly) { this.unpick(id); this.input.focus(); }
    });
    this.select.addEventListener("link:refresh", () => this.showChosen()); // a draft or another script set the value
  }

  get isOpen() { return !this.list.hidden; }

  chosen() { return [...this.select.selectedOptions].filter((option) => option.value); }

  showChosen() {
    if (!this.multiple) { this.input.value = this.chosen()[0]?.textContent ?? ""; return; }
    this.tokens.replaceChildren(...this.chosen().map((option) => this.token(option)));
    this.input.value = "";
  }

  token(option) {
    const token = document.createElement("span");
    token.className = "badge bg-azure-lt";
    token.append(option.textContent, " ");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = option.value;
    button.textContent = "×";
    button.setAttribute("aria-label", this.box.dataset.remove.replace("{title}", option.textContent));
    token.append(button);
    return token;
  }

  // --- searching

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(this.input.value.trim()), WAIT);
  }

  async search(query) {
    if (this.input.readOnly) return;
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      this.show(await this.find(query, this.asking.signal));
    } catch (error) {
      if (error.name !== "AbortError") this.show([], this.box.dataset.failed);
    }
  }

  async find(query, signal) {
    const url = this.box.dataset.url;
    if (!url) return this.offered(query);
    const address = new URL(url, location.href);
    address.searchParams.set("q", query);
    const answer = await fetch(address, { signal, headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.json();
    return (Array.isArray(found) ? found : found.options).map((one) => ({ id: String(one.id), title: one.title, note: one.note }));
  }

  offered(query) {
    const wanted = query.toLowerCase();
    return [...this.select.options]
      .filter((option) => option.value && option.textContent.toLowerCase().includes(wanted))
      .slice(0, 50)
      .map((option) => ({ id: option.value, title: option.textContent }));
  }

  show(options, note = "") {
    if (document.activeElement !== this.input) return;
    this.options = options;
    this.at = options.length && this.input.value.trim() && !this.isShownChoice() ? 0 : -1;
    const picked = new Set(this.chosen().map((option) => option.value));
    const items = options.map((option, at) => this.item(option, at, picked.has(option.id)));
    const text = note || (options.length ? "" : this.box.dataset.none);
    if (text) items.push(Object.assign(document.createElement("li"), { className: "field-link-note", textContent: text }));
    this.list.replaceChildren(...items);
    this.open();
    this.mark();
  }

  isShownChoice() { return !this.multiple && this.input.value === (this.chosen()[0]?.textContent ?? ""); }

  item(option, at, picked) {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${at}`;
    item.dataset.at = at;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", String(picked));
    item.textContent = option.title;
    if (option.note) {
      const note = document.createElement("small");
      note.textContent = option.note;
      item.append(note);
    }
    return item;
  }

  open() {
    this.list.hidden = false;
    this.list.showPopover?.();
    this.place();
    this.input.setAttribute("aria-expanded", "true");
    this.moved ??= () => this.place();
    window.addEventListener("scroll", this.moved, { capture: true, passive: true });
    window.addEventListener("resize", this.moved);
  }

  // In the top layer, so that neither a table's scroll box nor a dialog cuts it off.
  place() {
    const box = this.input.getBoundingClientRect();
    const below = window.innerHeight - box.bottom;
    const up = below < 220 && box.top > below;
    const style = this.list.style;
    style.setProperty("left", `${Math.max(4, Math.min(box.left, window.innerWidth - Math.max(box.width, 220) - 4))}px`);
    style.setProperty("min-width", `${box.width}px`);
    style.setProperty("max-height", `${Math.min(320, (up ? box.top : below) - 12)}px`);
    style.setProperty("top", up ? "auto" : `${box.bottom + 2}px`);
    style.setProperty("bottom", up ? `${window.innerHeight - box.top + 2}px` : "auto");
  }

  close() {
    if (!this.isOpen) return;
    this.list.hidePopover?.();
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    window.removeEventListener("scroll", this.moved, { capture: true });
    window.removeEventListener("resize", this.moved);
  }

  mark() {
    for (const item of this.list.querySelectorAll("[role=option]")) item.classList.toggle("active", Number(item.dataset.at) === this.at);
    const active = this.list.querySelector(".active");
    if (active) this.input.setAttribute("aria-activedescendant", active.id);
    else this.input.removeAttribute("aria-activedescendant");
    active?.scrollIntoView({ block: "nearest" });
  }

  // --- keys

  key(event) {
    if (event.isComposing || event.keyCode === 229) return; // the Enter that ends a pinyin input picks nothing
    const act = { ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1), Enter: () => this.enter(), Escape: () => this.escape(), Backspace: () => this.back() }[event.key];
    if (!event.altKey && act?.()) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  step(by) {
    if (!this.isOpen) { this.search(""); return true; }
    const last = this.options.length - 1;
    if (last < 0) return true;
    this.at = this.at < 0 ? (by > 0 ? 0 : last) : (this.at + by + last + 1) % (last + 1);
    this.mark();
    return true;
  }

  enter() {
    if (!this.isOpen) return false;
    if (this.at < 0) { this.close(); return false; }
    this.choose(this.at);
    return true;
  }

  escape() {
    if (!this.isOpen) return false;
    this.close();
    this.showChosen();
    return true;
  }

  back() {
    if (!this.multiple || this.input.value) return false;
    const last = this.chosen().at(-1);
    if (last) this.unpick(last.value);
    return Boolean(last);
  }

  leave() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.close();
    if (!this.multiple && !this.input.value.trim() && this.chosen().length) this.set("");
    this.showChosen();
  }

  // --- the value

  choose(at) {
    const option = this.options[at];
    if (!option) return;
    if (this.multiple && this.chosen().some((one) => one.value === option.id)) this.unpick(option.id);
    else this.pick(option);
    this.close();
  }

  pick(option) {
    let element = [...this.select.options].find((one) => one.value === option.id);
    if (!element) {
      element = new Option(option.title, option.id);
      this.select.add(element);
    }
    if (this.multiple) { element.selected = true; this.tell(); } else this.set(option.id);
  }

  unpick(id) {
    for (const option of this.select.options) if (option.value === id) option.selected = false;
    this.tell();
  }

  set(id) {
    this.select.value = id;
    this.tell();
  }

  tell() {
    this.showChosen();
    this.select.dispatchEvent(new Event("input", { bubbles: true }));
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
