// A pad to sign on. The picture is sent a second after the last stroke, or when the form is sent before that.
import { clear, upload } from "./uploads.js";
import { fresh } from "./fresh.js";

const REST = 1000;

export function initSignatures(root) {
  for (const box of fresh(root, "[data-signature]")) {
    const pad = box.querySelector(".field-signature-pad");
    if (pad) start(box, pad, pad.querySelector("canvas"));
  }
}

function start(box, pad, canvas) {
  const files = box.querySelector("[data-files]");
  const pen = canvas.getContext("2d");
  let stroke = null;
  let timer = 0;
  let drawn = false;
  pad.hidden = false;

  const at = (event) => {
    const edge = canvas.getBoundingClientRect();
    return [(event.clientX - edge.left) * canvas.width / edge.width, (event.clientY - edge.top) * canvas.height / edge.height];
  };
  const wipe = () => { pen.clearRect(0, 0, canvas.width, canvas.height); drawn = false; clearTimeout(timer); timer = 0; };

  const store = () => {
    clearTimeout(timer);
    timer = 0;
    const [head, body] = canvas.toDataURL("image/png").split(",");
    const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
    clear(files);
    upload(files, new File([bytes], "signature.png", { type: head.slice(5, -7) }));
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (box.closest(".is-readonly")) return;
    canvas.setPointerCapture(event.pointerId);
    clearTimeout(timer);
    stroke = at(event);
    Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round", strokeStyle: "#1d273b" });
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke) return;
    for (const point of event.getCoalescedEvents?.() ?? [event]) {
      const next = at(point);
      pen.beginPath();
      pen.moveTo(...stroke);
      pen.lineTo(...next);
      pen.stroke();
      stroke = next;
      drawn = true;
    }
  });
  const end = () => {
    if (stroke && drawn) timer = setTimeout(store, REST);
    stroke = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
  canvas.closest("form")?.addEventListener("widgets:sending", () => { if (timer) store(); });
  pad.querySelector("[data-clear]").addEventListener("click", () => {
    wipe();
    clear(files);
    files.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
