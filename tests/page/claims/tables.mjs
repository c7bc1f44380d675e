// Places beside the stage: tables as admin tools have them, charts, a terminal, on the same state and the same selection.
import assert from "node:assert/strict";

/** The open place's table of that name: its heads, and the texts of its rows. */
const table = (it, name) =>
  it.frame.getByRole("region", { name, exact: true }).evaluate((region) => ({
    heads: [...region.querySelectorAll("thead th")].map((cell) => cell.querySelector("button").firstChild.textContent),
    rows: [...region.querySelectorAll("tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)),
  }));

const go = async (it, place) => {
  await it.frame.locator(".rail").getByRole("button", { name: place, exact: true }).click();
  await it.frame.locator(".place").waitFor();
};

const paused = async (bench, at = "45s") => {
  const it = await bench.open(`#s=trucks_gps&t=${at}`);
  await it.moment();
  return it;
};

export const claims = {
  "brokers and topics stand in the columns of admin tools, and a broken one is marked": async (bench) => {
    const it = await paused(bench);
    await go(it, "Brokers");
    const brokers = await table(it, "All brokers");
    assert.deepEqual(brokers.heads, ["BROKER", "STATE", "RACK", "CONTROLLER", "LEADERS", "LEADER SKEW", "REPLICAS", "IN SYNC", "SIZE", "EPOCH"]);
    assert.deepEqual(brokers.rows.map(([id, state]) => [id, state]), [["101", "running"], ["102", "running"], ["103", "running"]]);
    await it.frame.locator("#prompt").fill("kill 102");
    await it.frame.locator("#prompt").press("Enter");
    await it.frame.locator(".place").getByRole("cell", { name: "! down" }).waitFor();
    await go(it, "Topics");
    const topics = await table(it, "All topics");
    assert.deepEqual(topics.heads, ["TOPIC", "PARTITIONS", "REPLICATION FACTOR", "URP", "CLEANUP POLICY", "MESSAGES", "SIZE", "GROUPS (LAG)"]);
    assert.equal(topics.rows[0][0], "trucks_gps");
    assert.match(topics.rows[0][7], /^location-dashboard \([\d-]+\), notification-service \([\d-]+\)$/);
    await it.button("trucks_gps").click();
    const partitions = await table(it, "Partitions");
    assert.deepEqual(partitions.heads, ["PARTITION", "LEADER", "REPLICAS", "ISR", "ELR", "LOW WATERMARK", "HIGH WATERMARK", "LOG END", "SIZE", "LEADER EPOCH"]);
    assert.equal(partitions.rows.length, 10);
  },

  "selecting in a table selects everywhere": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    await it.frame.locator(".place").getByRole("rowheader", { name: "4", exact: true }).getByRole("button").click();
    await it.untilTitle("trucks_gps-4");
    await it.frame.locator(".rail").getByRole("button", { name: "Stage", exact: true }).click();
    await it.untilTitle("trucks_gps-4");
    await it.broker(103).locator(".broker__face").click();
    await go(it, "Brokers");
    await it.frame.locator(".grid tr.is-selected").filter({ hasText: "103" }).waitFor();
  },

  "a head sorts, a text filters, and the table says how many rows it shows": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    const leaders = async () => (await table(it, "Partitions")).rows.map(([, leader]) => leader);
    await it.button("LEADER").click();
    await it.frame.locator('th[aria-sort="ascending"]').waitFor();
    const sorted = await leaders();
    assert.deepEqual(sorted, [...sorted].sort());
    await it.button("LEADER").click();
    await it.frame.locator('th[aria-sort="descending"]').waitFor();
    assert.deepEqual(await leaders(), [...sorted].sort().reverse());
    await it.frame.getByLabel("Filter Partitions").fill("nothing like it");
    await it.frame.getByText("No row holds this text.").waitFor();
    assert.equal(await it.frame.locator(".grid__count").textContent(), "0 of 10 rows");
  },

  "the message browser reads from either end, by key, and shows where a record lies": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    await it.button("Messages").click();
    const rows = () => table(it, "Messages");
    await it.frame.locator(".grid__open").first().waitFor();
    assert.deepEqual((await rows()).heads, ["OFFSET", "PARTITION", "TIMESTAMP", "KEY", "VALUE", "BYTES"]);
    const times = (await rows()).rows.map(([, , at]) => at);
    assert.deepEqual(times, [...times].sort().reverse(), "newest first");
    await it.frame.getByLabel("Start", { exact: true }).selectOption("beginning");
    await it.until(() => document.querySelector(".grid tbody tr").cells[0].textContent === "0");
    await it.frame.getByLabel("Key holds").fill("truck-7");
    await it.until(() => [...document.querySelectorAll(".grid tbody tr")].every((row) => row.cells[3].textContent === "truck-7"));
    await it.frame.locator(".grid__open").first().click();
    const facts = it.frame.locator(".message .facts");
    await facts.getByText("101, 102, 103").or(facts.getByText(/10\d, 10\d, 10\d/)).waitFor();
    assert.match(await facts.textContent(), /CRC-32C[0-9a-f]{8}/);
    assert.match(await facts.textContent(), /Producer ID\d+, epoch 0, sequence \d+/);
    await it.button("Inspect, byte by byte").click();
    await it.untilTitle(/^trucks_gps-\d@\d+$/);
  },

  "the live tail follows the run": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    await it.button("Messages").click();
    const newest = () => it.frame.locator(".grid tbody tr").first().textContent();
    await it.frame.locator(".grid__open").first().waitFor();
    const before = await newest();
    await it.play.click();
    await it.until((before) => document.querySelector(".grid tbody tr").textContent !== before, before);
  },

  "settings show value, default, source and meaning, and are changed by a line of Kafka's tool": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    await it.button("Configs").click();
    await it.button("min.insync.replicas").click();
    await it.frame.locator(".message").getByText(/^1 to \d+$/).waitFor();
    assert.ok((await it.frame.locator(".message p").first().textContent()).length > 20);
    await it.frame.getByLabel("New value of min.insync.replicas").fill("3");
    await it.button("Set").click();
    const row = it.frame.locator(".grid tbody tr").filter({ hasText: "min.insync.replicas" }).first();
    await it.play.click();
    await row.filter({ hasText: /min\.insync\.replicas31DYNAMIC_TOPIC_CONFIG/ }).waitFor();
    await it.button("Only changed: off").click();
    await it.until(() => [...document.querySelectorAll(".grid tbody tr:not(.grid__below)")].every((row) => row.cells[3].textContent !== "DEFAULT_CONFIG"));
  },

  "what is typed stands while the run goes on": async (bench) => {
    const it = await paused(bench);
    await go(it, "Topics");
    await it.button("trucks_gps").click();
    const stands = async (field, text) => {
      await field.fill(text);
      const end = (await it.nowUs()) + 20e6;
      await it.untilTime(end);
      assert.equal(await field.inputValue(), text);
    };
    await it.button("Configs").click();
    await it.button("min.insync.replicas").click();
    await it.play.click();
    await stands(it.frame.getByLabel("New value of min.insync.replicas"), "3");
    await it.button("Messages").click();
    await it.frame.getByLabel("Start", { exact: true }).selectOption("offset");
    const from = it.frame.getByLabel("Offset", { exact: true });
    await stands(from, "7");
    await from.press("Enter");
    await it.until(() => document.querySelector(".grid tbody tr")?.textContent.includes("7"));
  },

  "a group's bookmarks, members and plans stand in Kafka's columns": async (bench) => {
    const it = await paused(bench);
    await go(it, "Groups");
    assert.deepEqual((await table(it, "All consumer groups")).rows.map(([name, state]) => [name, state]), [["location-dashboard", "Stable"], ["notification-service", "Stable"]]);
    await it.button("location-dashboard").click();
    const offsets = await table(it, "Bookmarks");
    assert.deepEqual(offsets.heads, ["PARTITION", "CURRENT-OFFSET", "POSITION", "LOG-END-OFFSET", "LAG", "LAG IN TIME", "CONSUMER-ID", "HOST", "CLIENT-ID"]);
    assert.equal(offsets.rows.length, 10);
    assert.match(offsets.rows[0][6], /^location-dashboard-\d-/);
    await it.button("Who read what, and reset offsets").click();
    await it.frame.locator(".place").getByText(/Assignments can only be reset if the group/).waitFor();
  },

  "charts draw Kafka's metrics under one cursor, with a table behind each": async (bench) => {
    const it = await paused(bench, "90s");
    await go(it, "Charts");
    const chart = it.frame.getByRole("region", { name: "Records", exact: true });
    await chart.getByText("MessagesInPerSec").waitFor();
    assert.ok((await chart.locator(".chart__line--0").first().getAttribute("d")).split("L").length > 50);
    const cursor = it.frame.getByRole("slider", { name: "Lag", exact: true });
    const newest = await cursor.getAttribute("aria-valuenow");
    await it.frame.getByRole("slider", { name: "Records", exact: true }).press("Home");
    await it.until(() => document.querySelector('[role="slider"][aria-label="Lag"]').getAttribute("aria-valuenow") === "0");
    assert.notEqual(newest, "0");
    await chart.getByRole("button", { name: "As a table" }).click();
    const { heads, rows } = await table(it, "Points of the chart");
    assert.deepEqual(heads, ["TIME", "A", "B"]);
    assert.equal(rows.length, 50, "a page of it");
  },

  "the terminal keeps every line, brings back the last ones, and completes words and names": async (bench) => {
    const it = await paused(bench);
    await go(it, "Terminal");
    const prompt = it.frame.locator("#prompt");
    await prompt.fill("kafka-topics.sh --describe --topic tru");
    await prompt.press("Tab");
    await it.until(() => document.querySelector("#prompt").value.startsWith("kafka-topics.sh --describe --topic truck"));
    await it.frame.locator(".terminal__offered").getByText("trucks_gps").waitFor();
    await prompt.fill("kafka-topics.sh --describe --topic trucks");
    await prompt.press("Tab");
    assert.equal(await prompt.inputValue(), "kafka-topics.sh --describe --topic trucks_gps");
    await prompt.press("Enter");
    await it.frame.locator(".terminal__answer").filter({ hasText: "PartitionCount: 10" }).waitFor();
    await prompt.fill("help");
    await prompt.press("Enter");
    await it.frame.locator(".terminal__answer").filter({ hasText: "kafka-leader-election.sh" }).waitFor();
    await prompt.press("ArrowUp");
    await prompt.press("ArrowUp");
    assert.match(await prompt.inputValue(), /trucks_gps$/);
  },

  "the limits stand beside what there is of each": async (bench) => {
    const it = await paused(bench);
    await go(it, "Overview");
    const limits = it.frame.locator(".overview__card").filter({ has: it.frame.getByRole("heading", { name: "Limits" }) });
    const rows = await limits.locator(".facts__row").evaluateAll((all) => Object.fromEntries(all.map((row) => [...row.children].map((one) => one.textContent))));
    assert.equal(rows.Brokers, "3 of 200");
    assert.equal(rows.Partitions, "10 of 20,000");
    assert.equal(rows.Replicas, "30 of 60,000");
    assert.equal(rows["Producers and group members"], "23 of 10,000");
    assert.equal(rows["A run"], "365 days");
  },

  "a word is explained where it stands": async (bench) => {
    const it = await paused(bench);
    await go(it, "Overview");
    await it.button("URP").click();
    await it.frame.locator(".term-card").getByText(/^Partitions with fewer replicas in sync/).waitFor();
    await it.frame.getByText("3 of 3").waitFor();
    await it.page.keyboard.press("Escape");
    await it.frame.locator(".term-card").waitFor({ state: "hidden" });
    await it.frame.locator(".rail").getByRole("button", { name: "Stage", exact: true }).click();
    await it.partitionHead(4).click();
    await it.panel.getByRole("button", { name: "high watermark", exact: true }).click();
    await it.frame.locator(".term-card").getByText(/^The offset up to which all in-sync replicas/).waitFor();
  },

  "ten thousand partitions make a page of rows, not ten thousand": async (bench) => {
    const it = await bench.open(`#s=trucks_gps&t=1s`);
    await it.moment();
    for (const n of [1, 2, 3]) {
      await it.frame.locator("#prompt").fill(`kafka-topics.sh --create --topic wide${n} --partitions 1000 --replication-factor 1`);
      await it.frame.locator("#prompt").press("Enter");
    }
    await it.play.click();
    await go(it, "Topics");
    await it.button("wide3").click({ timeout: 20_000 });
    await it.frame.getByText("1,000 rows").waitFor();
    assert.equal(await it.frame.locator(".grid tbody tr").count(), 50);
    await it.button("Next").click();
    await it.frame.getByText("Page 2 of 20").waitFor();
  },
};
