// The playground in a frame of somebody's page.
import assert from "node:assert/strict";
import { serveFrame, serveSite } from "../servers.mjs";
import { Playground } from "../page.mjs";

const QUERY = "?embed=1";
const RUN = "#s=trucks_gps&kill=102@14s&t=15s";

async function still(it) {
  const first = await it.moment();
  await it.until((end) => performance.now() >= end, (await it.frame.evaluate(() => performance.now())) + 300);
  assert.deepEqual(await it.moment(), first);
}

/** Stage, caption and the controls of time; nothing of the whole page. */
async function isEmbedded(it) {
  for (const part of [".stage", ".caption", ".button--play"]) assert.ok(await it.frame.locator(part).first().isVisible(), part);
  for (const part of [".top-bar", ".rail", ".events", ".inspector", ".verdict", ".share"]) {
    assert.equal(await it.frame.locator(part).filter({ visible: true }).count(), 0, part);
  }
}

const keepsNothing = (frame) =>
  frame.evaluate(async () => {
    const found = [];
    const root = await navigator.storage.getDirectory();
    for await (const name of root.keys()) found.push(`file ${name}`);
    for (const { name } of await indexedDB.databases()) found.push(`database ${name}`);
    for (const name of Object.keys(localStorage)) found.push(`item ${name}`);
    return found;
  });

/** The playground at `address` in a frame of a page of another origin. */
async function framed(bench, address, sandbox) {
  const host = await serveFrame(address, sandbox);
  bench.onClose(() => host.close());
  const page = await (await bench.profile()).newPage();
  await page.goto(host.url);
  const frame = await (await page.locator("iframe").elementHandle()).contentFrame();
  const it = new Playground(page, frame);
  await it.ready();
  return it;
}

export const claims = {
  "stage, caption and play button alone; paused; nothing kept": async (bench) => {
    const it = await bench.open("", { query: QUERY });
    await isEmbedded(it);
    await still(it);
    await it.play.click();
    await it.untilMoving();
    await it.pause();
    assert.deepEqual(await keepsNothing(it.frame), []);
  },

  "a link's moment, in the theme asked for": async (bench) => {
    const it = await bench.open(RUN, { query: `${QUERY}&theme=dark`, colorScheme: "light" });
    assert.equal((await it.moment()).nowUs, 15e6);
    assert.equal(await it.brokerState(102).textContent(), "down");
    assert.equal(await it.frame.locator("html").getAttribute("data-theme"), "dark");
  },

  "in a page of another origin": async (bench) => {
    bench.expect(/^request to another origin: http:\/\/127\.0\.0\.1:\d+\/$/);
    const it = await framed(bench, `${bench.url}${QUERY}${RUN}`);
    await isEmbedded(it);
    await still(it);
    await it.play.click();
    await it.untilMoving();
    assert.deepEqual(await keepsNothing(it.frame), []);
  },

  "in a sandbox without an origin, where the host of the site allows its files to be read": async (bench) => {
    bench.expect(/^request to another origin: http:\/\/127\.0\.0\.1:\d+\//);
    const site = await serveSite(bench.lab.dist, { "Access-Control-Allow-Origin": "*" });
    bench.onClose(() => site.close());
    const it = await framed(bench, `${site.url}${QUERY}${RUN}`, "allow-scripts");
    await isEmbedded(it);
    assert.equal((await it.moment()).nowUs, 15e6);
    await it.play.click();
    await it.untilMoving();
  },

  "the whole run opens in a page of its own": async (bench) => {
    const it = await bench.open(RUN, { query: QUERY });
    const moment = await it.moment();
    const [opened] = await Promise.all([it.page.context().waitForEvent("page"), it.button("Open in playground ↗").click()]);
    const whole = new Playground(opened);
    await whole.ready();
    assert.deepEqual(await whole.moment(), moment);
    assert.ok(await whole.frame.locator(".top-bar").isVisible());
  },
};
