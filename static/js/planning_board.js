// The planner's board: bars are dragged by mouse, by finger (once tapped, so that a swipe still scrolls) or by keys. The
// server says what that would do; nothing is written before somebody agrees.
import { loadInto, request } from "./fetching.js";

const QUARTER = 15 * 60_000;
const DAY = 24 * 60 * 60_000;
const FEW = 4; // px that a trembling hand moves
let drag = null; // what is moved: {bar, from: {start, machine}, start, machine, x, y, moved}

const grid = () => document.querySelector("[data-planning-board]");
const panel = () => document.getElementById("board-panel");
const laneOf = (machine) => grid().querySelector(`[data-lane="${machine}"]`);
const perPixel = () => DAY / Number(grid().dataset.day);

// --- choosing

async function choose(bar) {
  document.querySelectorAll(".board-bar.is-chosen").forEach((each) => each.classList.remove("is-chosen"));
  bar.classList.add("is-chosen");
  await loadInto(panel(), `/planning/board/step/${bar.dataset.step}`);
  inSight(bar);
}

// What the panel would cover is scrolled up.
function inSight(bar) {
  const below = bar.getBoundingClientRect().bottom - panel().getBoundingClientRect().top;
  const inside = document.querySelector(".board-scroll");
  if (below > 0) inside.scrollTop += below + 8;
  const left = bar.getBoundingClientRect().bottom - panel().getBoundingClientRect().top;
  if (left > 0) window.scrollBy(0, left + 8);
}

function close() {
  const bar = drag?.bar;
  putBack();
  document.querySelectorAll(".is-chosen").forEach((each) => each.classList.remove("is-chosen"));
  panel().replaceChildren();
  bar?.focus();
}

// --- moving

function begin(bar, x, y) {
  if (drag && drag.bar !== bar) putBack();
  if (drag) return;
  const { start, machine } = bar.dataset;
  const from = { start: Date.parse(start), machine: Number(machine) };
  drag = { bar, from, ...from, x, y, moved: false };
}

function aim(start, machine) {
  const lane = laneOf(machine);
  const home = laneOf(drag.from.machine);
  drag.start = Math.max(start, soonest());
  drag.machine = machine;
  drag.moved = drag.start !== drag.from.start || machine !== drag.from.machine;
  const dx = (drag.start - drag.from.start) / perPixel();
  const dy = lane.y.baseVal.value - home.y.baseVal.value;
  drag.bar.setAttribute("transform", `translate(${dx} ${dy})`);
  drag.bar.classList.toggle("is-dragged", drag.moved);
  grid().querySelectorAll(".is-aim").forEach((each) => each.classList.remove("is-aim"));
  if (drag.moved) lane.classList.add("is-aim");
  hint(dx, dy, `${clock(drag.start)} · ${lane.dataset.name}`);
}

// The next quarter of an hour: nothing begins in the past.
const soonest = () => Math.ceil(Date.now() / QUARTER) * QUARTER;
const snapped = (start) => Math.round(start / QUARTER) * QUARTER;

function hint(dx, dy, words) {
  const place = document.getElementById("board-hint");
  const box = drag.bar.querySelector("rect");
  place.textContent = drag.moved ? words : "";
  place.setAttribute("x", Math.max(2, box.x.baseVal.value + dx));
  place.setAttribute("y", Math.max(12, box.y.baseVal.value + dy - 4));
  if (drag.moved) say(words);
}

const clock = (at) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false }).format(at);

function say(words) {
  const place = document.getElementById("live");
  if (place) place.textContent = words;
}

function putBack() {
  if (!drag) return;
  drag.bar.removeAttribute("transform");
  drag.bar.classList.remove("is-dragged");
  grid().querySelectorAll(".is-aim, .will-move").forEach((each) => each.classList.remove("is-aim", "will-move"));
  document.getElementById("board-hint").textContent = "";
  if (panel().querySelector("[data-difference]")) panel().replaceChildren();
  drag = null;
}

// The lane at a height of the picture, if its machine is of the bar's group.
function laneAt(clientY) {
  const group = laneOf(drag.from.machine).dataset.group;
  for (const lane of grid().querySelectorAll("[data-lane]")) {
    const box = lane.getBoundingClientRect();
    if (clientY >= box.top && clientY < box.bottom && lane.dataset.group === group) return Number(lane.dataset.lane);
  }
  return drag.machine;
}

// --- asking

const wanted = () => ({ step: Number(drag.bar.dataset.step), machine: drag.machine, start: new Date(drag.start).toISOString() });

const post = (url, body) =>
  request(url, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

async function ask() {
  const asked = drag;
  drag.bar.classList.add("is-chosen");
  const answer = await post(grid().dataset.try, wanted());
  if (drag !== asked) return;
  if (!answer || answer.status >= 400) return close();
  panel().innerHTML = answer.text;
  panel().querySelectorAll("[data-moves]").forEach((each) =>
    grid().querySelector(`.board-bar[data-step="${each.dataset.moves}"]`)?.classList.add("will-move"));
  panel().querySelector("[data-board-apply]")?.focus({ preventScroll: true });
  panel().scrollIntoView({ block: "nearest" });
  inSight(drag.bar);
}

async function apply(button) {
  button.disabled = true;
  const seal = panel().querySelector("[data-difference]").dataset.seal;
  const step = drag.bar.dataset.step;
  const answer = await post(grid().dataset.apply, { ...wanted(), seal });
  if (!answer || answer.status >= 400) return close();
  await again(step);
}

async function release(button) {
  button.disabled = true;
  const step = document.querySelector(".board-bar.is-chosen")?.dataset.step;
  const answer = await request(button.dataset.boardRelease, { method: "POST" });
  if (answer && answer.status < 400) await again(step);
}

// The board as it is now, scrolled as it was.
async function again(step) {
  const { scrollLeft, scrollTop } = document.querySelector(".board-scroll");
  drag = null;
  await loadInto(document.getElementById("content"), location.pathname + location.search);
  document.querySelector(".board-scroll")?.scrollTo(scrollLeft, scrollTop);
  grid()?.querySelector(`.board-bar[data-step="${step}"]`)?.focus({ preventScroll: true });
}

// --- mouse and finger

document.addEventListener("pointerdown", (event) => {
  const bar = event.target.closest?.(".board-bar");
  if (!bar || event.button !== 0 || !("movable" in bar.dataset)) return;
  if (event.pointerType === "touch" && !bar.classList.contains("is-chosen")) return;
  if (drag?.bar === bar) putBack();
  begin(bar, event.clientX, event.clientY);
  drag.pointer = event.pointerId;
  bar.setPointerCapture(event.pointerId);
});
document.addEventListener("pointermove", (event) => {
  if (!drag || drag.pointer !== event.pointerId) return;
  const dx = event.clientX - drag.x;
  const dy = event.clientY - drag.y;
  if (!drag.far && Math.hypot(dx, dy) < FEW) return;
  drag.far = true;
  event.preventDefault();
  aim(Math.abs(dx) < FEW ? drag.from.start : snapped(drag.from.start + dx * perPixel()), laneAt(event.clientY));
});
document.addEventListener("pointerup", (event) => {
  if (!drag || drag.pointer !== event.pointerId) return;
  drag.pointer = null;
  if (drag.far && drag.moved) ask();
  else putBack();
});
document.addEventListener("pointercancel", (event) => {
  if (drag?.pointer === event.pointerId) putBack();
});
document.addEventListener("click", (event) => {
  const bar = event.target.closest?.(".board-bar");
  if (bar) { if (!drag) choose(bar); return; }
  if (event.target.closest?.("[data-board-close]")) close();
  const yes = event.target.closest?.("[data-board-apply]");
  if (yes && drag) apply(yes);
  const off = event.target.closest?.("[data-board-release]");
  if (off) release(off);
});

// --- keys

const STEPS = { ArrowLeft: -1, ArrowRight: 1 };
const LANES = { ArrowUp: -1, ArrowDown: 1 };

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && panel()?.childElementCount + (drag ? 1 : 0)) return close();
  const bar = event.target.closest?.(".board-bar");
  if (!bar || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    if (drag?.bar === bar && drag.moved) ask();
    else choose(bar);
  } else if ((event.key in STEPS || event.key in LANES) && "movable" in bar.dataset) {
    event.preventDefault();
    begin(bar);
    if (event.key in STEPS) aim(drag.start + STEPS[event.key] * (event.shiftKey ? 4 : 1) * QUARTER, drag.machine);
    else aim(drag.start, neighbour(LANES[event.key]));
  }
});

function neighbour(by) {
  const group = laneOf(drag.from.machine).dataset.group;
  const lanes = [...grid().querySelectorAll(`[data-lane][data-group="${group}"]`)].map((each) => Number(each.dataset.lane));
  return lanes[lanes.indexOf(drag.machine) + by] ?? drag.machine;
}

// A board that begins before now shows now; one that is asked for an order shows its first operation.
const scroll = document.querySelector(".board-scroll");
const line = grid()?.querySelector(".gantt-today");
const first = grid()?.querySelector(".board-bar.is-asked rect");
if (first) {
  scroll.scrollLeft = first.x.baseVal.value - scroll.clientWidth / 4;
  scroll.scrollTop = first.y.baseVal.value - scroll.clientHeight / 4;
} else if (line) scroll.scrollLeft = line.x1.baseVal.value - scroll.clientWidth / 4;
