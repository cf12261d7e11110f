// A label is written over where it stands: Enter keeps it, Esc does not. What is refused stays in the box.

import { run } from "./workspace.js";
import { choose, form } from "./form.js";

let open = null;
const texts = document.getElementById("fd-texts").dataset;

export const renaming = () => Boolean(open);

function intention(place, text) {
  if (place.dataset.field) return ["field.label", { form, field: place.dataset.field, text }];
  if (place.dataset.canvasTab) return ["tab.rename", { form, tab: place.dataset.text, text }];
  return ["section.rename", { form, section: Number(place.closest("[data-section]").dataset.section), text }];
}

export function rename(place, typed = null, reason = "") {
  if (open) return;
  const label = place.querySelector("[data-label]") ?? place;
  const before = label.textContent.trim();
  const box = document.createElement("input");
  box.className = "form-control form-control-sm fc-rename";
  box.dataset.typing = "";
  box.value = typed ?? before;
  box.setAttribute("aria-label", texts.rename.replace("%", before));
  const again = place.dataset.field ? () => document.getElementById(`cf-${place.dataset.field}`) : () => document.getElementById(place.id);
  open = { box, before, again, intention: (text) => intention(place, text) };
  if (label === place) place.after(box); else label.after(box);
  label.hidden = true;
  open.close = () => { open = null; label.hidden = false; box.remove(); };
  if (reason) refuse(box, reason);
  box.addEventListener("keydown", keys);
  box.addEventListener("blur", () => { if (open?.box === box) keep(false); });
  for (const kind of ["pointerdown", "mousedown", "touchstart", "click", "dblclick"]) box.addEventListener(kind, (event) => event.stopPropagation());
  box.focus();
  box.select();
}

function refuse(box, reason) {
  const say = document.createElement("p");
  say.className = "prop-problem";
  say.textContent = reason;
  box.after(say);
  box.setAttribute("aria-invalid", "true");
  const { close } = open;
  open.close = () => { say.remove(); close(); };
}

function keys(event) {
  event.stopPropagation();
  if (event.isComposing) return;
  if (event.key === "Enter") { event.preventDefault(); keep(true); }
  if (event.key === "Escape") { event.preventDefault(); const { again, close } = open; close(); again()?.focus(); }
}

async function keep(focus) {
  const { box, before, again, close } = open;
  const text = box.value.trim();
  const [operation, given] = open.intention(text);
  close();
  if (text === before) { if (focus) again()?.focus(); return; }
  const told = await run(operation, given, { quiet: true, select: false });
  if (told && !told.refused) { settled(told, focus, again); return; }
  const place = again();
  if (place) rename(place, text, told?.refused ?? "");
}

function settled(told, focus, again) {
  if (told.select?.[2] === "fields") choose([told.select[3]], { focus });
  else if (focus) again()?.focus();
}
