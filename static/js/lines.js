// The table of lines: keyboard, moving, removing with undo, and blocks pasted from a spreadsheet. New, copied and
// pasted rows are drawn by the server, so that a cell is parsed and shown by the same field as everywhere else.

const CELL = ["input:not([type=hidden]):not([type=file])", "select", "textarea"]
  .map((kind) => `${kind}:not([disabled]):not([hidden]):not([tabindex='-1'])`)
  .join(",");
const rows = (body) => [...body.querySelectorAll(":scope > tr.line")];
const live = (body) => rows(body).filter((row) => !row.classList.contains("line-removed"));
const bodyOf = (editor) => editor.querySelector("tbody");

function told(editor) {
  number(editor);
  editor.dispatchEvent(new CustomEvent("lines:changed", { bubbles: true }));
}

function number(editor) {
  live(bodyOf(editor)).forEach((row, index) => {
    const cell = row.querySelector(".line-number");
    if (cell) cell.textContent = String(index + 1);
  });
  const full = live(bodyOf(editor)).length >= Number(editor.dataset.max);
  for (const button of editor.querySelectorAll("[data-line=add],[data-line=duplicate]")) button.disabled = full;
  editor.querySelector(".lines-empty")?.toggleAttribute("hidden", live(bodyOf(editor)).length > 0);
}

function say(editor, text) {
  const region = editor.querySelector(".lines-live");
  if (region) region.textContent = text;
}

function cells(row) {
  return [...row.querySelectorAll("td[data-column]")].map((cell) => cell.querySelector(CELL)).filter(Boolean);
}

function focusCell(row, column) {
  const wanted = column && row.querySelector(`td[data-column="${CSS.escape(column)}"]`)?.querySelector(CELL);
  const control = wanted || cells(row)[0];
  control?.focus();
  control?.select?.();
}

const columnOf = (element) => element.closest("td[data-column]")?.dataset.column;

// --- rows drawn by the server ----------------------------------------------------------------------------------------

async function draw(editor, operation, extra = {}) {
  const form = editor.closest("form");
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  data.set("_op", operation);
  for (const [name, value] of Object.entries(extra)) data.set(name, value);
  const answer = await fetch(editor.dataset.url, {
    method: "POST",
    body: data,
    headers: { "X-CSRF-Token": data.get("csrf_token") ?? "", "HX-Request": "true" },
    credentials: "same-origin",
  });
  const html = await answer.text();
  if (!answer.ok) {
    say(editor, new DOMParser().parseFromString(html, "text/html").body.textContent.trim());
    return null;
  }
  const fresh = new DOMParser().parseFromString(`<table>${html}</table>`, "text/html").querySelector("tbody");
  bodyOf(editor).replaceWith(fresh);
  fresh.dispatchEvent(new CustomEvent("widgets:added", { bubbles: true }));
  say(editor, fresh.dataset.note ?? "");
  told(editor);
  return fresh;
}

function nextKey(editor) {
  const key = Math.max(Number(editor.dataset.next ?? 0), 0);
  editor.dataset.next = String(key + 1);
  return key;
}

function fill(node, key) {
  for (const element of node.querySelectorAll("*")) {
    for (const attribute of [...element.attributes]) {
      if (attribute.value.includes("__i__")) element.setAttribute(attribute.name, attribute.value.replaceAll("__i__", key));
    }
    if (element instanceof HTMLTemplateElement) fill(element.content, key);
  }
}

function add(editor, after = null, column = null) {
  const body = bodyOf(editor);
  if (live(body).length >= Number(editor.dataset.max)) {
    say(editor, editor.dataset.full);
    return;
  }
  const row = editor.querySelector("template.line-blank").content.cloneNode(true);
  fill(row, nextKey(editor));
  const added = row.querySelector("tr");
  if (after) after.after(added);
  else body.append(added);
  added.dispatchEvent(new CustomEvent("widgets:added", { bubbles: true }));
  told(editor);
  focusCell(added, column);
}

async function duplicate(editor, row) {
  const key = nextKey(editor);
  const fresh = await draw(editor, "duplicate", { _row: row.dataset.key, _key: key });
  const copy = fresh?.querySelector(`tr[data-key="${key}"]`);
  if (copy) focusCell(copy);
}

function remove(editor, row) {
  const next = live(bodyOf(editor)).find((other) => other !== row && other.compareDocumentPosition(row) & 2) ?? row.previousElementSibling;
  const empty = !row.querySelector("[data-line-id]")?.value && cells(row).every((cell) => !cell.value || cell.type === "checkbox");
  if (empty) row.remove();
  else mark(row, true);
  told(editor);
  if (next?.isConnected) focusCell(next);
  else editor.querySelector("[data-line=add]")?.focus();
}

function mark(row, removed) {
  row.classList.toggle("line-removed", removed);
  const box = row.querySelector("[data-line-delete]");
  if (box) box.checked = removed;
}

function move(editor, row, step) {
  const all = rows(bodyOf(editor));
  const other = all[all.indexOf(row) + step];
  if (!other) return;
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  if (step < 0) other.before(row);
  else other.after(row);
  focused?.focus();
  told(editor);
}

// --- keyboard --------------------------------------------------------------------------------------------------------

function down(editor, row, column) {
  const all = live(bodyOf(editor));
  const next = all[all.indexOf(row) + 1];
  if (next) focusCell(next, column);
  else add(editor, row, null);
}

function onKey(event) {
  const row = event.target.closest?.("tr.line");
  const editor = row?.closest(".lines-editor");
  if (!editor || event.isComposing || event.defaultPrevented) return;
  const column = columnOf(event.target);
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    move(editor, row, event.key === "ArrowUp" ? -1 : 1);
    event.preventDefault();
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "d") {
    event.preventDefault();
    duplicate(editor, row);
  } else if ((event.ctrlKey || event.metaKey) && event.key === "Delete") {
    event.preventDefault();
    remove(editor, row);
  } else if (event.key === "Enter" && event.target.matches(CELL)) {
    if (event.target.matches("textarea") && !event.ctrlKey) return;
    if (event.target.getAttribute("aria-expanded") === "true") return; // the open list takes it
    event.preventDefault();
    down(editor, row, column);
  }
}

function onClick(event) {
  const button = event.target.closest?.("[data-line]");
  const editor = button?.closest(".lines-editor");
  if (!editor) return;
  const row = button.closest("tr.line");
  const act = {
    add: () => add(editor),
    duplicate: () => duplicate(editor, row),
    remove: () => remove(editor, row),
    undo: () => {
      mark(row, false);
      told(editor);
      focusCell(row);
    },
    up: () => move(editor, row, -1),
    down: () => move(editor, row, 1),
  }[button.dataset.line];
  if (act) {
    event.preventDefault();
    act();
  }
}

// --- a block from a spreadsheet --------------------------------------------------------------------------------------

async function onPaste(event) {
  const row = event.target.closest?.("tr.line");
  const editor = row?.closest(".lines-editor");
  const text = event.clipboardData?.getData("text/plain") ?? "";
  if (!editor || !/[\t\n]/.test(text.replace(/\r?\n$/, ""))) return;
  if (event.target.matches("textarea") && !text.includes("\t")) return; // several lines of one text
  event.preventDefault();
  const column = columnOf(event.target);
  const start = row.dataset.key;
  const fresh = await draw(editor, "paste", { _row: start, _column: column, _text: text, _key: editor.dataset.next ?? 0 });
  if (!fresh) return;
  editor.dataset.next = fresh.dataset.next ?? editor.dataset.next;
  const bad = fresh.querySelector(".is-invalid");
  if (bad) bad.focus();
  else focusCell(fresh.querySelector(`tr[data-key="${CSS.escape(start)}"]`) ?? fresh.querySelector("tr"), column);
}

// --- dragging a row by its handle ------------------------------------------------------------------------------------

function onPointerDown(event) {
  const handle = event.target.closest?.(".line-handle");
  const row = handle?.closest("tr.line");
  const editor = row?.closest(".lines-editor");
  if (!editor || event.button > 0) return;
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  row.classList.add("line-dragged");
  let moved = false;
  const follow = (motion) => {
    const other = rows(bodyOf(editor)).find((candidate) => {
      const box = candidate.getBoundingClientRect();
      return candidate !== row && motion.clientY > box.top && motion.clientY < box.bottom;
    });
    if (!other) return;
    const box = other.getBoundingClientRect();
    if (motion.clientY < box.top + box.height / 2) other.before(row);
    else other.after(row);
    moved = true;
  };
  const drop = () => {
    handle.removeEventListener("pointermove", follow);
    row.classList.remove("line-dragged");
    if (moved) told(editor);
  };
  handle.addEventListener("pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) handle.addEventListener(end, drop, { once: true });
}

export function startLines(root) {
  for (const editor of root.querySelectorAll?.(".lines-editor") ?? []) {
    editor.classList.add("has-js");
    number(editor);
  }
}

document.addEventListener("keydown", onKey);
document.addEventListener("click", onClick);
document.addEventListener("paste", onPaste);
document.addEventListener("pointerdown", onPointerDown);
