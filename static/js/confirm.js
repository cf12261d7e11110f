// A question before something is done: <button data-confirm="…"> in a plain form or on an htmx element.
export function ask(words, { danger = false } = {}) {
  const dialog = document.getElementById("confirm");
  if (!dialog) return Promise.resolve(true);
  document.getElementById("confirm-text").textContent = words;
  const yes = dialog.querySelector("[data-yes]");
  yes.classList.toggle("btn-danger", danger);
  yes.classList.toggle("btn-primary", !danger);
  dialog.returnValue = "";
  dialog.showModal();
  yes.focus();
  return new Promise((settle) => {
    dialog.addEventListener("close", () => settle(dialog.returnValue === "yes"), { once: true });
  });
}

export function startConfirm() {
  document.querySelector("#confirm [data-yes]")?.addEventListener("click", (event) => {
    event.target.closest("dialog").close("yes");
  });
  document.addEventListener(
    "submit",
    async (event) => {
      const asking = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
      if (!asking || event.target.dataset.confirmed) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const { submitter, target } = event;
      if (!(await ask(asking, { danger: submitter?.classList.contains("btn-danger") }))) return;
      target.dataset.confirmed = "true";
      // A part of the form may have been drawn anew while the question was open, its button among it.
      target.requestSubmit(submitter?.isConnected ? submitter : target.querySelector("[data-confirm]"));
      delete target.dataset.confirmed;
    },
    { capture: true },
  );
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    else if (event.target instanceof HTMLDialogElement) event.target.close();
  });
}
