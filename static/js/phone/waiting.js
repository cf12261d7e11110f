// What waits on this device: own entries with what was typed, those of others by their name only.
import { ask } from "../confirm.js";
import { icon } from "../texts.js";
import { sendWaiting, showWaiting } from "../phone.js";

const queue = self.AppmillQueue;
const page = document.querySelector("[data-waiting-page]");
const list = page.querySelector("[data-queue]");
const person = document.querySelector('meta[name="person"]').content;
const say = page.dataset;

function line(text, className = "") {
  const element = document.createElement("small");
  element.className = className;
  element.textContent = text;
  return element;
}

const typed = (entry) => entry.told?.join(" · ") ?? entry.fields.filter(([name, value]) => value && !name.startsWith("_") && name !== "csrf_token").map(([, value]) => value).join(" · ");

function status(entry) {
  if (entry.status === "refused") return line(say.refused.replace("{reason}", entry.reason), "text-danger");
  if (String(entry.person) !== person) return line(say.other.replace("{name}", entry.name));
  return line(say.waits);
}

function button(label, glyph, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "btn btn-icon";
  element.title = label;
  element.setAttribute("aria-label", label);
  element.append(icon(glyph));
  element.addEventListener("click", act);
  return element;
}

function item(entry) {
  const row = document.createElement("li");
  const words = document.createElement("span");
  const title = document.createElement("strong");
  title.textContent = entry.label;
  words.append(title);
  if (String(entry.person) === person) {
    words.append(line([entry.record && entry.title, typed(entry)].filter(Boolean).join(" · ")));
    if (entry.files.length) words.append(line(say.photos.replace("{count}", entry.files.length)));
  }
  words.append(line(new Date(entry.made_at).toLocaleString(document.documentElement.lang)), status(entry));
  row.append(words);
  if (String(entry.person) === person) {
    if (entry.status === "refused") row.append(button(say.retry, "refresh", async () => { await queue.put({ ...entry, status: "waiting", tries: 0 }); await sendWaiting(); }));
    row.append(button(say.remove, "trash", async () => {
      if (!(await ask(say.removeSure, { danger: true }))) return;
      await queue.remove(entry.seq);
      await showWaiting();
    }));
  }
  return row;
}

function draw(entries) {
  list.replaceChildren(...entries.map(item));
  page.querySelector("[data-queue-empty]").hidden = entries.length > 0;
  page.querySelector("[data-send-now]").hidden = entries.length === 0;
}

document.addEventListener("waiting", (event) => draw(event.detail.entries));
page.querySelector("[data-send-now]").addEventListener("click", () => sendWaiting());
showWaiting();
