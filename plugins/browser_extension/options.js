// Where the server is and who we are there. The token stays in the storage of the extension; no page sees it.
import { originOf, say, settings, sites } from "./server.js";

const $ = (id) => document.getElementById(id);
const TEXTS = { title: "options", "server-label": "server", "token-label": "token", help: "token_help", save: "save", safe: "token_safe" };

function tell(text, sign, pages = []) {
  $("verdict").textContent = text;
  $("verdict").className = `words ${sign}`;
  $("pages").replaceChildren(...pages.map((page) => {
    const line = document.createElement("li");
    line.textContent = `${page.label} – ${page.match.join(", ")}`;
    return line;
  }));
}

// Asked for this one server only; without it the server is spoken to as any page may (CORS).
async function allow(server) {
  const wanted = { origins: [`${server}/*`] };
  try {
    return (await chrome.permissions.contains(wanted)) || (await chrome.permissions.request(wanted));
  } catch {
    return false;
  }
}

async function tryOut() {
  const { data, problem } = await sites(await settings());
  if (problem) return tell(problem, "bad");
  const open = say("signed_in", data.app, data.person);
  if (!data.sites.length) return tell(`${open} ${say("no_pages")}`, "warn");
  return tell(`${open} ${say("pages_are")}`, "good", data.sites);
}

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const server = originOf($("server").value);
  if (!server) return tell(say("no_address"), "bad");
  tell(say("trying"), "calm");
  await allow(server);
  $("server").value = server;
  await chrome.storage.local.set({ server, token: $("token").value.trim() });
  return tryOut();
});

async function start() {
  document.documentElement.lang = chrome.i18n.getUILanguage();
  for (const [id, name] of Object.entries(TEXTS)) $(id).textContent = say(name);
  document.title = say("options");
  const { server, token } = await settings();
  $("server").value = server;
  $("token").value = token;
  document.documentElement.dataset.ready = "";
}

start();
