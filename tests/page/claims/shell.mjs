// The prompt: what is typed runs at this moment, what is clicked stands there as the line that does it.
import assert from "node:assert/strict";

const prompt = (it) => it.frame.locator("#prompt");
const answer = (it) => it.frame.locator(".caption__answer");

export const claims = {
  "a typed line does what it says": async (bench) => {
    const it = await bench.open();
    await it.page.keyboard.press("/");
    await it.page.keyboard.type("kill 102");
    await it.page.keyboard.press("Enter");
    await it.untilBroker(102, "down");
    assert.equal(await answer(it).isVisible(), false);
  },

  "a line that is none says which word is wrong, stays to be mended, and changes nothing": async (bench) => {
    const it = await bench.open();
    const before = await it.pause();
    await prompt(it).fill("kil 102");
    await prompt(it).press("Enter");
    await answer(it).filter({ hasText: "Did you mean `kill`?" }).waitFor();
    assert.equal(await prompt(it).inputValue(), "kil 102");
    assert.deepEqual(await it.moment(), before);
  },

  "a click leaves its line in the prompt and the focus on its button": async (bench) => {
    const it = await bench.open();
    const button = it.button("Crash broker 101");
    await button.focus();
    await it.page.keyboard.press("Enter");
    await it.untilBroker(101, "down");
    assert.equal(await prompt(it).inputValue(), "kill 101");
    assert.notEqual(await it.page.evaluate(() => document.activeElement?.id), "prompt");
  },
};
