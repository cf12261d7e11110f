// A small editor over the text area that holds the value. What it makes is cleaned by the server.
import { fresh } from "./fresh.js";

export function initRichText(root) {
  for (const box of fresh(root, "[data-rich]")) start(box);
}

function start(box) {
  const [bar, editor, source] = [box.querySelector("[role=toolbar]"), box.querySelector("[contenteditable]"), box.querySelector("textarea")];
  bar.hidden = editor.hidden = false;
  source.hidden = true;
  editor.id = source.id;
  source.id += "-source";
  for (const name of ["aria-required", "aria-invalid", "aria-describedby"]) {
    if (source.hasAttribute(name)) editor.setAttribute(name, source.getAttribute(name));
  }
  document.execCommand("defaultParagraphSeparator", false, "p");
  const keep = () => { source.value = editor.textContent.trim() ? editor.innerHTML : ""; };
  if (!editor.textContent.trim()) editor.replaceChildren(emptyParagraph()); // else the first line is in none
  editor.addEventListener("input", keep);
  editor.addEventListener("blur", () => source.dispatchEvent(new Event("change", { bubbles: true })));
  editor.addEventListener("paste", (event) => paste(event));
  bar.addEventListener("pointerdown", (event) => event.preventDefault()); // keeps the selection
  bar.addEventListener("click", (event) => {
    const command = event.target.closest("button")?.dataset.command;
    if (!command || source.readOnly) return;
    editor.focus();
    document.execCommand(command, false);
    keep();
    source.dispatchEvent(new Event("input", { bubbles: true }));
  });
  new MutationObserver(() => { editor.contentEditable = String(!source.readOnly); }).observe(source, { attributeFilter: ["readonly"] });
}

function emptyParagraph() {
  const paragraph = document.createElement("p");
  paragraph.append(document.createElement("br"));
  return paragraph;
}

// Plain text: what word processors put on the clipboard is mostly style, which is forbidden here.
function paste(event) {
  const text = event.clipboardData?.getData("text/plain");
  if (text === undefined) return;
  event.preventDefault();
  document.execCommand("insertText", false, text);
}
