// The run survives a reload, wherever this browser lets it be kept.
import assert from "node:assert/strict";

/** What lies in the storage of the page's origin. */
const stored = (page) =>
  page.evaluate(async () => {
    const databases = (await indexedDB?.databases?.().catch(() => [])) ?? [];
    const root = await navigator.storage?.getDirectory?.().catch(() => null);
    const files = [];
    for await (const name of root?.keys() ?? []) files.push(name);
    return { files, databases: databases.map(({ name }) => name) };
  });

/** The worker's script as served, behind lines that take something away from its scope. */
async function withoutInWorker(context, lines) {
  await context.route("**/worker-boot.js", async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${lines}\n${await response.text()}` });
  });
}

const NO_OPFS = "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('not here', 'SecurityError'));";
const NO_INDEXED_DB = "IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };";

async function survivesReload(it) {
  const before = await it.pause();
  await it.untilSaved();
  await it.page.reload();
  await it.ready();
  assert.deepEqual(await it.moment(), before);
  await it.play.click();
  await it.untilMoving();
}

export const claims = {
  "paused, saved, reloaded: the same digest at the same time, still paused": async (bench) => {
    const it = await bench.open();
    await it.speed(50);
    await it.untilCount("sent", 12);
    await survivesReload(it);
    assert.deepEqual(await stored(it.page), { files: ["kafka-playground"], databases: [] });
  },

  "after a crash by hand, and the broker is still down": async (bench) => {
    const it = await bench.open();
    await it.speed(50);
    await it.untilCount("sent", 12);
    await it.button("Crash broker 102").click();
    await it.untilBroker(102, "down");
    await it.untilTime((await it.nowUs()) + 12e6);
    await survivesReload(it);
    assert.equal(await it.brokerState(102).textContent(), "down");
  },

  "a run that plays on is taken up again not much earlier": async (bench) => {
    const it = await bench.open();
    await it.speed(10);
    // Cuts come every two seconds of the page, twenty of the run: by now one lies well behind the beginning.
    await it.untilTime(60e6);
    await it.until(() => /^saved/.test(document.querySelector(".kept__text")?.textContent));
    const before = await it.nowUs();
    await it.page.reload();
    await it.ready();
    assert.ok((await it.nowUs()) > 1e6, "it did not begin anew");
    await it.untilTime(before);
    assert.match(await it.play.getAttribute("aria-label"), /^Pause/);
  },

  "without OPFS it is kept in IndexedDB": async (bench) => {
    const context = await bench.profile();
    await withoutInWorker(context, NO_OPFS);
    const it = await bench.open("", { context });
    await it.speed(50);
    await it.untilCount("sent", 12);
    await it.button("Crash broker 102").click();
    await it.untilBroker(102, "down");
    await survivesReload(it);
    assert.deepEqual(await stored(it.page), { files: [], databases: ["kafka-playground"] });
  },

  "without both it runs, and says that it is not kept": async (bench) => {
    const context = await bench.profile();
    await withoutInWorker(context, NO_OPFS + NO_INDEXED_DB);
    const it = await bench.open("", { context });
    await it.speed(50);
    await it.untilCount("sent", 12);
    assert.match(await it.kept(), /^not saved: This browser does not let the page keep data here/);
    assert.deepEqual(await stored(it.page), { files: [], databases: [] });
  },

  "a second tab says that its run is not kept, and leaves the first one's alone": async (bench) => {
    const context = await bench.profile();
    const first = await bench.open("", { context });
    await first.speed(50);
    await first.untilCount("sent", 12);
    const second = await bench.open("", { context });
    await second.until(() => /^not saved: Another tab/.test(document.querySelector(".kept__text")?.textContent));
    await second.page.close();
    await first.page.bringToFront();
    await survivesReload(first);
  },
};
