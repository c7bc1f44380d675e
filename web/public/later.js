// The second part of the artifact: fetched when somebody takes part, at the latest when one of its functions is called. What only
// it draws has a style sheet of its own, which is turned on with it.
const laterUrl = import.meta.url.replace(/\.js$/, "-later.wasm");
let laterModule, fetching;
function linkLater() {
  if (!wasm || wasm.later.value) return;
  new WebAssembly.Instance(laterModule, { "": wasm });
  wasm.later.value = 1;
}
const turnOnStyles = () => globalThis.document?.querySelectorAll("link[rel=later]").forEach((link) => (link.rel = "stylesheet"));
// A failure here is no failure yet: the first call fetches again, and fails aloud.
export function fetchLater() {
  turnOnStyles();
  return (fetching ??= WebAssembly.compileStreaming(fetch(laterUrl)).then((module) => {
    laterModule = module;
    linkLater();
  }, () => {}));
}
// A call cannot wait. Text in this charset is how a window may fetch bytes at once; each letter's low half is a byte.
function fetchLaterAtOnce() {
  turnOnStyles();
  if (!laterModule) {
    const request = new XMLHttpRequest();
    request.open("GET", laterUrl, false);
    request.overrideMimeType("text/plain; charset=x-user-defined");
    request.send();
    if (request.status !== 200) throw new Error(`failed to fetch ${laterUrl}: ${request.status} ${request.statusText}`);
    laterModule = new WebAssembly.Module(Uint8Array.from(request.responseText, (letter) => letter.charCodeAt(0)));
  }
  linkLater();
}
