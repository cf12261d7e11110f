// The flow of a form: as a picture or as a table, both of one model. Every change is an operation on the draft; both are
// drawn again from what the server keeps.

import { request } from "../fetching.js";
import { toast } from "../toast.js";
import { announce, run, select } from "./workspace.js";
import { Picture, libraries } from "./flow_graph.js";

const root = document.getElementById("flow");
const { form, base } = root.dataset;
const KEPT = "designer-flow-view";
const parse = (text) => JSON.parse(text);
const say = (name, values = {}) => Object.entries(values).reduce((text, [key, value]) => text.replace(key, value), root.dataset[`say${name}`]);
const model = () => parse(document.getElementById("flow-model").dataset.model);
const words = {
  leads: root.dataset.sayLeads, connect: root.dataset.sayConnect, ended: root.dataset.sayEnded, before: root.dataset.sayBefore,
  rules: root.dataset.sayRules, start: root.dataset.sayStart, end: root.dataset.sayEnd, deliverables: root.dataset.sayDeliverables,
  remarks: root.dataset.sayRemarks, records: root.dataset.sayRecords, comma: document.documentElement.lang.startsWith("zh") ? "、" : ", ",
};

let picture = null;
let figures = null;

// --- one of two views

function remembered() {
  try { return localStorage.getItem(KEPT); } catch { return null; }
}

async function show(view, keep = true) {
  if (keep) try { localStorage.setItem(KEPT, view); } catch { /* without it the choice lasts for this page */ }
  for (const part of root.querySelectorAll("[data-shows]")) part.hidden = part.dataset.shows !== view;
  for (const button of root.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view));
  root.classList.toggle("shows-table", view === "table");
  if (view === "graph" && !picture) await begin();
}

async function begin() {
  await libraries(root.dataset.x6, root.dataset.dagre);
  picture ??= new Picture(document.getElementById("flow-canvas"), words, {
    connect: (source, target) => run("transition.add", { form, source, target }),
    choose: (path) => select(path),
    removeState,
    removeTransition,
    newState: () => root.querySelector("[data-add-state] input").focus(),
    say: announce,
  });
  draw();
  picture.showFigures(figures);
}

function draw() {
  const flow = model();
  if (!flow) return;
  if (picture) picture.draw(flow);
  tellFigures();
}

// --- operations

const removeState = (state) => run("state.remove", { form, state }).then((told) => told && select(null));

function removeTransition(transition, source = null) {
  const given = source ? { form, transition, source } : { form, transition };
  return run("transition.remove", given, { select: false }).then((told) => told && select(told.select?.length === 5 ? told.select : null));
}

const CLICKS = {
  view: (button) => show(button.dataset.view),
  zoom: (button) => picture?.zoom(button.dataset.zoom),
  walk: (button) => walk(button),
  removeState: (button) => removeState(button.dataset.removeState),
  removeTransition: (button) => removeTransition(button.dataset.removeTransition),
  shiftState: (button) => run("state.reorder", { form, state: button.dataset.shiftState, index: Number(button.dataset.at) }, { select: false }),
  shiftTransition: (button) => run("transition.reorder", { form, transition: button.dataset.shiftTransition, index: Number(button.dataset.at) }, { select: false }),
  dropSource: (button) => run("transition.remove", { form, transition: button.dataset.of, source: button.dataset.dropSource }, { select: false }),
  makeInitial: (button) => run("initial.set", { form, state: button.dataset.makeInitial }),
  addTimeout: (button) => run("timeout.add", { form, state: button.dataset.addTimeout }),
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button?.closest("#flow, .panel")) return;
  for (const name of Object.keys(CLICKS)) if (name in button.dataset) return void CLICKS[name](button);
});

const FORMS = {
  addState: (box) => run("state.add", { form, label: box.label.value }).then((told) => { if (told) { box.label.value = ""; focusOn(told.select); } }),
  addTransition: (box) => run("transition.add", { form, source: box.source.value, target: box.target.value, label: box.label.value }).then((told) => { if (told) box.label.value = ""; }),
  addNext: (box, name) => run("state.add", { form, label: box.label.value, after: name, connect: true }).then((told) => told && focusOn(told.select)),
  addWay: (box, name) => run("transition.add", { form, source: name, target: box.target.value }),
};

document.addEventListener("submit", (event) => {
  const box = event.target;
  const name = Object.keys(FORMS).find((one) => one in box.dataset);
  if (!name) return;
  event.preventDefault();
  FORMS[name](box.elements, box.dataset[name]);
});

// What was added gets the focus in the picture.
function focusOn(path) {
  if (picture && path && !root.querySelector("[data-shows=graph]").hidden) picture.view(path.at(-1))?.focus();
}

// --- the table: an option for each input

const READ = {
  checkbox: (box) => (box.checked ? true : undefined),
  text: (box) => box.value.trim() || undefined,
};

document.addEventListener("change", (event) => {
  const box = event.target;
  if (!box.closest("#flow-part")) return;
  if (box.dataset.set) return void change(box, parse(box.dataset.set));
  if (box.dataset.initial) return void run("initial.set", { form, state: box.dataset.initial }, { select: false });
  if (box.dataset.target) return void run("transition.redirect", { form, transition: box.dataset.target, target: box.value }, { select: false });
  if (box.dataset.addSource && box.value) {
    const given = { form, transition: box.dataset.addSource, source: box.value };
    run("transition.redirect", given, { select: false });
    box.value = "";
  }
});

async function change(box, path) {
  const value = (READ[box.type] ?? READ.text)(box);
  const given = value === undefined ? ["unset", { path }] : ["set", { path, value }];
  const told = await run(...given, { select: false, quiet: true });
  box.classList.toggle("is-invalid", Boolean(told?.refused));
  if (told?.refused) toast(told.refused, "danger");
}

// --- the records that are there

async function readFigures() {
  const answer = await request(`${base}/figures`);
  if (!answer || answer.status !== 200) return;
  figures = parse(answer.text).states;
  picture?.showFigures(figures);
  tellFigures();
}

const inWords = (one) => [
  one.late ? say("Late", { "%": one.late }) : "", one.middle ? say("Middle", { "%": one.middle }) : "",
  one.longest ? say("Longest", { "%": one.longest }) : "", one.usual ? say("Usual", { "%": one.usual }) : "",
].filter(Boolean);

function tellFigures() {
  for (const place of document.querySelectorAll("[data-figure], [data-figure-long]")) {
    const one = figures?.[place.dataset.figure ?? place.dataset.figureLong];
    place.replaceChildren();
    if (!one) continue;
    const count = document.createElement("b");
    count.className = `is-${one.heat || "calm"}`;
    count.textContent = place.dataset.figure ? one.count : say("Records", { "%": one.count });
    place.append(count);
    for (const text of inWords(one)) {
      const part = document.createElement("span");
      part.textContent = text;
      place.append(part);
    }
  }
}

// --- walks

async function walk(button) {
  button.disabled = true;
  announce(say("Walking"));
  tellStuck([say("Walking")], "is-busy");
  const answer = await request(`${base}/walk`, { method: "POST" });
  button.disabled = false;
  if (!answer) return tellStuck([]);
  const told = parse(answer.text);
  if (answer.status !== 200) return tellStuck([told.reason ?? ""], "is-error");
  picture?.stuck(told.stuck);
  const sentences = told.stuck.map((one) => one.sentence);
  tellStuck(sentences.length ? sentences : [say("None")], sentences.length ? "is-error" : "is-fine");
}

function tellStuck(sentences, kind = "") {
  const place = root.querySelector("[data-stuck]");
  place.className = `flow-stuck ${kind}`;
  place.hidden = !sentences.length;
  place.replaceChildren(...sentences.map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  }));
  if (sentences.length) announce(sentences.join(" "));
}

// --- what others tell

document.addEventListener("designer:drawn", (event) => {
  if (event.target.id === "flow-part") draw();
});
document.addEventListener("designer:changed", () => { if (picture) picture.stuck([]); tellStuck([]); });
document.addEventListener("designer:selected", (event) => {
  picture?.select(event.detail.path);
  for (const row of root.querySelectorAll("[data-part-path]")) {
    row.classList.toggle("is-selected", row.dataset.partPath === JSON.stringify(event.detail.path));
  }
});
new MutationObserver(tellFigures).observe(document.getElementById("designer-right"), { childList: true, subtree: true });

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
  if (event.key.toLowerCase() === "n" && !root.classList.contains("shows-table")) { event.preventDefault(); root.querySelector("[data-add-state] input").focus(); }
});

const narrow = matchMedia("(max-width: 820px)").matches;
await show(remembered() ?? (narrow ? "table" : "graph"), false);
if (root.dataset.path && root.dataset.path !== "null") picture?.select(parse(root.dataset.path));
root.dataset.ready = "";
readFigures();
