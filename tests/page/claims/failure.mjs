// The engine fails; the run does not.
import assert from "node:assert/strict";

/** From its next turn on, the engine cannot go on: what it needs of its scope throws. */
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

export const claims = {
  "a worker that fails is replaced, and the run is back, paused": async (bench) => {
    const { it, moment } = await crashedAndSaved(bench);
    const failed = it.page.workers()[0];
    const gone = new Promise((resolve) => failed.once("close", resolve));
    await break_(it.page);
    await it.play.click();
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
    for (let time = 0; time < 3; time += 1) {
      await it.moment();
      const failed = it.page.workers()[0];
      const gone = new Promise((resolve) => failed.once("close", resolve));
      await break_(it.page);
      await it.page.keyboard.press("Space");
      await gone;
      if (time < 2) {
        await it.until(() => document.querySelector(".button--play").getAttribute("aria-label").startsWith("Play"));
        await dialog(it).getByRole("button", { name: "Close" }).click();
      }
    }
    await dialog(it).getByText("again and again").waitFor();
    await it.page.reload();
    await it.ready();
    assert.deepEqual(await it.moment(), moment);
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
