// The two ways scripts talk to the server beside htmx: load a fragment into a place, and send a form.

import { csrfToken, text } from "./texts.js";
import { toast } from "./toast.js";

// Says what a refused answer wants to be said, the way htmx would.
export function tell(headers) {
  const told = headers.get("HX-Trigger");
  if (!told) return;
  for (const [name, detail] of Object.entries(JSON.parse(told))) {
    document.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

export async function request(url, options = {}) {
  const headers = { "HX-Request": "true", "X-CSRF-Token": csrfToken(), ...options.headers };
  try {
    const response = await fetch(url, { ...options, headers, credentials: "same-origin" });
    tell(response.headers);
    const leads = response.headers.get("HX-Redirect");
    if (leads && !options.stay) { location.assign(leads); return null; }
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch {
    toast(text("offline"), "danger");
    return null;
  }
}

// Fetches a fragment into a place; true when it is there.
export async function loadInto(place, url) {
  place.setAttribute("aria-busy", "true");
  const answer = await request(url);
  place.removeAttribute("aria-busy");
  if (!answer || answer.status >= 400) return false;
  place.innerHTML = answer.text;
  window.htmx?.process(place);
  place.dispatchEvent(new CustomEvent("widgets:added", { bubbles: true }));
  return true;
}

// POSTs form data; the answer, whatever its status, or null when there was none.
export const send = (url, data) => request(url, { method: "POST", body: data });

// Puts a fragment with a dialog into its place and opens it.
export function openDialog(place, html) {
  place.innerHTML = html;
  window.htmx?.process(place);
  showDialog(place);
  place.dispatchEvent(new CustomEvent("widgets:added", { bubbles: true }));
}

export function showDialog(root) {
  const dialog = root.querySelector?.("dialog[data-open-dialog]");
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector("select:not([hidden]), textarea, input:not([type=hidden]), .btn-primary, .btn-danger")?.focus();
}
