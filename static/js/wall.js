// A screen on a wall: it turns its own pages, tells the time, and goes on by itself when the server comes back. Nothing
// is kept from one page to the next, and twice a day the whole page is opened anew, so that it can run for months.
const TURN = 12000;
const LIFE = 12 * 3600 * 1000;
const LONGEST = 30000;
const wall = document.getElementById("wall");
const zone = { timeZone: wall.dataset.timezone };
const language = wall.dataset.language === "zh" ? "zh-CN" : "en-GB";
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", ...zone });
const date = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long", ...zone });
const born = Date.now();
let page = 1;
let wait = TURN;
let seen = "";
let current = location.pathname + location.search;

document.documentElement.dataset.bsTheme = "dark";

function tell() {
  const now = new Date();
  document.getElementById("wall-clock").textContent = clock.format(now);
  document.getElementById("wall-date").textContent = date.format(now);
}

async function show(address) {
  current = address;
  const answer = await fetch(address, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(20000) });
  if (answer.type === "opaqueredirect") return dark();
  if (!answer.ok) throw new Error(String(answer.status));
  const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("wall");
  for (const id of ["wall-chips", "wall-rows", "wall-state"]) {
    const part = next.querySelector(`#${id}`);
    document.getElementById(id).replaceWith(document.adoptNode(part));
  }
  wall.dataset.next = next.dataset.next;
  wall.dataset.after = next.dataset.after;
  seen = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", ...zone }).format(new Date());
  document.getElementById("wall-page").textContent = wall.dataset.next || page > 1 ? String(page) : "";
}

// The link was revoked: nothing stays on the wall. It goes on asking, in case it may show something again.
function dark() {
  document.getElementById("wall-rows").replaceChildren();
  document.getElementById("wall-chips").replaceChildren();
  document.getElementById("wall-state").textContent = wall.dataset.off;
  wall.dataset.next = "";
}

async function turn() {
  try {
    const further = wall.dataset.next;
    page = further ? page + 1 : 1;
    await show(further || wall.dataset.first);
    if (Date.now() - born > LIFE) return location.replace(wall.dataset.first);
    document.getElementById("wall-foot").classList.remove("is-off");
    wait = TURN;
  } catch {
    wall.dataset.next = "";
    document.getElementById("wall-foot").classList.add("is-off");
    document.getElementById("wall-state").textContent = wall.dataset.lost.replace("{time}", seen || clock.format(born));
    wait = Math.min(LONGEST, wait * 1.5);
  }
  setTimeout(turn, wait);
}

// What changes is shown within seconds, on the page that is shown; the question costs next to nothing.
async function ask() {
  try {
    const address = `/live?forms=${wall.dataset.form}&after=${wall.dataset.after}`;
    const answer = await fetch(address, { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(10000) });
    if (answer.type === "opaqueredirect") dark();
    if (answer.status === 200 && (await answer.json()).changed.length) await show(current);
  } catch { /* the next page that is turned says so */ }
  setTimeout(ask, 4000);
}
async function awake() {
  try { await navigator.wakeLock?.request("screen"); } catch { /* the screen's own settings decide */ }
}
document.addEventListener("visibilitychange", () => { if (!document.hidden) awake(); });

document.addEventListener("keydown", (event) => event.key === "Escape" && history.back());

tell();
setInterval(tell, 1000);
awake();
setTimeout(turn, TURN);
setTimeout(ask, 4000);
