// Scenarios: fetched when opened, looked at beside the user's own run.
import assert from "node:assert/strict";

async function openFromShelf(it, name) {
  await it.frame.locator(".rail").getByText("Scenarios").click();
  await it.untilTitle("Scenarios");
  await it.panel.getByText(name).click();
  await it.until((title) => document.querySelector(".top-bar__title")?.textContent === title, name);
}

export const claims = {
  "one opens in memory under a link of its own, and the own run is there again afterwards": async (bench) => {
    const it = await bench.open();
    await it.speed(50);
    await it.untilCount("sent", 12);
    const own = await it.pause();
    await it.untilSaved();
    await openFromShelf(it, "Broker 102 crashes and returns");
    await it.ready();
    assert.match(await it.page.evaluate(() => location.hash), /^#k1\./);
    await it.frame.locator(".rail").getByText("Scenarios").click();
    await it.button("Back to your own run").click();
    await it.until(() => document.querySelector(".top-bar__title")?.textContent === "trucks_gps fleet");
    await it.ready();
    assert.deepEqual(await it.moment(), own);
  },

  "what became of the records, and who decides, are one click away": async (bench) => {
    const it = await bench.open();
    await it.speed(50);
    await it.untilCount("sent", 12);
    await it.frame.locator(".verdict").click();
    await it.untilTitle("What became of the records");
    await it.panel.getByText("Every record that was promised is there.").waitFor();
    await it.frame.locator(".quorum").click();
    await it.untilTitle("Controllers");
    await it.button("Crash controller 3001").waitFor();
  },
};
