// The session ended while this page is open: ask for the password here, so that nothing typed is lost.
import { csrfToken, text } from "./texts.js";
import { toast } from "./toast.js";

let asking = null;

// The page goes on with the token of the new session.
function adopt(token) {
  document.body.setAttribute("hx-headers:inherited", JSON.stringify({ "X-CSRF-Token": token }));
  for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
}

// The server no longer knows who reads; the page does.
const inReadersLanguage = () => ({ "Accept-Language": document.body.dataset.language });

async function signInForm(address = "/sign_in") {
  const answer = await fetch(address, { headers: inReadersLanguage(), credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector(".sign-in-card");
}

function problemOf(html) {
  return new DOMParser().parseFromString(html, "text/html").querySelector(".sign-in-problem")?.textContent.trim();
}

function say(form, words) {
  let line = form.querySelector("[role=alert]");
  if (!line) {
    line = document.createElement("div");
    line.className = "sign-in-problem";
    line.setAttribute("role", "alert");
    form.prepend(line);
  }
  line.textContent = words;
}

// The token of the new session; null while something is missing: the password again, or a code after it.
async function send(form) {
  try {
    const answer = await fetch(form.getAttribute("action"), {
      method: "POST",
      body: new FormData(form),
      headers: { "HX-Request": "true", ...inReadersLanguage() },
      credentials: "same-origin",
    });
    const token = answer.headers.get("X-CSRF-Token");
    if (answer.ok && token) return token;
    const onwards = answer.headers.get("HX-Redirect");
    if (answer.ok && onwards) goOn(form, await signInForm(onwards));
    else say(form, problemOf(await answer.text()) ?? text("offline"));
  } catch {
    say(form, text("offline"));
  }
  form.querySelector("[type=password], [name=code]").select();
  return null;
}

// What is asked for after the password, in the same dialog.
function goOn(form, next) {
  for (const way of next.querySelectorAll("[name=next], .sign-in-back")) way.remove(); // out of what was typed
  form.setAttribute("action", next.getAttribute("action"));
  form.replaceChildren(...next.children);
}

function show(form) {
  const dialog = document.createElement("dialog");
  dialog.className = "sign-in-again";
  dialog.setAttribute("aria-label", text("signInAgain"));
  const words = document.createElement("p");
  words.textContent = text("signedOut");
  form.querySelector("[name=next]")?.remove();
  form.prepend(words);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((settle) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const token = await send(form);
      if (!token) return;
      adopt(token);
      dialog.close("done");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      settle(dialog.returnValue === "done");
    });
  });
}

async function askForPassword() {
  try {
    const form = await signInForm();
    if (form) return await show(form);
    adopt(await freshToken()); // signed in again in another tab
    return true;
  } catch {
    toast(text("offline"), "danger");
    return false;
  }
}

async function freshToken() {
  const answer = await fetch("/me", { credentials: "same-origin" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("input[name=csrf_token]")?.value ?? csrfToken();
}

// Whether somebody is signed in again; one question however many ask.
export function signInAgain() {
  asking ??= askForPassword().finally(() => (asking = null));
  return asking;
}

export function startAgain() {
  document.addEventListener("signed-out", async () => {
    if (await signInAgain()) toast(text("signedIn"), "info");
  });
}
