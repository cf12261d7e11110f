// The draft on the server is the truth; a page is a drawing of it. Whatever people do is sent as a named operation, and
// the parts of the page that show the draft are drawn again from what the server keeps.

import { request } from "../fetching.js";
import { toast } from "../toast.js";

const root = document.getElementById("designer");
const texts = document.getElementById("designer-texts").dataset;
const base = `/designer/${root.dataset.draft}`;
let version = Number(root.dataset.version);
let selected = null;
let line = Promise.resolve();

export const draftAddress = base;
export const language = root.dataset.language;
export const selection = () => selected;

export function announce(words) {
  document.getElementById("designer-say").textContent = words;
}

// Which place of the definition the property panel shows; null for none.
export async function select(path, options = {}) {
  const panel = point(path, options);
  if (panel) await draw(panel);
}

function point(path, options) {
  selected = path;
  document.dispatchEvent(new CustomEvent("designer:selected", { detail: { path, ...options } }));
  const panel = document.querySelector("[data-panel]");
  const query = path ? `?path=${encodeURIComponent(JSON.stringify(path))}` : "";
  if (panel) panel.dataset.refresh = `${base}/panel${query}`;
  return panel;
}

// One after the other: each operation is sent with the version the one before it left.
let waiting = 0;
let begun = null; // what had the focus when the newest was sent

function queued(work) {
  waiting += 1;
  begun = document.activeElement;
  const turn = line.then(work).finally(() => { waiting -= 1; });
  line = turn.catch(() => {}); // who asked is told; the next one goes on
  return turn;
}

// When everything sent so far is kept and drawn: what is chosen is then called what the draft calls it.
export async function quiet() {
  let last;
  do { last = line; await last; await null; } while (last !== line);
}

// Asks the draft something; the answer is JSON.
export const ask = (door, body) => request(`${base}/${door}`, {
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, stay: true,
});

// The sentence of a refusal, below the input it is about; none takes it away.
export function refusedAt(element, words) {
  const place = element?.closest(".prop, .panel-group, dialog")?.querySelector("[data-refused]");
  if (!place) return;
  place.textContent = words ?? "";
  place.hidden = !words;
}

async function post(door, body) {
  show(texts.saySaving);
  const answer = await ask(door, { version, ...body });
  if (!answer) { show(texts.sayOffline, true); return null; }
  let told;
  try { told = JSON.parse(answer.text); } catch { told = { reason: texts.sayOffline }; }
  return { status: answer.status, told };
}

function show(words, bad = false) {
  const place = document.querySelector("[data-saved]");
  place.toggleAttribute("data-quiet", words === texts.saySaved);
  place.textContent = words;
  place.classList.toggle("is-bad", bad);
}

// Sends an operation; answers what the server said, or null when it was refused (the reason is shown).
// `quiet`: the caller shows the reason itself, as `{refused: …}`.
export function run(operation, given = {}, options = {}) {
  const send = async (all) => settle(await post("do", { operation, arguments: all }), options, () => send({ ...all, force: true }));
  return queued(() => send(given)); // what is confirmed goes on in its own turn
}

// The whole text of the draft, typed on the ground of `ground`; conflicts come back as `{conflicts: […]}`.
export function write(ground, text) {
  return queued(async () => settle(await post("text", { base: ground, text }), { quiet: true }));
}

// A new thing named in a dialog, and on to its page; the dialog stays where it is refused.
export async function create(box, room, given) {
  const told = await run(`${room}.add`, given, { quiet: true, select: false });
  if (told && !told.refused) location.assign(`${base}/${room}/${told.select[1]}`);
  else refusedAt(box, told?.refused);
}

export const undo = () => queued(async () => settle(await post("undo", {})));
export const redo = () => queued(async () => settle(await post("redo", {})));

async function settle(answer, options = {}, again = null) {
  if (!answer) return null;
  const { status, told } = answer;
  if (status === 200) { await taken(told, options); return told; }
  show(texts.saySaved);
  if (status === 409 && !told.conflicts) { await stale(); return null; }
  if (told.breaks && again) return confirmBreaks(told, again);
  if (options.quiet) return { refused: told.reason, ...told };
  toast(told.reason, "danger");
  await redraw();
  return null;
}

async function taken(told, options) {
  version = told.version;
  root.dataset.version = version;
  tools(told);
  if (told.label) announce(told.label);
  if (told.select && options.select !== false) point(told.select, { fresh: true });
  await redraw();
  show(texts.saySaved);
  document.dispatchEvent(new CustomEvent("designer:changed", { detail: told }));
}

// Somebody else was faster: what there is now is shown, and the next operation begins from there.
async function stale() {
  toast(texts.sayStale, "warning");
  const answer = await request(`${base}/state`);
  if (!answer || answer.status !== 200) return;
  const told = JSON.parse(answer.text);
  version = told.version;
  tools(told);
  await redraw();
  document.dispatchEvent(new CustomEvent("designer:changed", { detail: told }));
}

function tools(told) {
  for (const name of ["undo", "redo"]) {
    const button = document.querySelector(`[data-step=${name}]`);
    button.disabled = !told[name];
    button.title = told[name] ? texts[name === "undo" ? "sayUndo" : "sayRedo"].replace("%", told[name])
      : texts[name === "undo" ? "sayNothingUndo" : "sayNothingRedo"];
  }
  const errors = document.querySelector("[data-errors]");
  errors.hidden = !told.errors;
  errors.firstElementChild.textContent = texts.sayMistakes.replace("%", told.errors);
}

// Every part that shows the draft, drawn again where it stands; what has the focus keeps it, and what is typed stays.
export async function redraw() {
  await Promise.all([...document.querySelectorAll("[data-refresh]")].map(draw));
}

const newest = new WeakMap();

// Of several drawings of one place that are under way, the one asked for last is shown.
export async function draw(place) {
  const asked = request(place.dataset.refresh);
  newest.set(place, asked);
  const answer = await asked;
  if (newest.get(place) !== asked || !answer || answer.status >= 400) return;
  const focus = focusMark(place);
  await window.htmx.swap({ target: place, text: answer.text, swap: "innerMorph", sourceElement: place });
  settleControls(place);
  restoreFocus(focus);
  place.dispatchEvent(new CustomEvent("designer:drawn", { bubbles: true }));
}

// A morph sets attributes; what people once touched shows them only when told to.
function settleControls(place) {
  for (const box of place.querySelectorAll("select")) {
    const chosen = [...box.options].find((one) => one.hasAttribute("selected"));
    if (box !== document.activeElement) box.value = chosen ? chosen.value : box.options[0]?.value ?? "";
  }
  for (const box of place.querySelectorAll("input[type=checkbox], input[type=radio]")) box.checked = box.hasAttribute("checked");
}

function focusMark(place) {
  const active = document.activeElement;
  return place.contains(active) ? active.id || null : null;
}

function restoreFocus(mark) {
  if (mark && document.activeElement?.id !== mark) document.getElementById(mark)?.focus({ preventScroll: true });
}

function confirmBreaks(told, again) {
  const dialog = document.getElementById("designer-breaks");
  dialog.querySelector("[data-reason]").textContent = told.reason;
  dialog.querySelector("[data-places]").replaceChildren(...told.breaks.map(({ path, sentence }) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${base}/go?path=${encodeURIComponent(JSON.stringify(path))}`;
    link.textContent = sentence;
    item.append(link);
    return item;
  }));
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.querySelector("[data-cancel]").onclick = () => dialog.close();
    dialog.querySelector("[data-force]").onclick = () => { resolve(again()); dialog.close(); };
    dialog.onclose = () => resolve(null); // by the button, Esc or a click beside it; what was sent again is waited for
  });
}

// Who leaves while something is being kept goes a moment later: the next page is drawn from all of it. Not who follows a
// place in the question what to do about it: that waits for its answer.
document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[href]");
  if (!waiting || !link || link.closest("dialog") || link.target || link.hasAttribute("download") || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (link.getAttribute("href").startsWith("#")) return;
  event.preventDefault();
  await quiet();
  location.assign(link.href);
}, true);

function typing(target) {
  return target.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, [contenteditable]");
}

// A key pressed on a drawing while it is kept and drawn again acts on what is seen then: on the drawing of before it would
// mean another place, and what was chosen by it would be lost to what the edit chooses. It goes where the edit puts the
// focus, or where the person put it meanwhile.
const held = [];

function isHeld(event) {
  if (!(waiting || held.length) || !event.isTrusted || event.isComposing || document.querySelector("dialog[open]")) return false;
  const { target, key } = event;
  if (target !== document.body && !target.matches?.("[data-field], [data-card], [data-entry], [data-cell-id]")) return false;
  return event.ctrlKey || event.metaKey ? /^[acdvxyz]$/i.test(key) : /^(Arrow.*|Backspace|Delete|End|Enter|Escape|F2|Home|.)$/.test(key);
}

async function release() {
  while (held.length) {
    await quiet();
    const { event, own } = held.shift();
    const target = own?.isConnected ? own : document.activeElement ?? document.body;
    if (!typing(target)) target.dispatchEvent(new KeyboardEvent("keydown", event));
  }
}

document.addEventListener("keydown", (event) => {
  if (!isHeld(event)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const own = event.target === begun || event.target === document.body ? null : event.target;
  if (held.push({ event, own }) === 1) release();
}, true);

document.addEventListener("keydown", (event) => {
  if (event.isComposing || !(event.ctrlKey || event.metaKey) || typing(event.target)) return;
  const key = event.key.toLowerCase();
  if (key === "z") { event.preventDefault(); (event.shiftKey ? redo : undo)(); }
  if (key === "y") { event.preventDefault(); redo(); }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-step=undo]")) undo();
  if (event.target.closest("[data-step=redo]")) redo();
  const sheet = event.target.closest("[data-sheet]");
  if (sheet) openSheet(sheet);
  const chosen = event.target.closest("[data-select]");
  if (chosen && !event.defaultPrevented) select(JSON.parse(chosen.dataset.select));
});

// On a phone the side panels are sheets over the canvas.
function openSheet(button) {
  const open = button.getAttribute("aria-expanded") !== "true";
  for (const one of document.querySelectorAll("[data-sheet]")) {
    const shown = open && one === button;
    one.setAttribute("aria-expanded", String(shown));
    document.getElementById(one.dataset.sheet).classList.toggle("is-open", shown);
  }
}

document.querySelector(".designer-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
import("./panel.js");
import("./builder.js");
import("./complete.js");
import("./rights.js");
