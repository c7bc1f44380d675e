// Time: back and forth over the whole run, branches from the past, undo and redo, moments with a name.
import assert from "node:assert/strict";

const line = (it) => it.frame.getByRole("slider", { name: "Moment shown" });
const where = (it) => it.frame.locator(".past__where");
const branches = (it) => it.frame.getByRole("group", { name: "Branches of this run" }).getByRole("button");

/** A run of some minutes in which 102 was crashed; stands still. */
async function crashed(bench) {
  const it = await bench.open();
  await it.speed(50);
  await it.untilTime(30_000_000);
  await it.pause();
  await it.page.keyboard.press("/");
  await it.page.keyboard.type("kill 102");
  await it.page.keyboard.press("Enter");
  await it.untilBroker(102, "down");
  await it.play.click();
  await it.untilTime(90_000_000);
  await it.pause();
  return it;
}

/** Where on the page the time line has this moment; its handle is 14 pixels wide. */
async function place(it, us) {
  const box = await line(it).boundingBox();
  const part = us / 1000 / Number(await line(it).getAttribute("max"));
  return [box.x + 7 + (box.width - 14) * part, box.y + box.height / 2];
}

/** Presses the time line there. */
async function press(it, us) {
  await it.page.mouse.move(...(await place(it, us)));
  await it.page.mouse.down();
}

async function goTo(it, us) {
  const before = await it.nowUs();
  await press(it, us);
  await it.page.mouse.up();
  await it.until((before) => Number(document.querySelector(".stage").dataset.nowUs) !== before, before);
  return it.moment();
}

export const claims = {
  "a press on the time line shows that moment, and the newest is one press away": async (bench) => {
    const it = await crashed(bench);
    const newest = await it.moment();
    const past = await goTo(it, 20_000_000);
    assert.ok(Math.abs(past.nowUs - 20_000_000) < 2_000_000, `${past.nowUs}`);
    await it.untilBroker(102, "running");
    assert.match(await where(it).innerText(), /You look at the past: .* of /);
    await it.button("Back to the newest moment").click();
    await it.untilBroker(102, "down");
    assert.deepEqual(await it.moment(), newest);
    assert.equal(await where(it).isVisible(), false);
  },

  "dragging shows moments on the way and ends where it is let go": async (bench) => {
    const it = await crashed(bench);
    await press(it, 80_000_000);
    const seen = new Set();
    for (let us = 80_000_000; us > 5_000_000; us -= 2_500_000) {
      await it.page.mouse.move(...(await place(it, us)));
      await it.page.waitForTimeout(30);
      seen.add(await it.nowUs());
    }
    await it.page.mouse.up();
    await it.until(() => Number(document.querySelector(".stage").dataset.nowUs) < 12_000_000);
    assert.ok(seen.size > 5, `${seen.size} moments were seen on the way`);
    await it.untilBroker(102, "running");
  },

  "by keyboard: to the beginning, to the end, from event to event": async (bench) => {
    const it = await crashed(bench);
    const newest = await it.moment();
    await line(it).focus();
    await it.page.keyboard.press("Home");
    await it.until(() => document.querySelector(".stage").dataset.nowUs === "0");
    await it.page.keyboard.press("End");
    await it.until((us) => Number(document.querySelector(".stage").dataset.nowUs) === us, newest.nowUs);
    await line(it).blur();
    await it.page.keyboard.press("ArrowLeft");
    await it.until((us) => Number(document.querySelector(".stage").dataset.nowUs) < us, newest.nowUs);
    const back = await it.moment();
    await it.page.keyboard.press("ArrowLeft");
    await it.until((us) => Number(document.querySelector(".stage").dataset.nowUs) < us, back.nowUs);
    await it.page.keyboard.press("ArrowRight");
    await it.until((us) => Number(document.querySelector(".stage").dataset.nowUs) === us, back.nowUs);
    assert.deepEqual(await it.moment(), back);
  },

  "an act in the past begins a branch; both stay, and each is a press away": async (bench) => {
    const it = await crashed(bench);
    const first = await it.moment();
    await goTo(it, 20_000_000);
    await it.page.keyboard.press("/");
    await it.page.keyboard.type("kill 101");
    await it.page.keyboard.press("Enter");
    await it.untilBroker(101, "down");
    await it.notices.filter({ hasText: "Branch 2 begins here" }).waitFor();
    assert.equal(await branches(it).count(), 2);
    await it.play.click();
    await it.untilTime(first.nowUs);
    await it.pause();
    await it.untilBroker(102, "down");
    await branches(it).first().click();
    await it.untilBroker(101, "running");
    await it.button("Back to the newest moment").click().catch(() => {});
    assert.deepEqual(await it.moment(), first);
  },

  "undo shows the same moment without the act, redo with it": async (bench) => {
    const it = await crashed(bench);
    const before = await it.moment();
    await it.page.keyboard.press("Control+z");
    await it.untilBroker(102, "running");
    assert.equal((await it.moment()).nowUs, before.nowUs);
    await it.page.keyboard.press("Control+Shift+Z");
    await it.untilBroker(102, "down");
    assert.deepEqual(await it.moment(), before);
  },

  "a named moment, the past and what may be undone survive a reload": async (bench) => {
    const it = await crashed(bench);
    await goTo(it, 20_000_000);
    await it.frame.getByLabel("Name this moment").fill("before the crash");
    await it.page.keyboard.press("Enter");
    await it.frame.getByRole("group", { name: "Named moments" }).getByRole("button").waitFor();
    const past = await it.moment();
    await it.untilSaved();
    await it.page.reload();
    await it.ready();
    assert.deepEqual(await it.moment(), past);
    await it.frame.getByRole("button", { name: /before the crash/ }).waitFor();
    assert.match(await where(it).innerText(), /You look at the past/);
    await it.page.keyboard.press("Control+z");
    // The act lies ahead: without it the run is known as far as it was the same.
    await it.frame.getByRole("button", { name: "Redo" }).click();
    await it.button("Back to the newest moment").click();
    await it.untilBroker(102, "down");
  },

  "the prompt goes through time too": async (bench) => {
    const it = await crashed(bench);
    const say = async (text) => {
      await it.frame.locator("#prompt").fill(text);
      await it.frame.locator("#prompt").press("Enter");
    };
    await say("goto 12.3s");
    await it.until(() => document.querySelector(".stage").dataset.nowUs === "12300000");
    await say("undo");
    await it.frame.locator(".caption__answer").filter({ hasText: "Undone: kill 102" }).waitFor();
    await say("goto 9h");
    await it.frame.locator(".caption__answer").filter({ hasText: "Nobody has seen" }).waitFor();
  },
};
