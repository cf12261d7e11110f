// The page of a change's way into force: two looks at the difference, copying, and a trial that begins by itself.

import { loadInto } from "../fetching.js";
import { toast } from "../toast.js";

async function look(tab) {
  for (const one of tab.parentElement.querySelectorAll("[role=tab]")) {
    const chosen = one === tab;
    one.setAttribute("aria-selected", String(chosen));
    one.tabIndex = chosen ? 0 : -1;
    document.getElementById(one.getAttribute("aria-controls")).hidden = !chosen;
  }
  const place = document.getElementById(tab.getAttribute("aria-controls"));
  if (!place.dataset.source || place.dataset.loaded) return;
  if (await loadInto(place, place.dataset.source)) place.dataset.loaded = "yes";
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copyFrom);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    toast(button.dataset.copied, "success");
  } catch {
    document.execCommand("copy"); // without HTTPS there is no other clipboard
  }
}

document.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-look]");
  if (tab) look(tab);
  const button = event.target.closest("[data-copy-from]");
  if (button) copy(button);
});

document.addEventListener("keydown", (event) => {
  const tab = event.target.closest?.("[data-look]");
  if (!tab || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const other = [...tab.parentElement.children].find((one) => one !== tab);
  other.focus();
  look(other);
});

// A choice that takes a value is kept when the value is there.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-takes]")) event.target.closest(".choice").querySelector(".choice-value > *")?.focus();
});
document.addEventListener("focusin", (event) => {
  const choice = event.target.closest?.(".choice-value")?.closest(".choice");
  if (choice) choice.querySelector("[data-takes]").checked = true;
});

// The trial of a draft that nobody tried yet begins while people read what changes; a way back that needs decisions
// is rehearsed as soon as they are made.
const tryNow = () => document.querySelector("#life[data-try-now] [data-try] button")?.form.requestSubmit();
tryNow();
document.addEventListener("htmx:after:swap", (event) => { if (event.target.closest?.("#life") && event.detail?.ctx?.sourceElement?.matches("[data-decide]")) tryNow(); });

// The lines of a file that was not taken begin at the first mistake.
const wrong = document.querySelector(".rejected .source .wrong");
if (wrong) wrong.parentElement.scrollTop = wrong.offsetTop - wrong.parentElement.offsetTop - 80;
