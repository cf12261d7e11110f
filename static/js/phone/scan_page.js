// Scan from anywhere: the record of the code is opened.
import { listenForWedge, scan } from "./scanner.js";

const find = (code) => window.location.assign(`/find?code=${encodeURIComponent(code)}`);

async function start() {
  const code = await scan();
  if (code) find(code);
}

listenForWedge((code) => { find(code); return true; });
document.querySelector("[data-scan-again]").addEventListener("click", start);
start();
