// Screens that stay true. One small question every few seconds; only what changed is fetched, and what somebody is
// working in is never touched. While the tab is hidden nothing is asked; while the server is away, ever less often.
import { loadInto, openDialog, request } from "./fetching.js";
import { csrfToken, icon, text } from "./texts.js";
import { toast } from "./toast.js";

const EVERY = 3000;
const LONGEST = 60000;
let wait = EVERY;
let timer = 0;
let asking = false;
let tag = "";
let askedOf = null; // the place the tag belongs to
let renewed = Date.now();

const place = () => document.querySelector("[data-live]");
const busy = (element) => element.contains(document.activeElement) && document.activeElement !== document.body
  && document.activeElement.matches("input, textarea, select, [contenteditable]");

function schedule(delay) {
  clearTimeout(timer);
  timer = setTimeout(tick, delay);
}

async function tick() {
  const here = place();
  if (document.hidden || asking) return schedule(EVERY);
  if (!here) return schedule(EVERY);
  if (here !== askedOf) { askedOf = here; tag = ""; }
  asking = true;
  try {
    await ask(here);
    if (wait > EVERY) { wait = EVERY; reached(); await renew(here); }
  } catch {
    lost();
    wait = Math.min(LONGEST, wait * 2);
  }
  asking = false;
  schedule(wait + Math.random() * 400);
}

async function ask(here) {
  const address = new URL("/live", location.href);
  address.searchParams.set("after", here.dataset.after ?? "0");
  address.searchParams.set("forms", here.dataset.live);
  if (here.dataset.record) {
    address.searchParams.set("record", here.dataset.record);
    address.searchParams.set("version", here.dataset.v);
  }
  const headers = { "X-Requested-With": "fetch", ...(tag ? { "If-None-Match": tag } : {}) };
  const answer = await fetch(address, { headers, redirect: "manual", cache: "no-store" });
  if (answer.type === "opaqueredirect" || answer.status === 401) return ended();
  if (answer.status >= 400) throw new Error(String(answer.status));
  tag = answer.headers.get("ETag") ?? "";
  const told = answer.status === 204 ? null : await answer.json();
  if (!here.isConnected) return;
  if (told) await heed(here, told);
  const due = Number(here.dataset.renew ?? 0) * 1000;
  if (due && Date.now() - renewed > due) await renew(here);
}

async function heed(here, told) {
  if (here.dataset.record) {
    if (told.gone || told.version) hint(here, told);
  } else if (told.changed.length) {
    const done = here.classList.contains("page-cards") ? await cards(here, told.changed) : await rows(here, told.since);
    if (!done) { tag = ""; return; } // asked again when nobody is working in it any more
  }
  here.dataset.after = told.after;
}

// --- the server is away, the session is over

function banner(words, link) {
  let note = document.querySelector(".live-off");
  if (!note) {
    note = document.createElement("div");
    note.className = "live-off";
    note.setAttribute("role", "status");
    document.body.append(note);
  }
  const said = document.createElement("span");
  said.textContent = words;
  note.replaceChildren(icon("alert-triangle"), said, ...(link ? [link] : []));
}

let lostAt = "";
function lost() {
  lostAt ||= new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  document.documentElement.classList.add("is-off");
  banner(text("liveLost").replace("{time}", lostAt));
}
function reached() {
  lostAt = "";
  document.documentElement.classList.remove("is-off");
  document.querySelector(".live-off")?.remove();
}
function ended() {
  const link = document.createElement("a");
  link.href = location.href;
  link.className = "text-reset text-decoration-underline";
  link.textContent = text("signInAgain");
  banner(text("liveEnded"), link);
  asking = true; // no more questions until the page is opened anew
}

// --- rows and cards

function listed(here) {
  return [...here.querySelectorAll("tbody tr[id^=r], .board-card[id^=r]")];
}

async function rows(here, since) {
  if (!here.dataset.liveRows) return renew(here);
  const address = new URL(here.dataset.liveRows, location.href);
  if (here.dataset.page) address.searchParams.set("after", here.dataset.page);
  address.searchParams.set("since", since);
  address.searchParams.set("shown", listed(here).map((row) => row.id.slice(1)).join(","));
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, redirect: "manual", cache: "no-store" });
  if (answer.type === "opaqueredirect") return true;
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = await answer.json();
  if (!here.isConnected) return true;
  if (fresh.whole) return renew(here);
  const drawn = new Map(Object.entries(fresh.rows));
  if ([...drawn.keys()].some((id) => { const row = at(here, id); return row && busy(row); })) return false;
  if (!listed(here).length && !here.querySelector(".lane-cards") && drawn.size) return renew(here);
  fresh.gone.forEach((id) => remove(at(here, id)));
  drawn.forEach((html, id) => put(here, id, html, fresh));
  Object.entries(fresh.counts ?? {}).forEach(([lane, count]) => counted(here, lane, count));
  Object.entries(fresh.parts ?? {}).forEach(([id, html]) => part(id, html));
  return true;
}

const at = (here, id) => here.querySelector(`#r${CSS.escape(String(id))}`);
const made = (html) => {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
};

function remove(row) {
  if (row && !busy(row)) row.remove();
}

function same(old, next) {
  const plain = old.cloneNode(true);
  plain.classList.remove("fresh", "saved", "current", "moving");
  plain.querySelectorAll(".active").forEach((cell) => cell.classList.remove("active"));
  const other = next.cloneNode(true);
  [plain, other].forEach((one) => one.querySelectorAll("[class='']").forEach((each) => each.removeAttribute("class")));
  if (!plain.getAttribute("class")) plain.removeAttribute("class");
  return plain.isEqualNode(other);
}

function put(here, id, html, fresh) {
  const old = at(here, id);
  const next = made(html);
  const lane = fresh.lanes && here.querySelector(`.lane-cards[data-lane="${CSS.escape(String(fresh.lanes[id] ?? ""))}"]`);
  if (old && (!fresh.lanes || old.parentElement === lane)) {
    if (same(old, next)) return move(here, old, id, fresh);
    const picked = old.querySelector("td.pick input")?.checked;
    old.replaceWith(next);
    if (picked) next.querySelector("td.pick input").checked = true;
    move(here, next, id, fresh);
  } else if (fresh.lanes) {
    old?.remove();
    lane?.prepend(next);
  } else {
    const order = (fresh.order ?? []).map(String);
    const index = order.indexOf(String(id));
    if (index < 0) return; // it belongs to another page
    follow(here, next, order, index);
  }
  window.htmx?.process(next);
  next.classList.add("fresh");
  next.dispatchEvent(new CustomEvent("widgets:added", { bubbles: true }));
}

// A row whose place changed goes there; without an order nothing moves under the reader's eyes.
function move(here, row, id, fresh) {
  const order = (fresh.order ?? []).map(String);
  const index = order.indexOf(String(id));
  if (index > 0 && row.previousElementSibling?.id !== `r${order[index - 1]}`) follow(here, row, order, index);
  else if (index === 0 && row.previousElementSibling) follow(here, row, order, index);
}

function follow(here, row, order, index) {
  const before = order.slice(0, index).reverse().map((one) => at(here, one)).find(Boolean);
  const body = here.querySelector("tbody");
  if (before) before.after(row);
  else body?.prepend(row);
}

function counted(here, lane, count) {
  const head = here.querySelector(`.lane-cards[data-lane="${CSS.escape(lane)}"]`)?.closest(".lane")?.querySelector("[data-count]");
  if (head) head.textContent = count;
}

function part(id, html) {
  const old = document.getElementById(id);
  const next = made(html);
  if (!old || old.isEqualNode(next)) return;
  old.replaceWith(next);
  window.htmx?.process(next);
}

// The whole list anew, morphed, so that what is the same stays: focus, scroll, what is unfolded.
async function renew(here) {
  if (here.id !== "list" || busy(here) || document.querySelector("dialog[open], .dropdown-menu.show, .editing")) return false;
  renewed = Date.now();
  await window.htmx.ajax("GET", location.pathname + location.search, { target: "#list", swap: "outerMorph", push: "false" });
  return true;
}

async function cards(here, changed) {
  const due = [...here.querySelectorAll("[data-card]")].filter((card) => changed.includes(card.dataset.form));
  await Promise.all(due.map(async (card) => {
    const body = card.querySelector(".page-card-body");
    const before = body.innerHTML;
    if (await loadInto(body, card.dataset.card) && body.innerHTML !== before) {
      card.classList.remove("fresh");
      void card.offsetWidth;
      card.classList.add("fresh");
    }
  }));
  return true;
}

// --- the page of one record: what is typed there is nobody's but the typist's

function hint(here, told) {
  let note = document.querySelector(".live-hint");
  if (note?.dataset.v === String(told.version ?? "gone")) return;
  note?.remove();
  note = document.createElement("div");
  note.className = "live-hint";
  note.dataset.v = String(told.version ?? "gone");
  note.setAttribute("role", "status");
  const said = document.createElement("span");
  said.textContent = told.gone ? here.dataset.liveGone : here.dataset.liveBy.replace("{name}", told.by || "–");
  note.append(icon("refresh"), said);
  if (!told.gone) note.append(showButton(here));
  (here.closest("#content") ?? here).prepend(note);
}

function showButton(here) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = here.dataset.liveShow;
  button.addEventListener("click", () => {
    const typed = here.matches(".live-place") || [...document.querySelectorAll("#content textarea, #content input[type=text]")]
      .some((input) => input.value !== input.defaultValue);
    if (typed) window.open(here.dataset.liveHref ?? location.pathname, "_blank", "noopener");
    else location.reload();
  });
  return button;
}

// --- a word to whoever is responsible, without leaving the screen

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-nudge]");
  if (!button) return;
  event.preventDefault();
  const answer = await request(button.dataset.nudge);
  if (answer && answer.status < 400) openDialog(document.getElementById("dialog-place"), answer.text);
});
document.addEventListener("submit", async (event) => {
  const form = event.target.closest?.("form[data-nudge-form]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers: { "X-CSRF-Token": csrfToken(), "HX-Request": "true" } })
    .catch(() => null);
  if (!answer?.ok) return toast(text("offline"), "danger");
  form.closest("dialog").close();
  toast(form.dataset.sent);
}, true);

document.addEventListener("visibilitychange", () => { if (!document.hidden) schedule(100); });
document.addEventListener("htmx:after:swap", () => { renewed = Date.now(); });
schedule(EVERY);
