// Everybody can use it: the axe rules in both themes at three sizes, with the busiest things on the page.
import assert from "node:assert/strict";
import { axeOf } from "../meters.mjs";

const SIZES = [
  { width: 1440, height: 900 },
  { width: 820, height: 1180 },
  { width: 390, height: 844 },
];

/** What breaks a rule, as `rule: element`. */
async function violations(it, axe) {
  await it.frame.evaluate(axe);
  return it.frame.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`));
  });
}

const sideways = () => {
  const root = document.documentElement;
  return Math.max(root.scrollWidth, document.body.scrollWidth) - root.clientWidth;
};

/** The states of the page a person meets: a record, the list of what happened, the reasons, the shortcuts, the editor. */
async function visit(it, look) {
  await look("the stage");
  await it.records().last().click();
  await it.untilTitle(/^trucks_gps-9@\d+$/);
  await look("a record");
  await it.page.keyboard.press("Escape");
  await it.button("Why?").click();
  await it.panel.locator(".why__rule").first().waitFor();
  await look("the reasons");
  await it.page.keyboard.press("Escape");
  await it.button("Events").click();
  await it.frame.locator(".event-row").first().waitFor();
  await look("the events");
  await it.page.keyboard.press("?");
  await it.frame.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
  await look("the shortcuts");
  await it.page.keyboard.press("Escape");
  await it.button("Stage").click();
  await visitEditor(it, look);
}

/** The palette, a form with what was refused, a menu, the empty canvas. */
async function visitEditor(it, look) {
  await it.button("Build").click();
  await it.frame.locator("[data-tool=topic]").click();
  await it.frame.getByLabel("Replication factor", { exact: true }).fill("4");
  await it.frame.locator(".form [role=alert]:visible").waitFor();
  await it.button("More settings").click();
  await look("a form");
  await it.page.keyboard.press("Escape");
  await it.button("What can be done to 101").click();
  await it.frame.getByRole("menuitem", { name: "no link is broken" }).waitFor();
  await look("a menu");
  await it.page.keyboard.press("Escape");
  await it.button("Scenarios").click();
  await it.button("New: an empty canvas").click();
  await it.frame.getByRole("heading", { name: "An empty cluster" }).waitFor();
  await look("an empty canvas");
}

function claim(viewport, colorScheme) {
  return async (bench) => {
    const axe = axeOf(bench.lab);
    const it = await bench.open("#s=trucks_gps&kill=102@40s&t=55s", { viewport, colorScheme, hasTouch: viewport.width < 900 });
    await it.moment();
    const found = [];
    await visit(it, async (state) => {
      found.push(...(await violations(it, axe)).map((text) => `${state}: ${text}`));
      const over = await it.frame.evaluate(sideways);
      if (over > 0) found.push(`${state}: the page scrolls ${over} px sideways`);
    });
    assert.deepEqual(found, []);
  };
}

const cases = SIZES.flatMap((size) => ["light", "dark"].map((scheme) => [`${size.width} × ${size.height}, ${scheme}`, claim(size, scheme)]));

export const claims = {
  ...Object.fromEntries(cases),

  "in a frame, 500 × 500": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@40s&t=55s", { query: "?embed=1", viewport: { width: 500, height: 500 } });
    await it.moment();
    assert.deepEqual(await violations(it, axeOf(bench.lab)), []);
    assert.equal(await it.frame.evaluate(sideways), 0);
  },

  "forced colours leave what is open, chosen and wrong to be seen without any of our colours": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@40s&t=55s", { forcedColors: "active" });
    await it.moment();
    const mark = (selector) => it.frame.locator(selector).first().evaluate((element) => {
      const { outlineStyle, outlineWidth, borderLeftColor, borderStyle } = getComputedStyle(element);
      return { outlineStyle, outlineWidth, borderLeftColor, borderStyle };
    });
    await it.broker(102).locator(".broker__face").click();
    await it.untilTitle("Broker 102");
    assert.equal((await mark('[data-at="broker:102"]')).borderStyle, "dashed");
    assert.equal((await mark('[data-at="broker:102"]')).outlineStyle, "solid");
    assert.equal((await mark('[data-at="broker:101"]')).outlineStyle, "none");
    assert.notEqual((await mark(".rail__place--here")).borderLeftColor, (await mark(".rail__place:not(.rail__place--here)")).borderLeftColor);
    assert.deepEqual(await violations(it, axeOf(bench.lab)), []);
  },
};
