// Files go to /files as soon as they are chosen; the form carries their ids. A form is not sent while one is under way.
import { fresh } from "./fresh.js";
import { csrfToken } from "./texts.js";

const pending = new Map(); // form → promises

export function initUploads(root) {
  for (const box of fresh(root, "[data-files]")) start(box);
}

function start(box) {
  const input = box.querySelector("input[type=file]");
  box.addEventListener("click", (event) => {
    const item = event.target.closest("[data-remove-file]")?.closest("li");
    if (item) { item.remove(); changed(box); input?.focus(); }
  });
  if (!input) return;
  input.addEventListener("change", (event) => {
    event.stopPropagation();
    const files = [...input.files];
    input.value = ""; // the form carries ids, not the files once more
    take(box, files);
  });
  const drop = input.closest("label");
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); take(box, [...event.dataTransfer.files]); });
  box.addEventListener("paste", (event) => { if (event.clipboardData?.files.length) take(box, [...event.clipboardData.files]); });
}

function take(box, files) {
  const input = box.querySelector("input[type=file]");
  if (input.disabled) return;
  for (const file of files) {
    if (idsOf(box).length + box.querySelectorAll("li[data-under-way]").length >= Number(input.dataset.most)) {
      if (Number(input.dataset.most) > 1) return say(box, box.dataset.tooMany);
      clear(box);
    }
    upload(box, file);
  }
  return undefined;
}

export const idsOf = (box) => [...box.querySelectorAll("li[data-file]")].map((item) => item.dataset.file);

export function clear(box) {
  for (const item of box.querySelectorAll(".field-files-list > li")) item.remove();
}

export async function upload(box, file) {
  const input = box.querySelector("input[type=file]");
  const item = row(box, file.name);
  const work = (async () => {
    const small = input.dataset.shrink ? await shrink(file, Number(input.dataset.shrink)) : file;
    if (small.size > Number(input.dataset.largest)) {
      throw new Error(box.dataset.tooLarge.replace("{name}", file.name).replace("{most}", String(Math.floor(input.dataset.largest / 1048576))));
    }
    return send(box, small, item.querySelector("progress"));
  })();
  wait(box.closest("form"), work);
  try {
    done(box, item, await work);
  } catch (error) {
    failed(box, item, file, error.message || box.dataset.failed.replace("{name}", file.name));
  }
}

function row(box, name) {
  const item = document.createElement("li");
  item.dataset.underWay = "";
  item.append(Object.assign(document.createElement("span"), { textContent: name }));
  item.append(Object.assign(document.createElement("progress"), { max: 1, value: 0 }));
  box.querySelector(".field-files-list").append(item);
  return item;
}

// What stands before the addresses of files: nothing inside, the address of the portal outside.
function root() {
  return document.body.dataset.root ?? "";
}

// XMLHttpRequest, since fetch tells nothing about how far an upload is.
function send(box, file, progress) {
  const data = new FormData();
  data.append("file", file, file.name);
  data.append("form", box.dataset.form);
  data.append("field", box.dataset.field);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${root()}/files`);
    request.responseType = "json";
    request.setRequestHeader("X-CSRF-Token", csrfToken());
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) progress.value = event.loaded / event.total; });
    request.addEventListener("load", () => {
      const answer = request.response;
      if (request.status < 300 && answer?.id) resolve(answer);
      else reject(new Error(answer?.error?.message ?? answer?.message ?? ""));
    });
    request.addEventListener("error", () => reject(new Error("")));
    request.send(data);
  });
}

function done(box, item, file) {
  delete item.dataset.underWay;
  item.dataset.file = file.id;
  const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: box.dataset.name, value: file.id });
  const link = Object.assign(document.createElement("a"), { href: `${root()}/files/${file.id}`, target: "_blank", rel: "noopener" });
  if (box.querySelector("input[type=file]")?.accept === "image/*") link.append(Object.assign(document.createElement("img"), { src: `${root()}/files/${file.id}`, alt: file.name }));
  else link.textContent = file.name;
  item.replaceChildren(hidden, link, removeButton(box, file.name));
  say(box, "");
  changed(box);
}

function removeButton(box, name) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-icon btn-sm btn-ghost-secondary", textContent: "×" });
  button.dataset.removeFile = "";
  button.setAttribute("aria-label", box.dataset.remove.replace("{name}", name));
  return button;
}

function failed(box, item, file, text) {
  const again = Object.assign(document.createElement("button"), { type: "button", className: "btn btn-sm", textContent: box.dataset.again });
  again.addEventListener("click", () => { item.remove(); upload(box, file); });
  item.replaceChildren(Object.assign(document.createElement("span"), { className: "text-danger", textContent: text }), again, removeButton(box, file.name));
  say(box, text);
}

function say(box, text) {
  const live = box.querySelector(".field-files-live");
  if (live) live.textContent = text;
}

function changed(box) {
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

// A picture of a phone has 4 to 12 MB; 1600 pixels are enough to read a label. Position data goes with the original.
async function shrink(file, edge) {
  if (!file.type.startsWith("image/") || file.type === "image/gif" || file.type === "image/svg+xml") return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, edge / Math.max(picture.width, picture.height));
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
    const pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", 0.82); });
    if (!blob || (scale === 1 && blob.size >= file.size)) return file;
    return new File([blob], file.name.replace(/\.[^.]*$/, "") + ".jpg", { type: "image/jpeg" });
  } catch {
    return file; // a kind of picture this browser cannot read: the server looks at it
  }
}

// --- no form goes without its files ------------------------------------------------------------------------------------

export function wait(form, work) {
  if (!form) return;
  const works = pending.get(form) ?? new Set();
  pending.set(form, works.add(work));
  const end = () => { works.delete(work); if (!works.size) pending.delete(form); };
  work.then(end, end);
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  form.dispatchEvent(new CustomEvent("widgets:sending", { bubbles: true })); // a signature starts its upload now
  const works = pending.get(form);
  if (!works?.size) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const results = await Promise.allSettled([...works]);
  if (results.every((result) => result.status === "fulfilled")) form.requestSubmit(event.submitter ?? undefined);
}, { capture: true });
