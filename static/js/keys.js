// Keys that work everywhere. A room binds its own with bind("e", …); none fires while somebody types or composes.
import { findCode, openPalette } from "./palette.js";

const bound = new Map();
let leader = "";

// A scanner is a keyboard that types a burst and ends it with Enter. A key that may be the first of a burst waits this
// long for the next one, in milliseconds, before it acts by itself; people never type that fast.
const BURST = 45;
const SHORTEST = 4;
let burst = [];
let last = 0;
let held = 0;

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
      listen(event);
    }
  });
}

function listen(event) {
  const quick = event.timeStamp - last < BURST;
  last = event.timeStamp;
  if (event.key === "Enter" && quick && burst.length >= SHORTEST) {
    event.preventDefault();
    clearTimeout(held);
    const code = burst.map((one) => one.key).join("");
    burst = [];
    return findCode(code);
  }
  if (event.key === "Shift") return;
  if (event.repeat) return single(event); // a key held down is no scanner
  if (!quick || event.key.length !== 1) settle();
  if (event.key.length !== 1 || (event.key === "/" && !burst.length)) return single(event); // what follows / is typed
  if (burst.length || wanted(event)) event.preventDefault();
  burst.push(event);
  clearTimeout(held);
  held = setTimeout(settle, BURST);
}

// What was typed is no scan: each key does what it does by itself.
function settle() {
  clearTimeout(held);
  const keys = burst;
  burst = [];
  if (keys.length < SHORTEST) keys.forEach(single);
}

const keyOf = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);
const actionOf = (key) => (leader === "g" ? AFTER_G[key] : (bound.get(key) ?? SINGLE[key]));

function wanted(event) {
  const key = keyOf(event);
  return Boolean(actionOf(key)) || (leader === "" && key === "g");
}

function single(event) {
  const key = keyOf(event);
  const action = actionOf(key);
  leader = leader === "" && key === "g" ? "g" : "";
  if (leader) setTimeout(() => (leader = ""), 900);
  if (!action) return;
  if (action(event) !== false) event.preventDefault();
}
