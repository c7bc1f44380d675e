// A link opens the same run elsewhere; a bad one says so and changes nothing.
import assert from "node:assert/strict";

/** A run of one's own with something in it worth keeping, paused and saved. */
async function ownRun(bench, context) {
  const it = await bench.open("", { context });
  await it.speed(50);
  await it.untilCount("sent", 12);
  await it.button("Crash broker 102").click();
  await it.untilBroker(102, "down");
  await it.untilTime((await it.nowUs()) + 11e6);
  const moment = await it.pause();
  await it.untilSaved();
  return { it, moment };
}

/** As if typed into the address bar. */
const enter = (it, fragment) => it.frame.evaluate((fragment) => void (location.hash = fragment), fragment);

const fragmentOf = (link) => new URL(link).hash;

export const claims = {
  "Share copies a link that gives the same digest at the same time in a fresh profile": async (bench) => {
    const { it, moment } = await ownRun(bench);
    const link = await it.share();
    assert.ok(link.startsWith(`${bench.url}#k1.`), link);
    assert.ok(link.length - bench.url.length <= 400, `${link.length} characters`);
    const other = await bench.open(fragmentOf(link));
    assert.deepEqual(await other.moment(), moment);
    assert.equal(await other.brokerState(102).textContent(), "down");
    await other.play.click();
    await other.untilMoving();
  },

  "where the clipboard is refused, Share shows the link to copy": async (bench) => {
    const context = await bench.profile();
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "clipboard", { get: () => undefined }));
    const it = await bench.open("", { context });
    await it.button("Share").click();
    const field = it.frame.getByLabel("Copy this link");
    await field.waitFor();
    assert.ok((await field.inputValue()).startsWith(`${bench.url}#k1.`));
  },

  "a bad link tells what is wrong and leaves the run that was there": async (bench) => {
    const context = await bench.profile();
    const { it, moment } = await ownRun(bench, context);
    const good = fragmentOf(await it.share());
    const middle = Math.floor(good.length / 2);
    const changed = good.slice(0, middle) + (good[middle] === "A" ? "B" : "A") + good.slice(middle + 1);

    const intoOpenPage = [
      [good.slice(0, -1), "cut off"],
      [good.slice(0, middle), "cut off"],
      ["#k1.", "cut off"],
      ["#s=trucks_gps&kill=102", "and when, as in"],
      ["#what-is-this", "no link of the playground"],
    ];
    for (const [fragment, says] of intoOpenPage) {
      await enter(it, fragment);
      await it.notices.filter({ hasText: says }).waitFor();
      assert.deepEqual(await it.moment(), moment, fragment);
      await it.button("Dismiss").click();
    }
    await it.page.close();

    const intoNewPage = [
      [good.slice(0, middle), /cut off/],
      [changed, /damaged/],
      [good.replace("#k1.", "#k9."), /newer version/],
    ];
    for (const [fragment, says] of intoNewPage) {
      const again = await bench.open(fragment, { context });
      assert.match((await again.notices.allTextContents()).join(" "), says, fragment);
      assert.deepEqual(await again.moment(), moment, fragment);
      await again.page.close();
    }
  },

  "a link written by hand opens at its moment": async (bench) => {
    const it = await bench.open("#s=trucks_gps&acks=1&kill=102@14s&t=15s");
    const { nowUs } = await it.moment();
    assert.equal(nowUs, 15e6);
    assert.equal(await it.brokerState(102).textContent(), "down");
    assert.match(await it.kept(), /not kept/);
  },

  "a link put into the address of the open page opens": async (bench) => {
    bench.expect(/ERR_ABORTED/);
    const it = await bench.open();
    await enter(it, "#s=trucks_gps&kill=102@14s&t=15s");
    await it.untilBroker(102, "down");
    assert.equal((await it.moment()).nowUs, 15e6);
  },

  "a link is looked at; one's own run stays, unless the other is kept": async (bench) => {
    const context = await bench.profile();
    const { it, moment } = await ownRun(bench, context);
    await it.page.close();

    const visit = await bench.open("#s=trucks_gps&t=15s", { context });
    assert.equal((await visit.moment()).nowUs, 15e6);
    await visit.page.close();
    const home = await bench.open("", { context });
    assert.deepEqual(await home.moment(), moment);
    await home.page.close();

    const keeper = await bench.open("#s=trucks_gps&t=15s", { context });
    const kept = await keeper.moment();
    await keeper.button("Keep this run").click();
    await keeper.untilSaved();
    assert.equal(new URL(keeper.page.url()).hash, "");
    await keeper.page.reload();
    await keeper.ready();
    assert.deepEqual(await keeper.moment(), kept);
  },
};
