// The record form: what depends on what is typed, drafts, the guard against losing work, and saving by keyboard.
// Every decision is the server's: this file sends what is typed and shows what comes back.
import { signInAgain } from "./again.js";
import { markClean, markDirty } from "./guard.js";
import { startLines } from "./lines.js";
import { startMentions } from "./mentions.js";
import { toast } from "./toast.js";

const REACT_AFTER = 250; // ms of silence before asking what changed
const DRAFT_AFTER = 2500;
const states = new WeakMap();

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export function say(text) {
  let region = document.getElementById("form-live");
  if (!region) {
    region = document.createElement("div");
    region.id = "form-live";
    region.className = "visually-hidden";
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
  }
  region.textContent = text;
}

export function typed(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}

const snapshot = (form) => {
  const data = typed(form);
  for (const name of ["_once", "csrf_token"]) data.delete(name);
  return new URLSearchParams(data).toString();
};

export function post(url, data, signal) {
  return fetch(url, {
    method: "POST",
    body: data,
    signal,
    headers: { "X-CSRF-Token": data.get("csrf_token") ?? token(), Accept: "application/json", "X-Requested-With": "fetch" },
    credentials: "same-origin",
  });
}

// --- what depends on what is typed -----------------------------------------------------------------------------------

function place(form, path) {
  return form.querySelector(`[data-field="${CSS.escape(path)}"]`);
}

function setVisible(box, visible) {
  box.hidden = !visible;
}

function setRequired(box, required) {
  box.querySelector("label.form-label, legend.form-label")?.classList.toggle("required", required);
  for (const control of box.querySelectorAll("input,select,textarea")) {
    if (control.type !== "hidden") control.setAttribute("aria-required", String(required));
  }
}

function setReadonly(box, readonly) {
  box.classList.toggle("is-readonly", readonly);
  for (const control of box.querySelectorAll("input,select,textarea,button")) {
    if (control.type === "hidden") continue;
    // readonly keeps text selectable; what has no readonly is taken out of the tab order and of the submission
    if ("readOnly" in control && !["checkbox", "radio", "file", "color", "range"].includes(control.type)) control.readOnly = readonly;
    else if (!control.hasAttribute("data-always")) control.disabled = readonly;
  }
}

function setProblem(box, text) {
  let line = box.querySelector(":scope .react-problem");
  if (!text) {
    line?.remove();
    return;
  }
  if (!line) {
    line = document.createElement("div");
    line.className = "react-problem text-warning-emphasis";
    box.append(line);
  }
  line.textContent = text;
}

function apply(form, answer) {
  const each = (map, act) => {
    for (const [path, value] of Object.entries(map ?? {})) {
      const box = place(form, path);
      if (box) act(box, value);
    }
  };
  each(answer.visible, setVisible);
  each(answer.required, setRequired);
  each(answer.readonly, setReadonly);
  each(answer.problems, setProblem);
  for (const box of form.querySelectorAll(".react-problem")) {
    const path = box.closest("[data-field]")?.dataset.field;
    if (path && !(path in (answer.problems ?? {}))) box.remove();
  }
  each(answer.computed, (box, value) => {
    const shown = box.matches("td") ? box : box.querySelector("[data-value]") ?? box;
    const target = shown.querySelector("[data-value]") ?? shown;
    if (target.textContent !== value) {
      target.textContent = value;
      target.classList.add("just-changed");
      setTimeout(() => target.classList.remove("just-changed"), 600);
    }
  });
  each(answer.defaults, (box, text) => {
    const input = box.querySelector("input:not([type=hidden],[type=radio],[type=checkbox])");
    if (input) input.placeholder = text; // what is taken if nothing is typed
  });
  each(answer.options, (box, url) => {
    const link = box.querySelector("[data-link]");
    if (link) link.dataset.url = url;
  });
  for (const [index, visible] of Object.entries(answer.sections ?? {})) {
    const section = form.querySelector(`[data-section="${CSS.escape(index)}"]`);
    if (section) section.hidden = !visible;
  }
  for (const [path, value] of Object.entries(answer.totals ?? {})) {
    const cell = form.querySelector(`[data-total="${CSS.escape(path)}"]`);
    if (cell) cell.textContent = value;
  }
}

export async function react(form) {
  const state = states.get(form);
  if (!state || !form.dataset.react) return;
  state.asking?.abort();
  state.asking = new AbortController();
  try {
    const answer = await post(form.dataset.react, typed(form), state.asking.signal);
    if (answer.ok) apply(form, await answer.json());
    form.dataset.reacted = String(Number(form.dataset.reacted ?? 0) + 1);
  } catch (error) {
    if (error.name !== "AbortError") say(form.dataset.offline ?? "");
  }
}

// --- drafts ----------------------------------------------------------------------------------------------------------

async function saveDraft(form) {
  const state = states.get(form);
  if (!form.dataset.draft || state.sent || snapshot(form) === state.drafted) return;
  const shot = snapshot(form);
  try {
    const answer = await post(form.dataset.draft, typed(form));
    if (answer.status === 401) return note(form, await answer.text());
    if (!answer.ok) return;
    state.drafted = shot;
    note(form, (await answer.json()).note);
  } catch {
    note(form, form.dataset.offline ?? "");
  }
}

function note(form, words) {
  const place = form.querySelector("[data-draft-note]") ?? document.querySelector("[data-draft-note]");
  if (place) place.textContent = words;
}

// Before the page is left to save, what is typed is put where it outlives everything: a connection that breaks off, a
// session that ended, a server that fails. Only then is the form sent; the save itself ends the draft.
async function putBy(form) {
  if (!form.dataset.draft) return true;
  try {
    const answer = await post(form.dataset.draft, typed(form));
    if (answer.ok) return true;
    if (answer.status === 401) return (await signInAgain()) && (await putBy(form));
    toast(await refusal(answer, form), "danger");
  } catch {
    toast(form.dataset.offline ?? "", "danger");
  }
  return false;
}

async function refusal(answer, form) {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector(".empty-state li, .empty-state p")?.textContent.trim() || (form.dataset.offline ?? "");
}

async function sendSafely(form, submitter) {
  const state = states.get(form);
  form.setAttribute("aria-busy", "true");
  clearTimeout(state.reactTimer);
  clearTimeout(state.draftTimer);
  const safe = await putBy(form);
  form.removeAttribute("aria-busy");
  if (!safe) {
    markDirty(form);
    return;
  }
  state.safe = true;
  form.requestSubmit(submitter ?? undefined);
  state.safe = false;
}

export function changed(form) {
  const state = states.get(form);
  if (!state) return;
  if (isDirty(form)) markDirty(form);
  else markClean(form);
  clearTimeout(state.reactTimer);
  clearTimeout(state.draftTimer);
  state.reactTimer = setTimeout(() => react(form), REACT_AFTER);
  state.draftTimer = setTimeout(() => saveDraft(form), DRAFT_AFTER);
}

const isDirty = (form) => {
  const state = states.get(form);
  return Boolean(state) && !state.sent && form.isConnected && snapshot(form) !== state.first;
};

// --- tabs ------------------------------------------------------------------------------------------------------------

function openTab(tab) {
  const list = tab.closest("[role=tablist]");
  for (const other of list.querySelectorAll("[role=tab]")) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", String(chosen));
    other.classList.toggle("active", chosen);
    other.tabIndex = chosen ? 0 : -1;
    const panel = document.getElementById(other.getAttribute("aria-controls"));
    if (panel) panel.hidden = !chosen;
  }
}

export function reveal(element) {
  const panel = element.closest("[role=tabpanel]");
  if (panel?.hidden) {
    const tab = document.querySelector(`[role=tab][aria-controls="${CSS.escape(panel.id)}"]`);
    if (tab) openTab(tab);
  }
}

function tabKeys(event, tab) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]")];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  openTab(next);
  next.focus();
  event.preventDefault();
}

// --- focus -----------------------------------------------------------------------------------------------------------

const CONTROL = "input:not([type=hidden]):not([disabled]),select:not([disabled]),textarea:not([disabled]),button:not([disabled],[tabindex='-1'])";

export function focusField(path, root = document) {
  const box = root.querySelector(`[data-field="${CSS.escape(path)}"]`);
  if (!box) return false;
  reveal(box);
  const control = box.querySelector(CONTROL) ?? box;
  if (control === box) box.tabIndex = -1;
  control.focus();
  box.scrollIntoView({ block: "center" });
  return true;
}

function focusFirstError(root) {
  const links = [...(root.querySelectorAll?.(".form-errors a[data-to]") ?? [])];
  if (links[0]?.closest("dialog")) return;
  const form = links[0]?.closest("form") ?? document;
  const first = [...form.querySelectorAll("[data-field]")].find((box) => links.some((link) => link.dataset.to === box.dataset.field));
  if (links.length) focusField(first?.dataset.field ?? links[0].dataset.to, form);
  else root.querySelector?.(".form-errors")?.focus();
}

function followHash() {
  const match = /^#field-(.+)$/.exec(decodeURIComponent(location.hash));
  if (match) focusField(match[1]);
}

// --- starting --------------------------------------------------------------------------------------------------------

function start(form) {
  if (states.has(form)) return;
  form.classList.add("has-js");
  states.set(form, { first: snapshot(form), drafted: snapshot(form), sent: false });
  if (form.dataset.dirty === "true") {
    states.get(form).first = "";
    markDirty(form);
  }
  form.noValidate = true; // the server says everything at once, in the reader's language
}

// A fragment that is a dialog opens itself; closing it leaves the page as it was.
function startDialog(root) {
  for (const dialog of root.querySelectorAll?.("dialog[data-open-dialog]:not([open])") ?? []) {
    dialog.showModal();
    dialog.addEventListener("close", () => dialog.remove(), { once: true });
    const first = dialog.querySelector(".form-errors a[data-to]");
    if (first) focusField(first.dataset.to, dialog);
    else (dialog.querySelector(`.card-body ${CONTROL.split(",").join(", .card-body ")}`) ?? dialog.querySelector("[data-save]"))?.focus();
  }
}

export function startForms(root = document) {
  for (const form of root.querySelectorAll?.("form.record-form") ?? []) start(form);
  startLines(root);
  startMentions(root);
  focusFirstError(root);
  startDialog(root);
}

function onSubmit(event) {
  const form = event.target;
  if (!form.matches?.("form.record-form, form[data-once]")) return;
  const state = states.get(form);
  if (form.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  if (state && !state.safe && form.dataset.draft && !event.submitter?.hasAttribute("formnovalidate")) {
    event.preventDefault();
    event.stopImmediatePropagation(); // it is not being left yet: the guard against losing work stays
    sendSafely(form, event.submitter);
    return;
  }
  form.setAttribute("aria-busy", "true");
  if (state) {
    state.sent = true;
    clearTimeout(state.reactTimer);
    clearTimeout(state.draftTimer);
  }
}

function onKey(event) {
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
    const form = event.target.closest?.("form.record-form, form[data-once]") ?? document.querySelector("form.record-form");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit(form.querySelector("[data-save]") ?? undefined);
    return;
  }
  const tab = event.target.closest?.(".form-tabs [role=tab]");
  if (tab) tabKeys(event, tab);
}

async function copyLink(button) {
  const url = new URL(button.dataset.copy, location.href).href;
  try {
    await navigator.clipboard.writeText(url);
  } catch {
    const box = document.createElement("input");
    box.value = url;
    document.body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  say(button.dataset.copied);
  button.classList.add("is-copied");
  setTimeout(() => button.classList.remove("is-copied"), 1500);
}

function onClick(event) {
  const tab = event.target.closest?.(".form-tabs [role=tab]");
  if (tab) {
    openTab(tab);
    event.preventDefault();
  }
  const related = event.target.closest?.(".related-tabs [data-related]");
  for (const other of related?.closest("ul").querySelectorAll(".nav-link") ?? []) other.classList.toggle("active", other === related);
  const link = event.target.closest?.("a[data-to]");
  if (link && focusField(link.dataset.to)) event.preventDefault();
  const copy = event.target.closest?.("[data-copy]");
  if (copy && !document.getElementById(copy.dataset.copy)) {
    event.preventDefault();
    copyLink(copy);
  }
  const close = event.target.closest?.("dialog [data-close-dialog]");
  if (close) {
    event.preventDefault();
    close.closest("dialog").close();
  }
  for (const open of document.querySelectorAll("details.rec-more[open]")) if (!open.contains(event.target)) open.open = false;
}

document.addEventListener("submit", onSubmit);
document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("form.record-form");
    if (form) changed(form);
  });
}
document.addEventListener("lines:changed", (event) => changed(event.target.closest("form.record-form")));
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[aria-busy=true]")) form.removeAttribute("aria-busy");
});
window.addEventListener("hashchange", followHash);
document.addEventListener("htmx:after:swap", () => {
  for (const form of document.querySelectorAll("form[aria-busy=true]")) form.removeAttribute("aria-busy");
  startForms(document);
});
startForms(document);
followHash();
