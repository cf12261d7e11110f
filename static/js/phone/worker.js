// The worker at the root of the site. `SHELL` stands above, put there by the server: what a task screen is made of, under
// addresses that change with their content; null where there are no tasks, so that the worker clears up and goes.
//
// Three kinds of caches: `shell-<version>`, nobody's; `reader`, the reader of codes; `person-<id>`, the task screens of the
// one person who is signed in. No page of records is kept, and nothing of a person outlives their signing out.
const SLOW = 4000; // ms of bad Wi-Fi before the kept screen is shown
const ME = "person";

if (SHELL) importScripts(SHELL.queue);

const shellName = () => `shell-${SHELL.version}`;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  if (!SHELL) return;
  event.waitUntil(
    caches.open(shellName()).then((cache) => cache.addAll([...SHELL.assets, new Request("/offline", { cache: "reload" })])),
  );
});

self.addEventListener("activate", (event) => event.waitUntil(SHELL ? begin() : leave()));

async function begin() {
  const person = await current();
  for (const name of await caches.keys()) if (name.startsWith("shell-") && name !== shellName()) await caches.delete(name);
  if (person) await renew(person);
  await self.clients.claim();
}

async function leave() {
  for (const name of await caches.keys()) await caches.delete(name);
  await self.registration.unregister();
}

// After an update the kept screens would ask for files of the version before: they are fetched anew, or given up.
async function renew(person) {
  const cache = await caches.open(`person-${person}`);
  for (const request of await cache.keys()) {
    try {
      const answer = await fetch(request.url, { credentials: "same-origin" });
      if (isOf(answer, person)) await cache.put(request, answer);
      else await cache.delete(request);
    } catch {
      await cache.delete(request);
    }
  }
}

// --- whose screens are kept

async function current() {
  const noted = await (await caches.open(ME)).match("/person");
  return noted ? noted.text() : "";
}

async function become(person) {
  if (person === (await current())) return;
  await forgetPeople(person);
  await (await caches.open(ME)).put("/person", new Response(person));
}

async function forgetPeople(but = "") {
  for (const name of await caches.keys()) if (name.startsWith("person-") && name !== `person-${but}`) await caches.delete(name);
  if (!but) await (await caches.open(ME)).delete("/person");
}

const isOf = (answer, person) => answer.ok && !answer.redirected && answer.headers.get("X-Person") === person;

// --- requests

const KEPT = /^\/tasks(\/(?!me$|entries(\/|$)|[a-z0-9_]+\/resolve$)[a-z0-9_]+(\/data)?)?$/;

self.addEventListener("fetch", (event) => {
  if (!SHELL) return;
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method !== "GET") {
    if (url.pathname === "/sign_out") event.respondWith(signOut(request));
    return;
  }
  if (url.pathname.startsWith("/static/")) event.respondWith(fromShell(event, request, url));
  else if (KEPT.test(url.pathname)) event.respondWith(fromPerson(request, url));
  else if (request.mode === "navigate") event.respondWith(fromNetwork(request, url));
});

async function fromShell(event, request, url) {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  const lasting = answer.ok && (answer.headers.get("Cache-Control") ?? "").includes("immutable");
  if (lasting) {
    const name = SHELL.reader.includes(url.pathname) ? "reader" : shellName();
    const copy = answer.clone();
    event.waitUntil(caches.open(name).then((cache) => cache.put(request, copy)));
  }
  return answer;
}

async function fromPerson(request, url) {
  const key = url.origin + url.pathname; // a record that was chosen is no screen of its own
  const asking = fetch(request).then((answer) => keep(key, answer));
  const kept = await keptScreen(key);
  if (!kept) return asking.catch(() => offlinePage(request));
  const late = new Promise((settle) => setTimeout(() => settle(kept), SLOW));
  return Promise.race([asking.catch(() => kept), late]);
}

async function keptScreen(key) {
  const person = await current();
  return person ? (await caches.open(`person-${person}`)).match(key, { ignoreVary: true }) : undefined;
}

async function keep(key, answer) {
  const person = answer.headers.get("X-Person") ?? "";
  if (answer.ok && !answer.redirected && person) {
    await become(person);
    await (await caches.open(`person-${person}`)).put(key, answer.clone());
  } else if (answer.type === "opaqueredirect" || answer.redirected || answer.status === 401) {
    await forgetPeople(); // signed out, or sent somewhere else
  }
  return answer;
}

async function fromNetwork(request, url) {
  try {
    const answer = await fetch(request);
    if (url.pathname === "/sign_in" && answer.ok) await forgetPeople();
    return answer;
  } catch {
    if (url.pathname === "/" && (await keptScreen(`${url.origin}/tasks`))) return Response.redirect("/tasks", 302);
    return offlinePage(request);
  }
}

async function offlinePage(request) {
  const page = request.mode === "navigate" ? await caches.match("/offline", { ignoreVary: true }) : undefined;
  return page ?? Response.error();
}

async function signOut(request) {
  await forgetPeople();
  try {
    return await fetch(request);
  } catch {
    await (await caches.open(ME)).put("/signed-out", new Response("yes")); // told to the server as soon as it is there
    return (await caches.match("/offline", { ignoreVary: true })) ?? Response.error();
  }
}

// --- what pages say, and what the browser says

self.addEventListener("message", (event) => {
  if (event.data?.type !== "person" || !SHELL) return;
  const { person, screens } = event.data;
  event.waitUntil(person ? become(String(person)).then(() => fetchScreens(screens ?? [])) : forgetPeople());
});

// Screens nobody has opened yet are there without network too; what they hold is as fresh as the last visit of all tasks.
async function fetchScreens(screens) {
  for (const path of screens) {
    const key = self.location.origin + path;
    if (!path.endsWith("/data") && (await keptScreen(key))) continue;
    try {
      await keep(key, await fetch(path, { credentials: "same-origin", redirect: "manual" }));
    } catch {
      return; // without network they stay as they are
    }
  }
}

self.addEventListener("sync", (event) => {
  if (SHELL && event.tag === "entries") event.waitUntil(sendWaiting());
});

async function sendWaiting() {
  const result = await self.AppmillQueue.flush();
  for (const client of await self.clients.matchAll()) client.postMessage({ type: "queue", ...result });
  if (result.blocked === "offline") throw new Error("still without network"); // the browser tries again
}
