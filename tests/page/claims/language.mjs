// The page in German: every place, panel, form, menu and dialog; and back.
import assert from "node:assert/strict";
import { axeOf, faults } from "../meters.mjs";

const AT = "#s=trucks_gps&kill=102@40s&t=55s";
/** Names that this run's people gave. */
const NAMES = /trucks_gps fleet|\b(trucks_gps|truck-|location-dashboard|notification-service)[\w-]*|__consumer_offsets[\w-]*|__cluster_metadata/;
/** Values of settings, and settings whose names are plain words. */
const VALUES = ["all", "true", "false", "null", "none", "delete", "compact", "producer", "range", "default", "retries", "partitioner", "process", "help"];

/** Every text of the page outside lines of shell, and every name a screen reader says. Runs in the page. */
function texts() {
  const found = new Set();
  const asIs = ".why__more .facts, code, textarea, script, style, noscript, [data-language], .kept, .caption__answer";
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, (node) =>
    node.nodeType === 1 && node.matches(asIs) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = nodes.nextNode(); node; node = nodes.nextNode()) {
    // A sentence with settings in it is one text, in pieces.
    if (node.parentElement.closest("[translate=no]")) continue;
    if (node.nodeType === 1 && node.querySelector(":scope > [translate=no], :scope > span > [translate=no]")) found.add(node.textContent.trim());
    // A choice that is the value of a setting.
    if (node.nodeType === 3 && node.parentElement.value === node.data) continue;
    if (node.nodeType === 3) found.add(node.data.trim());
    else for (const name of ["aria-label", "title", "placeholder"]) found.add((node.getAttribute(name) ?? "").trim());
  }
  return [...found];
}

/** The same of a page at rest: what came into sight last may be told after the run was paused. */
async function textsAtRest({ page, frame }) {
  for (let before; ; await page.waitForTimeout(400)) {
    const now = await frame.evaluate(texts);
    if (before?.join("\n") === now.join("\n")) return now;
    before = now;
  }
}

/** Goes where a visitor can go, by what is the same in every language. */
async function everywhere(it, look) {
  const { page, frame } = it;
  const rail = (nth) => frame.locator(".rail__place").nth(nth).click();
  const all = async (selector, then) => {
    for (const one of await frame.locator(selector).all()) if (await one.isVisible()) await one.click().then(then ?? look);
  };
  await look();
  await frame.locator(".verdict").click();
  await look();
  for (const at of ['[data-at="broker:101"] .broker__face', '[data-at="broker:102"] .broker__face', ".group__head", ".member", '[data-at="client:truck-1"]', ".quorum"]) {
    await frame.locator(at).first().click({ position: { x: 8, y: 8 } });
    await frame.locator(".why__sentence").waitFor({ state: "attached" });
    await look();
  }
  await frame.locator("g.cell[id^=cell-]").last().click();
  await look();
  await page.keyboard.press("Escape");
  await frame.locator(".row__head").first().click();
  await look();
  await page.keyboard.press("v");
  await look();
  await page.keyboard.press("v");
  await frame.locator(".caption__why").click();
  await look();
  for (let nth = 1; nth < 8; nth += 1) {
    await rail(nth);
    await page.waitForTimeout(400);
    await look();
    await all(".tabs__tab");
    const first = frame.locator(".place .grid__open").first();
    if ((await first.count()) > 0 && nth !== 5) {
      await first.click();
      await page.waitForTimeout(300);
      await look();
      await all(".tabs__tab", async () => {
        await page.waitForTimeout(300);
        await look();
      });
    }
  }
  await rail(0);
  await page.keyboard.press("?");
  await look();
  await page.keyboard.press("Escape");
  await rail(9);
  await look();
  await rail(8);
  for (const tool of ["broker", "topic", "producer", "group"]) {
    await frame.locator(`[data-tool=${tool}]`).first().click();
    await frame.locator(".form").waitFor();
    if (await frame.locator(".form__more").isVisible()) await frame.locator(".form__more").click();
    await look();
    await page.keyboard.press("Escape");
  }
  for (const dots of await frame.locator(".dots").all()) {
    if (!(await dots.isVisible())) continue;
    await dots.click();
    await frame.locator(".menu").waitFor();
    await look();
    await page.keyboard.press("Escape");
  }
  await rail(9);
  await frame.locator(".inspector__panel button").nth(1).click();
  await frame.locator(".invitation").waitFor();
  await look();
}

async function visit(bench, query) {
  const it = await bench.open(AT, { query });
  await it.until(() => document.querySelector(".stage")?.dataset.digest);
  await it.until((german) => document.documentElement.lang === (german ? "de" : "en"), query === "?lang=de");
  const seen = new Set();
  await everywhere(it, async () => (await it.frame.evaluate(texts)).forEach((text) => seen.add(text)));
  return { it, seen };
}

/** What is the same in every language: names, numbers, Kafka's columns, settings, metrics and errors, lines of shell. */
function sameEverywhere(text, catalogue) {
  const bare = text.replaceAll(new RegExp(NAMES, "g"), "").replaceAll(/[^\p{L}._=-]+/gu, " ").trim();
  const one = (word) =>
    VALUES.includes(word) || catalogue.get(word) === word ||
    /^[^a-z]*$|^\w$|^(in|acks|Kafka|Playground|KRaft|Tab|Esc|classic|consumer)$|[._=-]|^([A-Z][a-z0-9]+){2,}$|^(ms|min|kB|KB|MB|GB|MiB|B|s|h|d|P)$/.test(word);
  const line = /^(kafka-[\w-]+\.sh|kill|stop|start|pause|resume|cut|slow|heal|lose|disk|skew|set|add|remove|poison|cure|seek|power-cut|why|duplicate)( |$)|^Error( completing leader election .*)?: |^abs\(hash|^\w+\(\)$|^[0-9a-f]{8}$/;
  return bare.split(" ").every(one) || catalogue.get(text) === text || line.test(text) || text.startsWith("{");
}

export const claims = {
  "in German no text of any place is left in English": async (bench) => {
    const [german, english] = await Promise.all([visit(bench, "?lang=de"), visit(bench, "?lang=en")]);
    const catalogue = new Map(
      (await german.it.frame.evaluate(async () => (await fetch("languages/de.tsv")).text())).split("\n").map((line) => line.split("\t")),
    );
    assert.ok(english.seen.size > 600, `${english.seen.size} texts were seen`);
    const left = [...german.seen].filter((text) => english.seen.has(text) && !sameEverywhere(text, catalogue));
    assert.ok(left.length === 0, `left in English:\n${left.join("\n")}`);
  },

  ...Object.fromEntries(
    [{ width: 1440, height: 900 }, { width: 390, height: 844 }].map((viewport) => [
      `German words have room, ${viewport.width} px wide`,
      async (bench) => {
        const it = await bench.open(AT, { query: "?lang=de", viewport });
        await it.until(() => document.documentElement.lang === "de");
        assert.deepEqual(await faults(it, axeOf(bench.lab)), []);
      },
    ]),
  ),

  "the language is chosen in the page, kept, and given back without a loss": async (bench) => {
    const it = await bench.open();
    await it.pause();
    const before = await textsAtRest(it);
    await it.frame.locator(".guide [data-language]").click();
    await it.until(() => document.documentElement.lang === "de" && document.querySelector(".guide .panel__name").textContent === "So lesen Sie das Bild");
    await it.frame.locator(".guide [data-language]").click();
    await it.until(() => document.documentElement.lang === "en");
    assert.deepEqual(await textsAtRest(it), before);
    await it.frame.locator(".guide [data-language]").click();
    await it.until(() => document.documentElement.lang === "de");
    await it.page.reload();
    await it.ready();
    await it.until(() => document.documentElement.lang === "de");
    // What moves stays German: a new sentence each time something happens.
    await it.frame.locator("#prompt").fill("kill 102");
    await it.frame.locator("#prompt").press("Enter");
    await it.until(() => document.querySelector(".caption__words").textContent.includes("Broker 102 ist abgestürzt."));
  },

  "a browser that reads German is answered in German, and who reads English loads none of it": async (bench) => {
    const german = await bench.open("", { locale: "de-DE" });
    await german.until(() => document.documentElement.lang === "de");
    const english = await bench.open("", { locale: "fr-FR" });
    await english.untilMoving();
    const loaded = await english.frame.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => name.includes("languages")).length);
    assert.equal(loaded, 0);
    assert.equal(await english.frame.evaluate(() => document.documentElement.lang), "en");
  },
};
