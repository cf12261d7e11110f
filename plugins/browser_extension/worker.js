// Reads the page a person is looking at when they ask for it, and hands over what they confirmed. What is under way is
// kept in the session's storage, which pages cannot see: the preview may be closed meanwhile.
import { matches, readPage, turnPage } from "./page.js";
import { handOver, say, settings, sites } from "./server.js";

const MOST = 100; // items of one page
const DONE = ["new", "changed", "known", "left", "waits", "kept"];

const nameOf = (tab) => `tab:${tab}`;
const stateOf = async (tab) => (await chrome.storage.session.get(nameOf(tab)))[nameOf(tab)];
const keep = (state) => chrome.storage.session.set({ [nameOf(state.tab)]: state });

// The page of a tab, as it will be confirmed. → {tab, site, items: [{values, lines, chosen, result}]} or {problem}
async function look(tab) {
  const asked = await sites(await settings());
  if (asked.problem) return { tab, ...asked };
  const { url = "" } = await chrome.tabs.get(tab);
  const site = /^https?:/.test(url) && asked.data.sites.find((one) => one.match.some((pattern) => matches(pattern, url)));
  const shared = { tab, url, app: asked.data.app, person: asked.data.person };
  if (!site) return { ...shared, problem: say("not_a_page"), known: asked.data.sites.map((one) => one.label) };
  const read = await inPage(tab, readPage, [site, MOST]);
  if (read.broken) return { ...shared, site, problem: say("broken", read.broken) };
  if (!read.items.length) return { ...shared, site, problem: say("nothing_found", site.label) };
  const state = { ...shared, site, more: read.more, next: read.next, items: asBefore(read.items, site, await stateOf(tab)) };
  await keep(state);
  return state;
}

async function inPage(tab, func, args) {
  try {
    const [{ result }] = await chrome.scripting.executeScript({ target: { tabId: tab }, func, args });
    return result;
  } catch (error) {
    return { broken: error.message };
  }
}

// What was corrected, unticked or handed over already, where the page still says the same.
function asBefore(items, site, before) {
  const known = new Map((before?.items ?? []).map((item) => [item.read, item]));
  return items.map((item) => {
    const read = JSON.stringify([site.feed, site.connection, site.site, item]);
    return known.get(read) ?? { ...item, read, chosen: true, result: null, key: null };
  });
}

// Hands over what is chosen, one after the other. A post whose answer was lost is sent again with its key.
async function send(tab) {
  const where = await settings();
  let state = await stateOf(tab);
  for (const [place, item] of (state?.items ?? []).entries()) {
    if (!item.chosen) continue;
    state = await change(state, place, { key: item.key ?? crypto.randomUUID(), result: { what: "sending", said: [] } });
    const { lines, values, key } = state.items[place];
    const answer = await handOver(where, state.site, lines ? { ...values, lines } : values, key);
    state = await change(state, place, outcome(answer, key));
    if (answer.problem && (answer.setUp || answer.again)) break;
  }
  return state;
}

function outcome(answer, key) {
  if (answer.problem) return { result: { what: "unsent", said: [answer.problem] }, key: answer.again ? key : null };
  const [result] = answer.data.results;
  return { result, key: null, chosen: !DONE.includes(result.what) };
}

async function change(state, place, more) {
  const items = state.items.map((item, at) => (at === place ? { ...item, ...more } : item));
  await keep({ ...state, items });
  return { ...state, items };
}

async function turn(tab) {
  const state = await stateOf(tab);
  if (state?.site?.next) await inPage(tab, turnPage, [state.site.next]);
  const before = JSON.stringify(state?.items.map((item) => item.read));
  for (let tries = 0; tries < 12; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    const now = await look(tab);
    if (now.items && JSON.stringify(now.items.map((item) => item.read)) !== before) return now;
  }
  return look(tab);
}

const ORDERS = { look: ({ tab }) => look(tab), send: ({ tab }) => send(tab), turn: ({ tab }) => turn(tab) };

chrome.runtime.onMessage.addListener((order, sender, answer) => {
  if (sender.id !== chrome.runtime.id || !(order.do in ORDERS)) return false;
  ORDERS[order.do](order).then(answer, (error) => answer({ tab: order.tab, problem: String(error.message) }));
  return true;
});

chrome.tabs.onRemoved.addListener((tab) => chrome.storage.session.remove(nameOf(tab)));
Object.assign(self, { look, send, turn }); // a click on the button cannot be made by a test
