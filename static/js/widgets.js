// What form controls do beyond HTML. Everything works without it, plainer.
import { initLinks } from "./link_search.js";
import { initRichText } from "./rich_text.js";
import { initSignatures } from "./signature.js";
import { initUploads } from "./uploads.js";

export function init(root = document) {
  initLinks(root);
  initRichText(root);
  initUploads(root);
  initSignatures(root);
}

// --- small ones, by delegation -----------------------------------------------------------------------------------------

document.addEventListener("input", (event) => {
  const box = event.target.closest?.("[data-colour]");
  if (!box) return;
  const [picker, text] = box.querySelectorAll("input");
  if (event.target === picker) {
    text.value = picker.value;
    text.dispatchEvent(new Event("change", { bubbles: true }));
  } else if (/^#[0-9a-f]{6}$/i.test(text.value)) picker.value = text.value;
});

// A hand scanner ends every code with Enter: it means "next field", not "send the form".
document.addEventListener("keydown", (event) => {
  const box = event.target;
  if (event.key !== "Enter" || event.isComposing || !box.matches?.("input[data-scan]") || box.closest("[data-lines]")) return;
  event.preventDefault();
  box.dispatchEvent(new Event("change", { bubbles: true }));
  const controls = [...(box.form?.elements ?? [])].filter(
    (one) => one.type !== "hidden" && !one.disabled && one.tabIndex >= 0 && one.offsetParent !== null);
  controls[controls.indexOf(box) + 1]?.focus();
});

document.addEventListener("htmx:after:swap", (event) => init(event.target instanceof Element ? event.target : document));
document.addEventListener("htmx:after:settle", () => init());
document.addEventListener("widgets:added", (event) => init(event.target instanceof Element ? event.target : document));
init();
