// Theme, the folded side bar, scrollable edges: things the frame itself does.

const YEAR = 31536000;

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=lax`;
}

function setTheme(theme) {
  const root = document.documentElement;
  root.dataset.theme = theme;
  root.dispatchEvent(new Event("theme"));
  remember("theme", theme);
  for (const button of document.querySelectorAll("[data-set-theme]")) {
    button.setAttribute("aria-pressed", String(button.dataset.setTheme === theme));
  }
}

function fold() {
  const folded = document.documentElement.classList.toggle("bar-small");
  remember("bar", folded ? "small" : "wide");
}

// A label around a hidden file box says which files were chosen.
function startFileChoices() {
  document.addEventListener("change", (event) => {
    const said = event.target.closest(".file-choice")?.querySelector("span");
    if (!said) return;
    said.dataset.empty ??= said.textContent;
    said.textContent = [...event.target.files].map((file) => file.name).join(", ") || said.dataset.empty;
  });
}

function startPasswordEyes() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-reveal]");
    if (!button) return;
    const field = document.getElementById(button.dataset.reveal);
    field.type = field.type === "password" ? "text" : "password";
    button.setAttribute("aria-pressed", String(field.type === "text"));
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    const source = button && document.getElementById(button.dataset.copy);
    if (!source) return;
    await navigator.clipboard.writeText(source.textContent.trim());
    button.classList.add("copied");
  });
}

export function startShell() {
  document.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-set-theme]");
    if (chosen) setTheme(chosen.dataset.setTheme);
    if (event.target.closest("[data-fold]")) fold();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  startPasswordEyes();
  startFileChoices();
}

