// The engine fails; the run does not.
import assert from "node:assert/strict";

/** So many failures in a row; PLAYGROUND_FAILURES asks for more, by hand. */
const FAILURES = Number(process.env.PLAYGROUND_FAILURES ?? 5);
/** Rows of failures. Each has moments of its own. */
const ROWS = 4;

/** From now on no worker comes as far as a run. */
async function breakAll(page) {
  await page.route("**/worker-boot.js", async (route) => {
    const answer = await route.fetch();
    const gone = "performance.now = () => { throw new Error('the clock is gone'); };";
    await route.fulfill({ response: answer, body: `${gone}\n${await answer.text()}` });
  });
}

/** At its next turn, with the next question whether it is there at the latest, the engine fails: what it needs of its scope throws. */
async function break_(page) {
  const worker = page.workers().find((worker) => worker.url().includes("worker-boot"));
  await worker.evaluate(() => {
    performance.now = () => {
      throw new Error("the clock is gone");
    };
  });
}

async function crashedAndSaved(bench) {
  const it = await bench.open();
  await it.speed(50);
  await it.untilCount("sent", 12);
  await it.button("Crash broker 102").click();
  await it.untilBroker(102, "down");
  const moment = await it.pause();
  await it.untilSaved();
  return { it, moment };
}

const dialog = (it) => it.frame.getByRole("alertdialog", { name: "The engine stopped" });

/** The `row`th row of failures at any moment: nothing is lost of what the user did. */
async function failsInARow(bench, row) {
  const times = Array.from({ length: FAILURES }, (_, i) => row * FAILURES + i + 1);
  const { it } = await crashedAndSaved(bench);
  await it.button("Events").click();
  for (const time of times) {
    // What was answered is kept, though the worker has no time left for a save or for last words.
    await it.line(`slow brokers clients ${time}ms`, `slower by ${time} ms`);
    const failed = it.page.workers()[0];
    const gone = new Promise((resolve) => failed.once("close", resolve));
    await it.play.click();
    await it.page.waitForTimeout((13 * time) % 300);
    await break_(it.page);
    await gone;
    await dialog(it).getByRole("button", { name: "Close" }).click();
    await it.moment();
  }
  const kept = await it.events();
  for (const time of times) {
    assert.ok(kept.some((event) => event.text.includes(`slower by ${time} ms`)), `slow brokers clients ${time}ms is missing in ${JSON.stringify(kept)}`);
  }
  assert.equal(await it.brokerState(102).textContent(), "down");
}

const rows = Array.from({ length: ROWS }, (_, row) => [
  `${FAILURES} failures at any moment lose nothing of what the user did, ${row + 1} of ${ROWS}`,
  (bench) => failsInARow(bench, row),
]);

export const claims = {
  ...Object.fromEntries(rows),

  "a worker that fails is replaced, and the run is back, paused": async (bench) => {
    const { it, moment } = await crashedAndSaved(bench);
    const failed = it.page.workers()[0];
    const gone = new Promise((resolve) => failed.once("close", resolve));
    await break_(it.page);
    await dialog(it).waitFor();
    assert.match(await dialog(it).textContent(), /the clock is gone/);
    await gone;
    assert.deepEqual(await it.moment(), moment);
    assert.equal(await it.brokerState(102).textContent(), "down");
    assert.equal(it.page.workers().length, 1);
    await dialog(it).getByRole("button", { name: "Close" }).click();
    await dialog(it).waitFor({ state: "hidden" });
    await it.play.click();
    await it.untilTime(moment.nowUs + 1e6);
  },

  "one that fails again and again stays stopped, and says so": async (bench) => {
    const { it, moment } = await crashedAndSaved(bench);
    await breakAll(it.page);
    await break_(it.page);
    await dialog(it).getByText("again and again").waitFor();
    assert.equal(it.page.workers().length, 0);
    await it.page.unroute("**/worker-boot.js");
    await it.page.reload();
    await it.ready();
    assert.deepEqual(await it.moment(), moment);
  },

  "a worker that hangs is ended and replaced, and nothing is lost": async (bench) => {
    const { it, moment } = await crashedAndSaved(bench);
    const hung = it.page.workers()[0];
    const gone = new Promise((resolve) => hung.once("close", resolve));
    await hung.evaluate(() => {
      performance.now = () => {
        for (;;);
      };
    });
    await gone;
    const begun = Date.now();
    await dialog(it).getByText("it hung").waitFor();
    assert.deepEqual(await it.moment(), moment);
    assert.ok(Date.now() - begun < 2_000, `back after ${Date.now() - begun} ms`);
  },

  "a browser that cannot start workers runs the engine on the page": async (bench) => {
    const context = await bench.profile();
    await context.addInitScript(() => {
      window.Worker = class {
        constructor() {
          throw new DOMException("no workers here", "SecurityError");
        }
      };
    });
    const it = await bench.open("#s=trucks_gps&t=15s", { context });
    await it.moment();
    await it.play.click();
    await it.untilTime(16e6);
    assert.equal(it.page.workers().length, 0);
  },
};
