// While an expression is typed: what may come next in a list below, and what is wrong with it in a sentence.

import { ask, refusedAt } from "./workspace.js";

const WAIT = 220;
let list = null;
let box = null;
let found = [];
let chosen = 0;
let timer = 0;
let asked = 0;

function pathOf(input) {
  const holder = input.closest("[data-builder]") ?? input.closest("[data-path]") ?? input;
  return JSON.parse(holder.dataset.builder ?? holder.dataset.path);
}

async function told(door, body) {
  const answer = await ask(door, body);
  return answer && answer.status === 200 ? JSON.parse(answer.text) : null;
}

async function look(input) {
  const turn = ++asked;
  const path = pathOf(input);
  const body = { path, text: input.value, position: input.selectionStart };
  const [offered, checked] = await Promise.all([told("complete", body), told("expression", body)]);
  if (turn !== asked || document.activeElement !== input) return;
  show(input, offered ?? []);
  mistakes(input, checked?.mistakes ?? []);
}

function mistakes(input, found) {
  refusedAt(input, found.map((one) => one.text).join(" "));
  input.setAttribute("aria-invalid", String(Boolean(found.length)));
}

function show(input, offered) {
  found = offered;
  chosen = 0;
  if (!offered.length) { hide(); return; }
  box = input;
  if (!list) {
    list = document.createElement("ul");
    list.className = "complete";
    list.id = "complete-list";
    list.setAttribute("role", "listbox");
    list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const item = event.target.closest("li");
      if (item) take(Number(item.dataset.index));
    });
  }
  list.replaceChildren(...offered.map(item));
  input.closest(".prop, .panel-group, dialog, body").append(list);
  place(input);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", "complete-list");
  input.setAttribute("aria-expanded", "true");
  mark();
}

function item(one, index) {
  const line = document.createElement("li");
  line.dataset.index = index;
  line.id = `complete-${index}`;
  line.setAttribute("role", "option");
  const name = document.createElement("span");
  name.className = "complete-label";
  name.textContent = one.label;
  const doc = document.createElement("span");
  doc.className = "complete-doc";
  doc.textContent = one.kind === "function" ? one.doc : one.insert;
  line.append(name, doc);
  return line;
}

function place(input) {
  const holder = list.parentElement.getBoundingClientRect();
  const at = input.getBoundingClientRect();
  list.style.setProperty("--top", `${at.bottom - holder.top + list.parentElement.scrollTop + 2}px`);
}

function mark() {
  for (const line of list.children) line.setAttribute("aria-selected", String(Number(line.dataset.index) === chosen));
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", `complete-${chosen}`);
}

function hide() {
  list?.remove();
  box?.setAttribute("aria-expanded", "false");
  box?.removeAttribute("aria-activedescendant");
  box = null;
  found = [];
}

function take(index) {
  const one = found[index];
  const input = box;
  const end = input.selectionStart;
  input.setRangeText(one.insert, one.start, end, "end");
  hide();
  input.focus();
  input.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("input", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-complete]") || event.isComposing) return;
  clearTimeout(timer);
  timer = setTimeout(() => look(input), WAIT);
});

document.addEventListener("compositionend", (event) => {
  if (event.target.matches?.("[data-complete]")) look(event.target);
});

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches?.("[data-complete]") || event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key === " ") { event.preventDefault(); look(input); return; }
  if (box !== input || !found.length) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); chosen = (chosen + step + found.length) % found.length; mark(); }
  if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); take(chosen); }
  if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); hide(); }
}, true);

document.addEventListener("focusout", (event) => { if (event.target === box) hide(); });
