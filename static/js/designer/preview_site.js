// Runs in the pages inside a preview: their scripts ask for addresses from the root, which here lies somewhere else.
// Nothing here may leave the preview, and nothing is remembered in the browser.
import { toast } from "../toast.js";

const ROOT = document.querySelector('meta[name="preview-root"]').content;

export function moved(address) {
  const text = String(address);
  const path = text.startsWith(location.origin) ? text.slice(location.origin.length) : text;
  if (!path.startsWith("/") || path.startsWith("//") || path.startsWith("/static/")) return address;
  return path === ROOT || path.startsWith(`${ROOT}/`) ? address : ROOT + path;
}

const ask = window.fetch;
window.fetch = (what, options) => ask(what instanceof Request ? new Request(moved(what.url), what) : moved(what), options);
const open = XMLHttpRequest.prototype.open;
XMLHttpRequest.prototype.open = function (method, address, ...rest) {
  return open.call(this, method, moved(address), ...rest);
};
Object.defineProperty(document, "cookie", { get: () => "", set: () => {} });

// Links that scripts made.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='/']");
  if (link) link.setAttribute("href", moved(link.getAttribute("href")));
}, true);

// A form that would be saved: what is wrong is said on the page that always says it; else it is said that it would have
// been saved, and what was typed stays.
async function rehearse(form, submitter) {
  const body = new FormData(form, submitter);
  const headers = { "X-Preview": "rehearse", "X-Requested-With": "fetch" };
  const answer = await fetch(form.getAttribute("action") ?? location.pathname, { method: "POST", body, headers });
  window.dispatchEvent(new Event("pageshow")); // the form is not on its way any more
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
    toast((await answer.json()).said, "info");
    return;
  }
  if (submitter?.name) form.append(hidden(submitter.name, submitter.value));
  HTMLFormElement.prototype.submit.call(form);
}

const hidden = (name, value) => Object.assign(document.createElement("input"), { type: "hidden", name, value });

// After everybody else: what scripts or htmx send is not ours.
window.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  event.preventDefault();
  rehearse(event.target, event.submitter);
});
