// Unsaved changes: a form with data-guard asks before the page is left. A room may also call markDirty / markClean.
import { ask } from "./confirm.js";
import { text } from "./texts.js";

const dirty = new Set();

export function markDirty(thing) {
  dirty.add(thing);
}

export function markClean(thing) {
  dirty.delete(thing);
}

export function isDirty() {
  for (const thing of dirty) if (thing instanceof Element && !thing.isConnected) dirty.delete(thing);
  return dirty.size > 0;
}

export function startGuard() {
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-guard]");
    if (form) markDirty(form);
  });
  document.addEventListener("submit", (event) => markClean(event.target));
  window.addEventListener("beforeunload", (event) => {
    if (isDirty()) event.preventDefault();
  });
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[href]");
    const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.defaultPrevented;
    if (!link || !plain || link.target || link.hasAttribute("download") || !isDirty()) return;
    if (link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    if (!(await ask(text("leave"), { danger: true }))) return;
    dirty.clear();
    window.location.assign(link.href);
  });
}
