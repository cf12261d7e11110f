// The preview beside whatever changes the draft: controls, a frame with the draft at work, drawn again after each edit.
// Any screen gets one with `<div data-preview="/designer/7/preview/panel?what=new:ticket"></div>` and this module.
import { request } from "../fetching.js";

const AFTER = 60; // ms without another edit before the preview follows
const WIDTHS = { phone: 390, tablet: 820, desktop: 1280 };
const HEIGHTS = { phone: 844, tablet: 1180 }; // at most: all of it is to be seen at once
const started = new WeakSet();

function style() {
  const address = new URL("../../css/preview.css", import.meta.url).href;
  if (document.querySelector('link[href$="css/preview.css"]')) return;
  document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: address }));
}

// --- what is shown

function chosen(preview) {
  const args = new URLSearchParams(new FormData(preview.querySelector("[data-preview-controls]")));
  if (!args.has("theme")) args.set("theme", "light");
  return args;
}

const view = (preview) => preview.querySelector("iframe.preview-view");

function show(preview) {
  const address = `${preview.dataset.base}/open?${chosen(preview)}`;
  preview.querySelector("[data-apart]").href = address;
  replace(preview, address);
}

// The next page is drawn behind the present one and takes its place when it is there: nothing flashes.
function replace(preview, address, scrolled = 0) {
  const old = view(preview);
  for (const waiting of preview.querySelectorAll("iframe.is-waiting")) waiting.remove();
  const next = old.cloneNode();
  next.classList.add("is-waiting");
  next.addEventListener("load", () => {
    if (!next.classList.contains("is-waiting")) return;
    if (!next.contentDocument?.querySelector('meta[name="preview-root"]') && !address.includes("/preview/open?")) {
      next.src = `${preview.dataset.base}/open?${chosen(preview)}`; // what was looked at is not there any more
      return;
    }
    next.contentWindow.scrollTo(0, scrolled);
    next.classList.remove("is-waiting");
    old.remove();
    preview.dataset.drawn = String(Number(preview.dataset.drawn ?? 0) + 1);
    preview.dispatchEvent(new CustomEvent("preview:drawn", { bubbles: true }));
  });
  next.src = address;
  old.after(next);
}

function again(preview) {
  const frame = view(preview);
  const here = frame.contentWindow?.location;
  const inside = here?.pathname.startsWith(`${preview.dataset.base}/site/`);
  replace(preview, inside ? here.pathname + here.search : `${preview.dataset.base}/open?${chosen(preview)}`, frame.contentWindow?.scrollY ?? 0);
}

// --- following the draft

function follow(preview) {
  clearTimeout(preview.timer);
  preview.timer = setTimeout(() => look(preview), AFTER);
}

async function look(preview) {
  const answer = await request(`${preview.dataset.base}/state`);
  if (!answer || answer.status !== 200 || !preview.isConnected) return;
  const { stamp, problem } = JSON.parse(answer.text);
  const line = preview.querySelector("[data-problem]");
  line.textContent = problem;
  line.hidden = !problem;
  if (stamp === preview.dataset.stamp) return;
  preview.dataset.stamp = stamp;
  again(preview);
  await controls(preview);
}

// Forms, states and roles may be others now.
async function controls(preview) {
  const answer = await request(`${preview.dataset.base}/panel?${chosen(preview)}`);
  if (!answer || answer.status !== 200) return;
  const fresh = new DOMParser().parseFromString(answer.text, "text/html").querySelector("[data-preview-controls]");
  const form = preview.querySelector("[data-preview-controls]");
  for (const name of ["what", "state", "who"]) {
    const [now, next] = [form.elements[name], fresh.elements[name]];
    const kept = now.value; // what was chosen while the answer was under way
    now.replaceChildren(...next.children);
    if ([...now.options].some((one) => one.value === kept)) now.value = kept;
    now.disabled = next.disabled;
    now.closest("label").hidden = next.closest("label").hidden;
  }
}

// --- size

function fit(preview) {
  const stage = preview.querySelector("[data-stage]");
  const device = preview.dataset.device;
  const room = stage.clientWidth;
  const width = device === "desktop" ? Math.max(WIDTHS.desktop, room) : WIDTHS[device];
  const scale = Math.min(1, room / (width + (device === "desktop" ? 2 : 22)));
  const below = window.innerHeight - stage.getBoundingClientRect().top - window.scrollY - 60;
  const height = Math.min(HEIGHTS[device] ?? Infinity, Math.max(560, below) / scale);
  stage.style.setProperty("--device-width", `${width}px`);
  stage.style.setProperty("--device-height", `${height}px`);
  stage.style.setProperty("--device-scale", scale);
}

// --- what is selected in the designer is looked at here

function point(preview, path) {
  if (!Array.isArray(path) || path[0] !== "forms" || path[2] !== "fields") return;
  const box = view(preview).contentDocument?.querySelector(`[data-field="${CSS.escape(path[3])}"]`);
  if (!box) return;
  box.scrollIntoView({ block: "center", behavior: "smooth" });
  box.classList.add("just-changed");
  setTimeout(() => box.classList.remove("just-changed"), 1500);
}

// --- starting

async function changed(preview, control) {
  if (control.name === "device") {
    preview.dataset.device = control.value;
    fit(preview);
  } else {
    if (control.name === "what") await controls(preview);
    show(preview);
  }
  if (preview.closest("#designer-canvas") && !preview.parentElement.matches("[data-preview]")) {
    history.replaceState(null, "", `?${chosen(preview)}`);
  }
}

async function anew(preview) {
  const answer = await request(`${preview.dataset.base}/fresh`, { method: "POST" });
  if (answer?.status === 200) again(preview);
}

function start(preview) {
  if (started.has(preview)) return;
  started.add(preview);
  preview.addEventListener("change", (event) => {
    event.stopPropagation();
    changed(preview, event.target);
  });
  preview.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  preview.querySelector("[data-again]").addEventListener("click", () => anew(preview));
  document.addEventListener("designer:changed", () => preview.isConnected && follow(preview));
  document.addEventListener("designer:selected", (event) => preview.isConnected && point(preview, event.detail.path));
  new ResizeObserver(() => fit(preview)).observe(preview.querySelector("[data-stage]"));
  fit(preview);
}

async function fill(place) {
  if (started.has(place)) return;
  started.add(place);
  const answer = await request(place.dataset.preview);
  if (!answer || answer.status !== 200) return;
  place.innerHTML = answer.text;
  start(place.querySelector("[data-preview-frame]"));
}

// Starts every preview there is on the page; to be called again after one was put there.
export function startPreviews(root = document) {
  style();
  for (const preview of root.querySelectorAll("[data-preview-frame]")) start(preview);
  for (const place of root.querySelectorAll("[data-preview]")) fill(place);
}

startPreviews();
