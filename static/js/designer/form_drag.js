// Dragging with mouse and finger: from the palette onto the canvas, and on the canvas.

import { loadSortable } from "../sorting.js";

// No list lies in another one's items, so whatever is under the finger gives way at once: with a smaller or inverted
// threshold a drop on the middle of a field of two columns went back to where it came from.
const TOUCH = {
  animation: 120, fallbackOnBody: true, delay: 150, delayOnTouchOnly: true,
  touchStartThreshold: 6, forceFallback: true, fallbackTolerance: 4, scroll: true, scrollSensitivity: 60, bubbleScroll: true,
};

export async function startDragging(canvas, designer) {
  await loadSortable();
  const { Sortable } = window;
  for (const shelf of document.querySelectorAll("[data-pieces]")) {
    Sortable.create(shelf, {
      ...TOUCH, group: { name: "fields", pull: "clone", put: false }, sort: false, draggable: "[data-piece]",
      onStart: () => dragging(true), onEnd: (event) => { dragging(false); dropPiece(event, designer); },
    });
  }
  const grids = () => {
    for (const grid of canvas.querySelectorAll("[data-fields]")) {
      if (Sortable.get(grid)) continue;
      Sortable.create(grid, {
        ...TOUCH, group: { name: "fields", pull: true, put: true }, draggable: ".fc-field, [data-piece]",
        filter: ".fc-rename, a, th", preventOnFilter: false,
        onStart: () => dragging(true), onEnd: (event) => { dragging(false); dropCard(event, designer); },
      });
    }
    for (const panel of canvas.querySelectorAll("[data-sections]")) {
      if (Sortable.get(panel)) continue;
      Sortable.create(panel, {
        ...TOUCH, draggable: "[data-section]", handle: "[data-section-grip]",
        onEnd: (event) => dropSection(event, designer),
      });
    }
  };
  canvas.addEventListener("designer:drawn", grids);
  grids();
  document.documentElement.dataset.dragReady = "";
}

function dragging(on) {
  document.getElementById("designer").classList.toggle("is-dragging", on);
}

function dropPiece(event, designer) {
  const { item, to, from } = event;
  if (to === from) return;
  const others = [...to.querySelectorAll("[data-field], [data-piece]")];
  const place = { section: Number(to.dataset.section), at: others.indexOf(item) };
  const piece = item.cloneNode(true);
  item.remove();
  designer.add(piece, place);
}

function dropCard(event, designer) {
  const { item, to, from, oldDraggableIndex, newDraggableIndex } = event;
  if (to === from && oldDraggableIndex === newDraggableIndex) return;
  const names = designer.chosen();
  const moved = names.includes(item.dataset.field) ? names : [item.dataset.field];
  const before = [];
  for (const card of to.querySelectorAll("[data-field]")) {
    if (card === item) break;
    if (!moved.includes(card.dataset.field)) before.push(card);
  }
  designer.move(moved, { section: Number(to.dataset.section), at: before.length });
}

function dropSection(event, designer) {
  const { item, to, oldDraggableIndex, newDraggableIndex } = event;
  if (oldDraggableIndex === newDraggableIndex) return;
  const indexes = [...to.querySelectorAll(":scope > [data-section]")].map((one) => Number(one.dataset.section));
  const target = Math.min(...indexes) + newDraggableIndex;
  designer.moveSection(Number(item.dataset.section), target);
}
