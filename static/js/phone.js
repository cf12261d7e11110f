// On every page: the worker, what waits to be sent, the warning before signing out, and what a hand scanner types.
import "./phone/queue.js";
import { ask } from "./confirm.js";
import { csrfToken } from "./texts.js";
import { startScanFields } from "./phone/scan_fields.js";

const queue = self.AppmillQueue;
// Inside a preview nobody is there: nothing of it may be kept or sent.
const person = document.querySelector('meta[name="preview-root"]') ? null : document.querySelector('meta[name="person"]');
const EVERY = 30000; // ms between two tries while something waits

// --- the worker

async function startWorker() {
  if (!("serviceWorker" in navigator)) return;
  if (person?.dataset.tasks) {
    const registration = await navigator.serviceWorker.register("/sw.js", { scope: "/", updateViaCache: "none" });
    const ready = registration.active ?? (await navigator.serviceWorker.ready).active;
    ready?.postMessage({ type: "person", person: person.content, screens: screens() });
  } else {
    const there = await navigator.serviceWorker.getRegistration("/");
    there?.active?.postMessage({ type: "person", person: person?.content ?? "" });
  }
}

// The task screens to have at hand: those of this page's buttons, and what shows the queue.
function screens() {
  const tasks = [...document.querySelectorAll("[data-task-link]")].map((link) => link.getAttribute("href"));
  return ["/tasks", "/tasks/waiting", ...tasks.flatMap((path) => [path, `${path}/data`])];
}

// --- what waits

export async function showWaiting() {
  const entries = await queue.waiting();
  const count = entries.length;
  for (const place of document.querySelectorAll("[data-waiting]")) {
    place.hidden = count === 0;
    const text = place.querySelector("[data-waiting-text]");
    text.textContent = count === 1 ? text.dataset.one : text.dataset.many.replace("{count}", count);
  }
  for (const badge of document.querySelectorAll("[data-waiting-count]")) {
    badge.hidden = count === 0;
    badge.textContent = String(count);
  }
  if ("setAppBadge" in navigator) (count ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => {});
  document.dispatchEvent(new CustomEvent("waiting", { detail: { entries } }));
  return entries;
}

export async function sendWaiting() {
  const before = await queue.waiting();
  if (!before.length) return { sent: 0, blocked: null };
  const result = await queue.flush();
  await showWaiting();
  return result;
}

// Where the browser can, it sends when the network is back although no page is open.
export async function sendLater() {
  try {
    const registration = await navigator.serviceWorker?.getRegistration("/");
    await registration?.sync?.register("entries");
  } catch {
    // without it the page sends by itself when it is online, looked at, or after a while
  }
}

function keepSending() {
  const attempt = () => sendWaiting().catch(() => {});
  window.addEventListener("online", attempt);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) attempt(); });
  setInterval(() => { if (!document.hidden) attempt(); }, EVERY);
  navigator.serviceWorker?.addEventListener("message", (event) => { if (event.data?.type === "queue") showWaiting(); });
  attempt();
}

// --- signing out with something that waits: it stays, and only its maker sends it

function guardSignOut() {
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.getAttribute("action") !== "/sign_out" || form.dataset.sure) return;
    event.preventDefault();
    const own = (await queue.waiting().catch(() => [])).filter((entry) => String(entry.person) === person?.content);
    const words = document.getElementById("texts")?.dataset.signOutWaiting ?? "";
    if (own.length && !(await ask(words.replace("{count}", own.length)))) return;
    forgetTyped();
    form.dataset.sure = "yes";
    form.requestSubmit(event.submitter ?? undefined);
  }, { capture: true });
}

// Somebody signed out without network: nothing of theirs is kept any more, and now the server is told.
async function finishSignOut() {
  if (!("caches" in window) || !(await caches.has("person"))) return;
  const place = await caches.open("person");
  if (!(await place.match("/signed-out"))) return;
  const answer = await fetch("/sign_out", { method: "POST", headers: { "X-CSRF-Token": csrfToken() }, redirect: "manual" });
  if (answer.type !== "opaqueredirect" && !answer.ok) return;
  await place.delete("/signed-out");
  window.location.assign("/sign_in");
}

function forgetTyped() {
  for (const key of Object.keys(localStorage)) if (/^(task|draft):/.test(key)) localStorage.removeItem(key);
}

// Where the browser offers to install, a button does it.
window.addEventListener("beforeinstallprompt", (event) => {
  const button = document.querySelector("[data-install]");
  if (!button) return;
  event.preventDefault();
  button.hidden = false;
  button.addEventListener("click", async () => {
    await event.prompt();
    button.hidden = true;
  }, { once: true });
});

startScanFields();
if (person?.content) finishSignOut().catch(() => {});
if (person) {
  startWorker().catch((error) => console.warn("no worker:", error.message));
  if (person.content && "indexedDB" in window) {
    showWaiting().catch(() => {});
    queue.changed(() => showWaiting().catch(() => {}));
    keepSending();
    guardSignOut();
  }
}

