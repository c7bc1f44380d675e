// A click tells what the thing is.
import assert from "node:assert/strict";

const facts = (it) =>
  it.panel.locator(".facts__row").evaluateAll((rows) => Object.fromEntries(rows.map((row) => [row.querySelector("dt").textContent, row.querySelector("dd").textContent])));

const tables = (it) =>
  it.panel.locator("table").evaluateAll((all) => all.map((table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent))));

export const claims = {
  "a record: key, value, offset, timestamp, copies": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.record(4, 3).click();
    await it.untilTitle("trucks_gps-4@3");
    const key = await it.panel.locator(".panel__key").textContent();
    assert.match(key, /^truck-\d+$/);
    const value = JSON.parse(await it.panel.locator(".panel__value").textContent());
    assert.equal(value.truck_id, key);
    assert.ok(Number.isFinite(value.lat) && Number.isFinite(value.lon));
    const told = await facts(it);
    assert.equal(told.Offset, "3");
    assert.match(told.Timestamp, /^0:00:\d\d · \d{13}$/);
    assert.match(told["Copies on brokers"], /\(3 of 3\)$/);
    assert.match(told["CRC-32C"], /^[0-9a-f]{8}$/);
    await it.panel.locator("summary").first().click();
    assert.match(await it.panel.locator(".bytes pre").first().textContent(), /^0000 {2}74 72 75 63 6b/);
    await it.page.keyboard.press("Escape");
    await it.untilTitle("How to read this");
  },

  "a partition: in the columns of Kafka's tools": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.partitionHead(4).click();
    await it.untilTitle("trucks_gps-4");
    const [described, copies, groups] = await tables(it);
    assert.deepEqual(described[0], ["PARTITION", "LEADER", "REPLICAS", "ISR"]);
    assert.equal(described[1][0], "4");
    assert.deepEqual(described[1][3].split(", ").sort(), ["101", "102", "103"]);
    assert.equal(copies.length, 4);
    assert.deepEqual(groups[0], ["GROUP", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"]);
    assert.deepEqual(groups.slice(1).map(([group]) => group), ["location-dashboard", "notification-service"]);
  },

  "a broker: its replicas, and it can be crashed from here": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.broker(102).locator(".broker__face").click();
    await it.untilTitle("Broker 102");
    const [replicas] = await tables(it);
    assert.equal(replicas.length, 11, "a head and ten partitions");
    assert.match(await it.panel.locator(".command__line").textContent(), /kill 102$/);
    await it.panel.getByRole("button", { name: "Crash", exact: true }).click();
    await it.panel.getByText(/^down/).waitFor();
    assert.match(await it.panel.locator(".command__line").textContent(), /start 102$/);
  },

  "a group and a truck": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.frame.locator(".group__head").filter({ hasText: "location-dashboard" }).click();
    await it.panel.getByText("__consumer_offsets-28", { exact: true }).waitFor();
    const [members, bookmarks] = await tables(it);
    assert.deepEqual(members[0], ["MEMBER", "OWNS", "DOES"]);
    assert.deepEqual(members.slice(1).map(([member, , does]) => [member, does]), [["member 1", "polls"], ["member 2", "polls"]]);
    assert.match((await facts(it)).LAG, /^\d+ records?(, the oldest \d+ m?s old)?$/);
    assert.deepEqual(bookmarks[0], ["PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG", "CONSUMER-ID"]);
    assert.equal(bookmarks.length, 11);
    await it.frame.locator('[data-at="client:truck-7"]').click();
    await it.untilTitle("truck-7");
  },

  "bookmarks are set back while nobody is in the group, and the page says first where they go": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=45s");
    await it.moment();
    await it.frame.locator(".group__head").filter({ hasText: "location-dashboard" }).click();
    const refusal = "Error: Assignments can only be reset if the group 'location-dashboard' is inactive, but the current state is Stable.";
    await it.panel.getByText(refusal).waitFor();
    await it.panel.getByRole("button", { name: "Close in order", exact: true }).click();
    await it.play.click();
    await it.panel.getByText(/^Empty · classic protocol/).waitFor();
    const named = async (first) => (await tables(it)).find(([head]) => head.includes(first)).slice(1);
    await it.panel.getByText(refusal).waitFor({ state: "hidden" });
    const plan = await named("EARLIEST");
    assert.ok(plan.some(([, now]) => Number(now) > 0));
    assert.ok(plan.every(([, now, earliest, latest]) => earliest === "0" && Number(latest) >= Number(now)));
    await it.panel.getByRole("button", { name: "To the earliest", exact: true }).click();
    const rows = '.inspector__panel [aria-label="Bookmarks"] tbody tr';
    await it.until((rows) => [...document.querySelectorAll(rows)].every((row) => ["0", "-"].includes(row.cells[1].textContent)), rows);
    const after = (await named("CURRENT-OFFSET")).filter(([, committed]) => committed !== "-");
    assert.deepEqual(after.map(([, committed]) => committed), plan.map(() => "0"));
    assert.match((await named("KEY: GROUP, TOPIC, PARTITION"))[0][1], /^location-dashboard, trucks_gps, \d$/);
  },

  "a group shows who read what, and the pause that a crash of a member costs": async (bench) => {
    const it = await bench.open("#s=trucks_gps&t=60s");
    await it.moment();
    await it.frame.locator(".group__head").filter({ hasText: "location-dashboard" }).click();
    await it.panel.getByText("No partition was without a reader once it had one.").waitFor();
    const bar = (partition) => it.panel.getByRole("img", { name: new RegExp(`^P${partition}: `) });
    assert.match(await bar(9).getAttribute("aria-label"), /^P9: member 2 reads it now/);
    await it.frame.locator("#prompt").fill("kill location-dashboard-2");
    await it.frame.locator("#prompt").press("Enter");
    await it.panel.getByRole("img", { name: /^P9: nobody/ }).waitFor();
    await it.speed(10);
    await it.play.click();
    await it.panel.getByRole("img", { name: /^P9: member 1 reads it now/ }).waitFor();
    assert.match(await it.panel.getByText("paused; the longest time").textContent(), /without a reader was 4\d s\.$/);
    assert.equal(await bar(0).locator("rect").count() >= 1, true);
  },
};
