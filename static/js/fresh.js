// Every element under the root, the root itself too, that was not made ready before.
export function fresh(root, selector) {
  const found = [...root.querySelectorAll(selector)];
  if (root.matches?.(selector)) found.push(root);
  return found.filter((element) => {
    if (element.dataset.ready || element.closest("template")) return false;
    element.dataset.ready = "1";
    return true;
  });
}
