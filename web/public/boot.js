// Runs before the first paint: sets the theme, then loads and starts the one artifact as the page.
// Trunk writes its hashed names into this element's attributes; the page reads data-js there too, to hand it to the worker.
"use strict";
{
  const { js, wasm } = document.currentScript.dataset;
  const themes = ["light", "dark"];

  // Without a choice the style sheets follow the system. Where storage is blocked, even looking at it throws.
  const savedTheme = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null;
    }
  };
  const theme = [new URLSearchParams(location.search).get("theme"), savedTheme()].find((name) => themes.includes(name));
  if (theme) document.documentElement.dataset.theme = theme;

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
  const start = async () => {
    // Trunk's preload links stand further down: an earlier import would go unchecked.
    await whenParsed;
    const page = await import(inDocument(js));
    // Who follows a link takes part: it has to be unpacked. A build that was not split has no second part.
    const fetchLater = page.fetchLater ?? (() => {});
    if (location.hash.startsWith("#k1")) await fetchLater();
    await page.default({ module_or_path: wasmResponse() });
    document.getElementById("boot")?.remove();
    for (const sign of ["pointermove", "pointerdown", "keydown"]) addEventListener(sign, fetchLater, { once: true, capture: true, passive: true });
  };
  start().catch(failed);
}
