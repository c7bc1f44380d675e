// The stage's two views of one state.
import assert from "node:assert/strict";

/** What each broker's box says of its copies: `{ "101": { "P4": "L", … } }`. */
const copies = () =>
  Object.fromEntries(
    [...document.querySelectorAll(".box")].map((box) => [
      box.dataset.at.split(":")[1],
      Object.fromEntries([...box.querySelectorAll(".copy-row__head")].map((head) => [head.children[0].textContent, head.children[1].textContent])),
    ]),
  );

/** What assistive technology is told: the tree's lines, and the one that is current. */
async function told(it) {
  const session = await it.page.context().newCDPSession(it.page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const tree = nodes.find(({ role, name }) => role?.value === "tree" && name?.value === "The cluster in words");
  const property = (node, name) => node.properties?.find((one) => one.name === name)?.value;
  const current = property(tree, "activedescendant")?.relatedNodes?.[0].backendDOMNodeId;
  const lines = nodes.filter(({ role, ignored }) => role?.value === "treeitem" && !ignored);
  return {
    focused: property(tree, "focused")?.value ?? false,
    lines: lines.map(({ name }) => name.value),
    at: lines.find(({ backendDOMNodeId }) => backendDOMNodeId === current)?.name.value,
    level: property(lines.find(({ backendDOMNodeId }) => backendDOMNodeId === current) ?? {}, "level")?.value,
  };
}

/** Presses Tab until the outline has the focus. */
async function toOutline(it) {
  for (let i = 0; i < 200; i++) {
    if ((await it.frame.evaluate(() => document.activeElement?.getAttribute("role"))) === "tree") return;
    await it.page.keyboard.press("Tab");
  }
  throw new Error("Tab never reached the outline");
}

/** Walks the outline down to a line that says this, and into it. */
async function into(it, wanted) {
  for (let i = 0; i < 120; i++) {
    const { at } = await told(it);
    if (wanted.test(at)) return it.page.keyboard.press("ArrowRight");
    await it.page.keyboard.press("ArrowDown");
  }
  throw new Error(`no line says ${wanted}`);
}

export const claims = {
  "the accessibility tree alone leads from topic to partition to record, in both views": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    await it.moment();
    for (const view of ["Story", "Cluster"]) {
      await it.button(view).click();
      await toOutline(it);
      await into(it, /^Topic trucks_gps: 10 partitions/);
      await it.page.keyboard.press("ArrowDown");
      await into(it, /^trucks_gps-4: Leader 10\d, Replicas [\d,]+, Isr [\d,]+, log end \d+/);
      await it.page.keyboard.press("ArrowDown");
      const { at, level } = await told(it);
      assert.match(at, /^Offset \d+, key truck-\d+/);
      assert.equal(Number(level), 3);
      await it.page.keyboard.press("Enter");
      await it.untilTitle(new RegExp(`-4@${at.match(/\d+/)[0]}$`));
      for (let i = 0; i < 6; i++) await it.page.keyboard.press("ArrowLeft");
      await it.page.keyboard.press("Home");
    }
  },

  "more partitions than anyone reads become squares; a click leads to a box, a strip, a record, and back": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    await it.moment();
    await it.say("kafka-topics.sh --create --topic wide --partitions 80 --replication-factor 3");
    await it.run(2, 1);
    const canvas = it.frame.locator(".grid__canvas");
    await canvas.waitFor();
    assert.ok((await it.frame.locator(".stage *").count()) < 900, "no element for each partition");
    await canvas.focus();
    // The first box is of trucks_gps.
    await it.page.keyboard.press("ArrowRight");
    await it.page.keyboard.press("Enter");
    await it.frame.locator(".crumbs__one").filter({ hasText: "trucks_gps" }).waitFor();
    await canvas.focus();
    await it.page.keyboard.press("ArrowRight");
    for (let i = 0; i < 4; i++) await it.page.keyboard.press("ArrowRight");
    await it.frame.locator(".grid__words").filter({ hasText: /trucks_gps P4 · leader 10\d · in sync 3 of 3/ }).waitFor();
    await it.page.keyboard.press("Enter");
    await it.frame.locator(".close-up .row g.cell").first().waitFor();
    assert.equal(await it.frame.locator(".close-up .copy-row").count(), 3);
    await it.frame.locator(".close-up .row g.cell").last().click();
    await it.untilTitle(/-4@\d+$/);
    await it.page.keyboard.press("Escape");
    await it.frame.locator(".crumbs__one").first().click();
    await canvas.waitFor();
  },

  "two fingers that part come closer to a large cluster, and together go back": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s", { viewport: { width: 390, height: 844 }, hasTouch: true });
    await it.moment();
    await it.say("kafka-topics.sh --create --topic wide --partitions 80 --replication-factor 3");
    await it.run(2, 1);
    const canvas = it.frame.locator(".grid__canvas");
    await canvas.scrollIntoViewIfNeeded();
    const { x, y } = await canvas.boundingBox();
    const session = await it.page.context().newCDPSession(it.page);
    const touch = (type, apart) => {
      const touchPoints = apart === 0 ? [] : [-1, 1].map((side, id) => ({ x: x + 60 + (side * apart) / 2, y: y + 40, id }));
      return session.send("Input.dispatchTouchEvent", { type, touchPoints });
    };
    const pinch = async (from, to) => {
      await touch("touchStart", from);
      for (let step = 1; step <= 4; step++) await touch("touchMove", from + ((to - from) * step) / 4);
      await touch("touchEnd", 0);
    };
    await pinch(40, 60);
    await it.frame.locator(".crumbs__one").filter({ hasText: "trucks_gps" }).waitFor();
    await canvas.waitFor();
    await pinch(100, 60);
    await it.frame.locator(".crumbs__one").filter({ hasText: "trucks_gps" }).waitFor({ state: "detached" });
  },

  "the cluster's boxes hold the copies that the strips name, and nothing is invented": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    const { nowUs, digest } = await it.moment();
    const rows = await it.frame.locator(".row").evaluateAll((rows) =>
      rows.map((row) => ({
        partition: row.querySelector(".row__name").textContent,
        copies: [...row.querySelectorAll(".copy")].map((copy) => [...copy.children].map((part) => part.textContent)),
      })),
    );
    await it.button("Cluster").click();
    await it.frame.locator(".box").nth(2).waitFor();
    const boxes = await it.frame.evaluate(copies);
    assert.deepEqual(Object.keys(boxes), ["101", "102", "103"]);
    for (const row of rows) for (const [role, broker] of row.copies) assert.equal(boxes[broker][row.partition], role, `${row.partition} on ${broker}`);
    assert.deepEqual(await it.moment(), { nowUs, digest });
    assert.equal(await it.frame.locator(".row").count(), 0);
  },

  "three copies of a record look the same in three boxes": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    await it.moment();
    await it.page.keyboard.press("v");
    await it.frame.locator(".box .cell").first().waitFor();
    const seen = await it.frame.evaluate(() =>
      ["101", "102", "103"].map((id) => {
        const cells = document.querySelectorAll(`[data-at="cells:trucks_gps:4:${id}"] .cell`);
        return [...cells].map((cell) => [cell.querySelector("text").textContent, cell.getAttribute("class"), cell.querySelector("polygon").getAttribute("points")]);
      }),
    );
    assert.ok(seen[0].length > 3);
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
  },

  "turning the stage takes no longer than 0.4 s, and does not move where motion is not wanted": async (bench) => {
    const turn = async (settings) => {
      const it = await bench.open("#s=trucks_gps&t=60s", settings);
      await it.moment();
      await it.frame.evaluate(() => {
        const animate = Element.prototype.animate;
        window.flights = [];
        Element.prototype.animate = function (frames, options) {
          window.flights.push({ at: this.dataset.at, ms: options.duration });
          return animate.call(this, frames, options);
        };
      });
      await it.page.keyboard.press("v");
      await it.frame.locator(".box").first().waitFor();
      await it.page.waitForTimeout(100);
      return it.frame.evaluate(() => window.flights);
    };
    const flights = await turn({});
    assert.ok(flights.every(({ ms }) => ms <= 400));
    for (const name of ["broker:102", "cells:trucks_gps:4:101", "copy:trucks_gps:4:103"]) assert.ok(flights.some(({ at }) => at === name), name);
    assert.deepEqual(await turn({ reducedMotion: "reduce" }), []);
  },

  "a fallen leader's box shows the records that nobody copied": async (bench) => {
    const it = await bench.open("#s=trucks_gps&acks=1&t=60s");
    await it.moment();
    const leader = (await it.frame.locator(".row").nth(4).locator(".copy--leader").textContent()).slice(1);
    const others = ["101", "102", "103"].filter((id) => id !== leader);
    for (const other of others) await it.say(`cut ${leader} ${other}`);
    await it.page.keyboard.press("v");
    await it.run(8, 10);
    await it.say(`kill ${leader}`);
    await it.say("heal");
    await it.run(15, 10);
    const own = it.frame.locator(`[data-at="cells:trucks_gps:4:${leader}"] .cell--own`);
    await own.first().waitFor();
    assert.match(await own.first().locator("title").textContent(), /alone/);
  },

  "what the stage would cut in two fades, also where nothing travels": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=30s", { viewport: { width: 390, height: 844 } });
    await it.moment();
    await it.until(() => document.querySelector(".stage__scroll .row[data-cut]"));
  },
};
