// Boards: cards dragged by mouse, finger or keyboard; a drop the server refuses puts the card back and says why. Trees:
// children are fetched when a branch is unfolded.
import { openDialog, request, send } from "./fetching.js";
import { TOUCH, loadSortable } from "./sorting.js";
import { toast } from "./toast.js";

// --- time lines that are wider than the screen show today

function toToday(root) {
  for (const line of root.querySelectorAll?.(".gantt-scroll") ?? []) {
    const today = line.querySelector(".gantt-today")?.x1.baseVal.value;
    if (today > line.clientWidth) line.scrollLeft = today - line.clientWidth / 4;
  }
}

// --- moving cards

const lanesOf = (board) => [...board.querySelectorAll("[data-lane]")];

function ready(root) {
  toToday(root);
  for (const board of root.querySelectorAll?.('[data-board="1"]') ?? []) {
    if (!window.Sortable) { loadSortable().then(() => ready(root)); return; }
    for (const lane of lanesOf(board)) {
      if (lane.dataset.ready) continue;
      lane.dataset.ready = "1";
      window.Sortable.create(lane, {
        ...TOUCH, group: "board", draggable: ".board-card", ghostClass: "ghost",
        scroll: true, onEnd: ({ item, from, to, oldDraggableIndex }) => {
          if (from !== to) drop(board, item, from, to, from.querySelectorAll(":scope > .board-card")[oldDraggableIndex] ?? null);
        },
      });
    }
  }
}

async function drop(board, card, from, to, before) {
  const back = () => { from.insertBefore(card, before); count(from, 1); count(to, -1); };
  count(from, -1);
  count(to, 1);
  card.classList.add("moving");
  const data = new FormData();
  data.set("to", to.dataset.lane);
  data.set("version", card.dataset.v);
  const answer = await send(board.dataset.move.replace("{id}", card.dataset.id), data);
  card.classList.remove("moving");
  if (!answer) return back();
  const said = parsed(answer.text);
  if (said?.refused) { back(); said.refused.forEach((text) => toast(text, "warning", { seconds: 10 })); return; }
  if (said?.dialog) { back(); askFirst(said.dialog); return; }
  if (answer.status >= 400) return back();
  replaceCard(card, said?.card);
  live(`${card.querySelector("a.open")?.textContent ?? ""} → ${to.dataset.label}`);
}

function parsed(text) {
  try { return JSON.parse(text); } catch { return null; /* an error page: the toast has said it */ }
}

function replaceCard(card, html) {
  if (!html) return card.remove();
  const place = document.createElement("template");
  place.innerHTML = html;
  const fresh = place.content.firstElementChild;
  const focused = card.contains(document.activeElement);
  card.replaceWith(fresh);
  fresh.classList.add("saved");
  if (focused) fresh.focus();
}

function count(lane, by) {
  const place = lane.closest(".lane")?.querySelector("[data-count]");
  if (place && /^\d+$/.test(place.textContent)) place.textContent = String(Math.max(0, Number(place.textContent) + by));
}

function live(text) {
  const place = document.getElementById("live");
  if (place) place.textContent = text;
}

// What the step asks for is asked in its own dialog; afterwards the board shows where the card stands.
async function askFirst(url) {
  const answer = await request(url);
  if (answer && answer.status < 400) openDialog(document.getElementById("dialog-place"), answer.text);
}
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.(".list #dialog-place form:not([data-nudge-form])");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await request(form.action, { method: "POST", body: new FormData(form, event.submitter), stay: true });
  if (!answer) return;
  const place = document.getElementById("dialog-place");
  if (answer.status < 300 && answer.headers.get("HX-Redirect")) {
    place.replaceChildren();
    window.htmx.ajax("GET", location.pathname + location.search, { target: "#list", swap: "outerHTML" });
  } else if (answer.text) openDialog(place, answer.text);
}, true);

document.addEventListener("keydown", (event) => {
  const card = event.target.closest?.('[data-board="1"] .board-card');
  if (!card || !event.altKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  event.preventDefault();
  const board = card.closest("[data-board]");
  const lanes = lanesOf(board);
  const from = card.closest("[data-lane]");
  const to = lanes[lanes.indexOf(from) + (event.key === "ArrowLeft" ? -1 : 1)];
  if (!to) return;
  const before = card.nextElementSibling;
  to.prepend(card);
  card.focus();
  drop(board, card, from, to, before);
});
document.addEventListener("keydown", (event) => {
  const card = event.target;
  if (!card.matches?.(".board-card") || event.altKey || event.isComposing) return;
  if (event.key === "Enter") { event.preventDefault(); card.querySelector("a.open").click(); }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const cards = [...card.parentElement.querySelectorAll(":scope > .board-card")];
  cards[cards.indexOf(card) + step]?.focus();
});

// --- trees

async function unfold(row) {
  const button = row.querySelector("button.tree-fold");
  if (!button || row.getAttribute("aria-expanded") === "true") return;
  row.setAttribute("aria-expanded", "true");
  const answer = await request(button.dataset.children);
  if (!answer || answer.status >= 400) { row.setAttribute("aria-expanded", "false"); return; }
  const place = document.createElement("template");
  place.innerHTML = answer.text;
  const fresh = [...place.content.querySelectorAll("tr")];
  row.after(...fresh);
  fresh.forEach((each) => window.htmx?.process(each));
}
function fold(row) {
  row.setAttribute("aria-expanded", "false");
  const level = Number(row.dataset.level);
  while (row.nextElementSibling && Number(row.nextElementSibling.dataset.level) > level) row.nextElementSibling.remove();
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button.tree-fold");
  if (!button) return;
  const row = button.closest("tr");
  if (row.getAttribute("aria-expanded") === "true") fold(row);
  else unfold(row);
});
document.addEventListener("keydown", (event) => {
  const row = event.target.closest?.(".tree-table tr[data-level]");
  if (!row || event.isComposing) return;
  const open = row.getAttribute("aria-expanded");
  const acts = {
    ArrowRight: () => unfold(row),
    ArrowLeft: () => (open === "true" ? fold(row) : focusRow(parentOf(row))),
    ArrowDown: () => focusRow(row.nextElementSibling),
    ArrowUp: () => focusRow(row.previousElementSibling),
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  acts[event.key]();
});
const focusRow = (row) => row?.focus();
function parentOf(row) {
  let above = row.previousElementSibling;
  while (above && Number(above.dataset.level) >= Number(row.dataset.level)) above = above.previousElementSibling;
  return above;
}

document.addEventListener("htmx:after:swap", () => ready(document));
ready(document);
