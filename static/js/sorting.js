// The library that sorts by dragging, loaded once it is wanted.

// With a finger things are held a moment, so that the page can still be scrolled.
export const TOUCH = { animation: 140, delay: 180, delayOnTouchOnly: true };

let loading;
export function loadSortable() {
  loading ??= new Promise((done) => {
    const script = document.createElement("script");
    script.src = new URL("../vendor/sortablejs@1.15.7/Sortable.min.js", import.meta.url);
    script.addEventListener("load", done);
    document.head.append(script);
  });
  return loading;
}
