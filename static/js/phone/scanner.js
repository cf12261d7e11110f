// The camera over the whole screen: hold a code into the frame. Also from a picture, or typed. One code closes it, or
// with `many` each code is told until somebody is done.
import { detector, read } from "./detector.js";

const PAUSE = 120; // ms between two looks
const SAME = 1500; // ms in which one code counts once
let audio = null;

export function beep(good = true) {
  navigator.vibrate?.(good ? 60 : [80, 60, 80]);
  try {
    audio ??= new AudioContext();
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = good ? 1250 : 300;
    volume.gain.value = 0.08;
    tone.connect(volume).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + (good ? 0.09 : 0.25));
  } catch {
    // no sound here; the screen says it too
  }
}

class Scanner {
  constructor(dialog, { many, found }) {
    this.dialog = dialog;
    this.many = many;
    this.found = found;
    this.seen = new Map();
    this.over = new AbortController();
    this.video = dialog.querySelector("video");
    this.note = dialog.querySelector("[data-scanner-note]");
  }

  open() {
    const { signal } = this.over;
    const on = (selector, kind, act) => this.dialog.querySelector(selector).addEventListener(kind, act, { signal });
    on("[data-scanner-close]", "click", () => this.close(null));
    on("[data-scanner-done]", "click", () => this.close(null));
    on("[data-scanner-picture]", "change", (event) => this.picture(event.target));
    on("[data-scanner-typed]", "submit", (event) => this.typed(event));
    on("[data-torch]", "click", () => this.torch());
    this.dialog.addEventListener("close", () => this.close(null), { signal });
    this.dialog.querySelector("[data-scanner-done]").hidden = !this.many;
    this.dialog.querySelector("[data-tally]").hidden = !this.many;
    this.dialog.querySelector("[data-tally]").replaceChildren();
    this.say("");
    this.dialog.showModal();
    this.look();
    return new Promise((settle) => { this.settle = settle; });
  }

  say(words) { this.note.textContent = words; }

  async look() {
    if (!navigator.mediaDevices?.getUserMedia) return this.say(this.dialog.dataset.insecure);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } }, audio: false });
    } catch {
      return this.say(this.dialog.dataset.denied);
    }
    if (this.over.signal.aborted) return this.stop();
    this.video.srcObject = this.stream;
    await this.video.play().catch(() => {});
    this.offerTorch();
    try {
      await detector();
    } catch {
      return this.say(this.dialog.dataset.failed);
    }
    this.again();
    return null;
  }

  again() {
    if (this.over.signal.aborted) return;
    const next = () => { this.timer = setTimeout(() => this.again(), PAUSE); };
    if (this.video.readyState < 2) return void next();
    read(this.video).then((codes) => { for (const code of codes) this.take(code); next(); }, next);
  }

  take(code) {
    const last = this.seen.get(code) ?? 0;
    this.seen.set(code, Date.now());
    if (this.over.signal.aborted || Date.now() - last < SAME) return;
    if (!this.many) {
      beep();
      this.close(code);
      return;
    }
    this.found(code, this);
  }

  typed(event) {
    event.preventDefault();
    const input = event.target.elements.code;
    const code = input.value.trim();
    input.value = "";
    this.seen.delete(code);
    if (code) this.take(code);
  }

  async picture(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return;
    try {
      const picture = await createImageBitmap(file);
      const codes = await read(picture);
      picture.close();
      if (codes.length) this.take(codes[0]);
      else this.say(this.dialog.dataset.none);
    } catch {
      this.say(this.dialog.dataset.none);
    }
  }

  get track() { return this.stream?.getVideoTracks()[0]; }

  offerTorch() {
    const can = this.track?.getCapabilities?.().torch;
    this.dialog.querySelector("[data-torch]").hidden = !can;
  }

  async torch() {
    const button = this.dialog.querySelector("[data-torch]");
    const on = button.getAttribute("aria-pressed") !== "true";
    await this.track.applyConstraints({ advanced: [{ torch: on }] });
    button.setAttribute("aria-pressed", String(on));
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
  }

  close(code) {
    if (this.over.signal.aborted) return;
    this.over.abort();
    clearTimeout(this.timer);
    this.stop();
    if (this.dialog.open) this.dialog.close();
    this.settle?.(code);
  }
}

// The code that was read, or null. With `found(code, scanner)` it goes on until somebody is done.
export function scan({ found = null } = {}) {
  const dialog = document.getElementById("scanner");
  return new Scanner(dialog, { many: Boolean(found), found }).open();
}

// A hand scanner is a keyboard that types faster than anybody: a burst that ends with Enter is a code. What is typed
// into an input stays there, unless the input is one that takes codes by itself.
const BURST = 50; // ms between two keys

export function listenForWedge(act) {
  let text = "";
  let last = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const quick = event.timeStamp - last < BURST;
    last = event.timeStamp;
    if (event.key === "Enter") {
      const code = text;
      text = "";
      if (quick && code.length >= 4 && act(code, event.target)) event.preventDefault();
    } else if (event.key.length === 1) {
      text = quick ? text + event.key : event.key;
    }
  }, { capture: true });
}
