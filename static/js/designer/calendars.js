// Calendars: the shifts of a week are typed, a day of the picture opens a small dialog.

import { draftAddress, refusedAt, run } from "./workspace.js";

const calendar = () => document.querySelector("[data-calendar]")?.dataset.calendar;
const quiet = { quiet: true, select: false };

document.addEventListener("change", async (event) => {
  const box = event.target;
  if (!box.matches("[data-weekday]")) return;
  const told = await run("calendar.week", { calendar: calendar(), weekday: box.dataset.weekday, shifts: box.value }, quiet);
  refusedAt(box, told?.refused);
});

document.addEventListener("click", (event) => {
  const day = event.target.closest("[data-day]");
  if (day) open(day);
  if (event.target.closest("#calendar-day [data-cancel]")) dialog().close();
  if (event.target.closest("[data-day-save]")) save();
  const add = event.target.closest("[data-calendar-new] button");
  if (add) create(add.parentElement.querySelector("input"));
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("[data-day-shifts]")) { event.preventDefault(); save(); }
  if (event.key === "Enter" && event.target.matches("[data-calendar-new] input")) create(event.target);
});

const dialog = () => document.getElementById("calendar-day");
const shifts = () => dialog().querySelector("[data-day-shifts]");

function open(day) {
  const box = dialog();
  const way = { overtime: "open", shut: "closed" }[day.dataset.way] ?? "usual";
  box.dataset.of = day.dataset.day;
  box.querySelector("h2").textContent = day.title;
  box.querySelector(`[value=${way}]`).checked = true;
  shifts().value = day.dataset.shifts;
  refusedAt(shifts(), "");
  box.showModal();
}

async function save() {
  const box = dialog();
  const way = box.querySelector("[name=calendar-way]:checked").value;
  const given = { calendar: calendar(), day: box.dataset.of, way, shifts: shifts().value };
  const told = await run("calendar.day", given, quiet);
  if (told && !told.refused) box.close();
  else refusedAt(shifts(), told?.refused);
}

async function create(box) {
  const told = await run("calendar.add", { label: box.value.trim() }, quiet);
  if (told && !told.refused) location.assign(`${draftAddress}/calendars?path=${encodeURIComponent(JSON.stringify(told.select))}`);
  else refusedAt(box, told?.refused);
}

// Typing shifts says that they are meant.
document.addEventListener("input", (event) => {
  if (event.target.matches("[data-day-shifts]")) dialog().querySelector("[value=open]").checked = true;
});
