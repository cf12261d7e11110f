// The menu editor: groups of the side bar and what stands in them, by mouse, finger and keyboard.

import { TOUCH, loadSortable } from "../sorting.js";
import { run } from "./workspace.js";

const editor = document.getElementById("menu-editor");
const groups = () => [...editor.querySelectorAll("[data-items]")];
const groupOf = (item) => { const list = item.closest("[data-items]"); return list ? Number(list.dataset.items) : null; };

async function operate(operation, given, focus) {
  await run(operation, given);
  if (focus) document.getElementById(focus)?.focus();
}

function put(entry, from, item, to, at) {
  const focus = `item-${entry}`;
  if (to === null) return from === null ? null : operate("menu.remove", { group: from, item }, focus);
  if (from === null) return operate("menu.add", { entry, group: to, at }, focus);
  return operate("menu.move", { group: from, item, to_group: to, at }, focus);
}

async function sortable() {
  await loadSortable();
  for (const list of editor.querySelectorAll("[data-items], [data-rest]")) {
    if (list.dataset.ready) continue;
    list.dataset.ready = "1";
    window.Sortable.create(list, {
      ...TOUCH, group: "entries", draggable: "[data-entry]", ghostClass: "ghost", filter: "button", preventOnFilter: false,
      onEnd: ({ item, from, to, newDraggableIndex }) => {
        const number = (one) => (one.dataset.items === undefined ? null : Number(one.dataset.items));
        put(item.dataset.entry, number(from), Number(item.dataset.item), number(to), newDraggableIndex);
      },
    });
  }
  const all = editor.querySelector("[data-groups]");
  if (all.dataset.ready) return;
  all.dataset.ready = "1";
  window.Sortable.create(all, {
    ...TOUCH, draggable: "[data-group]", handle: "[data-group-grip]",
    onUpdate: ({ oldDraggableIndex, newDraggableIndex }) => operate("menu.group_move", { group: oldDraggableIndex, to: newDraggableIndex }),
  });
}

const STEPS = { ArrowUp: -1, ArrowDown: 1 };

// Alt and an arrow: within the group, and past its ends into the next one.
function step(item, by) {
  const from = groupOf(item), at = Number(item.dataset.item) + by, { entry } = item.dataset;
  if (from === null) return put(entry, null, 0, groups().length - 1, -1);
  const size = groups()[from].querySelectorAll("[data-entry]").length;
  if (at >= 0 && at < size) return put(entry, from, Number(item.dataset.item), from, at);
  const next = from + by;
  if (next < 0 || next >= groups().length) return null;
  return put(entry, from, Number(item.dataset.item), next, by > 0 ? 0 : -1);
}

function walk(item, by) {
  const all = [...editor.querySelectorAll("[data-entry]")];
  all[all.indexOf(item) + by]?.focus();
}

editor.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const by = STEPS[event.key], item = event.target.closest("[data-entry]"), grip = event.target.closest("[data-group-grip]");
  if (grip && event.altKey && by) {
    event.preventDefault();
    const at = Number(grip.closest("[data-group]").dataset.group);
    if (at + by >= 0 && at + by < groups().length) operate("menu.group_move", { group: at, to: at + by }, `grip-${at + by}`);
  } else if (item && event.target === item && by) {
    event.preventDefault();
    if (event.altKey) step(item, by); else walk(item, by);
  } else if (item && event.target === item && event.key === "Delete" && groupOf(item) !== null) {
    event.preventDefault();
    put(item.dataset.entry, groupOf(item), Number(item.dataset.item), null, 0);
  } else if (item && event.target === item && event.key === "Enter" && groupOf(item) === null) {
    put(item.dataset.entry, null, 0, 0, -1);
  }
});

editor.addEventListener("click", (event) => {
  const item = event.target.closest("[data-entry]");
  if (event.target.closest("[data-group-add]")) operate("menu.group", {}, `group-label-${groups().length}`);
  else if (event.target.closest("[data-group-off]")) operate("menu.group_remove", { group: Number(event.target.closest("[data-group]").dataset.group) });
  else if (item && event.target.closest("[data-item-off]")) put(item.dataset.entry, groupOf(item), Number(item.dataset.item), null, 0);
  else if (item && event.target.closest("[data-item-in]")) put(item.dataset.entry, null, 0, 0, -1);
});

editor.addEventListener("change", (event) => {
  if (!event.target.matches("[data-group-label]")) return;
  run("menu.label", { group: Number(event.target.closest("[data-group]").dataset.group), text: event.target.value });
});

editor.addEventListener("designer:drawn", sortable);
sortable();
