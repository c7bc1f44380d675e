// Why and why not: of whatever is selected, with live numbers, causes to follow, and what would change it.
import assert from "node:assert/strict";

const card = (it) => it.panel.locator(".why");

/** Broker 102 is crashed one second ago. */
async function justCrashed(bench) {
  const it = await bench.open("#s=trucks_gps&kill=102@45s&t=46s");
  await it.moment();
  return it;
}

export const claims = {
  "a crashed broker says why it is not fenced yet, and until when": async (bench) => {
    const it = await justCrashed(bench);
    await it.broker(102).locator(".broker__face").click();
    await it.untilTitle("Broker 102");
    await card(it).getByText(/102 is down/).first().waitFor();
    await card(it).getByRole("button", { name: "Why is broker 102 not fenced yet?" }).click();
    await card(it).getByText(/The controller fences it at \d+(\.\d+)? s, in \d/).waitFor();
    assert.match(await card(it).textContent(), /broker\.session\.timeout\.ms = 9000/);
    await card(it).locator(".why__link").filter({ hasText: "Broker 102 crashed" }).click();
    await it.untilTitle(/^Broker 102 crashed/);
  },

  "what would change it is run, told with figures, and can be opened": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@45s&t=80s");
    await it.moment();
    await it.button("Events").click();
    await it.frame.locator(".event-row__button").filter({ hasText: /leads trucks_gps-\d+ instead of 102/ }).first().click();
    await card(it).getByRole("button", { name: "Try them" }).click();
    const outcome = card(it).locator(".why__outcome").filter({ hasText: "stop 102 instead of kill 102" });
    await outcome.waitFor();
    assert.match(await outcome.textContent(), /0 ms without a leader instead of \d/);
    await outcome.getByRole("button", { name: /Run this branch/ }).click();
    await it.until(() => location.hash.length > 40 && document.querySelector(".stage")?.dataset.nowUs === "80000000");
    await it.button("Events").click();
    await it.frame.locator(".event-row").filter({ hasText: /102 was told to stop/ }).first().waitFor();
    const events = await it.events();
    assert.ok(!events.some(({ text }) => /102 crashed/.test(text)), JSON.stringify(events));
  },

  "a broken link leads to its reasons, in this direction, and is mended there": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.say("cut 101 103");
    await it.button("Why: cut 101 103").click();
    await it.untilTitle("101 → 103");
    await card(it).locator(".why__sentence").filter({ hasText: "Nothing gets from 101 to 103." }).waitFor();
    await it.panel.getByRole("button", { name: "End: cut 101 103" }).click();
    await it.frame.locator(".in-force__one").first().waitFor({ state: "detached" });
  },

  "the prompt answers the same in text": async (bench) => {
    const it = await justCrashed(bench);
    await it.page.keyboard.press("/");
    await it.page.keyboard.type("why not 102 fenced");
    await it.page.keyboard.press("Enter");
    await it.frame.locator(".caption__answer").filter({ hasText: "broker.session.timeout.ms = 9000" }).waitFor();
  },

  "the verdict adds up": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@45s&t=80s");
    await it.moment();
    await it.frame.locator(".verdict").first().click();
    await it.panel.locator(".sums").waitFor();
    const sums = await it.panel.locator(".sums__one").evaluateAll((all) =>
      all.map((sum) => [...sum.querySelectorAll("dd")].map((dd) => Number(dd.textContent.replaceAll(",", "")))));
    assert.equal(sums.length, 2);
    for (const [all, ...parts] of sums) assert.equal(parts.reduce((sum, part) => sum + part, 0), all, JSON.stringify(sums));
    assert.ok(sums[0][0] > 30, JSON.stringify(sums));
  },
};
