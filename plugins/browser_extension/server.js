// The server: where it is, who we are there, and what it says. Every answer is {data} or {problem: a sentence}.

const PATIENCE = 30_000; // milliseconds

export const say = (name, ...more) => chrome.i18n.getMessage(name, more.map(String));

export async function settings() {
  const { server = "", token = "" } = await chrome.storage.local.get(["server", "token"]);
  return { server, token };
}

// What was typed, as scheme, host and port; null for what is no address.
export function originOf(typed) {
  try {
    const address = new URL(/^[a-z]+:\/\//i.test(typed.trim()) ? typed.trim() : `https://${typed.trim()}`);
    return /^https?:$/.test(address.protocol) && address.hostname ? address.origin : null;
  } catch {
    return null;
  }
}

export const sites = (where) => ask(where, "/api/ingest/sites");

export function handOver(where, site, item, key) {
  const body = JSON.stringify({ site: site.site, items: [item] });
  const path = `/api/ingest/${encodeURIComponent(site.feed)}/${encodeURIComponent(site.connection)}`;
  return ask(where, path, { method: "POST", body, headers: { "Content-Type": "application/json", "Idempotency-Key": key } });
}

async function ask({ server, token }, path, { headers = {}, ...options } = {}) {
  if (!server || !token) return { problem: say("not_set_up"), setUp: true };
  const told = { Authorization: `Bearer ${token}`, "Accept-Language": chrome.i18n.getUILanguage(), ...headers };
  let answer;
  try {
    answer = await fetch(server + path, {
      ...options, headers: told, credentials: "omit", redirect: "error", cache: "no-store", signal: AbortSignal.timeout(PATIENCE),
    });
  } catch (error) {
    return { problem: say(error.name === "TimeoutError" ? "no_answer" : "not_reached", server), again: true };
  }
  return answered(answer, server);
}

async function answered(answer, server) {
  const data = await answer.json().catch(() => null);
  if (answer.ok && data) return { data };
  if (answer.status === 401) return { problem: say("token_unknown", server), setUp: true };
  const again = answer.status >= 500 || answer.status === 429;
  const said = data?.error?.problems?.[0]?.message || data?.error?.message;
  return { problem: said ?? say("no_appmill", server, answer.status), again };
}
