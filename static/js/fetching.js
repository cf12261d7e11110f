// The two ways scripts talk to the server beside htmx: load a fragment into a place, and send a form.

const token = () => document.querySelector("meta[name=csrf-token]")?.content
  ?? JSON.parse(document.body.getAttribute("hx-headers:inherited") ?? "{}")["X-CSRF-Token"] ?? "";

// Says what a refused answer wants to be said, the way htmx would.
export function tell(response) {
  const told = response.headers.get("HX-Trigger");
  if (!told) return;
  try {
    for (const [name, detail] of Object.entries(JSON.parse(told))) {
      document.body.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
    }
  } catch { /* a header that is no JSON names one event */
    document.body.dispatchEvent(new CustomEvent(told, { bubbles: true }));
  }
}

function say(text) {
  const detail = { toasts: [{ text, kind: "danger" }] };
  document.body.dispatchEvent(new CustomEvent("toast", { detail, bubbles: true }));
}

export async function request(url, options = {}) {
  const headers = { "HX-Request": "true", "X-CSRF-Token": token(), ...options.headers };
  try {
    const response = await fetch(url, { ...options, headers, credentials: "same-origin" });
    tell(response);
    const leads = response.headers.get("HX-Redirect");
    if (leads) { location.assign(leads); return null; }
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch {
    say(document.documentElement.lang.startsWith("zh") ? "连不上服务器，请重试" : "The server cannot be reached. Please try again.");
    return null;
  }
}

// Fetches a fragment into a place; true when it is there.
export async function loadInto(place, url) {
  place.setAttribute("aria-busy", "true");
  const answer = await request(url);
  place.removeAttribute("aria-busy");
  if (!answer || answer.status >= 400) return false;
  place.innerHTML = answer.text;
  window.htmx?.process(place);
  return true;
}

// POSTs form data; the answer, whatever its status, or null when there was none.
export const send = (url, data) => request(url, { method: "POST", body: data });
