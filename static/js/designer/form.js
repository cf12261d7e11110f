// The form designer. The canvas is a drawing by the server; here is what is chosen on it and which intention a key, a
// click or a drop means. Dragging: form_drag.js. Renaming in place: form_rename.js.

import { request } from "../fetching.js";
import { toast } from "../toast.js";
import { announce, create, draftAddress, draw, quiet, refusedAt, run, select } from "./workspace.js";
import { startDragging } from "./form_drag.js";
import { rename, renaming } from "./form_rename.js";

const canvas = document.getElementById("fd-canvas");
const texts = document.getElementById("fd-texts").dataset;
const STORE = "designer:fields";
export const form = canvas?.dataset.form;
let chosen = [];
let anchor = null;
let tab = 0;

const cards = () => [...canvas.querySelectorAll("[data-field]")].filter((card) => !card.closest("[hidden]"));
const cardOf = (name) => canvas.querySelector(`[data-field="${CSS.escape(name)}"]`);
const nameOf = (card) => card.dataset.field;
const gridOf = (card) => card.closest("[data-fields]");
const sectionOf = (card) => Number(gridOf(card).dataset.section);
const placeOf = (card) => [...gridOf(card).querySelectorAll("[data-field]")].indexOf(card);

// --- what is chosen

export function choose(names, { focus = true, panel = true } = {}) {
  chosen = names.filter((name) => cardOf(name));
  if (chosen.length) anchor = chosen.at(-1);
  const last = chosen.length ? cardOf(chosen.at(-1)) : null;
  const panelOf = last?.closest("[data-canvas-panel]");
  if (panelOf?.hidden) { tab = Number(panelOf.dataset.canvasPanel); showTab(); }
  paint();
  if (focus) last?.focus();
  if (!panel) return;
  if (last) select(JSON.parse(last.dataset.path));
}

function paint() {
  const stop = chosen.at(-1) ?? (cards()[0] && nameOf(cards()[0]));
  for (const card of canvas.querySelectorAll("[data-field]")) {
    card.setAttribute("aria-selected", String(chosen.includes(nameOf(card))));
    card.tabIndex = nameOf(card) === stop ? 0 : -1;
  }
  tools();
}

function tools() {
  const bar = document.querySelector("[data-tools]");
  for (const button of bar.querySelectorAll("[data-do], [data-moveto]")) {
    if (!["paste", "keys"].includes(button.dataset.do)) button.disabled = !chosen.length;
  }
  const count = bar.querySelector("[data-count]");
  count.textContent = chosen.length ? (chosen.length === 1 ? count.dataset.one : count.dataset.many.replace("%", chosen.length)) : count.dataset.none;
}

function ends(from, to) {
  const names = cards().map(nameOf);
  const [first, last] = [names.indexOf(from), names.indexOf(to)].sort((one, other) => one - other);
  const between = names.slice(first, last + 1);
  return names.indexOf(from) > names.indexOf(to) ? between.reverse() : between;
}

// Where a new field goes: behind what is chosen, else at the end of the section that is looked at.
export function spot() {
  const last = chosen.length ? cardOf(chosen.at(-1)) : null;
  if (last && sectionOf(last) >= 0) return { section: sectionOf(last), at: placeOf(last) + 1 };
  const grids = canvas.querySelectorAll("[data-canvas-panel]:not([hidden]) [data-fields]");
  const grid = grids[grids.length - 1];
  return grid ? { section: Number(grid.dataset.section), at: grid.querySelectorAll("[data-field]").length } : { section: 0, at: 0 };
}

// --- intentions

export async function add(piece, place = spot()) {
  const of = piece.hasAttribute("data-asks") ? await ask(piece.dataset.piece) : "";
  if (of === null) { restore(); return; }
  const told = await run("field.add", { form, type: piece.dataset.piece, of, ...place }, { select: false });
  if (told) show(told.select, { name: true });
}

async function show(path, { name = false } = {}) {
  if (!path || path[2] !== "fields" || path[1] !== form) return;
  choose([path[3]]);
  document.getElementById("designer-left").classList.remove("is-open");
  if (name && cardOf(path[3])) rename(cardOf(path[3]));
}

function ask(type) {
  const dialog = document.getElementById("fd-asks");
  const box = dialog.querySelector("select");
  for (const option of box.options) {
    const rows = option.hasAttribute("data-rows") || option.hasAttribute("data-new");
    option.hidden = type === "lines" ? !rows : option.hasAttribute("data-new");
    option.disabled = option.hidden;
  }
  box.value = type === "lines" ? "+" : [...box.options].find((option) => !option.hidden)?.value ?? "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) => {
    dialog.onclose = () => done(dialog.returnValue === "yes" ? box.value : null);
  });
}

// Draws the canvas as the server has it, after something dropped did not come to be.
export const restore = () => draw(canvas);

export async function move(names, place) {
  const given = names.length === 1 ? ["field.move", { field: names[0] }] : ["fields.move", { fields: names }];
  const told = await run(given[0], { form, ...given[1], ...place }, { select: false });
  if (told) choose(names);
  else restore();
}

// One place on or back, from section to section at the ends.
function shift(step) {
  const names = step > 0 ? ordered().reverse() : ordered();
  const card = cardOf(names[0]);
  const grid = gridOf(card);
  const others = [...grid.querySelectorAll("[data-field]")].map(nameOf).filter((name) => !chosen.includes(name));
  const before = [...grid.querySelectorAll("[data-field]")].slice(0, placeOf(card)).filter((one) => !chosen.includes(nameOf(one))).length;
  const at = before + step;
  if (at >= 0 && at <= others.length) return move(ordered(), { section: sectionOf(card), at });
  const grids = [...canvas.querySelectorAll("[data-fields]")].filter((one) => !one.closest("[hidden]"));
  const next = grids[grids.indexOf(grid) + step];
  if (!next) return null;
  return move(ordered(), { section: Number(next.dataset.section), at: step > 0 ? 0 : next.querySelectorAll("[data-field]").length });
}

const ordered = () => cards().map(nameOf).filter((name) => chosen.includes(name));

async function remove() {
  const names = ordered();
  const all = cards().map(nameOf);
  const next = all.slice(all.indexOf(names.at(-1)) + 1).find((name) => !names.includes(name)) ?? all.filter((name) => !names.includes(name)).at(-1);
  const told = await run(names.length === 1 ? "field.remove" : "fields.remove",
    { form, ...(names.length === 1 ? { field: names[0] } : { fields: names }) }, { select: false });
  if (told) choose(next ? [next] : []);
}

async function duplicate() {
  const made = [];
  for (const name of ordered()) {
    const told = await run("field.duplicate", { form, field: name }, { select: false });
    if (told) made.push(told.select[3]);
  }
  if (made.length) choose(made);
}

async function copy() {
  const names = ordered();
  const answer = await request(`${draftAddress}/form/${form}/snippet?fields=${names.join(",")}`);
  if (!answer || answer.status !== 200) return false;
  sessionStorage.setItem(STORE, answer.text);
  announce(texts.copied.replace("%", names.length));
  toast(texts.copied.replace("%", names.length), "success");
  return true;
}

async function paste() {
  const yaml = sessionStorage.getItem(STORE);
  if (!yaml) { toast(texts.nothing, "info"); return; }
  const told = await run("fields.paste", { form, yaml, ...spot() }, { select: false });
  if (told) show(told.select);
}

// On for all, or off where all have it.
function toggle(option) {
  const has = (card) => (option === "required" ? Boolean(card.querySelector(".prop-must")) : card.classList.contains("is-wide"));
  const on = !chosen.every((name) => has(cardOf(name)));
  const value = option === "required" ? (on ? true : null) : on;
  run("fields.set", { form, fields: ordered(), option, value }, { select: false }).then(() => paint());
}

const DO = {
  required: () => toggle("required"), wide: () => toggle("wide"), duplicate, copy, paste, remove,
  keys: () => document.getElementById("fd-keys").showModal(),
};

// --- sections and tabs

const section = (element) => Number(element.closest("[data-section]").dataset.section);

async function moveSection(button) {
  const from = section(button);
  const to = from + Number(button.dataset.sectionMove);
  const told = await run("section.move", { form, section: from, to }, { select: false });
  if (told) document.getElementById(`${button.id.split("-")[0]}-${to}`)?.focus();
}

async function addSection(tabName = "") {
  const panels = canvas.querySelectorAll("[data-canvas-panel]:not([hidden]) [data-fields]");
  const last = panels[panels.length - 1];
  const at = last && !tabName ? Number(last.dataset.section) + 1 : undefined;
  const told = await run("section.add", { form, ...(at === undefined ? {} : { at }), tab: tabName });
  if (!told) return;
  if (tabName) { tab = canvas.querySelectorAll("[data-canvas-tab]").length - 1; showTab(); }
  const heading = document.getElementById(`cs-${told.select.at(-1)}`);
  if (heading) rename(heading);
}

function showTab() {
  const buttons = [...canvas.querySelectorAll("[data-canvas-tab]")];
  tab = Math.max(0, Math.min(tab, buttons.length - 1));
  for (const button of buttons) {
    const on = Number(button.dataset.canvasTab) === tab;
    button.setAttribute("aria-selected", String(on));
    button.tabIndex = on ? 0 : -1;
    document.getElementById(`cp-${button.dataset.canvasTab}`).hidden = !on;
  }
  const box = document.querySelector("[data-moveto]");
  const blocks = [...canvas.querySelectorAll("[data-section][data-label]")];
  box.replaceChildren(box.options[0], ...blocks.map((block) => new Option(block.querySelector("[data-heading]").textContent, block.dataset.section)));
  box.value = "";
}

// --- mouse, touch, keys

async function clicked(event) {
  const column = event.target.closest("[data-column]");
  if (column) { select(JSON.parse(column.dataset.column)); return; }
  const card = event.target.closest("[data-field]");
  if (!card || renaming()) return;
  await quiet();
  if (!card.isConnected) return;
  const name = nameOf(card);
  if (event.shiftKey && anchor) { const first = anchor; choose(ends(first, name)); anchor = first; }
  else if (event.ctrlKey || event.metaKey) choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  else choose([name]);
}

function neighbour(card, key) {
  const all = cards();
  const at = all.indexOf(card);
  if (key === "ArrowRight") return all[at + 1];
  if (key === "ArrowLeft") return all[at - 1];
  const here = card.getBoundingClientRect();
  const down = key === "ArrowDown";
  const rows = all.filter((one) => {
    const box = one.getBoundingClientRect();
    return down ? box.top >= here.bottom - 2 : box.bottom <= here.top + 2;
  });
  const distance = (one) => {
    const box = one.getBoundingClientRect();
    return Math.abs(down ? box.top - here.bottom : here.top - box.bottom) * 4 + Math.abs(box.left - here.left);
  };
  return rows.sort((one, other) => distance(one) - distance(other))[0];
}

const CONTROL = {
  d: () => duplicate(), c: () => copy(), v: () => paste(), x: async () => { if (await copy()) remove(); },
  a: () => choose(cards().map(nameOf)),
};

function pressed(event) {
  if (event.isComposing || renaming()) return;
  const card = event.target.closest?.("[data-field]");
  if (!card) return;
  const control = event.ctrlKey || event.metaKey;
  if (!chosen.includes(nameOf(card))) choose([nameOf(card)], { focus: false });
  if (control && CONTROL[event.key.toLowerCase()] && !event.shiftKey) { event.preventDefault(); CONTROL[event.key.toLowerCase()](); return; }
  if (event.key.startsWith("Arrow")) { event.preventDefault(); arrow(event, card); return; }
  const act = {
    Delete: remove, Backspace: remove, F2: () => rename(card), Enter: openPanel, Escape: () => choose([], { focus: false }),
    Home: () => choose([nameOf(cards()[0])]), End: () => choose([nameOf(cards().at(-1))]),
    "+": () => document.getElementById("fd-find").focus(),
  }[event.key];
  if (act && !control) { event.preventDefault(); event.stopPropagation(); act(); }
}

function arrow(event, card) {
  if (event.altKey) { shift(["ArrowDown", "ArrowRight"].includes(event.key) ? 1 : -1); return; }
  const next = neighbour(card, event.key);
  if (!next) return;
  if (!event.shiftKey) { choose([nameOf(next)]); return; }
  const first = anchor && chosen.length > 1 ? chosen[0] : nameOf(card);
  choose(ends(first, nameOf(next)));
  announce(texts.chosen.replace("%", chosen.length));
}

function openPanel() {
  const sheet = document.querySelector('[data-sheet="designer-right"]');
  if (sheet.offsetParent && sheet.getAttribute("aria-expanded") !== "true") sheet.click();
  document.querySelector("#fd-panel input, #fd-panel select, #fd-panel textarea")?.focus();
}

function start() {
  canvas.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.canvasTab) { tab = Number(button.dataset.canvasTab); showTab(); choose([], { focus: false, panel: false }); return; }
    if (button?.matches("[data-section-add]")) { addSection(); return; }
    if (button?.matches("[data-tab-add]")) { addSection(texts.newTab); return; }
    if (button?.dataset.sectionMove) { moveSection(button); return; }
    if (button?.matches("[data-section-remove]")) { run("section.remove", { form, section: section(button) }, { select: false }); return; }
    clicked(event);
  });
  canvas.addEventListener("change", (event) => {
    if (event.target.matches("[data-columns]")) run("section.columns", { form, section: section(event.target), count: Number(event.target.value) }, { select: false });
  });
  canvas.addEventListener("dblclick", (event) => {
    const place = event.target.closest("[data-field], [data-heading], [data-canvas-tab]");
    if (place && !event.target.closest("a, [data-column]") && (place.dataset.canvasTab === undefined || place.dataset.named)) rename(place);
  });
  canvas.addEventListener("keydown", pressed);
  canvas.addEventListener("keydown", (event) => {
    const place = event.target.closest?.("[data-heading], [data-canvas-tab]");
    if (place && event.key === "F2" && (place.dataset.canvasTab === undefined || place.dataset.named)) rename(place);
  });
  canvas.addEventListener("designer:drawn", () => { showTab(); chosen = chosen.filter((name) => cardOf(name)); paint(); });
  document.querySelector("[data-tools]").addEventListener("click", async (event) => {
    const wanted = event.target.closest("[data-do]")?.dataset.do;
    if (!wanted) return;
    await quiet();
    DO[wanted]();
  });
  document.querySelector("[data-moveto]").addEventListener("change", (event) => {
    if (event.target.value !== "") move(ordered(), { section: Number(event.target.value), at: 1e6 });
  });
  startDragging(canvas, {
    add, move, chosen: () => ordered(),
    moveSection: async (from, to) => { if (!await run("section.move", { form, section: from, to }, { select: false })) restore(); },
  });
  startPalette();
  showTab();
  paint();
  const wanted = new URLSearchParams(location.search).get("path");
  if (wanted) show(JSON.parse(wanted));
}

// --- the palette: searched by name, in either language, by pinyin or its initials

function startPalette() {
  const find = document.getElementById("fd-find");
  const pieces = [...document.querySelectorAll("[data-piece]")];
  find.addEventListener("input", () => {
    const words = find.value.trim().toLowerCase();
    for (const piece of pieces) piece.hidden = Boolean(words) && !piece.dataset.foundBy.includes(words);
    for (const shelf of document.querySelectorAll("[data-shelf]")) shelf.hidden = !shelf.querySelector("[data-piece]:not([hidden])");
    document.querySelector("[data-nothing]").hidden = pieces.some((piece) => !piece.hidden);
  });
  find.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const shown = pieces.filter((piece) => !piece.hidden);
    if (event.key === "Enter" && shown[0]) {
      event.preventDefault();
      find.value = "";
      find.dispatchEvent(new Event("input"));
      add(shown[0]);
    }
    if (event.key === "ArrowDown" && shown[0]) { event.preventDefault(); shown[0].focus(); }
  });
  document.getElementById("fd-palette").addEventListener("click", (event) => {
    const piece = event.target.closest("[data-piece]");
    if (piece) add(piece);
  });
  document.getElementById("fd-palette").addEventListener("keydown", (event) => {
    const shown = pieces.filter((piece) => !piece.hidden);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const at = shown.indexOf(event.target);
    if (step && at >= 0) { event.preventDefault(); (shown[at + step] ?? find).focus(); }
  });
}

// --- at the right: properties or preview

async function side(button) {
  const preview = document.getElementById("fd-preview");
  const shown = button.dataset.side === "preview";
  for (const one of document.querySelectorAll("[data-side]")) one.setAttribute("aria-pressed", String(one === button));
  preview.hidden = !shown;
  document.getElementById("fd-panel").hidden = shown;
  if (!shown || preview.firstElementChild) return;
  const place = document.createElement("div");
  place.dataset.preview = preview.dataset.address;
  preview.append(place);
  (await import("./preview.js")).startPreviews(preview);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-side]");
  if (button) side(button);
});

// Another type for a field: what fits the new one stays, and a link asks for its form first.
document.addEventListener("change", async (event) => {
  const box = event.target;
  const path = box.dataset?.kindOf ? JSON.parse(box.dataset.kindOf) : null;
  if (path?.[0] !== "forms" || path[2] !== "fields" || path.length !== 4) return;
  event.stopPropagation();
  const asks = document.querySelector(`[data-piece="${CSS.escape(box.value)}"]`)?.hasAttribute("data-asks");
  const of = asks ? await ask(box.value) : "";
  const told = of === null ? null : await run("type.change", { form: path[1], field: path[3], type: box.value, of }, { select: false });
  if (!told) draw(document.getElementById("fd-panel"));
}, true);

// --- other forms

document.addEventListener("change", (event) => { if (event.target.matches?.("[data-goto]")) location.assign(event.target.value); });
for (const select of document.querySelectorAll("[data-goto]")) {  // what was chosen before this script was there
  const here = [...select.options].find((one) => one.defaultSelected);
  if (here && select.value !== here.value) location.assign(select.value);
}
document.addEventListener("click", (event) => { if (event.target.closest("[data-form-new]")) newForm(); });

function newForm() {
  const dialog = document.getElementById("fd-new");
  const box = dialog.querySelector("form");
  refusedAt(box);
  box.onsubmit = (event) => {
    event.preventDefault();
    const roles = [...dialog.querySelectorAll("[name=role]:checked")].map((one) => one.value);
    create(box, "form", { label: document.getElementById("fd-new-label").value, roles });
  };
  dialog.showModal();
}

if (canvas) start();
