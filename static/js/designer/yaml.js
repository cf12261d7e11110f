// The text of a draft: typed text is kept on the server a moment after the last key; findings lead to their lines.

import { request } from "../fetching.js";
import { icon } from "../texts.js";
import { draftAddress, write } from "./workspace.js";

const WAIT = 700;
const box = document.getElementById("yaml-text");
const lines = document.querySelector("[data-lines]");
const list = document.getElementById("yaml-findings");
const clash = document.querySelector("[data-conflicts]");
const refused = document.querySelector("#yaml [data-refused]");
let ground = box.value;
let timer = null;
let sending = false;

function number() {
  const count = box.value.split("\n").length;
  if (lines.childElementCount !== count) {
    lines.replaceChildren(...Array.from({ length: count }, (_, at) => {
      const one = document.createElement("span");
      one.textContent = at + 1;
      return one;
    }));
  }
  lines.scrollTop = box.scrollTop;
}

function mark(findings) {
  for (const one of lines.children) one.className = "";
  for (const finding of findings) {
    const place = lines.children[finding.line - 1];
    if (place && finding.severity !== "note") place.className = finding.severity === "error" ? "wrong" : "warned";
  }
  list.replaceChildren(...findings.map(shown));
  document.getElementById("yaml-fine").hidden = findings.length > 0;
}

function shown(finding) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "at";
  button.textContent = `${finding.line}:${finding.column}`;
  button.addEventListener("click", () => jump(finding.line, finding.column));
  const words = document.createElement("span");
  words.textContent = finding.message;
  const glyph = { error: "circle-x", warning: "alert-triangle", note: "info-circle" }[finding.severity];
  item.append(icon(glyph, `is-${finding.severity}`), button, words);
  return item;
}

export function jump(line, column = 1) {
  const start = box.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  box.focus();
  box.setSelectionRange(start + column - 1, start + column - 1);
  const height = parseFloat(getComputedStyle(box).lineHeight);
  box.scrollTop = Math.max(0, (line - 5) * height);
  number();
}

async function keep() {
  if (sending) { later(); return; }
  if (box.value === ground) return;
  sending = true;
  const typed = box.value;
  const told = await write(ground, typed);
  sending = false;
  refused.hidden = !told?.refused;
  clash.hidden = !told?.conflicts?.length;
  if (told?.refused) { refused.textContent = told.refused; conflicts(told.conflicts ?? []); return; }
  if (!told) return;
  if (box.value === typed && told.text !== typed) show(told.text);
  ground = told.text;
  await refresh();
}

function conflicts(found) {
  clash.querySelector("[data-list]").replaceChildren(...found.map((one) => {
    const item = document.createElement("li");
    item.textContent = one.sentence;
    return item;
  }));
}

function show(text) {
  const [start, end, top] = [box.selectionStart, box.selectionEnd, box.scrollTop];
  box.value = text;
  box.setSelectionRange(start, end);
  box.scrollTop = top;
  number();
}

// Findings after a check, and the text when something else changed it.
async function refresh(take = false) {
  const answer = await request(`${draftAddress}/yaml/text`);
  if (!answer || answer.status !== 200) return;
  const told = JSON.parse(answer.text);
  if (take || box.value === ground) { if (told.text !== box.value) show(told.text); ground = told.text; }
  mark(told.findings);
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(keep, WAIT);
}

box.addEventListener("input", () => { number(); later(); });
box.addEventListener("scroll", number);
box.addEventListener("blur", keep);
let leaving = false;
box.addEventListener("keydown", (event) => {
  if (event.key === "Escape") { leaving = true; return; }
  if (event.key === "Tab" && !event.shiftKey && !leaving) {
    event.preventDefault();
    box.setRangeText("  ", box.selectionStart, box.selectionEnd, "end");
    box.dispatchEvent(new Event("input"));
  }
  leaving = false;
});
clash.querySelector("[data-theirs]").addEventListener("click", async () => {
  clash.hidden = true;
  refused.hidden = true;
  ground = box.value;
  await refresh(true);
});
document.addEventListener("designer:changed", () => { if (!sending) refresh(); });
window.addEventListener("beforeunload", (event) => { if (box.value !== ground) event.preventDefault(); });

number();
mark(JSON.parse(list.dataset.findings));
const wanted = Number(document.getElementById("yaml").dataset.line);
if (wanted) jump(wanted);
