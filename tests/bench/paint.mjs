// How soon the site is seen, beside a bare Yew page: loads of both in turn, each in a fresh browser context with nothing cached.
//   PLAYGROUND_NODE_MODULES=… CHROMIUM=… PLAYGROUND_URL=… BARE_URL=… node tests/bench/paint.mjs [LOADS]
// Painted is what Yew rendered, on screen; the site's page is there before that, from its HTML. Exit code 1 when a median misses its goal.
import { createRequire } from "node:module";
import { join } from "node:path";

const { PLAYGROUND_NODE_MODULES: modules, CHROMIUM: executablePath, PLAYGROUND_URL: site, BARE_URL: bare } = process.env;
const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
const LOADS = Number(process.argv[2] ?? 15);
const GOAL = 2.5;

/** Notes when the browser first painted, when what Yew rendered was painted, and when the first dot was drawn. */
function watch(rendered) {
  const seen = (window.seen = {});
  new PerformanceObserver((list) => {
    for (const { name, startTime } of list.getEntries()) if (name === "first-contentful-paint") seen.first = startTime;
  }).observe({ type: "paint", buffered: true });
  const look = new MutationObserver(() => {
    if (!document.querySelector(rendered)) return;
    look.disconnect();
    // The frame that shows it has been made when a task that the frame's own callback posted runs.
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => (seen.painted = performance.now());
      port2.postMessage(0);
    });
  });
  look.observe(document, { childList: true, subtree: true });
  const { fill } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.fill = function (...args) {
    seen.drawn ??= performance.now();
    return fill.apply(this, args);
  };
}

async function load(browser, url, rendered, last) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  await page.addInitScript(watch, rendered);
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForFunction((last) => window.seen.first && window.seen[last], last, { timeout: 60_000, polling: 20 });
  const seen = await page.evaluate(() => window.seen);
  await context.close();
  return seen;
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
const both = [
  { name: "bare", url: bare, rendered: "h1", last: "painted", seen: [] },
  { name: "site", url: site, rendered: "[data-now-us]", last: "drawn", seen: [] },
];
for (let i = 0; i <= LOADS; i++) {
  for (const { url, rendered, last, seen } of both) {
    const one = await load(browser, url, rendered, last);
    // The first of each warms the browser, not the page.
    if (i > 0) seen.push(one);
  }
}
await browser.close();

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const [ours, least] = both.toReversed().map(({ seen }) => (what) => median(seen.map((one) => one[what])));
const say = (text, ok = true) => console.log(`${ok ? "  " : "! "}${text}`);
const ratios = [["first contentful paint", ours("first") / least("first")], ["painted by Yew", ours("painted") / least("painted")]];
say(`bare Yew page: first contentful paint ${least("first").toFixed(0)} ms, painted by Yew ${least("painted").toFixed(0)} ms`);
say(`the site: first contentful paint ${ours("first").toFixed(0)} ms, painted by Yew ${ours("painted").toFixed(0)} ms, first record drawn ${ours("drawn").toFixed(0)} ms`);
for (const [what, ratio] of ratios) say(`${what}: ${ratio.toFixed(2)} times the bare page's, of at most ${GOAL}`, ratio <= GOAL);
process.exitCode = ratios.every(([, ratio]) => ratio <= GOAL) ? 0 : 1;
