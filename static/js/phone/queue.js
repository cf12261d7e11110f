// What was entered and is not sent yet. It is kept in IndexedDB until the server has answered for it, so that neither a
// reload nor a dead battery loses it. Pages and the service worker load the same file: it says its name on `self`.
(() => {
  const NAME = "appmill";
  const STORE = "entries";
  const PATIENCE = 20000; // ms before a server that does not answer counts as no network
  const LOCK = "appmill-queue";
  const TRIES = 5; // of an entry the server breaks over, before those behind it go on

  let opening = null;

  function open() {
    opening ??= new Promise((settle, fail) => {
      const asked = indexedDB.open(NAME, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "seq", autoIncrement: true });
      asked.onsuccess = () => {
        asked.result.onversionchange = () => { asked.result.close(); opening = null; };
        settle(asked.result);
      };
      asked.onerror = () => { opening = null; fail(asked.error); };
    });
    return opening;
  }

  async function store(mode, act) {
    const database = await open();
    return new Promise((settle, fail) => {
      const transaction = database.transaction(STORE, mode, mode === "readwrite" ? { durability: "strict" } : undefined);
      const asked = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => settle(asked?.result);
      transaction.onerror = transaction.onabort = () => fail(transaction.error);
    });
  }

  // Other tabs, and the worker, hear of every change: one of them sends what the others show as waiting.
  const channel = "BroadcastChannel" in self ? new BroadcastChannel("appmill-queue") : null;

  async function change(act) {
    const answer = await store("readwrite", act);
    channel?.postMessage("changed");
    return answer;
  }

  const changed = (act) => channel?.addEventListener("message", act);
  const all = () => store("readonly", (place) => place.getAll());
  const put = (entry) => change((place) => place.put(entry));
  const remove = (seq) => change((place) => place.delete(seq));

  // Entries are {person, name, task, label, form, record, title, told: what was typed in words, made_at, fields: [[name, text]…], files: [{field, name,
  // type, bytes}], status: "waiting" | "refused"}. Answers the number it is kept under.
  const add = (entry) => change((place) => place.add({ ...entry, status: "waiting", tries: 0 }));

  async function patiently(url, options = {}) {
    const control = new AbortController();
    const timer = setTimeout(() => control.abort(), PATIENCE);
    try {
      return await fetch(url, { credentials: "same-origin", cache: "no-store", ...options, signal: control.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  // Who is signed in now, and with which token. "offline" or "signed out" where nobody can be asked.
  async function whoami() {
    let answer;
    try {
      answer = await patiently("/tasks/me", { headers: { Accept: "application/json" }, redirect: "manual" });
    } catch {
      return "offline";
    }
    if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) return "signed out";
    if (!answer.ok || !answer.headers.get("Content-Type")?.includes("json")) return "offline";
    return answer.json();
  }

  function body(entry, waited) {
    const data = new FormData();
    for (const [name, value] of entry.fields) data.append(name, value);
    for (const file of entry.files) data.append(`${file.field}:files`, new Blob([file.bytes], { type: file.type }), file.name);
    data.set("_made_at", entry.made_at);
    data.set("_waited", waited ? "yes" : "");
    return data;
  }

  // What the server made of it: {done, …answer}, {refused, reason, problems}, "stop" where sending has to
  // wait, or "broken".
  async function send(entry, token, waited) {
    let answer;
    try {
      answer = await patiently(`/tasks/${entry.task}`, {
        method: "POST",
        body: body(entry, waited),
        redirect: "manual",
        headers: { "X-CSRF-Token": token, "X-Requested-With": "fetch", Accept: "application/json" },
      });
    } catch {
      return "stop";
    }
    const json = answer.headers.get("Content-Type")?.includes("json");
    if (answer.ok && json) return { done: true, ...(await answer.json()) };
    if (answer.status === 500) return "broken";
    if (answer.status === 401 || answer.status === 408 || answer.status === 429 || answer.status >= 500 || answer.status === 0) return "stop";
    const told = json ? (await answer.json()).error : null;
    if (answer.status === 403 && !told) return "stop"; // the token is another by now
    return { refused: true, status: answer.status, reason: told?.message ?? `${answer.status}`, problems: told?.problems ?? [] };
  }

  // Sends what waits, in the order it was made; what cannot be taken stays and says why. `now`: the entry somebody looks
  // at, which is told its problems instead. Answers {sent, blocked, mine: what became of `now`}.
  async function run(now) {
    const entries = (await all()).filter((entry) => entry.status === "waiting");
    if (!entries.length) return { sent: 0, blocked: null };
    const who = await whoami();
    if (typeof who === "string") return { sent: 0, blocked: who };
    if (who.reads_only) return { sent: 0, blocked: "signed out" }; // looking as somebody else
    let sent = 0;
    for (const entry of entries) {
      if (String(entry.person) !== String(who.person)) continue; // never as somebody else
      const looked = entry.seq === now;
      const result = await send(entry, who.token, !looked);
      if (result === "broken" && entry.tries + 1 < TRIES) await put({ ...entry, tries: entry.tries + 1 });
      else if (result === "broken") await put({ ...entry, status: "refused", reason: "500" });
      if (result === "stop" || result === "broken") return { sent, blocked: "offline" };
      if (result.done) {
        sent += 1;
        await remove(entry.seq);
      } else if (!looked) {
        await put({ ...entry, status: "refused", reason: result.reason });
      }
      if (looked) return { sent, blocked: null, mine: result };
    }
    return { sent, blocked: null };
  }

  // One sender at a time, in all tabs and the worker together; each entry has a key besides, so that twice is once.
  function flush(now = null) {
    const locks = self.navigator?.locks;
    if (!locks) return run(now);
    if (now !== null) return locks.request(LOCK, () => run(now));
    return locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? run(null) : { sent: 0, blocked: null }));
  }

  self.AppmillQueue = { add, put, remove, waiting: all, changed, flush };
})();
