// How the page keeps up with a large cluster: 100 brokers, 1,000 partitions, 100,000 simulated records a second. Beside it, in turn
// with it, a page with an empty animation loop, so that a busy machine slows both. Scripts are measured in the main thread's own CPU
// time, everything else as it is seen. Prints the figures; exit code 1 when one misses its goal.
//   PLAYGROUND_NODE_MODULES=… CHROMIUM=… PLAYGROUND_URL=… PLAYGROUND=target/release/playground node tests/bench/page.mjs
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";

const { PLAYGROUND_NODE_MODULES: modules, CHROMIUM: executablePath, PLAYGROUND_URL: url } = process.env;
const scenario = join(import.meta.dirname, "hundred_brokers.toml");
const fragment = execFileSync(process.env.PLAYGROUND, ["link", scenario], { encoding: "utf8" }).trim();
const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
const ROUNDS = 5;
const SECONDS = 3;
const CLICKS = 40;

const at = (share, list) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))] ?? NaN;

/** Times between animation frames, over so many seconds. */
const frames = (page) =>
  page.evaluate(
    (ms) =>
      new Promise((done) => {
        const times = [];
        const loop = (time) => {
          times.push(time);
          if (time - times[0] < ms) requestAnimationFrame(loop);
          else done(times.slice(1).map((time, i) => time - times[i]));
        };
        requestAnimationFrame(loop);
      }),
    SECONDS * 1000,
  );

/** CPU milliseconds that scripts of the main thread took in each frame while `work` goes on. */
async function scripts(page, work) {
  const session = await page.context().newCDPSession(page);
  const events = [];
  session.on("Tracing.dataCollected", ({ value }) => events.push(...value));
  await session.send("Tracing.start", { transferMode: "ReportEvents", traceConfig: { includedCategories: ["devtools.timeline"], excludedCategories: ["*"] } });
  const result = await work();
  const complete = new Promise((done) => session.once("Tracing.tracingComplete", done));
  await session.send("Tracing.end");
  await complete;
  const fired = events.filter(({ name }) => name === "FireAnimationFrame");
  const thread = fired[0] && `${fired[0].pid}:${fired[0].tid}`;
  const own = events.filter(({ pid, tid }) => `${pid}:${tid}` === thread).sort((a, b) => a.ts - b.ts);
  const names = new Set(["FireAnimationFrame", "FunctionCall", "RunMicrotasks", "TimerFire", "EventDispatch", "EvaluateScript"]);
  const sums = [];
  let until = 0;
  for (const { name, ts, dur = 0, tdur = dur } of own) {
    if (name === "FireAnimationFrame") sums.push(0);
    if (!names.has(name) || ts < until || sums.length === 0) continue;
    sums[sums.length - 1] += tdur / 1000;
    until = ts + dur;
  }
  return { result, sums };
}

/** From a click to the next paint, as the browser's event timing has it: clicks on these, one after another. */
async function inputs(page, targets) {
  await page.evaluate(() => {
    window.clicks = [];
    new PerformanceObserver((list) => list.getEntries().forEach(({ name, duration }) => name === "click" && window.clicks.push(duration))).observe({
      type: "event",
      durationThreshold: 16,
    });
  });
  const pills = page.locator(targets);
  const count = Math.min(10, await pills.count());
  for (let i = 0; i < CLICKS; i++) {
    await pills.nth(i % count).click();
    await page.waitForTimeout(60);
  }
  await page.waitForTimeout(300);
  // What is quicker than the threshold is not told.
  const told = await page.evaluate(() => window.clicks);
  return [...told, ...Array(Math.max(0, CLICKS - told.length)).fill(16)];
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });

const page = await context.newPage();
await page.goto(`${url}${fragment}`);
await page.locator(".grid__canvas").waitFor({ timeout: 120_000 });
await page.mouse.move(300, 300);
await page.locator(".speed__select").selectOption("1000");
const empty = await context.newPage();
await empty.goto(new URL("worker-boot.js", url).href);
const there = await inputs(empty, "body");

/** Plays, or pauses, and waits until that has settled. */
async function play(on, settleMs) {
  await page.bringToFront();
  const button = page.locator(".button--play");
  if ((await button.getAttribute("aria-label")).startsWith("Play") === on) await button.click();
  await page.waitForTimeout(settleMs);
}
const clock = () => page.evaluate(() => ({ wall: performance.now(), us: Number(document.querySelector(".stage").dataset.nowUs), sent: Number(document.querySelector(".verdict__item b").textContent.replaceAll(",", "")) }));
const [idle, deltas, sums, dots] = [[], [], [], []];
const went = { wall: 0, us: 0, sent: 0 };
await play(true, 6_000);
for (let round = 0; round < ROUNDS; round++) {
  await play(false, 500);
  await empty.bringToFront();
  idle.push(...(await frames(empty)));
  await play(true, 2_000);
  const before = await clock();
  const seen = await scripts(page, () => frames(page));
  const after = await clock();
  for (const what in went) went[what] += after[what] - before[what];
  deltas.push(...seen.result);
  sums.push(...seen.sums);
  dots.push(Number((await page.locator(".shades__crowd").textContent()).match(/of ([\d,]+) dots/)?.[1].replaceAll(",", "")));
}
const waits = await inputs(page, ".pill");
await browser.close();

const rate = (went.sent / went.us) * 1e6;
const pace = went.us / 1000 / went.wall;
const ratio = at(0.95, deltas) / at(0.95, idle);
const say = (text, ok = true) => console.log(`${ok ? "  " : "! "}${text}`);
say(`${Math.round(rate / 1000)} k records a virtual second at ${pace.toFixed(2)}×, ${Math.round(at(0.5, dots))} dots under way`);
say(`frame p50 ${at(0.5, deltas).toFixed(1)} ms, p95 ${at(0.95, deltas).toFixed(1)} ms; empty loop ${at(0.95, idle).toFixed(1)} ms: ${ratio.toFixed(2)} of at most 1.1`, ratio <= 1.1);
say(`script, CPU time p50 ${at(0.5, sums).toFixed(1)} ms, p95 ${at(0.95, sums).toFixed(1)} ms of at most 4`, at(0.95, sums) <= 4);
say(`input to paint p50 ${at(0.5, waits)} ms, p95 ${at(0.95, waits)} ms of at most 50; on the empty page ${at(0.5, there)} and ${at(0.95, there)} ms`, at(0.95, waits) <= 50);
process.exitCode = ratio <= 1.1 && at(0.95, sums) <= 4 && at(0.95, waits) <= 50 ? 0 : 1;
