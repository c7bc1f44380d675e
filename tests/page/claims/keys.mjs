// Everything without a mouse, and the controls of time.
import assert from "node:assert/strict";

/** Virtual seconds that pass in a wall second. */
async function pace(it, times) {
  const { nowUs } = await it.pause();
  await it.speed(times);
  await it.play.click();
  await it.untilTime(nowUs + 1);
  const read = () =>
    it.frame.evaluate(() => ({ wall: performance.now(), virtual: Number(document.querySelector(".stage").dataset.nowUs) / 1000 }));
  const from = await read();
  await it.until((end) => performance.now() >= end, from.wall + 700);
  const to = await read();
  return (to.virtual - from.virtual) / (to.wall - from.wall);
}

/** What has the focus: its name, and whether a person can see that. */
const focused = () => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const ringed = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5;
  const seen = box.width > 0 && box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth && Number(style.opacity) > 0.5;
  return { body: element === document.body, name: element.getAttribute("aria-label") ?? element.textContent.trim(), class: String(element.className), ok: ringed && seen };
};

export const claims = {
  "Space pauses and plays": async (bench) => {
    const it = await bench.open();
    await it.untilMoving();
    await it.page.keyboard.press("Space");
    const still = await it.moment();
    await it.page.keyboard.press("Space");
    await it.untilTime(still.nowUs + 1);
  },

  "→ stops at the next event": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@14s&t=15s");
    await it.moment();
    const known = async () => Number((await it.frame.locator(".timeline__more").textContent()).match(/\d+/)[0]);
    const before = await known();
    // The mouse was last: its button still has the focus.
    await it.speed(1);
    await it.play.click();
    await it.untilTime(15e6 + 1);
    await it.pause();
    await it.page.keyboard.press("ArrowRight");
    await it.until((before) => Number(document.querySelector(".timeline__more").textContent.match(/\d+/)[0]) > before, before);
    const { nowUs } = await it.moment();
    assert.ok(nowUs < 24e6, "102 is fenced nine seconds after the crash");
    const stopped = await known();
    await it.page.keyboard.press("ArrowRight");
    await it.untilTime(nowUs + 1);
    await it.moment();
    assert.ok((await known()) > stopped);
  },

  "→ does not run away where nothing is ahead": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    await it.moment();
    await it.page.keyboard.press("ArrowRight");
    await it.notices.filter({ hasText: "at rest" }).waitFor();
    const { nowUs } = await it.moment();
    assert.ok(nowUs >= 660e6 && nowUs < 900e6, `${nowUs} µs`);
  },

  "the speed chosen is the pace": async (bench) => {
    const it = await bench.open();
    const real = await pace(it, 1);
    assert.ok(real > 0.5 && real < 1.5, `1× went ${real}×`);
    const ten = await pace(it, 10);
    assert.ok(ten > 5 && ten < 15, `10× went ${ten}×`);
    const slow = await pace(it, 0.1);
    assert.ok(slow < 0.2, `0.1× went ${slow}×`);
  },

  "? opens the shortcuts and Esc closes them": async (bench) => {
    const it = await bench.open();
    const help = it.frame.getByRole("dialog", { name: "Keyboard shortcuts" });
    await it.page.keyboard.press("?");
    await help.waitFor();
    await it.page.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
  },

  "Start over begins at 0:00 without what was done": async (bench) => {
    const it = await bench.open();
    await it.speed(10);
    await it.untilCount("sent", 5);
    await it.button("Crash broker 102").click();
    await it.untilBroker(102, "down");
    const { nowUs } = await it.pause();
    await it.button("Start over from 0:00").click();
    await it.untilBroker(102, "running");
    assert.ok((await it.nowUs()) < nowUs);
  },

  "Tab reaches everything, and it can be seen where one is": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@20s&t=45s");
    await it.moment();
    const stops = [];
    for (let i = 0; i < 150; i += 1) {
      await it.page.keyboard.press("Tab");
      const stop = await it.frame.evaluate(focused);
      if (stop.body || (stops.length > 5 && stop.name === stops[0].name)) break;
      stops.push(stop);
    }
    const names = stops.map((stop) => stop.name);
    const wanted = [
      "Skip to the stage", "Start over from 0:00", "Play (Space)", "Next event (→)", /^Speed/, "Share", "Stage", "Events",
      /truck/, /^102/, "Start broker 102", "Crash broker 101", /P4/, /^Records of trucks_gps partition 4/, /location-dashboard/, "Why?",
    ];
    for (const name of wanted) {
      assert.ok(names.some((stop) => (name instanceof RegExp ? name.test(stop) : stop.startsWith(name))), `${name} is not among ${names.join(" | ")}`);
    }
    assert.deepEqual(stops.filter((stop) => !stop.ok).map((stop) => `${stop.class}: ${stop.name}`), []);
  },

  "the arrow keys walk a strip and Enter chooses the record": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    const { nowUs } = await it.moment();
    await it.frame.getByRole("listbox", { name: /^Records of trucks_gps partition 4/ }).focus();
    await it.page.keyboard.press("End");
    await it.page.keyboard.press("ArrowLeft");
    await it.page.keyboard.press("Enter");
    await it.untilTitle(/^trucks_gps-4@\d+$/);
    assert.equal((await it.moment()).nowUs, nowUs, "→ and ← on a strip leave time alone");
  },
};
