// A form without a flow: the button that starts one.

import { draftAddress, run } from "./workspace.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-flow-start]");
  if (!button) return;
  const form = button.dataset.flowStart;
  const told = await run("flow.start", { form }, { select: false });
  if (told) location.assign(`${draftAddress}/flow/${form}`);
});
