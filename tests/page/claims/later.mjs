// The artifact comes in two parts: what a visitor needs who watches, and what somebody needs who takes part.
import assert from "node:assert/strict";

const fetched = () => performance.getEntriesByType("resource").filter((entry) => entry.name.endsWith("-later.wasm")).length;

/** How often the page and its worker fetched the second part. */
async function fetches({ page }) {
  const counts = await Promise.all([page, ...page.workers()].map((place) => place.evaluate(fetched)));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Moving, and saved once; nobody touched anything. */
async function watched(bench) {
  const it = await bench.open();
  await it.untilMoving();
  await it.speed(10);
  await it.untilCount("promised", 100);
  await it.until(() => document.querySelector(".kept__text")?.textContent.startsWith("saved"));
  return it;
}

export const claims = {
  "who only watches does without the second part": async (bench) => {
    const it = await watched(bench);
    assert.equal(await fetches(it), 0);
    await it.page.mouse.move(300, 300);
    await it.until(() => performance.getEntriesByType("resource").some((entry) => entry.name.endsWith("-later.wasm")));
    await it.button("Crash broker 102").click();
    await it.untilBroker(102, "down");
    assert.equal(await it.page.evaluate(fetched), 1);
  },

  "a click that nothing announced finds the second part all the same": async (bench) => {
    const it = await watched(bench);
    await it.button("Crash broker 102").evaluate((button) => button.click());
    await it.untilBroker(102, "down");
    assert.ok((await fetches(it)) > 0);
  },
};
