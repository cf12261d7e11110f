// The page builder: cards on a grid of twelve, by mouse, finger and keyboard. What a gesture means is sent as an operation;
// the canvas is drawn again from what the server keeps.

import { TOUCH, loadSortable } from "../sorting.js";
import { announce, create, draftAddress, run, select } from "./workspace.js";

const builder = document.getElementById("builder");
const texts = document.getElementById("page-texts")?.dataset ?? {};
const COLUMNS = 12;
let chosen = null; // the place of the chosen card
let wanted = null; // the card that gets the focus once it is drawn

const page = () => builder.dataset.page;
const grid = () => builder.querySelector("[data-grid]");
const cards = () => [...builder.querySelectorAll("[data-card]")];
const place = (card) => Number(card.dataset.card);

// --- choosing

function mark(path) {
  chosen = path?.[0] === "pages" && path[1] === page() && path[2] === "cards" ? path[3] : null;
  for (const card of cards()) card.classList.toggle("is-chosen", place(card) === chosen);
}

function choose(card) {
  select(JSON.parse(card.dataset.path));
}

async function operate(operation, given) {
  const told = await run(operation, { page: page(), ...given });
  const at = told?.select?.[2] === "cards" ? told.select[3] : null;
  if (at !== null) { wanted = at; focusWanted(); }
  return told;
}

function focusWanted() {
  const card = cards()[wanted];
  if (!card) return;
  wanted = null;
  card.focus({ preventScroll: true });
  card.scrollIntoView({ block: "nearest" });
  announce(texts.moved.replace("{place}", place(card) + 1).replace("{count}", cards().length));
}

// --- adding, moving

function addCard(kind, at = chosen === null ? -1 : chosen + 1) {
  const around = cards()[at - 1];
  return operate("card.add", { kind, at, form: around?.dataset.form ?? "" });
}

async function sortable() {
  const here = grid();
  if (!here || here.dataset.ready) return;
  here.dataset.ready = "1";
  await loadSortable();
  window.Sortable.create(here, {
    ...TOUCH, group: { name: "cards", pull: true, put: true }, draggable: "[data-card]", handle: ".card-header",
    filter: "button", preventOnFilter: false, ghostClass: "ghost", swapThreshold: 0.65,
    onAdd: ({ item, newDraggableIndex }) => { const { kind } = item.dataset; item.remove(); addCard(kind, newDraggableIndex); },
    onUpdate: ({ oldDraggableIndex, newDraggableIndex }) => operate("card.move", { card: oldDraggableIndex, to: newDraggableIndex }),
  });
}

async function palette() {
  const list = document.querySelector("[data-card-palette]");
  if (!list) return;
  await loadSortable();
  window.Sortable.create(list, {
    ...TOUCH, group: { name: "cards", pull: "clone", put: false }, sort: false, draggable: "[data-kind]",
    onClone: ({ clone }) => clone.removeAttribute("id"),
    onStart: ({ item }) => { item.dataset.card = ""; grid().classList.add("is-open"); },
    onEnd: ({ item }) => { delete item.dataset.card; grid().classList.remove("is-open"); },
  });
}

async function pageList() {
  const list = document.querySelector("[data-pages]");
  if (!list || list.dataset.ready) return;
  list.dataset.ready = "1";
  await loadSortable();
  window.Sortable.create(list, {
    ...TOUCH, draggable: "[data-page-item]",
    onUpdate: ({ item, newDraggableIndex }) => run("page.move", { page: item.dataset.pageItem, to: newDraggableIndex }),
  });
}

// --- width

function resizeFrom(event, card) {
  const here = grid().getBoundingClientRect(), left = card.getBoundingClientRect().left;
  const before = Number(card.dataset.width);
  let width = before;
  const follow = (move) => {
    const next = Math.max(1, Math.min(COLUMNS, Math.round(((move.clientX - left) * COLUMNS) / here.width)));
    if (next === width) return;
    card.classList.replace(`width-${width}`, `width-${next}`);
    width = next;
    card.dataset.shown = texts.wide.replace("{width}", width);
  };
  const done = () => {
    removeEventListener("pointermove", follow);
    card.classList.remove("is-resizing");
    delete card.dataset.shown;
    if (width !== before) operate("card.resize", { card: place(card), width });
  };
  event.preventDefault();
  card.classList.add("is-resizing");
  addEventListener("pointermove", follow);
  addEventListener("pointerup", done, { once: true });
  addEventListener("pointercancel", done, { once: true });
}

// --- keys

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

function keyOn(card, event) {
  const at = place(card), step = STEPS[event.key];
  if (event.altKey && step) return operate("card.move", { card: at, to: at + step });
  if (event.shiftKey && step && event.key !== "ArrowUp" && event.key !== "ArrowDown") {
    const width = Number(card.dataset.width) + step;
    return width >= 1 && width <= COLUMNS ? operate("card.resize", { card: at, width }) : true;
  }
  if (step && !event.ctrlKey && !event.metaKey && !event.shiftKey) { cards()[at + step]?.focus(); return true; }
  if (event.key === "Enter") { choose(card); return true; }
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") return operate("card.duplicate", { card: at });
  if (event.key === "Delete") return operate("card.remove", { card: at });
  return false;
}

// --- the page itself

async function stepPage(step) {
  const names = [...document.querySelectorAll("[data-page-item]")].map((one) => one.dataset.pageItem);
  const at = names.indexOf(page()) + step;
  if (at >= 0 && at < names.length) await run("page.move", { page: page(), to: at });
}

async function copyPage() {
  const told = await run("page.duplicate", { page: page() }, { select: false });
  if (told?.select) location.assign(`${draftAddress}/page/${told.select[1]}`);
}

async function deletePage() {
  if (await run("page.remove", { page: page() }, { select: false })) location.assign(`${draftAddress}/page`);
}

// --- wiring

document.addEventListener("click", (event) => {
  const on = (mark) => event.target.closest(`[data-${mark}]`);
  const adding = on("add-card"), card = on("card");
  if (adding) addCard(adding.dataset.addCard);
  else if (on("add-page")) document.getElementById("new-page").showModal();
  else if (on("page-step")) stepPage(Number(on("page-step").dataset.pageStep));
  else if (on("page-copy")) copyPage();
  else if (on("page-delete")) deletePage();
  else if (on("filter-off")) run("remove", { path: JSON.parse(on("filter-off").dataset.filterOff) });
  else if (card && on("copy-card")) operate("card.duplicate", { card: place(card) });
  else if (card && on("delete")) operate("card.remove", { card: place(card) });
  else if (card && builder?.contains(card)) choose(card);
});

document.addEventListener("change", (event) => {
  const box = event.target.closest("[data-filter-add]");
  if (!box?.value) return;
  const [form, field] = box.value.split(".");
  box.value = "";
  run("filter.add", { page: page(), form, field });
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-new-page]")) return;
  event.preventDefault();
  create(event.target, "page", { label: document.getElementById("new-page-label").value });
});

if (builder) {
  builder.addEventListener("pointerdown", (event) => {
    if (event.target.closest("[data-resize]")) resizeFrom(event, event.target.closest("[data-card]"));
  });
  builder.addEventListener("keydown", (event) => {
    if (!event.isComposing && event.target.matches("[data-card]") && keyOn(event.target, event)) event.preventDefault();
  });
  builder.addEventListener("designer:drawn", () => { sortable(); if (chosen !== null) markChosen(); if (wanted !== null) focusWanted(); });
  document.addEventListener("designer:selected", ({ detail }) => mark(detail.path));
  mark(JSON.parse(builder.dataset.selected));
  sortable();
  palette();
}
document.addEventListener("designer:drawn", pageList);
pageList();

function markChosen() {
  for (const card of cards()) card.classList.toggle("is-chosen", place(card) === chosen);
}
