// A broker is crashed and started from the picture.
import assert from "node:assert/strict";

const allInSync = () => {
  const copies = [...document.querySelectorAll(".row .copy")];
  return copies.length === 30 && copies.every((copy) => !copy.matches(".copy--behind, .copy--offline"));
};

/** The records were written before the crash, so there is something to lose. */
async function crashed(bench) {
  const it = await bench.open();
  await it.speed(10);
  await it.untilCount("promised", 10);
  await it.button("Crash broker 102").click();
  await it.untilBroker(102, "down");
  return it;
}

export const claims = {
  "the leaders move, nothing promised is lost, and it comes back in sync": async (bench) => {
    const it = await crashed(bench);
    assert.equal(await it.frame.locator("#prompt").inputValue(), "kill 102", "the click is shown as a shell line");
    await it.speed(100);
    await it.until(() => document.querySelectorAll(".row").length === 10 && document.querySelectorAll(".row .copy--leader").length === 10
      && [...document.querySelectorAll(".row .copy--leader")].every((copy) => !copy.textContent.includes("102")));
    const at = await it.nowUs();
    await it.untilTime(at + 60e6);
    assert.equal(await it.count("lost"), 0);
    const before = await it.count("promised");
    await it.untilCount("promised", before + 20);

    await it.button("Start broker 102").click();
    await it.untilBroker(102, "running");
    await it.until(allInSync);
    assert.equal(await it.count("lost"), 0);
  },

  "the list says what happened and when, and Why? says by which rule": async (bench) => {
    const it = await crashed(bench);
    await it.speed(100);
    await it.until(() => [...document.querySelectorAll(".row .copy--leader")].every((copy) => !copy.textContent.includes("102")));
    await it.pause();
    await it.button("Events").click();
    const events = await it.events();
    assert.ok(events.length > 3);
    assert.ok(events.every(({ at, text }) => /^\d+:\d\d$/.test(at) && text.length > 5), JSON.stringify(events));
    for (const word of [/102.*(crash|kill)|(crash|kill).*102/i, /fence/i, /trucks_gps-\d+.*leader|leader.*trucks_gps-\d+/i]) {
      assert.ok(events.some(({ text }) => word.test(text)), `no event matches ${word}: ${JSON.stringify(events)}`);
    }
    await it.frame.locator(".event-row__button").filter({ hasText: /trucks_gps-\d/ }).filter({ hasText: /leader/i }).first().click();
    assert.ok((await it.panel.locator(".why__rule").textContent()).length > 20);
    const causes = it.panel.locator(".why__link");
    assert.ok((await causes.count()) > 0);
    const chain = await causes.allTextContents();
    assert.ok(chain.every((cause) => /because, at \d+:\d\d/.test(cause)), chain.join("; "));
    assert.ok(chain.some((cause) => /102/.test(cause)), chain.join("; "));
    await causes.last().click();
    await it.panel.locator(".why__rule").waitFor();
  },

  "the line below the stage is answered by its own Why?": async (bench) => {
    const it = await crashed(bench);
    await it.pause();
    const caption = await it.frame.locator(".caption__words > span").first().textContent();
    await it.button("Why?").click();
    assert.equal(await it.panel.locator(".panel__name").textContent(), caption);
  },

  "a broker that was removed is not offered to start, but Kafka can be told to forget it": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.say("remove broker 103");
    await it.run(5, 5);
    await it.untilBroker(103, "removed");
    assert.equal(await it.button("Start broker 103").count(), 0);
    await it.button("Unregister broker 103").click();
    assert.equal(await it.frame.locator("#prompt").inputValue(), "kafka-cluster.sh unregister --id 103");
  },
};
