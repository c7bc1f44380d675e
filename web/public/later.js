// The second part of the artifact: fetched when somebody takes part, at the latest when one of its functions is called.
const laterUrl = import.meta.url.replace(/\.js$/, "-later.wasm");
let laterModule, fetching;
function linkLater() {
  if (!wasm || wasm.later.value) return;
  new WebAssembly.Instance(laterModule, { "": wasm });
  wasm.later.value = 1;
}
// A failure here is no failure yet: the first call fetches again, and fails aloud.
export const fetchLater = () => (fetching ??= WebAssembly.compileStreaming(fetch(laterUrl)).then((module) => {
  laterModule = module;
  linkLater();
}, () => {}));
// A call cannot wait. Text in this charset is how a window may fetch bytes at once; each letter's low half is a byte.
function fetchLaterAtOnce() {
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
