// What was recognised on the page, to be corrected, unticked and confirmed; then what became of each.
import { say } from "./server.js";

const $ = (id) => document.getElementById(id);
const SIGNS = { new: "good", changed: "good", known: "calm", left: "calm", kept: "calm", waits: "warn", wrong: "bad", unsent: "bad", sending: "calm" };
const SHOWN = 5; // values beside the key while an item is closed
const opened = new Set(); // places of items that are open

let state = { tab: 0, items: [] };
let busy = false;

function node(tag, { text, ...more } = {}, ...children) {
  const made = Object.assign(document.createElement(tag), more);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

const order = (what) => chrome.runtime.sendMessage({ do: what, tab: state.tab });
const keep = () => chrome.storage.session.set({ [`tab:${state.tab}`]: state });

// --- what is shown

function draw() {
  const { site, app, person, problem, known, items = [], more, next } = state;
  $("title").textContent = site?.label ?? app ?? say("name");
  $("person").textContent = person ? say("at", app, person) : "";
  show($("problem"), problem);
  $("known").replaceChildren(...(known ?? []).map((text) => node("li", { text })));
  $("known").hidden = !known?.length;
  if (known?.length) $("problem").textContent = `${problem} ${say("pages_are")}`;
  show($("more"), more ? say("only_first", items.length, more) : "");
  $("items").replaceChildren(...items.map(card));
  document.querySelector("footer").hidden = Boolean(problem) || !items.length;
  $("next").hidden = !next;
  count();
}

function show(element, text) {
  element.textContent = text ?? "";
  element.hidden = !text;
}

function count() {
  const items = state.items ?? [];
  const chosen = items.filter((item) => item.chosen).length;
  $("chosen").textContent = say("chosen", chosen, items.length);
  $("all").checked = chosen === items.length && chosen > 0;
  $("all").indeterminate = chosen > 0 && chosen < items.length;
  $("send").textContent = busy ? say("under_way") : chosen ? say("send", chosen) : say("send_none");
  $("send").disabled = busy || !chosen;
  $("next").disabled = busy;
  $("told").textContent = summary(items);
}

function summary(items) {
  const told = {};
  for (const item of items) if (item.result) told[item.result.what] = (told[item.result.what] ?? 0) + 1;
  return Object.entries(told).filter(([what]) => what !== "sending").map(([what, count]) => `${say(`what_${what}`)} ${count}`).join(" · ");
}

function card(item, place) {
  const tick = node("input", { type: "checkbox", checked: item.chosen, disabled: busy });
  tick.setAttribute("aria-label", say("choose", keyOf(item)));
  tick.addEventListener("click", (event) => event.stopPropagation());
  tick.addEventListener("change", () => edited(() => (item.chosen = tick.checked)));
  const line = node("summary", {}, tick, node("strong", { text: keyOf(item) || "–" }), glance(item), badge(item.result), link(item.result));
  const body = node("details", { open: opened.has(place) || needsCare(item) }, line, fields(item), lines(item));
  body.addEventListener("toggle", () => opened[body.open ? "add" : "delete"](place));
  return node("li", { className: item.chosen ? "" : "off" }, body, words(item.result));
}

const keyOf = (item) => item.values[state.site.key];
const needsCare = (item) => item.result?.what === "wrong" || state.site.fields.some((field) => field.required && !item.values[field.name]);

function glance(item) {
  const said = state.site.fields.filter((field) => field.name !== state.site.key).map((field) => item.values[field.name]);
  const seen = said.filter(Boolean).slice(0, SHOWN);
  if (item.lines?.length) seen.push(say("lines", item.lines.length));
  return node("span", { className: "glance quiet", text: seen.join(" · ") });
}

function badge(result) {
  return result ? node("span", { className: `badge ${SIGNS[result.what]}`, text: say(`what_${result.what}`) }) : "";
}

function words(result) {
  if (!result?.said?.length) return "";
  return node("p", { className: `words ${SIGNS[result.what]}`, text: result.said.map(inWords).join(" ") });
}

// `total: …` with the words people know the value by.
function inWords(said) {
  const found = /^([a-z0-9_.]+): (.*)$/s.exec(said);
  const field = found && [...state.site.fields, ...(state.site.lines?.fields ?? [])].find((one) => found[1].replace(/^lines\.\d+\./, "") === one.name);
  return field ? `${field.label}: ${found[2]}` : said;
}

function link(result) {
  if (!result?.url) return "";
  const made = node("a", { text: say("open"), target: "_blank", rel: "noreferrer" });
  chrome.storage.local.get("server").then(({ server }) => (made.href = new URL(result.url, server).href));
  return made;
}

function fields(item) {
  const inputs = state.site.fields.map((field) => {
    const input = value(item.values, field, () => edited(() => (item.key = null)));
    input.classList.toggle("bad", Boolean(item.result?.said?.some((said) => said.startsWith(`${field.name}: `))));
    return node("label", { className: "field" }, node("span", { className: "quiet", text: field.label + (field.required ? " *" : "") }), input);
  });
  return node("div", { className: "fields" }, ...inputs);
}

function value(values, field, changed) {
  const input = node("input", { type: "text", value: values[field.name] ?? "", maxLength: 1000, disabled: busy, required: field.required });
  input.addEventListener("input", () => {
    values[field.name] = input.value;
    changed();
  });
  return input;
}

function lines(item) {
  const { lines: told } = state.site;
  if (!told || !item.lines?.length) return "";
  const head = node("tr", {}, ...told.fields.map((field) => node("th", { text: field.label })));
  const rows = item.lines.map((line) => node("tr", {}, ...told.fields.map((field) => {
    const input = value(line, field, () => edited(() => (item.key = null)));
    input.setAttribute("aria-label", field.label);
    return node("td", {}, input);
  })));
  return node("table", {}, node("thead", {}, head), node("tbody", {}, ...rows));
}

// --- what people do

function edited(change) {
  change();
  keep();
  for (const [place, one] of [...$("items").children].entries()) one.classList.toggle("off", !state.items[place].chosen);
  count();
}

$("all").addEventListener("change", () => {
  for (const item of state.items) item.chosen = $("all").checked;
  keep();
  draw();
});

$("send").addEventListener("click", () => underWay("send"));
$("next").addEventListener("click", () => underWay("turn"));
$("set-up").addEventListener("click", () => chrome.runtime.openOptionsPage());

async function underWay(what) {
  busy = true;
  await keep();
  if (what === "turn") opened.clear();
  draw();
  state = (await order(what)) ?? state;
  busy = false;
  draw();
}

chrome.storage.session.onChanged.addListener((changes) => {
  const now = changes[`tab:${state.tab}`]?.newValue;
  if (busy && now) {
    state = now;
    draw();
  }
});

async function start() {
  document.documentElement.lang = chrome.i18n.getUILanguage();
  $("set-up").textContent = say("set_up");
  $("next").textContent = say("next");
  $("wait").textContent = say("reading");
  const named = Number(new URLSearchParams(location.search).get("tab"));
  const [active] = named ? [{ id: named }] : await chrome.tabs.query({ active: true, currentWindow: true });
  state.tab = active.id;
  state = (await order("look")) ?? state;
  $("wait").textContent = "";
  draw();
  document.documentElement.dataset.ready = "";
}

start();
