// Texts that scripts show, given by the server in the reader's language.
export function text(name) {
  return document.getElementById("texts")?.dataset[name] ?? "";
}

export function icon(name, extra = "") {
  const url = document.querySelector('meta[name="icons"]').content;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", `icon ${extra}`.trim());
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${url}#${name}`);
  svg.append(use);
  return svg;
}

export function csrfToken() {
  const headers = document.body.getAttribute("hx-headers:inherited");
  return headers ? JSON.parse(headers)["X-CSRF-Token"] : "";
}
