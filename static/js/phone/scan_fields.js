// Every form on a touch screen: codes and links are filled in by scanning, too. The camera and its reader are loaded when
// the button is first pressed.
import { icon, text } from "../texts.js";
import { toast } from "../toast.js";

const TOUCH = window.matchMedia("(pointer: coarse)");

function scanButton(act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-icon scan-field";
  button.setAttribute("aria-label", text("scan"));
  button.append(icon("scan"));
  button.addEventListener("click", async () => {
    const code = await scanOnce();
    if (code) act(code);
  });
  return button;
}

async function scanOnce() {
  if (!document.getElementById("scanner")) {
    const answer = await fetch("/scan/dialog", { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok) return null;
    document.body.append(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("scanner"));
  }
  const { scan } = await import("./scanner.js");
  return scan();
}

function changed(input) {
  for (const kind of ["input", "change"]) input.dispatchEvent(new Event(kind, { bubbles: true }));
}

function fillCode(input, code) {
  input.value = code;
  changed(input);
}

async function fillLink(box, code) {
  const address = new URL(box.dataset.url, window.location.href);
  address.searchParams.set("code", code);
  const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return toast(text("offline"), "danger");
  const found = await answer.json();
  if (found.length !== 1) return toast(text(found.length ? "scanMany" : "scanNone"), "warning");
  const select = box.querySelector("select");
  const id = String(found[0].id);
  const option = [...select.options].find((one) => one.value === id) ?? select.appendChild(new Option(found[0].title, id));
  option.selected = true;
  select.dispatchEvent(new Event("link:refresh"));
  return changed(select);
}

function equip(root) {
  if (!TOUCH.matches) return;
  for (const input of root.querySelectorAll("form.record-form .input-icon > input[data-scan]:not([data-scan-ready])")) {
    input.dataset.scanReady = "";
    if (input.readOnly) continue;
    input.parentElement.classList.add("has-scan");
    input.parentElement.append(scanButton((code) => fillCode(input, code)));
  }
  for (const box of root.querySelectorAll("form.record-form [data-link]:not(.is-compact,[data-scan-ready])")) {
    box.dataset.scanReady = "";
    if (!box.dataset.url || box.querySelector("select[disabled]")) continue;
    box.classList.add("has-scan");
    box.append(scanButton((code) => fillLink(box, code)));
  }
}

export function startScanFields() {
  equip(document);
  document.addEventListener("htmx:after:swap", () => equip(document));
}
