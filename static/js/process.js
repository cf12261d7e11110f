// The map of steps: a slider leaves out the paths that were taken rarely.
export function startProcess(root = document) {
  root.addEventListener("input", (event) => {
    if (!event.target.matches("[data-process-rare]")) return;
    const least = Number(event.target.value);
    const whole = event.target.closest("[data-process]");
    event.target.nextElementSibling.textContent = `${least}%`;
    for (const part of whole.querySelectorAll("[data-part]")) {
      part.toggleAttribute("hidden", Number(part.dataset.part) < least);
    }
  });
}
