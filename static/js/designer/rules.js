// Rules as blocks: what is clicked, dragged or typed becomes a named operation; the server draws the blocks again.

import { loadInto, send } from "../fetching.js";
import { loadSortable } from "../sorting.js";
import { create, draftAddress, draw, redraw, run, select, selection } from "./workspace.js";

const room = document.getElementById("rule-room");
const rule = room?.dataset.rule ?? null;
const parse = (text) => JSON.parse(text);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const pathOf = (card) => parse(card.dataset.card);
const cards = () => [...document.querySelectorAll("[data-card]")];
const cardAt = (path) => (path ? cards().find((one) => same(pathOf(one), path)) ?? null : null);
const isStep = (path) => path.length > 3 && path[2] === "actions";

// --- one operation, and where to go on

async function act(operation, given, options = {}) {
  const told = await run(operation, given, options);
  if (!told) { await redraw(); return null; }
  if (!told.refused && told.select) focusCard(told.select);
  return told;
}

function focusCard(path) {
  const card = cardAt(path) ?? cardAt(path.slice(0, -1));
  card?.focus({ preventScroll: true });
  card?.scrollIntoView({ block: "nearest" });
}

const DO = {
  duplicate: (path) => act("action.duplicate", { path }),
  branch: (path) => act("branch.add", { path }),
  unbranch: (path) => act("branch.remove", { path }),
  async remove(path) {
    const all = cards();
    const beside = all[all.indexOf(cardAt(path)) - 1];
    const told = await run("action.remove", { path }, { select: false });
    if (told && !told.refused && beside) document.getElementById(beside.id)?.focus();
  },
};

// --- pickers

let picking = null; // what is done with the type that is picked

function pick(id, then) {
  const dialog = document.getElementById(id);
  const search = dialog.querySelector("[data-filter-types]");
  picking = then;
  search.value = "";
  filter(dialog);
  dialog.showModal();
  search.focus();
}

function filter(dialog) {
  const wanted = dialog.querySelector("[data-filter-types]").value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const item of dialog.querySelectorAll("[data-words]")) {
    item.hidden = !wanted.every((word) => item.dataset.words.includes(word));
    found += !item.hidden;
  }
  dialog.querySelector(".picker-none").hidden = found > 0;
}

const shown = (dialog) => [...dialog.querySelectorAll("[data-words]:not([hidden]) [data-pick]")];

function insertAt(parent, at) {
  pick("pick-step", (type) => act("action.add", { parent, type, at }));
}

document.addEventListener("input", (event) => {
  const dialog = event.target.closest(".rule-picker");
  if (dialog) filter(dialog);
});

document.addEventListener("keydown", (event) => {
  const dialog = event.target.closest?.(".rule-picker");
  if (!dialog || event.isComposing) return;
  const items = shown(dialog);
  const here = items.indexOf(document.activeElement);
  if (event.key === "Enter" && here < 0 && items.length) { event.preventDefault(); items[0].click(); }
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  event.preventDefault();
  const next = here + (event.key === "ArrowDown" ? 1 : -1);
  (items[next] ?? dialog.querySelector("[data-filter-types]")).focus();
});

// --- clicks: before the frame takes them for a choice of the card around

const CLICKS = [
  ["[data-pick]", (button) => { button.closest("dialog").close(); picking?.(button.dataset.pick); picking = null; }],
  ["[data-insert]", (button) => insertAt(parse(button.dataset.insert), Number(button.dataset.at))],
  ["[data-pick-trigger]", () => pick("pick-trigger", (type) => act("trigger.set", { rule, type }))],
  ["[data-when-begin]", () => act("condition.begin", { rule })],
  ["[data-when-drop]", async () => {
    await run("condition.set", { path: ["rules", rule, "when"], text: "" }, { select: false });
    document.getElementById("rule-when-begin")?.focus();
  }],
  ["[data-do]", (button) => DO[button.dataset.do](pathOf(button.closest("[data-card]")))],
  ["[data-standing]", (button) => run("rule.standing", { rule, standing: button.dataset.standing }, { select: false })],
  ["[data-rule-do]", (button) => whole(button.dataset.ruleDo)],
  ["[data-add-kind]", (button) => act("action.add", { ...afterSelected(), type: button.dataset.addKind })],
  ["[data-new-rule]", newRule],
  ["[data-try-open]", openTry],
  ["[data-try-close]", () => { document.getElementById("rule-try").hidden = true; document.getElementById("rule-try-open")?.focus(); }],
  ["[data-look-back]", lookBack],
  ["[data-show-back]", (button) => showHistory(button.dataset.showBack)],
  ["[data-cancel-back]", async (button) => putHistory(await send(button.dataset.cancelBack, new FormData()))],
];

document.addEventListener("click", (event) => {
  for (const [which, then] of CLICKS) {
    const button = event.target.closest(which);
    if (!button) continue;
    event.preventDefault();
    then(button);
    return;
  }
}, true);

// Where a step of the palette goes: behind the step that is chosen, else at the end.
function afterSelected() {
  const chosen = document.querySelector("[data-card].is-selected");
  const path = chosen ? pathOf(chosen) : [];
  if (isStep(path)) return { parent: path.slice(0, -1), at: path.at(-1) + 1 };
  return { parent: ["rules", rule, "actions"], at: -1 };
}

async function whole(operation) {
  const told = await run(operation, { rule }, { select: false });
  if (!told || told.refused) return;
  location.assign(operation === "rule.remove" ? `${draftAddress}/rule` : `${draftAddress}/rule/${told.select[1]}`);
}

function newRule() {
  const dialog = document.getElementById("new-rule");
  dialog.showModal();
  dialog.querySelector("#new-rule-label").focus();
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[data-rule-form]")) {
    event.preventDefault();
    const value = (name) => form.querySelector(`#new-rule-${name}`).value;
    create(form, "rule", { label: value("label"), trigger: value("trigger"), form: value("form") });
  }
  if (form.matches("[data-try-form]")) {
    event.preventDefault();
    tryNow(new URLSearchParams(new FormData(form)));
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-rule-label]")) {
    run("rule.label", { rule, label: event.target.value }, { select: false });
  }
});

// --- keys on a block

const KEYS = {
  ArrowUp: (card) => beside(card, -1),
  ArrowDown: (card) => beside(card, 1),
  Enter: open,
  " ": open,
  Delete: (card) => stepOnly(card, DO.remove),
  a: (card) => stepOnly(card, (path) => insertAt(path.slice(0, -1), path.at(-1) + 1)) || insertAt(["rules", rule, "actions"], 0),
  b: (card) => stepOnly(card, DO.branch),
};

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !event.target.matches?.("[data-card]")) return;
  const card = event.target;
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    stepOnly(card, (path) => act("action.shift", { path, down: event.key === "ArrowDown" }));
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
    event.preventDefault();
    stepOnly(card, DO.duplicate);
  } else if (!event.altKey && !event.ctrlKey && !event.metaKey && KEYS[event.key]) {
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key](card);
  }
});

function stepOnly(card, then) {
  const path = pathOf(card);
  if (!isStep(path)) return false;
  then(path);
  return true;
}

function beside(card, by) {
  const all = cards();
  all[all.indexOf(card) + by]?.focus();
}

async function open(card) {
  await select(parse(card.dataset.select));
  const panel = document.getElementById("rule-panel");
  if (matchMedia("(max-width: 820px)").matches) document.querySelector('[data-sheet="designer-right"][aria-expanded="false"]')?.click();
  panel.querySelector(".panel-group:not([hidden]) :is(input, select, textarea)")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.defaultPrevented || !event.target.closest?.("#rule-panel")) return;
  event.target.blur();
  document.querySelector("[data-card].is-selected")?.focus();
});

// --- the block that is chosen

const isOf = (card, path) => same(pathOf(card), path) || same(parse(card.dataset.select), path);

function mark() {
  const path = selection();
  for (const card of cards()) card.classList.toggle("is-selected", Boolean(path) && isOf(card, path));
}

document.addEventListener("designer:selected", mark);

// --- dragging, by mouse and touch

const SMOOTH = {
  animation: 120, delay: 150, delayOnTouchOnly: true, forceFallback: true, fallbackOnBody: true, fallbackTolerance: 4,
  ghostClass: "rule-ghost", dragClass: "rule-dragged", emptyInsertThreshold: 14, invertSwap: true,
};

function lanes() {
  for (const lane of document.querySelectorAll(".rule-lane:not([data-sorted])")) {
    lane.dataset.sorted = "";
    window.Sortable.create(lane, {
      ...SMOOTH, group: { name: "steps" }, handle: ".rule-card", draggable: ".rule-step, [data-kind]",
      filter: "button, input", preventOnFilter: false, onAdd: arrived, onUpdate: moved,
    });
  }
}

function arrived(event) {
  if (!event.item.dataset.kind) { moved(event); return; }
  const given = { parent: parse(event.to.dataset.list), type: event.item.dataset.kind, at: event.newDraggableIndex };
  event.item.remove();
  act("action.add", given);
}

function moved(event) {
  const given = { path: parse(event.item.dataset.stepPath), parent: parse(event.to.dataset.list), at: event.newDraggableIndex };
  act("action.move", given);
}

async function drags() {
  await loadSortable();
  const palette = document.querySelector("[data-step-palette]");
  window.Sortable.create(palette, { ...SMOOTH, group: { name: "steps", pull: "clone", put: false }, sort: false, draggable: "[data-kind]" });
  lanes();
}

document.addEventListener("designer:drawn", (event) => {
  mark();
  if (event.target.id === "rule-canvas" && window.Sortable) lanes();
});

// --- trying it out

function tryBody() {
  return document.getElementById("rule-try-body");
}

async function openTry() {
  const place = document.getElementById("rule-try");
  place.hidden = false;
  await loadInto(tryBody(), place.dataset.try);
  place.scrollIntoView({ block: "nearest", behavior: "smooth" });
  place.querySelector("input:not([type=hidden]), select, button")?.focus();
}

let asked = null;

async function tryNow(query) {
  asked = query;
  await loadInto(tryBody(), `${document.getElementById("rule-try").dataset.try}?${query}`);
  tryBody().querySelector(".rule-outlook, [role=alert]")?.scrollIntoView({ block: "nearest" });
}

// What it would do follows each edit while it is looked at.
document.addEventListener("designer:changed", () => {
  const place = document.getElementById("rule-try");
  if (!place || place.hidden || place.contains(document.activeElement)) return;
  loadInto(tryBody(), asked ? `${place.dataset.try}?${asked}` : place.dataset.try);
});

async function lookBack(button) {
  const data = new FormData();
  data.set("days", button.dataset.days);
  putHistory(await send(button.dataset.lookBack, data));
}

function putHistory(answer) {
  const place = document.getElementById("rule-history");
  if (!place || !answer || answer.status >= 400) return;
  place.innerHTML = answer.text;
  const polled = place.querySelector("[data-poll]");
  if (polled) setTimeout(() => polled.isConnected && showHistory(polled.dataset.poll), 700);
}

async function showHistory(address) {
  const place = document.getElementById("rule-history");
  if (!(await loadInto(place, address))) return;
  const polled = place.querySelector("[data-poll]");
  if (polled) setTimeout(() => polled.isConnected && showHistory(address), 700);
}

// --- the beginning

if (room) {
  const wanted = new URLSearchParams(location.search).get("path");
  if (wanted) select(parse(wanted)); else draw(document.getElementById("rule-panel"));
  drags();
}
