// Runs before the first paint: sets the theme, then loads and starts the one artifact as the page.
// Trunk writes its hashed names into this element's attributes; the page reads data-js there too, to hand it to the worker.
"use strict";
{
  const { js, wasm } = document.currentScript.dataset;
  // The address says, else what was chosen here before. Where storage is blocked, even looking at it throws.
  const chosen = (name, values, other) => {
    let saved;
    try {
      saved = localStorage.getItem(name);
    } catch {}
    return [new URLSearchParams(location.search).get(name), saved, other].find((value) => values.includes(value));
  };
  // Without a choice the style sheets follow the system.
  const theme = chosen("theme", ["light", "dark"]);
  if (theme) document.documentElement.dataset.theme = theme;
  const language = chosen("lang", ["en", "de"], navigator.language.slice(0, 2));

  const inDocument = (url) => new URL(url, document.baseURI).href;
  const whenParsed = new Promise((parsed) => {
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", parsed, { once: true });
    else parsed();
  });

  const reason = (error) => {
    if (typeof WebAssembly !== "object") return "this browser has no WebAssembly, or it is switched off";
    if (location.protocol === "file:") return "it was opened as a file; it needs a web server (cargo xtask serve)";
    return error instanceof Error ? error.message : String(error);
  };
  const failed = (error) => {
    const notice = document.getElementById("boot");
    if (!notice) return;
    notice.setAttribute("role", "alert");
    notice.textContent = `Kafka Playground could not start: ${reason(error)}. Reload the page to try again.`;
  };

  // Browsers check the integrity that Trunk wrote for a preloaded module, but not (yet) for a preloaded fetch.
  const wasmResponse = () => {
    const preload = [...document.querySelectorAll("link[rel=preload][as=fetch]")].find((link) => link.href === inDocument(wasm));
    return fetch(inDocument(wasm), { integrity: preload?.integrity ?? "" });
  };
  const speak = async (...how) => (await import(inDocument("languages/language.js"))).speak(...how);
  const start = async () => {
    // Trunk's preload links stand further down: an earlier import would go unchecked.
    await whenParsed;
    // Both at once: neither needs the other to begin.
    const [page, artifact] = await Promise.all([import(inDocument(js)), wasmResponse()]);
    // Who follows a link takes part: it has to be unpacked. A build that was not split has no second part.
    const fetchLater = page.fetchLater ?? (() => {});
    if (location.hash.startsWith("#k1")) await fetchLater();
    const running = page.default({ module_or_path: artifact }).then(() => page);
    if (language === "de") speak(language, running);
    addEventListener("click", ({ target }) => target.dataset?.language && speak(document.documentElement.lang === "de" ? "en" : "de", running, true));
    await running;
    document.getElementById("boot")?.remove();
    for (const sign of ["pointermove", "pointerdown", "keydown"]) addEventListener(sign, fetchLater, { once: true, capture: true, passive: true });
  };
  start().catch(failed);
}
