// Watches a run in a browser as a visitor does who touches nothing, and writes into web/unwatched.txt which functions of the artifact
// that took no part in it. `cargo xtask watched` gives the built artifact, the browser and the packages by environment variables.
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { FEATURES, UNNAMED, apart, formsOf, isNamed, kind, lines, named, plain } from "./split.mjs";

/** How long each is watched, after its speed was chosen. */
const WATCH_MS = 40_000;
/** What differs from visitor to visitor: the way in, the pace in thousandths, the machine and the window. */
const WATCHES = [
  { query: "", speed: "10000", slower: 1, viewport: { width: 1440, height: 900 } },
  { query: "", speed: "10000", slower: 6, viewport: { width: 1280, height: 720 } },
  { query: "", speed: "10000", slower: 1, viewport: { width: 390, height: 844 } },
  { query: "?embed=1", speed: "10000", slower: 1, viewport: { width: 820, height: 1180 } },
];
/** What is called or not by how much there is and how soon it comes, not by what somebody does: one watch never saw all of it. */
const CHANCE = /^<?(alloc::collections::btree::node|hashbrown::raw::RawTableInner|js_sys::futures)(::|>)/;
/** A stub in the first part weighs about as much as a function of so many expressions. */
const LEAST = 24;
const HEAD = `# What a run that was merely watched did not call: whole names, written by \`cargo xtask watched\`, which watched one in a browser.
# They wait in the second part like those of later.txt; a call that comes nevertheless fetches it. A number tells those of one name
# apart by what they call.
`;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm", ".css": "text/css", ".svg": "image/svg+xml" };

const { CARGO_TARGET_DIR: target, PLAYGROUND_DIST: dist, PLAYGROUND_NODE_MODULES: modules, CHROMIUM: executablePath } = process.env;
const folder = mkdtempSync(join(tmpdir(), "watched-"));

/** The artifact as text, each function first saying its number. */
function saying(text) {
  const forms = formsOf(text);
  const functions = forms.filter((form) => kind(form) === "func");
  const lastImport = forms.findLastIndex((form) => kind(form) === "import");
  const said = forms.map((form) => {
    if (kind(form) !== "func") return form;
    const rows = form.split("\n");
    let body = 1;
    while (/^  \(local /.test(rows[body] ?? "")) body++;
    if (rows.length > 1) rows.splice(body, 0, `  (call $__hit (i32.const ${functions.indexOf(form)}))`);
    return rows.join("\n");
  });
  said.splice(lastImport + 1, 0, ` (import "./playground_web_bg.js" "__hit" (func $__hit (param i32)))`);
  return { functions, text: `(module\n${said.join("\n")}\n)\n` };
}

/** A site around the artifact that says what it calls. */
function site(text) {
  cpSync(dist, folder, { recursive: true });
  const [glue] = readdirSync(folder).filter((name) => name.startsWith("playground-") && name.endsWith(".js"));
  const wat = join(folder, "said.wat");
  writeFileSync(wat, text);
  execFileSync("wasm-as", [...FEATURES, wat, "-o", join(folder, glue.replace(/js$/, "wasm"))]);
  const bound = readFileSync(join(target, "wasm-bindgen/release/playground_web.js"), "utf8");
  writeFileSync(join(folder, glue), bound.replace("const import0 = {", "const import0 = {\n__hit: (n) => (globalThis.hits ??= new Set()).add(n),"));
  const page = join(folder, "index.html");
  writeFileSync(page, readFileSync(page, "utf8").replace(/ integrity="[^"]*"/g, ""));
}

/** What a page is told when its tab is closed, loaded anew or covered. */
function leave() {
  Object.defineProperty(document, "hidden", { value: true });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** The numbers of the functions that page and worker called. */
async function watch() {
  const server = createServer((request, answer) => {
    const path = new URL(request.url, "http://localhost").pathname;
    const file = path === "/" ? "index.html" : path.slice(1);
    try {
      const bytes = readFileSync(join(folder, file));
      answer.writeHead(200, { "content-type": TYPES[extname(file)] ?? "text/plain" }).end(bytes);
    } catch {
      answer.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  const hits = new Set();
  try {
    for (const { query, speed, slower, viewport } of WATCHES) {
      const page = await (await browser.newContext({ viewport })).newPage();
      const session = await page.context().newCDPSession(page);
      await session.send("Emulation.setCPUThrottlingRate", { rate: slower });
      await page.goto(`http://127.0.0.1:${server.address().port}/${query}`);
      await page.locator(".row").first().waitFor();
      if (query) await page.evaluate(() => document.querySelector(".button--play").click());
      await page.locator(".speed__select").selectOption(speed);
      await page.waitForTimeout(WATCH_MS);
      // Nothing can be fetched any more while a page is left.
      await page.evaluate(leave);
      for (const place of [page, ...page.workers()]) for (const hit of await place.evaluate(() => [...globalThis.hits])) hits.add(hit);
    }
  } finally {
    await browser.close();
    server.close();
  }
  return hits;
}

const wat = join(folder, "artifact.wat");
execFileSync("wasm-dis", [join(target, "wasm-opt/release/playground_web_bg.wasm"), "-o", wat]);
const { functions, text } = saying(readFileSync(wat, "utf8"));
site(text);
const hits = await watch();
rmSync(folder, { recursive: true });

const later = lines("web/later.txt");
const all = functions.map((form, i) => ({ form, called: hits.has(i), weight: form.split("(").length - 1 }));
// An embedded run is started by a click.
const CLICK = "Page::click";
const hasty = all.filter(({ form, called }) => called && isNamed(named(form), later) && !named(form).includes(CLICK)).map(({ form }) => named(form));
if (hasty.length > 0) console.error(`web/later.txt names what a watched run calls:\n${hasty.join("\n")}`);
const first = all.filter(({ form }) => !isNamed(named(form), later));

/** Names by which only functions go that were not called; what goes by none of them. */
function quiet(functions, nameOf) {
  const byName = new Map();
  for (const one of functions) byName.set(nameOf(one.form), [...(byName.get(nameOf(one.form)) ?? []), one]);
  const found = [...byName].filter(([name, all]) => name !== UNNAMED && !CHANCE.test(name) && all.every(({ called, weight }) => !called && weight >= LEAST));
  const names = new Set(found.map(([name]) => name));
  return { names, rest: functions.filter(({ form }) => !names.has(nameOf(form))) };
}
const { names, rest } = quiet(first, (form) => plain(named(form)));
const unwatched = [...names, ...quiet(rest, apart).names].sort();
writeFileSync("web/unwatched.txt", HEAD + unwatched.map((name) => `${name}\n`).join(""));
console.log(`${unwatched.length} names in web/unwatched.txt; build the site again.`);
if (hasty.length > 0) process.exitCode = 1;
