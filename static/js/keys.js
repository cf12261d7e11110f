// Keys that work everywhere. A room binds its own with bind("e", …); none fires while somebody types or composes.
import { openPalette } from "./palette.js";

const bound = new Map();
let leader = "";

export function bind(key, action) {
  bound.set(key, action);
}

export function typing(event) {
  const target = event.target;
  return event.isComposing || (target instanceof Element && target.closest("input, textarea, select, [contenteditable]"));
}

function press(selector) {
  const element = document.querySelector(selector);
  element?.click();
  return Boolean(element);
}

function save(event) {
  const form = document.querySelector("form[data-save]") ?? document.querySelector("form[data-guard]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("[data-save-button]"));
}

function focusSearch() {
  const field = document.querySelector("[data-search-here]");
  if (field) field.focus();
  else openPalette();
}

const SINGLE = {
  "/": focusSearch,
  "?": () => document.getElementById("keys")?.showModal(),
  n: () => press("[data-new]"),
};
const AFTER_G = { h: () => window.location.assign("/") };

export function startKeys() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-keys]")) SINGLE["?"]();
  });
  document.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "k") {
      event.preventDefault();
      openPalette();
    } else if (command && event.key.toLowerCase() === "s") {
      save(event);
    } else if (!command && !event.altKey && !typing(event) && !document.querySelector("dialog[open]")) {
      single(event);
    }
  });
}

function single(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = leader === "g" ? AFTER_G[key] : (bound.get(key) ?? SINGLE[key]);
  leader = leader === "" && key === "g" ? "g" : "";
  if (leader) setTimeout(() => (leader = ""), 900);
  if (!action) return;
  if (action(event) !== false) event.preventDefault();
}
