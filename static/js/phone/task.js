// A task screen: choose or scan, fill in, done, the next. Everything entered goes through the queue first and is sent from
// there, so that it is kept whatever happens on the way.
import { sendLater, showWaiting } from "../phone.js";
import { icon } from "../texts.js";
import { Fields } from "./fields.js";
import { beep, listenForWedge, scan } from "./scanner.js";

const queue = self.AppmillQueue;
const form = document.querySelector("[data-task]");
const say = form.dataset;
const done = document.querySelector("[data-done]");
const picker = form.querySelector("[data-record-picker]");
const fields = new Fields(form);
const LONG = 6000; // ms after which nobody waits for the network any more
const READ = 1600; // ms a tick stays before the next
const SHOWN = 40; // records in the list at once
const KEPT = `task:${say.person}:${say.task}`;
const DRAFT = `draft:${say.person}:${say.task}`;

let data = { records: [], options: {}, all: false };
let chosen = null; // the record as the server told it
let busy = false;

const existing = say.kind !== "create";
const hidden = (name) => form.elements[name];

function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function fetchJson(url) {
  const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", redirect: "error" });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// --- the record

const byCode = (list, code) => list.filter((one) => one.codes?.includes(code));

const told = (record) => [record.state_label, record.about].filter(Boolean).join(" · ");

function drawRecords(text = "") {
  const wanted = text.trim().toLowerCase();
  const found = data.records.filter((one) => !wanted || one.title.toLowerCase().includes(wanted) || one.codes.some((code) => code.toLowerCase().includes(wanted)));
  const list = picker.querySelector("[data-records]");
  if (!data.records.length && !wanted) return;
  list.replaceChildren(...found.slice(0, SHOWN).map((one) => {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.recordId = one.id;
    const words = document.createElement("span");
    const small = document.createElement("small");
    words.textContent = one.title;
    small.textContent = told(one);
    words.append(small);
    button.append(icon("chevron-right"), words);
    item.append(button);
    return item;
  }));
}

// What waits for the record counts as done to it: the next entry is made over that, not over what the server told.
async function withWaiting(record) {
  const base = { ...record.base };
  let { state } = record;
  for (const entry of await queue.waiting()) {
    if (entry.status !== "waiting" || entry.form !== say.form || String(entry.record) !== String(record.id)) continue;
    for (const [name, value] of entry.fields) if (name in base && !entry.adds?.includes(name)) base[name] = value;
    if (entry.kind === "take") state = "";
  }
  return { base, state };
}

async function choose(record, { keepTyped = false } = {}) {
  chosen = { ...record, ...(await withWaiting(record)) };
  hidden("_record").value = record.id;
  hidden("_code").value = "";
  hidden("_version").value = record.version;
  hidden("_state").value = chosen.state ?? "";
  showChosen(record.title, told(record));
  fields.over(chosen, { keepTyped });
}

function chooseCode(code) {
  chosen = null;
  for (const name of ["_record", "_version", "_state"]) hidden(name).value = "";
  hidden("_code").value = code;
  showChosen(code, say.unknown.replace("{code}", code));
}

function showChosen(title, more) {
  picker.querySelector("[data-chosen-title]").textContent = title;
  picker.querySelector("[data-chosen-state]").textContent = more ?? "";
  picker.querySelector("[data-chosen-record]").hidden = false;
  picker.querySelector("[data-choosing]").hidden = true;
  form.querySelector("[data-inputs]").hidden = false;
  note("");
  fields.focusFirst();
}

function chooseAgain() {
  chosen = null;
  for (const name of ["_record", "_code", "_version", "_state"]) hidden(name).value = "";
  picker.querySelector("[data-chosen-record]").hidden = true;
  picker.querySelector("[data-choosing]").hidden = false;
  form.querySelector("[data-inputs]").hidden = true;
  picker.querySelector("[data-find]").value = "";
  drawRecords();
}

function note(words) {
  const place = picker?.querySelector("[data-record-note]");
  if (!place) return;
  place.hidden = !words;
  place.textContent = words;
}

// What a code stands for: what is on this device first, then the server; null where nobody can be asked.
async function resolve(list, code, field = "") {
  const here = byCode(list, code);
  if (here.length === 1) return { found: here[0] };
  try {
    return await fetchJson(`/tasks/${say.task}/resolve?${new URLSearchParams({ code, field })}`);
  } catch {
    return null;
  }
}

async function takeRecordCode(code) {
  const answer = await resolve(data.records, code);
  if (answer === null) {
    beep();
    return chooseCode(code);
  }
  if (!answer.found) {
    beep(false);
    return note(answer.text);
  }
  return choose(answer.found);
}

async function takeFieldCode(name, code) {
  if (!fields.isLink(name)) return fields.set(name, code);
  const answer = await resolve(data.options[name] ?? [], code, name);
  if (answer === null) return fields.setCode(name, code, say.unknown.replace("{code}", code));
  if (!answer.found) {
    beep(false);
    return fields.noteAt(name, answer.text);
  }
  return fields.set(name, answer.found.id, answer.found.title);
}

async function takeCode(code, name) {
  if (name) return takeFieldCode(name, code);
  if (existing) return takeRecordCode(code);
  const first = fields.scanned();
  return first ? takeFieldCode(first, code) : null;
}

// --- counting: every label that is read is one more of its record

async function count() {
  const tally = new Map();
  await scan({
    found: async (code, scanner) => {
      const answer = await resolve(data.records, code);
      const record = answer?.found ?? (answer === null ? { id: "", code, title: code } : null);
      if (!record) {
        beep(false);
        return scanner.say(answer.text);
      }
      beep();
      const key = record.id || code;
      tally.set(key, { record, code, times: (tally.get(key)?.times ?? 0) + 1 });
      return drawTally(scanner, tally);
    },
  });
  if (!tally.size) return;
  for (const { record, code, times } of tally.values()) await keep(await counted(record, code, times));
  const result = await flush(null);
  finish(result.blocked ? { blocked: result.blocked } : { done: true, outcome: "saved" }, say.counted.replace("{count}", tally.size));
}

function drawTally(scanner, tally) {
  const list = scanner.dialog.querySelector("[data-tally]");
  list.replaceChildren(...[...tally.values()].reverse().map(({ record, times }) => {
    const item = document.createElement("li");
    const number = document.createElement("strong");
    number.textContent = `${times} ×`;
    item.append(number, ` ${record.title}`);
    return item;
  }));
}

async function counted(record, code, times) {
  const over = record.id ? await withWaiting(record) : { state: "" };
  const pairs = [["_once", newKey()], ["_record", record.id ?? ""], ["_version", record.version ?? ""], ["_state", over.state ?? ""], [say.count, String(times)]];
  if (!record.id) pairs.push(["_code", code]);
  return { ...header(record), fields: pairs.map(([name, value]) => [name, String(value)]), files: [] };
}

// --- sending

function header(record) {
  return {
    person: say.person, name: say.name, task: say.task, kind: say.kind, label: say.label, form: say.form,
    record: record?.id ?? "", title: record?.title ?? "", adds: fields.adding(), made_at: new Date().toISOString(),
  };
}

async function entryOf() {
  const pairs = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrf_token");
  if (chosen) pairs.push(["_base", JSON.stringify(fields.baseOf(chosen))]);
  return { ...header(chosen), title: chosen?.title ?? fields.title(), told: fields.told(), fields: pairs, files: await fields.files() };
}

async function keep(entry) {
  try {
    return await queue.add(entry);
  } catch (error) {
    fields.whole(say.failed);
    throw error;
  }
}

async function flush(seq) {
  const late = new Promise((settle) => setTimeout(() => settle({ sent: 0, blocked: "offline" }), LONG));
  const result = await Promise.race([queue.flush(seq).catch(() => ({ sent: 0, blocked: "offline" })), late]);
  await showWaiting();
  if (result.blocked) await sendLater();
  return result;
}

async function submit(event) {
  event.preventDefault();
  if (busy) return;
  fields.clearProblems();
  if (existing && !hidden("_record").value && !hidden("_code").value) return note(say.choose);
  const missing = fields.firstMissing();
  if (missing) return fields.problem(missing, say.required);
  busy = true;
  form.setAttribute("aria-busy", "true");
  try {
    hidden("_once").value = newKey();
    const title = chosen?.title ?? fields.title();
    const seq = await keep(await entryOf());
    const result = await flush(seq);
    if (result.mine?.refused) {
      await queue.remove(seq);
      await showWaiting();
      beep(false);
      fields.problems(result.mine);
    } else {
      finish(result.mine?.done ? result.mine : { blocked: result.blocked ?? "offline" }, title);
    }
  } finally {
    busy = false;
    form.removeAttribute("aria-busy");
  }
  return null;
}

function finish(result, title) {
  beep();
  remember();
  const waits = Boolean(result.blocked);
  done.dataset.kind = waits ? "waits" : result.outcome;
  const words = waits ? (result.blocked === "signed out" ? say.signedOut : say.kept) : result.outcome === "open" ? say.decide : (result.text ?? say.saved);
  done.querySelector("[data-done-text]").textContent = words;
  done.querySelector("[data-done-more]").textContent = [title, result.why].filter(Boolean).join(" · ");
  const open = done.querySelector("[data-open]");
  open.hidden = !result.address;
  if (result.address) open.href = result.address;
  done.hidden = false;
  form.hidden = true;
  done.querySelector("[data-next]").focus();
  follow(result, waits);
}

function follow(result, waits) {
  if (say.then === "open" && result.address) setTimeout(() => window.location.assign(result.address), READ);
  else if (say.then === "home") setTimeout(() => window.location.assign("/tasks"), READ);
  else if (!waits && result.outcome !== "open") follow.timer = setTimeout(next, READ);
}

function next() {
  clearTimeout(follow.timer);
  done.hidden = true;
  form.hidden = false;
  fields.reset();
  localStorage.removeItem(DRAFT);
  if (existing) chooseAgain();
  recall();
  refresh();
  if (!existing) fields.focusFirst();
}

// --- what the last entry leaves to the next, and what was typed and not sent

function remember() {
  localStorage.removeItem(DRAFT);
  const kept = fields.kept();
  if (Object.keys(kept).length) localStorage.setItem(KEPT, JSON.stringify(kept));
}

function recall() {
  for (const [name, one] of Object.entries(JSON.parse(localStorage.getItem(KEPT) ?? "{}"))) fields.set(name, one.value, one.title);
}

let drafting = null;

function draftLater() {
  clearTimeout(drafting);
  drafting = setTimeout(() => {
    if (!form.hidden) localStorage.setItem(DRAFT, JSON.stringify({ record: chosen?.id ?? null, typed: fields.typed() }));
  }, 400);
}

async function restore() {
  const draft = JSON.parse(localStorage.getItem(DRAFT) ?? "null");
  if (!draft) return;
  const record = draft.record && data.records.find((one) => one.id === draft.record);
  if (existing && !record) return;
  if (record) await choose(record);
  for (const [name, one] of Object.entries(draft.typed)) fields.set(name, one.value, one.title);
}

// --- beginning

async function refresh() {
  try {
    data = await fetchJson(`/tasks/${say.task}/data`);
  } catch {
    return; // what was told before, or the list the page came with
  }
  fields.options = data.options;
  if (existing && !chosen) drawRecords(picker.querySelector("[data-find]").value);
}

function onClick(event) {
  const target = event.target.closest?.("[data-record-id],[data-choose-again],[data-scan-here],[data-count-scan],[data-next]");
  if (!target) return;
  if (target.matches("[data-choose-again]")) chooseAgain();
  else if (target.matches("[data-count-scan]")) count();
  else if (target.matches("[data-next]")) next();
  else if (target.matches("[data-scan-here]")) {
    const name = target.closest("[data-task-field]")?.dataset.taskField;
    scan().then((code) => code && takeCode(code, name));
  } else {
    const record = data.records.find((one) => String(one.id) === target.dataset.recordId);
    if (!record) return; // the link leads to the screen with it
    event.preventDefault();
    choose(record);
  }
}

function onWedge(code, target) {
  if (form.hidden) next();
  if (target.matches?.("[data-scan]")) return true;
  const name = target.closest?.("[data-pick]")?.dataset.pick;
  if (!name && target.matches?.("textarea")) return false;
  if (!name && target.value?.endsWith(code)) target.value = target.value.slice(0, -code.length);
  takeCode(code, name);
  return true;
}

async function start() {
  form.addEventListener("submit", submit);
  document.addEventListener("click", onClick);
  form.addEventListener("input", draftLater);
  form.addEventListener("change", draftLater);
  picker?.querySelector("[data-find]").addEventListener("input", (event) => drawRecords(event.target.value));
  picker?.querySelector("[data-find]").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.value.trim()) return;
    event.preventDefault();
    takeRecordCode(event.target.value.trim());
  });
  listenForWedge(onWedge);
  recall();
  await refresh();
  const first = data.records.find((one) => String(one.id) === say.chosen);
  if (first) await choose(first);
  else await restore();
  form.dataset.ready = "true";
}

start();
