// The large inputs of a task: setting and reading them whatever they look like, problems beside them, photos.
const LARGEST_SIDE = 2000; // pixels of a photo that is sent
const QUALITY = 0.82;
const OFFERED = 30;

export class Fields {
  constructor(form) {
    this.form = form;
    this.options = {};
    this.shots = new Map(); // field → files taken
    this.boxes = new Map([...form.querySelectorAll("[data-task-field]")].map((box) => [box.dataset.taskField, box]));
    this.first = new Map([...this.boxes.keys()].map((name) => [name, this.read(name)]));
    form.addEventListener("click", (event) => this.click(event));
    form.addEventListener("change", (event) => { if (event.target.type === "file") this.take(event.target); });
    form.addEventListener("input", (event) => { if (event.target.matches("[data-lookup]")) this.search(event.target); });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("[data-lookup]")) event.preventDefault();
    });
    form.addEventListener("focusin", (event) => { if (event.target.matches("[data-lookup]")) this.search(event.target, ""); });
  }

  style(name) { return this.boxes.get(name)?.dataset.style; }

  isLink(name) { return this.style(name) === "link"; }

  // Where a code goes that was scanned anywhere: the first link or code.
  scanned() {
    return [...this.boxes.keys()].find((name) => ["link", "code"].includes(this.style(name)) || this.boxes.get(name).querySelector("[data-scan-here]"));
  }

  adding() { return [...this.boxes.entries()].filter(([, box]) => "adds" in box.dataset || box.dataset.style === "photo").map(([name]) => name); }

  // --- values

  inputs(name) { return [...this.form.querySelectorAll(`[name="${CSS.escape(name)}"]`)]; }

  read(name) {
    const pick = this.boxes.get(name)?.querySelector("[data-pick]");
    if (pick) return { value: pick.querySelector("[data-value]").value, title: pick.querySelector("[data-lookup]").value };
    const checked = this.inputs(name).find((one) => one.type === "radio" && one.checked);
    return { value: checked ? checked.value : (this.inputs(name).find((one) => !["radio", "hidden", "file"].includes(one.type))?.value ?? "") };
  }

  set(name, value, title = "") {
    const box = this.boxes.get(name);
    const text = value === null || value === undefined ? "" : String(value);
    const pick = box?.querySelector("[data-pick]");
    if (pick) {
      pick.querySelector("[data-value]").value = text;
      pick.querySelector("[data-code]").value = "";
      pick.querySelector("[data-lookup]").value = title || (this.options[name] ?? []).find((one) => String(one.id) === text)?.title || "";
      this.closeOptions(pick);
      this.noteAt(name, "");
      return;
    }
    for (const input of this.inputs(name)) {
      if (input.type === "radio") input.checked = input.value === text;
      else if (input.type === "checkbox") input.checked = text === "true";
      else if (input.type !== "hidden" && input.type !== "file") input.value = text;
    }
  }

  setCode(name, code, words) {
    const pick = this.boxes.get(name).querySelector("[data-pick]");
    this.set(name, "", code);
    pick.querySelector("[data-code]").value = code;
    this.noteAt(name, words);
  }

  noteAt(name, words) {
    const note = this.boxes.get(name)?.querySelector("[data-note]");
    if (!note) return;
    note.hidden = !words;
    note.textContent = words;
  }

  // Over a record that was chosen: what adds up begins empty, with what is there beside it.
  over(record, { keepTyped }) {
    for (const [name, box] of this.boxes) {
      const now = box.querySelector("[data-now]");
      if (now) {
        now.hidden = !record.shown?.[name];
        now.textContent = now.dataset.text.replace("{value}", record.shown?.[name] ?? "");
      } else if (!keepTyped && name in (record.texts ?? {})) {
        this.set(name, record.texts[name], record.shown?.[name]);
      }
    }
  }

  // What was shown of the record, of the fields that are sent.
  baseOf(record) {
    const base = {};
    for (const name of this.boxes.keys()) if (name in record.base) base[name] = record.base[name];
    return base;
  }

  typed() {
    const found = {};
    for (const name of this.boxes.keys()) if (this.read(name).value) found[name] = this.read(name);
    return found;
  }

  kept() {
    const found = {};
    for (const [name, box] of this.boxes) if ("keep" in box.dataset && this.read(name).value) found[name] = this.read(name);
    return found;
  }

  // What was typed as a person reads it: names of links and choices instead of their keys.
  told() {
    return [...this.boxes].flatMap(([name, box]) => {
      const { value, title } = this.read(name);
      const chip = this.inputs(name).find((one) => one.type === "radio" && one.checked && one.value);
      const said = title || chip?.parentElement.textContent.trim() || value;
      const label = box.querySelector(".task-label")?.textContent.trim();
      return said && said !== "0" ? [`${label} ${said}`] : [];
    });
  }

  title() {
    for (const [name, box] of this.boxes) {
      const { value, title } = this.read(name);
      if (title || (value && ["text", "code"].includes(box.dataset.style))) return title || value;
    }
    return "";
  }

  reset() {
    this.clearProblems();
    for (const [name, { value, title }] of this.first) this.set(name, value, title);
    for (const shots of this.form.querySelectorAll("[data-shots]")) shots.replaceChildren();
    for (const area of this.form.querySelectorAll("textarea")) area.value = "";
    this.shots.clear();
  }

  focusFirst() {
    // a keyboard that jumps up hides half of the screen: only where there is no touch
    if (window.matchMedia("(pointer: fine)").matches) this.form.querySelector("[data-inputs] input:not([type=hidden],[type=file],[type=radio])")?.focus();
  }

  // --- steps, choices

  click(event) {
    const step = event.target.closest("[data-step]");
    if (step) this.step(step);
    const option = event.target.closest("[data-offer]");
    if (option) this.set(option.closest("[data-pick]").dataset.pick, option.dataset.offer, option.textContent);
    const gone = event.target.closest("[data-shot]");
    if (gone) this.drop(gone);
    for (const pick of this.form.querySelectorAll("[data-pick]")) if (!pick.contains(event.target)) this.closeOptions(pick);
  }

  step(button) {
    const input = button.parentElement.querySelector("input");
    const least = input.dataset.min === "" ? -Infinity : Number(input.dataset.min);
    const value = Number(input.value.replace(",", ".")) || 0;
    input.value = String(Math.max(least, Math.round((value + Number(button.dataset.step)) * 1e6) / 1e6));
    navigator.vibrate?.(10);
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  search(input, text = input.value) {
    const pick = input.closest("[data-pick]");
    if (text) pick.querySelector("[data-value]").value = "";
    const wanted = text.trim().toLowerCase();
    const known = this.options[pick.dataset.pick] ?? [];
    this.offer(pick, known.filter((one) => !wanted || one.title.toLowerCase().includes(wanted) || one.codes.some((code) => code.toLowerCase() === wanted)));
    if (wanted && known.length >= 300) this.askServer(pick, text);
  }

  async askServer(pick, text) {
    try {
      const answer = await fetch(`/${this.form.dataset.form}/options/${pick.dataset.pick}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
      if (answer.ok && pick.querySelector("[data-lookup]").value === text) this.offer(pick, await answer.json());
    } catch {
      // without network what is on this device is offered
    }
  }

  offer(pick, options) {
    const list = pick.querySelector("[data-options]");
    list.replaceChildren(...options.slice(0, OFFERED).map((one) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("role", "option");
      button.dataset.offer = one.id;
      button.textContent = one.title;
      return button;
    }));
    list.hidden = !options.length;
  }

  closeOptions(pick) { pick.querySelector("[data-options]").hidden = true; }

  // --- photos

  take(input) {
    const name = input.closest("[data-task-field]").dataset.taskField;
    const most = Number(input.closest("[data-photos]").dataset.most);
    const files = [...(this.shots.get(name) ?? []), ...input.files].slice(-most);
    this.shots.set(name, files);
    input.value = "";
    this.drawShots(name);
  }

  drawShots(name) {
    const place = this.boxes.get(name).querySelector("[data-shots]");
    place.replaceChildren(...(this.shots.get(name) ?? []).map((file, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.shot = at;
      button.title = file.name;
      if (file.type.startsWith("image/")) {
        const picture = document.createElement("img");
        picture.src = URL.createObjectURL(file);
        picture.alt = file.name;
        picture.onload = () => URL.revokeObjectURL(picture.src);
        button.append(picture);
      } else button.append(file.name);
      return button;
    }));
  }

  drop(button) {
    const name = button.closest("[data-task-field]").dataset.taskField;
    this.shots.set(name, this.shots.get(name).filter((_file, at) => at !== Number(button.dataset.shot)));
    this.drawShots(name);
  }

  async files() {
    const found = [];
    for (const [field, files] of this.shots) {
      for (const file of files) {
        const small = await shrunk(file);
        found.push({ field, name: small.name, type: small.type, bytes: await small.blob.arrayBuffer() });
      }
    }
    return found;
  }

  // --- problems

  firstMissing() {
    for (const [name, box] of this.boxes) {
      if (!box.querySelector(".task-label.required")) continue;
      const filled = box.dataset.style === "photo" ? (this.shots.get(name) ?? []).length : this.read(name).value || box.querySelector("[data-code]")?.value || box.querySelector("textarea")?.value.trim();
      if (!filled && box.dataset.style !== "plain") return name;
    }
    return null;
  }

  problem(name, words) {
    const place = this.boxes.get(name)?.querySelector("[data-problem]");
    if (!place) return this.whole(words);
    place.textContent = words;
    place.hidden = false;
    this.boxes.get(name).scrollIntoView({ block: "center" });
    return null;
  }

  problems({ reason, problems }) {
    const placed = problems.filter((one) => this.boxes.has(one.where.split(".")[0]));
    for (const one of placed) this.problem(one.where.split(".")[0], one.message);
    if (placed.length < Math.max(1, problems.length)) this.whole(problems.filter((one) => !placed.includes(one)).map((one) => one.message).join(" ") || reason);
  }

  whole(words) {
    const place = this.form.querySelector("[data-whole-problem]");
    place.textContent = words;
    place.hidden = false;
    place.scrollIntoView({ block: "center" });
  }

  clearProblems() {
    for (const place of this.form.querySelectorAll("[data-problem],[data-whole-problem]")) {
      place.hidden = true;
      place.textContent = "";
    }
  }
}

// A photo as large as anybody looks at it: bad Wi-Fi carries 300 kB, not 8 MB. What is no picture stays as it is.
async function shrunk(file) {
  const same = { blob: file, name: file.name, type: file.type || "application/octet-stream" };
  if (!/^image\/(jpeg|png|webp)$/.test(file.type)) return same;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LARGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise((settle) => canvas.toBlob(settle, "image/jpeg", QUALITY));
    if (!blob || blob.size >= file.size) return same;
    return { blob, name: file.name.replace(/\.\w+$/, "") + ".jpg", type: "image/jpeg" };
  } catch {
    return same;
  }
}
