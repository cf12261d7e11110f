// The rights to one field: a choice per role and verb, with a condition where it is "when".

import { refusedAt, run } from "./workspace.js";

document.addEventListener("change", async (event) => {
  const box = event.target;
  const cell = box.closest?.("td");
  if (!cell || !box.matches("[data-right], [data-right-when]")) return;
  const choice = cell.querySelector("[data-right]");
  const text = cell.querySelector("[data-right-when]");
  text.hidden = choice.value !== "when";
  if (choice.value === "when" && !text.value.trim()) { text.focus(); return; }
  const value = { "": null, true: true, false: false, when: text.value.trim() }[choice.value];
  const { form, field, role, verb } = choice.dataset;
  const told = await run("field.grant", { form, field, role, verb, value }, { quiet: true, select: false });
  refusedAt(box, told?.refused);
});
