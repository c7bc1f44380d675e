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

  "a new run leaves the old one among the earlier runs, and it is taken up again as it stood, or deleted": async (bench) => {
    const it = await bench.open();
    await it.speed(50);
    await it.untilCount("sent", 12);
    await it.button("Crash broker 102").click();
    await it.untilBroker(102, "down");
    const own = await it.pause();
    await it.untilSaved();
    const shelf = () => it.frame.locator(".rail").getByText("Scenarios").click();
    const title = (text) => it.until((text) => document.querySelector(".top-bar__title")?.textContent === text, text);
    await shelf();
    assert.equal(await it.panel.getByText("Your earlier runs").isVisible(), false);
    await it.button("New: an empty canvas").click();
    await title("An empty cluster");
    await it.untilSaved();
    await shelf();
    await it.panel.getByRole("button", { name: /^trucks_gps fleet/ }).click();
    await title("trucks_gps fleet");
    await it.ready();
    assert.deepEqual(await it.moment(), own);
    await it.untilSaved();
    await shelf();
    assert.equal(await it.panel.getByText("Your earlier runs").isVisible(), false, "it is the present run again, and the empty one was no work");
    await it.button("New: an empty canvas").click();
    await title("An empty cluster");
    await it.untilSaved();
    await shelf();
    await it.panel.getByRole("button", { name: /^Delete: trucks_gps fleet/ }).click();
    await it.panel.getByRole("button", { name: /^Delete for good/ }).click();
    await it.panel.getByText("Your earlier runs").waitFor({ state: "hidden" });
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
