// Every state of every screen, in three sizes and two themes: reached as a person reaches it, measured, and pictured.
//   cargo xtask gallery [WORD]...    writes tests/page/pictures/gallery and says what is to mend
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { axeOf, faults } from "./meters.mjs";

export const SIZES = [
  { width: 1440, height: 900 },
  { width: 820, height: 1180 },
  { width: 390, height: 844 },
];
/** Pixels of a picture for one of the page. */
const SCALE = Number(process.env.GALLERY_SCALE ?? 0.6);

const esc = (it) => it.page.keyboard.press("Escape");
const rail = async (it, name) => {
  await it.frame.locator(".rail").getByRole("button", { name, exact: true }).click();
};
const place = async (it, name) => {
  await rail(it, name);
  await it.frame.locator(".place").waitFor();
};
const type = async (it, line) => {
  await it.frame.locator("#prompt").fill(line);
  await it.frame.locator("#prompt").press("Enter");
};
/** On the stage, nothing selected. */
const clear = async (it) => {
  for (let i = 0; i < 3; i++) await esc(it);
  await rail(it, "Stage");
  await it.frame.locator(".row, .box, .grid__canvas").first().waitFor();
};
const inspect = (target, title) => async (it) => {
  await clear(it);
  await it.frame.locator(target).first().click({ position: { x: 9, y: 9 } });
  await it.untilTitle(title);
};

/** A walk opens a run and goes from state to state: `[file, what it shows, how to get there from the state before]`. */
export const walks = {
  home: {
    at: "",
    paused: false,
    states: [["home", "Opened for the first time: the truck fleet runs", async (it) => it.untilCount("sent", 1)]],
  },

  stage: {
    at: "#s=trucks_gps&kill=102@40s&t=55s",
    states: [
      ["stage", "Story view: broker 102 crashed, other leaders"],
      ["record", "A record, byte by byte", async (it) => {
        await it.record(4, 11).click();
        await it.untilTitle("trucks_gps-4@11");
      }],
      ["partition", "A partition in the columns of Kafka's tools", inspect(".row__head >> nth=4", "trucks_gps-4")],
      ["broker", "A broker that is down, and why", inspect('[data-at="broker:102"] .broker__face', "Broker 102")],
      ["producer", "A producer", inspect('[data-at="client:truck-7"]', "truck-7")],
      ["group", "A group: members, bookmarks, who read what", inspect(".group__head", "location-dashboard")],
      ["member", "A member of a group", inspect(".member", /location-dashboard-/)],
      ["controllers", "The quorum of controllers", inspect(".quorum", "Controllers")],
      ["link", "A link between two brokers, and why it is as it is", async (it) => {
        await clear(it);
        await type(it, "cut 101 103");
        await it.frame.locator(".in-force__why").first().click();
        await it.untilTitle("101 → 103");
        await it.panel.locator(".why__sentence").waitFor();
      }],
      ["verdict", "What became of the records", async (it) => {
        await clear(it);
        await it.frame.locator(".verdict").click();
        await it.untilTitle("What became of the records");
      }],
    ],
  },

  told: {
    at: "#s=trucks_gps&kill=102@40s&t=55s",
    states: [
      ["scenarios", "Runs to open", async (it) => {
        await rail(it, "Scenarios");
        await it.untilTitle("Scenarios");
      }],
      ["events", "What happened, as a list", async (it) => {
        await clear(it);
        await rail(it, "Events");
        await it.frame.locator(".event-row").first().waitFor();
      }],
      ["why", "Why an event happened, and what would have changed it", async (it) => {
        await it.frame.locator(".event-row__button").filter({ hasText: /leads trucks_gps-\d+ instead of 102/ }).first().click();
        await it.panel.getByRole("button", { name: "Try them" }).click();
        await it.panel.locator(".why__outcome").first().waitFor();
      }],
      ["shortcuts", "The keyboard", async (it) => {
        await clear(it);
        await it.page.keyboard.press("?");
        await it.frame.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
      }],
      ["share", "Where the clipboard is refused, the link is shown", async (it) => {
        await clear(it);
        await it.frame.evaluate(() => Object.defineProperty(Navigator.prototype, "clipboard", { configurable: true, get: () => undefined }));
        await it.button("Share").click();
        await it.frame.getByLabel("Copy this link").waitFor();
      }],
      ["refused", "A line that is refused, and a link that is damaged", async (it) => {
        await clear(it);
        await type(it, "kill 109");
        await it.frame.locator(".caption__answer--refused").waitFor();
        await it.frame.evaluate(() => void (location.hash = "#k1.damaged"));
        await it.notices.first().waitFor();
      }],
      ["past", "A moment of the past, and the branch that began there", async (it) => {
        await it.button("Dismiss").first().click();
        await type(it, "goto 30s");
        await it.frame.locator(".past__where").waitFor();
        await type(it, "set truck-{1..20} acks=1");
        await it.frame.getByRole("group", { name: "Branches of this run" }).getByRole("button").nth(1).waitFor();
        await type(it, "goto 20s");
        await it.frame.locator(".past__where").waitFor();
      }],
    ],
  },

  tables: {
    at: "#s=trucks_gps&kill=102@40s&t=55s",
    states: [
      ["overview", "The cluster in figures", (it) => place(it, "Overview")],
      ["limits", "The limits, and how near they are", (it) => it.frame.getByRole("heading", { name: "Limits" }).scrollIntoViewIfNeeded()],
      ["term", "A word explained where it stands", async (it) => {
        await it.button("URP").click();
        await it.frame.locator(".term-card").waitFor();
      }],
      ["brokers", "Brokers", async (it) => {
        await esc(it);
        await place(it, "Brokers");
      }],
      ["topics", "Topics", (it) => place(it, "Topics")],
      ["partitions", "A topic's partitions", async (it) => {
        await it.button("trucks_gps").click();
        await it.frame.getByRole("region", { name: "Partitions", exact: true }).waitFor();
      }],
      ["messages", "Message browser, a record opened", async (it) => {
        await it.button("Messages").click();
        await it.frame.locator(".grid__open").first().click();
        await it.frame.locator(".message .facts").waitFor();
      }],
      ["topic-groups", "A topic's groups", async (it) => {
        await it.frame.locator(".tabs").getByRole("button", { name: /groups/i }).click();
      }],
      ["configs", "Settings with default, source and meaning", async (it) => {
        await it.frame.locator(".tabs").getByRole("button", { name: "Configs" }).click();
        await it.button("min.insync.replicas").click();
        await it.frame.locator(".message").waitFor();
      }],
      ["groups", "Consumer groups", (it) => place(it, "Groups")],
      ["group-table", "A group's bookmarks and members", async (it) => {
        await it.button("location-dashboard").click();
        await it.frame.getByRole("region", { name: "Bookmarks", exact: true }).waitFor();
      }],
      ["charts", "Kafka's metrics under one cursor", async (it) => {
        await place(it, "Charts");
        await it.frame.locator(".chart__line--0").first().waitFor();
      }],
      ["chart-table", "The table behind a chart", async (it) => {
        await it.button("As a table").first().click();
        await it.frame.getByRole("region", { name: "Points of the chart" }).waitFor();
      }],
      ["terminal", "The terminal", async (it) => {
        await place(it, "Terminal");
        await type(it, "kafka-topics.sh --describe --topic trucks_gps");
        await it.frame.locator(".terminal__answer").filter({ hasText: "PartitionCount: 10" }).waitFor();
      }],
    ],
  },

  cluster: {
    at: "#s=trucks_gps&kill=102@40s&t=55s",
    states: [
      ["cluster", "Cluster view: brokers as boxes that hold their copies", async (it) => {
        await it.button("Cluster").click();
        await it.frame.locator(".box").nth(2).waitFor();
        await it.page.waitForTimeout(500);
      }],
    ],
  },

  large: {
    at: "#s=trucks_gps&t=60s",
    states: [
      ["heat", "More than 64 partitions: a square each", async (it) => {
        await type(it, "kafka-topics.sh --create --topic wide --partitions 80 --replication-factor 3");
        await it.run(2, 1);
        await it.frame.locator(".grid__canvas").waitFor();
      }],
      ["heat-box", "One box of them", async (it) => {
        await it.frame.locator(".grid__canvas").focus();
        await it.page.keyboard.press("ArrowRight");
        await it.page.keyboard.press("Enter");
        await it.frame.locator(".crumbs__one").filter({ hasText: "trucks_gps" }).waitFor();
      }],
      ["close-up", "One partition close by", async (it) => {
        await it.frame.locator(".grid__canvas").focus();
        for (let i = 0; i < 5; i++) await it.page.keyboard.press("ArrowRight");
        await it.page.keyboard.press("Enter");
        await it.frame.locator(".close-up .row g.cell").first().waitFor();
      }],
    ],
  },

  editor: {
    at: "#s=trucks_gps&t=45s",
    states: [
      ["palette", "The palette", async (it) => {
        await rail(it, "Build");
        await it.frame.locator("[data-tool=topic]").waitFor();
      }],
      ["form", "A form, and what Kafka refuses", async (it) => {
        await it.frame.locator("[data-tool=topic]").first().click();
        await it.frame.getByLabel("Replication factor", { exact: true }).fill("4");
        await it.frame.locator(".form [role=alert]:visible").waitFor();
      }],
      ["form-more", "All its settings", async (it) => {
        await it.button("More settings").click();
      }],
      ["menu", "All that can be done to a broker", async (it) => {
        await esc(it);
        await it.button("What can be done to 101").click();
        await it.frame.getByRole("menuitem").first().waitFor();
      }],
      ["empty", "An empty canvas", async (it) => {
        await esc(it);
        await esc(it);
        await rail(it, "Scenarios");
        await it.button("New: an empty canvas").click();
        await it.frame.getByRole("heading", { name: "An empty cluster" }).waitFor();
      }],
    ],
  },

  lost: {
    at: "#s=trucks_gps&t=15s",
    states: [
      ["lost", "A scenario in which promised records are lost", async (it) => {
        await rail(it, "Scenarios");
        await it.panel.getByText("acks=1 and a leader that dies").click();
        await it.until(() => document.querySelector(".top-bar__title")?.textContent === "acks=1 and a leader that dies");
        await it.ready();
        await it.speed(10);
        await it.untilCount("lost", 1);
        await it.pause();
        await it.frame.locator(".verdict").click();
        await it.untilTitle("What became of the records");
      }],
    ],
  },

  embed: {
    at: "#s=trucks_gps&kill=102@40s&t=55s",
    query: "?embed=1",
    states: [["embed", "In a frame of somebody's page"]],
  },

  failure: {
    at: "",
    paused: false,
    states: [["failure", "The engine failed and was replaced", async (it, bench) => {
      bench.expect(/the clock is gone/);
      await it.untilCount("sent", 1);
      await it.pause();
      const worker = it.page.workers().find((worker) => worker.url().includes("worker-boot"));
      await worker.evaluate(() => {
        performance.now = () => {
          throw new Error("the clock is gone");
        };
      });
      await it.play.click();
      await it.frame.getByRole("alertdialog", { name: "The engine stopped" }).waitFor();
    }]],
  },
};

/** Goes through a walk; `look` is called in each state. */
export async function go(bench, { at, query, paused = true, states }, settings, look) {
  const it = await bench.open(at, { query, hasTouch: settings.viewport.width < 900, ...settings });
  if (paused) await it.moment();
  for (const [name, words, reach] of states) {
    try {
      await reach?.(it, bench);
    } catch (error) {
      throw new Error(`${name} was not reached: ${error.message}`);
    }
    await look(it, name, words);
  }
}

/** Writes the pictures; 1 when something in them is to mend. */
export async function take(lab, folder, words) {
  const axe = axeOf(lab);
  mkdirSync(folder, { recursive: true });
  let mend = 0;
  const cases = SIZES.flatMap((viewport) => ["light", "dark"].map((colorScheme) => ({ viewport, colorScheme })));
  const wanted = (name) => words.length === 0 || words.some((word) => name.includes(word));
  const work = cases.flatMap((settings) => Object.entries(walks).filter(([name, { states }]) => wanted(name) || states.some(([state]) => words.includes(state)))
    .map(([name, walk]) => ({ settings, name, walk })));
  let next = 0;
  const hand = async () => {
    while (next < work.length) {
      const { settings, name, walk } = work[next++];
      const { viewport, colorScheme } = settings;
      const bench = lab.bench();
      const told = (state, fault) => {
        mend += 1;
        console.log(`MEND  ${state} ${viewport.width} ${colorScheme}: ${fault}`);
      };
      try {
        await go(bench, walk, settings, async (it, state) => {
          if (!wanted(name) && !words.includes(state)) return;
          writeFileSync(join(folder, `${state}-${viewport.width}-${colorScheme}.webp`), await picture(it.page));
          if (!process.env.GALLERY_QUICK) for (const fault of await faults(it, axe)) told(state, fault);
        });
        for (const trouble of bench.troubles()) told(name, trouble);
      } catch (error) {
        told(name, error.message.split("\n")[0]);
      } finally {
        await bench.close();
      }
    }
  };
  await Promise.all([hand(), hand()]);
  if (words.length === 0) writeFileSync(join(folder, "README.md"), index());
  console.log(mend === 0 ? "Nothing to mend that a meter sees." : `${mend} things to mend`);
  return mend === 0 ? 0 : 1;
}

/** What is on the page, small. */
async function picture(page) {
  const session = await page.context().newCDPSession(page);
  const clip = { x: 0, y: 0, ...page.viewportSize(), scale: SCALE };
  const { data } = await session.send("Page.captureScreenshot", { format: "webp", quality: 45, clip });
  await session.detach();
  return Buffer.from(data, "base64");
}

/** The list of what is pictured. */
function index() {
  const rows = Object.values(walks).flatMap(({ states }) => states.map(([name, words]) => {
    const links = SIZES.map(({ width }) => ["light", "dark"].map((scheme) => `[${scheme}](${name}-${width}-${scheme}.webp)`).join(" "));
    return `| ${words} | ${links.join(" | ")} |`;
  }));
  const heads = SIZES.map(({ width, height }) => `${width} × ${height}`);
  return [
    "# Every state of every screen",
    "",
    "Written by `cargo xtask gallery`, which drives the page to each of them and measures it.",
    "",
    `| what | ${heads.join(" | ")} |`,
    `| --- |${heads.map(() => " --- |").join("")}`,
    ...rows,
    "",
  ].join("\n");
}
