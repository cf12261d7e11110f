// Notices in passing. The server sends them with a page (<template data-toast>) or with an htmx answer (HX-Trigger: toast).
import { csrfToken, icon, text } from "./texts.js";

const GLYPHS = { success: "circle-check", info: "info-circle", warning: "alert-triangle", danger: "alert-circle" };

export function toast(words, kind = "success", { undo = null, seconds = null } = {}) {
  const place = document.getElementById("toasts");
  const element = document.createElement("div");
  element.className = `toast-note toast-${kind}`;
  element.setAttribute("role", kind === "danger" ? "alert" : "status");
  const body = document.createElement("span");
  body.className = "toast-text";
  body.textContent = words;
  element.append(icon(GLYPHS[kind] ?? "info-circle"), body);
  if (undo) element.append(undoButton(undo, element));
  element.append(closeButton(element));
  place.append(element);
  while (place.children.length > 4) place.firstElementChild.remove();
  remain(element, (seconds ?? (undo ? 10 : kind === "danger" ? 12 : 5)) * 1000);
  return element;
}

function remain(element, time) {
  let timer = setTimeout(() => element.remove(), time);
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("pointerleave", () => (timer = setTimeout(() => element.remove(), 2500)));
}

function closeButton(element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn-close";
  button.setAttribute("aria-label", text("close"));
  button.addEventListener("click", () => element.remove());
  return button;
}

function undoButton(address, element) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "toast-undo";
  button.textContent = text("undo");
  button.addEventListener("click", async () => {
    button.disabled = true;
    const answer = await fetch(address, { method: "POST", headers: { "X-CSRF-Token": csrfToken() } });
    element.remove();
    if (answer.ok) window.location.reload();
    else toast(text("offline"), "danger");
  });
  return button;
}

export function startToasts() {
  for (const waiting of document.querySelectorAll("template[data-toast]")) {
    toast(waiting.content.textContent, waiting.dataset.toast, { undo: waiting.dataset.undo });
    waiting.remove();
  }
  document.addEventListener("toast", (event) => {
    for (const one of event.detail?.toasts ?? []) toast(one.text, one.kind, { undo: one.undo });
  });
  document.addEventListener("htmx:error", (event) => {
    if (!event.detail?.ctx?.response && event.detail?.ctx?.request?.method) toast(text("offline"), "danger");
  });
}
