// Conditions built of comparisons. The page holds the condition, the server draws it: what is changed is read from the
// page, sent to be drawn anew, and kept in the draft as an expression once nothing is missing.

import { ask, refusedAt } from "./workspace.js";
import { send } from "./panel.js";

function valuesOf(row) {
  const list = row.querySelector("[data-list]");
  if (list) return list.value.split(/[,，、]/).map((text) => text.trim()).filter(Boolean).map((text) => ({ [list.dataset.list]: text }));
  const several = row.querySelector("[data-several]");
  if (several) return [...several.querySelectorAll("input:checked")].map((box) => ({ text: box.value }));
  return [...row.querySelectorAll("[data-value]")].map((box) => ({ [box.dataset.value]: valueOf(box) }));
}

function valueOf(box) {
  const text = box.value;
  if (box.dataset.value === "today") return /^\d+$/.test(text.trim()) ? `+${text.trim()}` : text.trim();
  return text;
}

function conditionOf(row) {
  return {
    left: row.querySelector("[data-left]").value, operator: row.querySelector("[data-operator]").value, values: valuesOf(row),
  };
}

function groupOf(block) {
  const parts = [...block.children].filter((child) => child.matches("[data-cond], [data-group]"));
  return { [block.dataset.group]: parts.map((part) => (part.matches("[data-group]") ? groupOf(part) : conditionOf(part))) };
}

const partsOf = (group) => Object.values(group)[0];

// Where a part of the page stands in the condition: which group, and the place in it.
function holderOf(builder, element) {
  const group = groupOf(builder.querySelector("[data-group]"));
  const trail = [];
  for (let part = element; part.parentElement !== builder; part = part.parentElement) {
    if (!part.matches("[data-cond], [data-group]")) continue;
    const beside = [...part.parentElement.children].filter((child) => child.matches("[data-cond], [data-group]"));
    trail.unshift(beside.indexOf(part));
  }
  return { group, trail };
}

function at(group, trail) {
  return trail.reduce((found, index) => partsOf(found)[index], group);
}

async function redraw(builder, group, focus) {
  const path = JSON.parse(builder.dataset.builder);
  const answer = await ask("builder", { path, group });
  if (!answer) return;
  const told = JSON.parse(answer.text);
  if (answer.status !== 200) { refusedAt(builder, told.reason); return; }
  await window.htmx.swap({ target: builder, text: told.html, swap: "innerMorph" });
  if (focus) builder.querySelector(focus)?.focus();
  refusedAt(builder, told.problem);
  if (told.expression !== null) await keep(builder, path, told.expression);
}

async function keep(builder, path, expression) {
  if (expression === builder.dataset.kept) return;
  builder.dataset.kept = expression;
  const text = builder.closest(".prop")?.querySelector("textarea");
  if (text) text.value = expression;
  await (expression ? send(builder, "set", { path, value: expression }) : send(builder, "unset", { path }));
}

function change(builder, element, work, focus) {
  const { group, trail } = holderOf(builder, element);
  work(group, trail);
  return redraw(builder, group, focus);
}

document.addEventListener("change", (event) => {
  const box = event.target;
  const builder = box.closest?.("[data-builder]");
  if (!builder) return;
  event.stopPropagation();
  change(builder, box, (group, trail) => {
    const part = at(group, trail);
    if (box.matches("[data-left]")) Object.assign(part, { operator: "", values: [] });
    if (box.matches("[data-mode]")) part.values = box.value === "fixed" ? [] : [{ [box.value]: "" }];
    if (box.matches("[data-operator]") && part.values.some((value) => "path" in value !== /within/.test(part.operator) && /within/.test(part.operator))) part.values = [];
    if (box.matches("[data-group-kind]")) rename(group, trail, box.value);
  });
}, true);

function rename(group, trail, kind) {
  const part = at(group, trail);
  const [old] = Object.keys(part);
  if (old === kind) return;
  part[kind] = part[old];
  delete part[old];
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const builder = button?.closest("[data-builder]");
  if (!builder) return;
  if (button.matches("[data-cond-add]")) change(builder, button, (group, trail) => partsOf(at(group, trail)).push({ left: "", operator: "", values: [] }));
  if (button.matches("[data-cond-group]")) change(builder, button, (group, trail) => partsOf(at(group, trail)).push({ any: [{ left: "", operator: "", values: [] }] }));
  if (button.matches("[data-cond-remove]")) change(builder, button, (group, trail) => partsOf(at(group, trail.slice(0, -1))).splice(trail.at(-1), 1), "[data-cond-add]");
});

// The same condition as text, for those who want it and for what the builder cannot show.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-as-text]");
  if (!button) return;
  const text = button.closest(".prop").querySelector("textarea");
  text.hidden = !text.hidden;
  button.setAttribute("aria-expanded", String(!text.hidden));
  if (!text.hidden) text.focus();
});
