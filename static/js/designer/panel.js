// The property panel: what is changed in an input goes to the server as `set` or `unset`, and a refusal is said below it.

import { loadInto } from "../fetching.js";
import { refusedAt, run } from "./workspace.js";

let tab = null;

const pathOf = (element) => JSON.parse(element.dataset.path);
const parse = (text) => JSON.parse(text);

// What an input says, as plain data; undefined for nothing.
const READ = {
  switch: (box) => (box.matches("select") ? yesOrNo(box.value) : String(box.checked) === box.dataset.default ? undefined : box.checked),
  select: (box) => box.value || undefined,
  name: (box) => box.value || undefined,
  text: (box) => box.value || undefined,
  expression: (box) => box.value.trim() || undefined,
  script: (box) => box.value.trimEnd() || undefined,
  receiver: (box) => box.value.trim() || undefined,
  number: (box) => numberOf(box.value),
  strings: (box) => several(box.value.split("\n").map((line) => line.trim()).filter(Boolean)),
  several: (group) => several([...group.querySelectorAll("input:checked")].map((one) => one.value)),
  label: languages,
  template: languages,
  condition: conditionOf,
  duration: durationOf,
};

const yesOrNo = (value) => (value === "" ? undefined : value === "true");
const several = (found) => (found.length ? found : undefined);

function numberOf(text) {
  const typed = text.trim();
  if (!typed) return undefined;
  return Number.isFinite(Number(typed)) ? Number(typed) : typed;
}

function languages(group) {
  const found = {};
  for (const one of group.querySelectorAll("[data-language]")) if (one.value) found[one.dataset.language] = one.value;
  const said = Object.values(found);
  if (!said.length) return undefined;
  const all = said.length === group.querySelectorAll("[data-language]").length;
  return all && said.length > 1 && said.every((one) => one === said[0]) ? said[0] : found;
}

function conditionOf(group) {
  const way = group.querySelector("[data-part=way]").value;
  const box = group.querySelector("[data-part=expression]");
  const built = group.querySelectorAll("[data-builder], [data-as-text]");
  for (const one of built) one.hidden = way !== "when";
  if (way !== "when") { box.hidden = true; return yesOrNo(way); }
  if (box.value.trim()) return box.value.trim();
  box.hidden = built.length > 0;
  (group.querySelector("[data-builder] button, [data-builder] select") ?? box).focus();
  return null;
}

function durationOf(group) {
  const amount = group.querySelector("[data-part=amount]").value.trim();
  return amount ? amount + group.querySelector("[data-part=unit]").value : undefined;
}

// Sends it; the sentence of a refusal stands below the input, and what was typed stays.
export async function send(element, operation, given, options = {}) {
  const told = await run(operation, given, { quiet: true, select: false, ...options });
  refusedAt(element, told?.refused);
  return told;
}

async function changed(box) {
  const holder = box.closest("[data-kind]");
  if (!holder || !READ[holder.dataset.kind]) return;
  const value = READ[holder.dataset.kind](holder);
  if (value === null) return;
  const path = pathOf(holder);
  if (value !== undefined && holder.dataset.anything !== undefined) return void send(holder, "typed", { path, text: value });
  await (value === undefined ? send(holder, "unset", { path }) : send(holder, "set", { path, value }));
}

const WIDE = {
  async names(box, holder) {
    if (!box.value) return;
    await send(holder, "set", { path: pathOf(holder), value: [...parse(holder.dataset.names), box.value] });
  },
  async pairs(box, holder) {
    const path = pathOf(holder);
    if (box.dataset.pair !== undefined) {
      await keep(holder, [...path, box.dataset.pair], box.value, box.dataset.was);
      return;
    }
    const name = holder.querySelector("[data-part=new-name]").value.trim();
    const value = holder.querySelector("[data-part=new-value]").value;
    if (name && value) await keep(holder, [...path, name], value);
  },
  async thing(box, holder) {
    if (box.dataset.part === "kind" && box.value) await send(holder, "kind.set", { path: pathOf(holder), kind: box.value });
  },
  async yaml(box, holder) {
    const path = pathOf(holder);
    await (box.value.trim() ? send(holder, "yaml", { path, text: box.value }) : send(holder, "unset", { path }));
  },
  async things() {},
  async named() {},
  async keyed() {},
};

// Where anything may stand the server says what was meant; what was a text stays one.
function keep(holder, path, text, was = "") {
  if (holder.dataset.anything !== undefined && was !== "str") return send(holder, "typed", { path, text });
  return send(holder, "set", { path, value: asBefore(text, was) });
}

function asBefore(text, kind) {
  if (kind === "bool" && /^(true|false)$/.test(text)) return text === "true";
  if ((kind === "int" || kind === "Decimal" || kind === "float") && text.trim() && Number.isFinite(Number(text))) return Number(text);
  return text;
}

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!box.closest(".panel")) return;
  if (box.dataset.rename) return rename(box);
  if (box.dataset.kindOf) return void run("kind.set", { path: parse(box.dataset.kindOf), kind: box.value });
  const holder = box.closest("[data-kind]");
  if (!holder) return;
  const wide = WIDE[holder.dataset.kind];
  if (wide) wide(box, holder); else changed(box);
});

async function rename(box) {
  const told = await send(box, "rename", { path: parse(box.dataset.rename), new: box.value.trim() }, { select: true });
  if (told && !told.refused) document.getElementById("panel-name")?.focus();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const holder = button?.closest("[data-kind]");
  if (!button?.closest(".panel")) return;
  if (button.dataset.tab) open(button);
  if (button.dataset.unset) send(button, "unset", { path: parse(button.dataset.unset) });
  if (button.dataset.remove) run("remove", { path: parse(button.dataset.remove) }, { select: false });
  if (button.dataset.shift) shift(button);
  if (button.matches("[data-add]")) add(holder);
  if (button.matches("[data-begin]")) send(holder, "thing.begin", { path: pathOf(holder) });
  if (button.dataset.drop !== undefined || button.dataset.up !== undefined) reorder(button, holder);
  if (button.matches("[data-yaml-take]")) takeYaml(button);
});

function reorder(button, holder) {
  const names = parse(holder.dataset.names);
  if (button.dataset.drop !== undefined) names.splice(Number(button.dataset.drop), 1);
  else { const at = Number(button.dataset.up); [names[at - 1], names[at]] = [names[at], names[at - 1]]; }
  const path = pathOf(holder);
  if (names.length || holder.dataset.required !== undefined) send(holder, "set", { path, value: names });
  else send(holder, "unset", { path });
}

function shift(button) {
  const path = parse(button.dataset.shift);
  run("move", { path, parent: path.slice(0, -1), index: Number(button.dataset.at) - 1 }, { select: false });
}

async function add(holder) {
  const part = (name) => holder.querySelector(`[data-part=${name}]`)?.value ?? "";
  const given = { parent: pathOf(holder), label: part("label") };
  if (part("type")) given.kind = part("type");
  if (holder.querySelector("[data-part=key]")) { if (!part("key")) return; given.name = part("key"); }
  await send(holder, "thing.add", given, { select: true });
}

async function takeYaml(button) {
  const box = button.parentElement.querySelector("[data-yaml]");
  await send(box, "yaml", { path: parse(box.dataset.yaml), text: box.value });
}

// --- tabs: the one that is open stays open when the panel is drawn again

function open(button) {
  tab = button.dataset.tab;
  showTab(button.closest(".panel"));
  button.focus();
}

function showTab(panel) {
  const wanted = panel.querySelector(`[data-tab="${tab}"]`) ?? panel.querySelector("[data-tab]");
  for (const one of panel.querySelectorAll("[data-tab]")) {
    const chosen = one === wanted;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    const group = panel.querySelector(`#group-${one.dataset.tab}`);
    group.hidden = !chosen;
    if (chosen && group.dataset.fetch && group.dataset.fetched !== group.dataset.fetch) {
      group.dataset.fetched = group.dataset.fetch;
      loadInto(group, group.dataset.fetch);
    }
  }
}

document.addEventListener("designer:drawn", (event) => {
  const panel = event.target.querySelector(".panel[data-panel-path]");
  if (panel) showTab(panel);
});

document.addEventListener("keydown", (event) => {
  const button = event.target.closest?.("[role=tab][data-tab]");
  if (!button || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const all = [...button.closest("[role=tablist]").querySelectorAll("[data-tab]")];
  const next = all[(all.indexOf(button) + (event.key === "ArrowRight" ? 1 : -1) + all.length) % all.length];
  open(next);
});
