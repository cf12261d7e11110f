// What stands on a page, by selectors that the server told as data.

// Whether an address is one of a site's: `https://*.shop.example/list/*`, as browsers write match patterns.
export function matches(pattern, address) {
  const parts = /^(https?):\/\/([^/]+)(\/.*)$/.exec(pattern);
  if (!parts) return false;
  const at = new URL(address);
  const [, scheme, host, path] = parts;
  return at.protocol === `${scheme}:` && hostFits(host, at) && glob(path).test(at.pathname + at.search);
}

function hostFits(host, at) {
  if (host === "*") return true;
  if (!host.startsWith("*.")) return at.host === host;
  const base = host.slice(2);
  return at.host === base || at.host.endsWith(`.${base}`);
}

function glob(path) {
  const parts = path.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`);
}

// Runs in the page, on its own: nothing outside this function is there.
// → {items: [{values: {name: text}, lines: [{name: text}]}], more, next} or {broken: what the browser said}
export function readPage(site, most) {
  const text = (at, field) => (field.attr ? at.getAttribute(field.attr) : at.innerText ?? at.textContent) ?? "";
  const value = (around, field) => {
    const at = field.css ? around.querySelector(field.css) : around;
    let said = at ? text(at, field).replace(/\s+/g, " ").trim() : "";
    if (field.pattern) {
      const found = said.slice(0, 2000).match(new RegExp(field.pattern));
      said = found ? found[1] ?? found[0] : "";
    }
    return said.slice(0, 1000);
  };
  const values = (around, fields) => Object.fromEntries(fields.map((field) => [field.name, value(around, field)]));
  try {
    const found = [...document.querySelectorAll(site.item)];
    const items = found.slice(0, most).map((around) => ({
      values: values(around, site.fields),
      lines: site.lines ? [...around.querySelectorAll(site.lines.item)].map((line) => values(line, site.lines.fields)) : null,
    }));
    return { items, more: found.length - items.length, next: Boolean(site.next && document.querySelector(site.next)) };
  } catch (error) {
    return { broken: String(error.message) };
  }
}

// Runs in the page, on its own.
export function turnPage(selector) {
  document.querySelector(selector)?.click();
}
