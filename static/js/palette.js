// Ctrl K: places and actions of the page at once, records from the server while typing.
import { icon } from "./texts.js";

const dialog = document.getElementById("palette");
const input = document.getElementById("palette-input");
const commands = document.getElementById("palette-commands");
const records = document.getElementById("palette-records");
let current = 0;
let timer = 0;

export function openPalette() {
  if (!dialog || dialog.open) return;
  input.value = "";
  records.replaceChildren();
  listCommands("");
  dialog.showModal();
  input.focus();
}

function known() {
  return [...document.querySelectorAll("[data-command]")].map((element) => ({
    element,
    label: element.dataset.command || element.querySelector("span")?.textContent || element.textContent.trim(),
    glyph: element.querySelector("use")?.getAttribute("href").split("#")[1] ?? "arrow-right",
  }));
}

function listCommands(wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const found = known().filter(({ label }) => words.every((word) => label.toLowerCase().includes(word)));
  commands.replaceChildren(...found.slice(0, wanted ? 6 : 40).map(option));
  commands.toggleAttribute("hidden", found.length === 0);
  mark(0);
}

function option({ element, label, glyph }) {
  const item = document.createElement(element.href ? "a" : "button");
  if (element.href) item.href = element.getAttribute("href");
  else item.addEventListener("click", () => (dialog.close(), element.click()));
  item.className = "palette-item";
  item.setAttribute("role", "option");
  item.tabIndex = -1;
  const words = document.createElement("span");
  words.textContent = label;
  item.append(icon(element.dataset.commandIcon ?? glyph), words);
  return item;
}

function options() {
  return [...dialog.querySelectorAll(".palette-item, #palette-records a[href]")];
}

function mark(index) {
  const all = options();
  current = Math.max(0, Math.min(index, all.length - 1));
  all.forEach((item, place) => {
    item.id ||= `palette-item-${place}`;
    item.setAttribute("aria-selected", String(place === current));
  });
  const chosen = all[current];
  if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
  chosen?.scrollIntoView({ block: "nearest" });
  dialog.querySelector(".palette-none").hidden = all.length > 0;
}

// A number typed or scanned and sent at once opens its record, before the list below has found it.
function enter() {
  const wanted = input.value.trim();
  const exact = records.querySelector("[data-exact]");
  const chosen = options()[current];
  if (exact && current === 0 && records.dataset.of === wanted) return exact.click();
  if (wanted && records.dataset.of !== wanted && !commands.contains(chosen ?? null)) return findCode(wanted);
  chosen?.click();
}

export function findCode(code) {
  window.location.assign(`/find?code=${encodeURIComponent(code)}`);
}

function ask() {
  clearTimeout(timer);
  const wanted = input.value.trim();
  listCommands(wanted);
  if (!wanted) records.replaceChildren();
  else timer = setTimeout(() => input.dispatchEvent(new Event("palette:ask")), 140);
}

export function startPalette() {
  if (!dialog) return;
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette]")) openPalette();
  });
  input.addEventListener("input", (event) => event.isComposing || ask());
  input.addEventListener("compositionend", ask);
  document.addEventListener("htmx:after:swap", () => {
    if (!dialog.open) return;
    records.dataset.of = input.value.trim();
    mark(current);
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(current + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      enter();
    }
  });
}
