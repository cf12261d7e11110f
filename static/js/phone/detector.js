// Reads codes from pictures: with what the browser brings, else with our own copy of zxing (WebAssembly), loaded when
// it is first needed.
const FORMATS = ["qr_code", "data_matrix", "ean_13", "ean_8", "upc_a", "upc_e", "code_128", "code_39", "itf", "codabar", "pdf417", "aztec"];
const SCRIPT = "/static/vendor/barcode-detector@3.2.2/ponyfill.js";
const READER = "/static/vendor/zxing-wasm@3.1.3/zxing_reader.wasm";

let making = null;

async function native() {
  if (!("BarcodeDetector" in window)) return null;
  try {
    const known = await window.BarcodeDetector.getSupportedFormats();
    const wanted = FORMATS.filter((format) => known.includes(format));
    // some browsers have the name and read nothing, or no bars
    return wanted.includes("qr_code") && wanted.includes("code_128") ? new window.BarcodeDetector({ formats: wanted }) : null;
  } catch {
    return null;
  }
}

function load() {
  return new Promise((settle, fail) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = settle;
    script.onerror = () => fail(new Error("the reader of codes was not loaded"));
    document.head.append(script);
  });
}

async function ours() {
  await load();
  const { BarcodeDetector, prepareZXingModule } = window.BarcodeDetectionAPI;
  await prepareZXingModule({ overrides: { locateFile: () => READER }, fireImmediately: true });
  return new BarcodeDetector({ formats: FORMATS });
}

export function detector() {
  making ??= native().then((found) => found ?? ours()).catch((error) => { making = null; throw error; });
  return making;
}

// The texts of all codes in a picture, a video or a file.
export async function read(source) {
  const found = await (await detector()).detect(source);
  return found.map((one) => one.rawValue.trim()).filter(Boolean);
}
