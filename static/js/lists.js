// Lists: search as you type, picking rows, the bulk bar, editing a cell in place, keys, density, columns.
// Everything here makes plain links and forms quicker; without it they still work.
import "./boards.js";
import { loadSortable } from "./sorting.js";
import { loadInto, send, showDialog } from "./fetching.js";
import { bind } from "./keys.js";

const list = () => document.getElementById("list");
// --- search and filters that apply themselves

let waiting;
document.addEventListener("input", (event) => {
  const box = event.target;
  if (!box.matches?.("[data-search]") || event.isComposing) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => box.form.requestSubmit(), 280);
});
document.addEventListener("compositionend", (event) => {
  if (event.target.matches?.("[data-search]")) event.target.dispatchEvent(new Event("input", { bubbles: true }));
});
document.addEventListener("change", (event) => {
  if (event.target.closest("[data-apply]")) event.target.form?.requestSubmit();
});

async function loadMenu(menu) {
  await loadInto(menu, menu.dataset.load);
  const sorting = menu.querySelector("[data-sortable]");
  if (sorting) makeSortable(sorting);
}

// A menu whose content is fetched when it opens, and which stays as it is while the list behind it is renewed.
document.addEventListener("show.bs.dropdown", (event) => {
  const wrapper = event.target.closest(".dropdown");
  wrapper?.setAttribute("hx-morph-skip", "");
  const menu = wrapper?.querySelector(".dropdown-menu[data-load]");
  if (menu) loadMenu(menu);
});
document.addEventListener("hidden.bs.dropdown", (event) => event.target.closest(".dropdown")?.removeAttribute("hx-morph-skip"));

// --- density

const DENSITY = "appmill-density";
function applyDensity() {
  let dense = false;
  try { dense = localStorage.getItem(DENSITY) === "dense"; } catch { /* storage is blocked: the usual density */ }
  document.documentElement.classList.toggle("dense", dense);
}
applyDensity();
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-density]")) return;
  const dense = !document.documentElement.classList.contains("dense");
  try { localStorage.setItem(DENSITY, dense ? "dense" : ""); } catch { /* it lasts for this page */ }
  document.documentElement.classList.toggle("dense", dense);
});

// --- picking rows

let lastPicked = null;
const boxes = () => [...document.querySelectorAll("#list td.pick input")];

function countPicked() {
  const bar = document.getElementById("bulk-bar");
  if (!bar) return;
  const picked = boxes().filter((box) => box.checked);
  const all = document.getElementById("pick-page");
  if (all) {
    all.checked = picked.length > 0 && picked.length === boxes().length;
    all.indeterminate = picked.length > 0 && !all.checked;
  }
  const everything = bar.querySelector("[name=all]");
  if (!all?.checked) everything.disabled = true;
  bar.hidden = picked.length === 0;
  document.documentElement.classList.toggle("picking", picked.length > 0);
  bar.querySelector("[data-picked]").textContent = everything.disabled ? picked.length : bar.dataset.all;
  bar.querySelector("[data-pick-all]").hidden = !all?.checked || !everything.disabled || !bar.dataset.more;
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("#list td.pick input")) return;
  if (event.shiftKey && lastPicked && lastPicked !== box) {
    const all = boxes();
    const [from, to] = [all.indexOf(lastPicked), all.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) all.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
  }
  lastPicked = box;
  countPicked();
});
document.addEventListener("change", (event) => {
  if (event.target.id !== "pick-page") return;
  boxes().forEach((box) => { box.checked = event.target.checked; });
  countPicked();
});
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-pick-all]")) {
    document.querySelector("#bulk-bar [name=all]").disabled = false;
    countPicked();
  }
  if (event.target.closest?.("[data-pick-none]")) {
    boxes().forEach((box) => { box.checked = false; });
    countPicked();
  }
});
document.addEventListener("htmx:after:swap", () => {
  const dialogs = document.getElementById("bulk-dialog");
  if (dialogs) showDialog(dialogs);
  if (!list()) document.documentElement.classList.remove("picking");
  countPicked();
});

// The dialog of a bulk change: another field or step asks anew; closed when it is done, the list is fetched again.
document.addEventListener("change", (event) => {
  const form = event.target.closest?.("#bulk-dialog form");
  if (!form || !("bulkAgain" in event.target.dataset)) return;
  form.querySelector("[name=go]").value = "0";
  form.requestSubmit();
});
document.addEventListener("click", (event) => {
  const closer = event.target.closest?.("dialog [data-close-dialog]");
  if (!closer) return;
  event.preventDefault();
  closer.closest("dialog").close();
});
document.addEventListener("close", (event) => {
  if (event.target.matches?.("dialog[data-reload-after]")) {
    window.htmx.ajax("GET", location.pathname + location.search, { target: "#list", swap: "outerHTML" });
  }
}, true);

// --- the row under the keyboard

const rows = () => [...document.querySelectorAll("#list tbody tr[id]")];
let current = null;

function setCurrent(row) {
  document.querySelectorAll("#list tr.current").forEach((each) => each.classList.remove("current"));
  current = row?.id ?? null;
  row?.classList.add("current");
  row?.scrollIntoView({ block: "nearest" });
}
function step(by) {
  const all = rows();
  const at = all.findIndex((row) => row.id === current);
  setCurrent(all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]);
}
const row = () => document.getElementById(current ?? "");
// Each answers false where there is no list, so that the key keeps its other meaning.
bind("j", () => rows().length > 0 && step(1));
bind("k", () => rows().length > 0 && step(-1));
bind("x", () => {
  const box = row()?.querySelector("td.pick input");
  box?.click();
  return Boolean(box);
});
bind("Enter", (event) => {
  if (event.target.closest?.("a, button, [role=button], summary, td.pick")) return false;
  const link = row()?.querySelector("a.open");
  link?.click();
  return Boolean(link);
});
bind("e", () => {
  const cell = row()?.querySelector("td.active") ?? (row() && firstEditable(row()));
  if (cell) editCell(cell);
  return Boolean(cell);
});

// --- editing one cell in place

const columnOf = (cell) => cell.closest("table")?.tHead?.rows[0]?.cells[cell.cellIndex];
const editable = (cell) => columnOf(cell)?.dataset.edit;
const firstEditable = (row) => [...row.cells].find(editable);
let before = null;

async function editCell(cell) {
  if (!cell || !editable(cell) || cell.querySelector("form")) return;
  cancelEdit();
  const row = cell.closest("tr");
  setCurrent(row);
  before = { cell, html: [...cell.childNodes] };
  const url = new URL(`${location.pathname}/${row.id.slice(1)}/cell`, location.href);
  url.search = location.search;
  url.searchParams.set("field", editable(cell));
  cell.classList.add("editing");
  if (!(await loadInto(cell, url))) return cancelEdit();
  const input = [...cell.querySelectorAll("input:not([type=hidden]), select, textarea")].find((each) => !each.hidden);
  input?.focus();
  if (input?.select && input.type !== "checkbox") input.select();
}
function cancelEdit() {
  if (!before) return;
  const { cell, html } = before;
  before = null;
  if (!cell.isConnected) return;
  cell.classList.remove("editing");
  cell.replaceChildren(...html);
  cell.closest("tr")?.focus?.();
}
document.addEventListener("dblclick", (event) => {
  const cell = event.target.closest?.("#list tbody td");
  if (cell && !event.target.closest("a, input, button")) editCell(cell);
});
document.addEventListener("click", (event) => {
  const cell = event.target.closest?.("#list tbody td");
  if (event.target.closest?.("[data-cancel-cell]")) return cancelEdit();
  if (!cell || event.target.closest("a, input, button, form, label") || String(getSelection())) return;
  setCurrent(cell.closest("tr"));
  cell.closest("tr").querySelectorAll("td.active").forEach((each) => each.classList.remove("active"));
  if (editable(cell)) cell.classList.add("active");
  else if (matchMedia("(max-width: 767.98px)").matches) cell.closest("tr").querySelector("a.open")?.click();
});
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("form.cell-form");
  if (!form || event.isComposing) return;
  if (event.key === "Escape") { event.stopPropagation(); cancelEdit(); }
  if (event.key === "Enter" && event.target.tagName !== "TEXTAREA") { event.preventDefault(); form.requestSubmit(); }
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("form.cell-form");
  if (!form) return;
  event.preventDefault();
  const row = form.closest("tr");
  const answer = await send(form.action, new FormData(form, event.submitter));
  if (!answer) return;
  if (answer.status === 200) {
    before = null;
    const next = document.createElement("template");
    next.innerHTML = answer.text;
    const fresh = next.content.querySelector("tr");
    row.replaceWith(fresh);
    window.htmx?.process(fresh);
    setCurrent(fresh);
    fresh.classList.add("saved");
  } else {
    form.closest("td").innerHTML = answer.text;
  }
}, true);

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && before && !event.defaultPrevented && !event.target.closest?.("dialog, form.cell-form")) cancelEdit();
});

// --- choosing columns and their order

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("form[data-columns]");
  if (!form) return;
  const chosen = [...form.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
  form.querySelector("input[name=columns]").value = chosen.join(",");
  form.querySelectorAll("input[type=checkbox]").forEach((box) => { box.disabled = true; });
}, true);
async function makeSortable(sorting) {
  await loadSortable();
  if (sorting.dataset.ready) return;
  sorting.dataset.ready = "1";
  window.Sortable.create(sorting, { handle: ".grip", animation: 120 });
}
document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.("[data-sortable] > *");
  if (!item || !event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  event.preventDefault();
  if (event.key === "ArrowUp") item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  event.target.focus();
});

document.documentElement.dataset.lists = "ready"; // what drives the page by keys may begin
