// Memory of a long run: the fleet at 10,000 times real time, as long as asked for, in headless Chromium on the site as it ships.
//   node tests/bench/memory.mjs [MINUTES]
// Takes address, browser and packages as the page tests do. Prints by virtual week what the tab's process (page, worker, wasm) holds
// of its own, as the browser's task manager counts, and beside it the engine's wasm memory; exit code 1 when the former grows by more
// than 5 % after the third week, or ever is above 512 MiB. The program's own pages, which all tabs share, are not in it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const MINUTES = Number(process.argv[2] ?? 10);
const LIMIT_MIB = 512;
const GROWTH = 1.05;
/** Retention first bites after two weeks; then the log has its full size. */
const WARM_WEEKS = 3;
const WEEK_US = 7 * 86_400 * 1e6;

const { chromium } = createRequire(join(process.env.PLAYGROUND_NODE_MODULES, "x.js"))("playwright-core");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
await page.goto(process.env.PLAYGROUND_URL);
await page.waitForFunction(() => Number(document.querySelector(".stage")?.dataset.nowUs) > 0);
await page.locator(".speed__select").selectOption("10000000");
const system = await browser.newBrowserCDPSession();

async function mib() {
  const { processInfo } = await system.send("SystemInfo.getProcessInfo");
  const own = ({ id }) => [...readFileSync(`/proc/${id}/status`, "utf8").matchAll(/(?:RssAnon|RssShmem|VmSwap):\s+(\d+)/g)].reduce((sum, [, kib]) => sum + Number(kib), 0) / 1024;
  return Math.max(...processInfo.filter(({ type }) => type === "renderer").map(own));
}

/** The worker's wasm memory: its artifact, imported once more, is the one that runs. */
const glue = await page.evaluate(() => new URL(document.querySelector("[data-js]").dataset.js, document.baseURI).href);
const engine = () => page.workers()[0].evaluate(async (glue) => (await (await import(glue)).default()).memory.buffer.byteLength / 2 ** 20, glue);

const seen = [];
const begun = Date.now();
while (Date.now() - begun < MINUTES * 60_000) {
  await page.waitForTimeout(5_000);
  const weeks = (await page.evaluate(() => Number(document.querySelector(".stage").dataset.nowUs))) / WEEK_US;
  seen.push({ weeks, mib: await mib() });
  if (seen.length % 6 === 0) console.log(`${weeks.toFixed(2).padStart(6)} weeks  ${seen.at(-1).mib.toFixed(0).padStart(5)} MiB, of which wasm ${(await engine()).toFixed(0).padStart(5)}`);
}
await browser.close();

const most = Math.max(...seen.map(({ mib }) => mib));
const warm = seen.filter(({ weeks }) => weeks >= WARM_WEEKS);
const middle = Math.max(...warm.slice(0, Math.ceil(warm.length / 2)).map(({ mib }) => mib));
const late = Math.max(...warm.slice(Math.ceil(warm.length / 2)).map(({ mib }) => mib));
console.log(`most ${most.toFixed(0)} MiB; after week ${WARM_WEEKS}: at most ${middle.toFixed(0)}, then ${late.toFixed(0)} MiB`);
if (warm.length < 2) console.log(`Only ${seen.at(-1).weeks.toFixed(1)} weeks went by: too few to tell whether it is flat.`);
process.exit(most <= LIMIT_MIB && warm.length >= 2 && late <= middle * GROWTH ? 0 : 1);
