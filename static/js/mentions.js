// "@" in a comment offers people; the server decides who they are and whether they are told.
const ASK_AFTER = 120;

export function startMentions(root) {
  for (const box of root.querySelectorAll?.("textarea[data-mentions]") ?? []) {
    if (box.dataset.mentionsReady) continue;
    box.dataset.mentionsReady = "1";
    new Mentions(box);
  }
}

class Mentions {
  constructor(box) {
    this.box = box;
    this.list = document.createElement("div");
    this.list.className = "mentions";
    this.list.id = `${box.id}-people`;
    this.list.setAttribute("role", "listbox");
    this.list.hidden = true;
    box.after(this.list);
    box.setAttribute("aria-controls", this.list.id);
    box.setAttribute("aria-autocomplete", "list");
    box.addEventListener("input", (event) => { if (!event.isComposing) this.later(); });
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("pointerdown", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) { event.preventDefault(); this.take(item); }
    });
  }

  word() {
    return /(?:^|[\s(（，,。.])@([^\s@]{0,40})$/u.exec(this.box.value.slice(0, this.box.selectionStart))?.[1] ?? null;
  }

  later() {
    clearTimeout(this.timer);
    const word = this.word();
    if (word === null) { this.close(); return; }
    this.timer = setTimeout(() => this.ask(word), ASK_AFTER);
  }

  async ask(word) {
    const address = new URL(this.box.dataset.mentions, location.href);
    address.searchParams.set("q", word);
    const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
    if (!answer.ok || this.word() !== word) return;
    this.show(await answer.json());
  }

  show(people) {
    this.list.replaceChildren(...people.map((one, at) => {
      const item = document.createElement("div");
      item.id = `${this.list.id}-${at}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(at === 0));
      item.dataset.login = one.login;
      item.textContent = `${one.name} @${one.login}`;
      return item;
    }));
    this.list.hidden = people.length === 0;
    this.mark();
  }

  get items() { return [...this.list.querySelectorAll("[role=option]")]; }

  get at() { return this.items.findIndex((item) => item.getAttribute("aria-selected") === "true"); }

  mark() {
    const item = this.items[this.at];
    if (item && !this.list.hidden) this.box.setAttribute("aria-activedescendant", item.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  step(by) {
    const items = this.items;
    const next = (this.at + by + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === next)));
    this.mark();
  }

  key(event) {
    if (this.list.hidden || event.isComposing) return;
    const act = { ArrowDown: () => this.step(1), ArrowUp: () => this.step(-1), Escape: () => this.close(), Enter: () => this.take(this.items[this.at]), Tab: () => this.take(this.items[this.at]) }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  take(item) {
    if (!item) return;
    const before = this.box.value.slice(0, this.box.selectionStart).replace(/@[^\s@]*$/u, `@${item.dataset.login} `);
    this.box.setRangeText(before, 0, this.box.selectionStart, "end");
    this.close();
    this.box.focus();
  }

  close() {
    this.list.hidden = true;
    this.mark();
  }
}
