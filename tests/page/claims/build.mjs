// The editor on the picture: a topology from the empty canvas, as a new user builds it, and what can be done to its things.
import assert from "node:assert/strict";

/** What a person does by pointer, counted: a click, a drag, the filling in of a field. */
class Hand {
  actions = 0;
  begun = performance.now();

  constructor(it) {
    this.it = it;
  }

  click(target, options) {
    this.actions += 1;
    return target.click(options);
  }

  fill(target, text) {
    this.actions += 1;
    return target.fill(text);
  }

  choose(target, value) {
    this.actions += 1;
    return target.selectOption(value);
  }

  seconds() {
    return (performance.now() - this.begun) / 1000;
  }
}

const form = (it, name) => it.frame.getByRole("form", { name });
const tile = (it, name) => it.frame.locator(".palette__tile").filter({ has: it.frame.getByText(name, { exact: true }) });
const more = (it, what) => it.frame.getByRole("button", { name: `More ${what}` });
const add = (it) => it.frame.locator(".form").getByRole("button", { name: "Add", exact: true });
const floats = (it) => it.frame.locator(".float");
const topicHead = (it, topic) => it.frame.locator(`[data-at="topic:${topic}"] .column-head__name`);
const group = (it, name) => it.frame.locator(`[data-at="group:${name}"]`);
const refusal = (it) => it.frame.locator(".form [role=alert]:visible").first();
const built = ({ producers, brokers, rows, members }) => (
  document.querySelectorAll(".broker").length === brokers && document.querySelectorAll(".pill").length === producers
  && document.querySelectorAll(".row").length === rows && document.querySelectorAll(".member").length === members
);

async function emptyCanvas(bench) {
  const it = await bench.open();
  await it.untilMoving();
  const hand = new Hand(it);
  await hand.click(it.button("Build"));
  await hand.click(it.button("New empty canvas"));
  await it.frame.getByRole("heading", { name: "An empty cluster" }).waitFor();
  return { it, hand };
}

/** Until the form is gone, because its lines were done. */
const done = (it) => floats(it).waitFor({ state: "detached" });

async function addByHand(it, hand, name, fill = async () => {}) {
  await hand.click(tile(it, name));
  await fill();
  await hand.click(add(it));
  await done(it);
}

/** The broker that leads partition `nth` of the only topic. */
async function leader(it, nth) {
  return Number((await it.frame.locator(".row").nth(nth).locator(".copy--leader").textContent()).match(/\d+/)[0]);
}

/** Takes an entry of a thing's menu. */
async function pick(it, hand, thing, name) {
  await hand.click(thing, { button: "right", position: { x: 8, y: 8 } });
  await hand.click(it.frame.getByRole("menuitem", { name }));
  await floats(it).waitFor({ state: "detached" });
}

const slider = (it) => it.frame.getByRole("slider", { name: "Moment shown" });

/** 3 brokers; a topic with 4 partitions and replication factor 3; a fleet of 5; a group of 2 and a group of 3. */
async function build(it, hand, every = "1s") {
  await addByHand(it, hand, "Broker");
  await addByHand(it, hand, "Topic", () => hand.click(more(it, "partitions")));
  await addByHand(it, hand, "Producers", () => hand.fill(it.frame.getByLabel("A record every"), every));
  await addByHand(it, hand, "Group");
  await addByHand(it, hand, "Group", () => hand.click(more(it, "members")));
  await it.until(built, { brokers: 3, producers: 5, rows: 4, members: 5 });
}

export const claims = {
  "from the empty canvas by pointer: brokers, topic, fleet and two groups in at most 25 actions and 90 seconds": async (bench) => {
    const { it, hand } = await emptyCanvas(bench);
    assert.equal(await it.nowUs(), 0);
    await build(it, hand);
    await hand.click(it.play);
    await it.untilCount("promised", 20);
    assert.ok(hand.actions <= 25, `${hand.actions} actions`);
    assert.ok(hand.seconds() <= 90, `${hand.seconds()} s`);
    await it.frame.locator(".group__state").filter({ hasText: "Stable" }).nth(1).waitFor();
  },

  "then: the leader of partition 2 dies, back to just before, a branch with acks=1, and the lost record with its cause is read": async (bench) => {
    const { it, hand } = await emptyCanvas(bench);
    await build(it, hand, "20ms");
    await hand.choose(it.frame.locator(".speed__select"), "1000");
    await hand.click(it.play);
    await it.untilCount("promised", 100);
    const victim = await leader(it, 2);
    // Its followers copy nothing more before it dies, so what it alone promises from here on is lost with it.
    await pick(it, hand, it.broker(victim), "Cut from brokers");
    const cut = await it.nowUs();
    await it.untilTime(cut + 1_000_000);
    await pick(it, hand, it.frame.locator(".row").nth(2), `Crash its leader, ${victim}`);
    await it.untilBroker(victim, "down");
    const died = await it.nowUs();
    await it.speed(10);
    await it.untilTime(died + 15_000_000);
    await it.pause();
    assert.equal(await it.count("lost"), 0, "acks=all waited for the copies");
    const newest = await it.nowUs();
    const line = await slider(it).boundingBox();
    await slider(it).click({ position: { x: Math.round((line.width * (cut - 300_000)) / newest), y: line.height / 2 } });
    await it.untilBroker(victim, "running");
    const before = await it.moment();
    assert.ok(before.nowUs > 0 && before.nowUs < cut, `${before.nowUs} ${cut} ${died}`);
    await hand.click(it.button("What can be done to the producers"));
    await hand.click(it.frame.getByRole("menuitem", { name: "acks=1" }));
    await it.frame.getByRole("group", { name: "Branches of this run" }).getByRole("button").nth(1).waitFor();
    // The cut and the crash come again in the branch.
    await hand.click(it.play);
    await it.untilCount("lost", 1);
    await hand.click(it.frame.locator(".verdict"));
    await it.untilTitle("What became of the records");
    await it.panel.getByText(/orders-2@\d+/).first().waitFor();
    await it.panel.getByText(/acks=1/).first().waitFor();
  },

  "the same by keyboard alone": async (bench) => {
    const it = await bench.open();
    await it.untilMoving();
    const { keyboard } = it.page;
    const press = async (...keys) => {
      for (const key of keys) await keyboard.press(key);
    };
    const focused = (selector) => it.until((selector) => document.activeElement?.matches(selector), selector);
    await press("b");
    await focused(".palette__tile");
    await press("End", "ArrowLeft", "Enter");
    await it.frame.getByRole("heading", { name: "An empty cluster" }).waitFor();
    const tool = async (name, fill = async () => {}) => {
      await tile(it, name).focus();
      await press("Enter");
      await focused(".form input, .form select");
      await fill();
      await press("Enter");
      await done(it);
    };
    await tool("Broker");
    await tool("Topic", async () => {
      await it.frame.getByLabel("Partitions", { exact: true }).focus();
      await keyboard.press("ControlOrMeta+a");
      await keyboard.type("4");
    });
    await tool("Producers", async () => {
      await it.frame.getByLabel("A record every").focus();
      await keyboard.press("ControlOrMeta+a");
      await keyboard.type("20ms");
    });
    await tool("Group");
    await tool("Group", async () => {
      await it.frame.getByLabel("Members", { exact: true }).focus();
      await keyboard.press("ControlOrMeta+a");
      await keyboard.type("3");
    });
    await it.until(built, { brokers: 3, producers: 5, rows: 4, members: 5 });
    await topicHead(it, "orders").waitFor();
    await it.stage.locator(".broker__face").first().focus();
    await press("ArrowRight", "ArrowDown");
    await it.until(() => document.activeElement?.closest(".topic") !== null);
    assert.equal(await it.nowUs(), 0, "arrows walk the stage and leave time alone");
    const menu = async (thing, key, entry) => {
      await thing.focus();
      await press(key);
      await focused("[role=menuitem]");
      for (let i = 0; i < 40 && !(await it.page.evaluate(() => document.activeElement.textContent)).startsWith(entry); i += 1) await press("ArrowDown");
      await press("Enter");
      await it.frame.locator(".float--menu").waitFor({ state: "detached" });
    };
    const play = async () => {
      await it.play.focus();
      await press("Enter");
    };
    await play();
    await it.untilCount("promised", 100);
    const victim = await leader(it, 2);
    await menu(it.broker(victim).locator(".broker__face"), "ContextMenu", "Cut from brokers");
    const cut = await it.nowUs();
    await it.untilTime(cut + 1_000_000);
    await menu(it.frame.locator(".row__head").nth(2), "Shift+F10", "Crash its leader");
    await it.untilBroker(victim, "down");
    const died = await it.nowUs();
    await it.untilTime(died + 15_000_000);
    await play();
    await it.moment();
    // Before the cut: what is then promised by the leader alone is copied by nobody.
    for (let i = 0; i < 30 && (await it.nowUs()) >= cut; i += 1) {
      const { nowUs } = await it.moment();
      await press("ArrowLeft");
      await it.until((us) => Number(document.querySelector(".stage").dataset.nowUs) < us, nowUs);
    }
    await menu(it.stage.locator(".pill").first(), "Shift+F10", "Settings of its fleet");
    await focused(".form input");
    await it.frame.locator(".form").getByLabel("Waits for").focus();
    await keyboard.type("1");
    await press("Tab", "Tab", "Enter");
    await done(it);
    await play();
    await it.untilCount("lost", 1);
    await it.frame.locator(".verdict").focus();
    await press("Enter");
    await it.panel.getByText(/orders-2@\d+/).first().waitFor();
  },

  "a field refuses at once what Kafka refuses, in its words, and nothing is added": async (bench) => {
    const { it, hand } = await emptyCanvas(bench);
    await addByHand(it, hand, "Broker", () => it.frame.getByLabel("How many", { exact: true }).fill("2"));
    await tile(it, "Topic").click();
    await it.frame.getByLabel("Replication factor", { exact: true }).fill("3");
    await refusal(it).filter({ hasText: /[Rr]eplication.factor/ }).waitFor();
    assert.equal(await it.frame.getByLabel("Replication factor", { exact: true }).getAttribute("aria-invalid"), "true");
    await it.frame.getByLabel("Name", { exact: true }).fill("or ders");
    await it.frame.getByLabel("Replication factor", { exact: true }).fill("2");
    await refusal(it).filter({ hasText: /name/i }).waitFor();
    await add(it).click();
    await refusal(it).waitFor();
    assert.equal(await it.frame.locator(".topic").count(), 0);
    await it.frame.getByLabel("Name", { exact: true }).fill("orders");
    await refusal(it).waitFor({ state: "detached" }).catch(() => {});
    await add(it).click();
    await done(it);
    await topicHead(it, "orders").waitFor();
  },

  "a menu greys what would do nothing, and says why; each entry is a line": async (bench) => {
    const it = await bench.open("#s=trucks_gps&kill=102@14s&t=30s");
    await it.moment();
    await it.broker(102).click({ button: "right", position: { x: 20, y: 12 } });
    const item = (name) => it.frame.getByRole("menuitem", { name });
    await item("Start").waitFor();
    await item("Heal").waitFor({ timeout: 1_000 }).catch(() => {});
    await it.page.keyboard.press("Escape");
    await it.broker(101).getByRole("button", { name: /What can be done/ }).click();
    await item("Heal all links").and(it.frame.locator("[aria-disabled=true]")).waitFor();
    assert.match(await item("Heal all links").textContent(), /no link is broken/);
    await it.page.keyboard.press("Escape");
    await it.frame.locator('[data-at="client:truck-1"]').click({ button: "right" });
    await item("Resume").and(it.frame.locator("[aria-disabled=true]")).waitFor();
    assert.match(await item("Resume").textContent(), /not paused/);
    await item("acks=1").click();
    await floats(it).waitFor({ state: "detached" });
    assert.equal(await it.frame.locator("#prompt").inputValue(), "set truck-1 acks=1");
  },

  "a tool is dragged onto the stage, and a group is drawn to a topic": async (bench) => {
    const { it, hand } = await emptyCanvas(bench);
    await addByHand(it, hand, "Broker");
    await addByHand(it, hand, "Topic");
    await tile(it, "Topic").dragTo(it.stage, { targetPosition: { x: 500, y: 300 } });
    await form(it, "Add a topic").waitFor();
    await add(it).click();
    await done(it);
    await topicHead(it, "payments").waitFor();
    await tile(it, "Group").dragTo(topicHead(it, "payments"));
    await add(it).click();
    await done(it);
    await group(it, "billing").waitFor();
    await group(it, "billing").locator(".group__name").dragTo(topicHead(it, "orders"));
    await it.until(() => document.querySelector("#prompt").value.startsWith("set billing topics="));
    assert.equal(await it.frame.locator("#prompt").inputValue(), "set billing topics=payments,orders");
    assert.equal(await it.frame.locator(".caption__answer--refused").count(), 0, await it.frame.locator(".caption__answer").textContent());
  },
};
