// Trunk runs this after every build. A release loses what only costs visitors bytes: what nobody needs who only watches (it becomes
// a second artifact, fetched when somebody takes part), the long names under which wasm and glue know each other's functions, the
// glue's white space, and all style sheets but two, into which the others are joined.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { split } from "./split.mjs";

const folder = process.env.TRUNK_STAGING_DIR;
const text = (name) => readFileSync(join(folder, name), "utf8");
const write = (name, content) => writeFileSync(join(folder, name), content);
const named = (ending) => readdirSync(folder).find((name) => name.endsWith(ending) && name.startsWith("playground_web"));

/** A number as wasm writes it, and back: its value and where it ends. */
const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]);
const unleb = (bytes, at) => {
  const more = bytes[at] >= 128 ? unleb(bytes, at + 1) : { value: 0, end: at + 1 };
  return { value: (bytes[at] & 127) + more.value * 128, end: more.end };
};

/** The artifact with imports named a, b, c, …; `names` learns what each was called. */
function shortImports(bytes, names) {
  const out = [bytes.subarray(0, 8)];
  for (let at = 8; at < bytes.length; ) {
    const { value: size, end: start } = unleb(bytes, at + 1);
    const section = bytes.subarray(at, start + size);
    out.push(bytes[at] === 2 ? importSection(section.subarray(start - at), names) : section);
    at = start + size;
  }
  return Buffer.concat(out);
}

/** Every import here is a function: module, name, kind 0, type. */
function importSection(section, names) {
  const { value: count, end: first } = unleb(section, 0);
  const out = [...leb(count)];
  let at = first;
  const string = () => {
    const { value: length, end } = unleb(section, at);
    at = end + length;
    return section.toString("utf8", end, at);
  };
  for (let i = 0; i < count; i++) {
    for (const name of [string(), string()]) {
      if (!names.has(name)) names.set(name, names.size.toString(36));
      out.push(...leb(names.get(name).length), ...Buffer.from(names.get(name)));
    }
    const { end } = unleb(section, at + 1);
    if (section[at] !== 0) throw new Error("an import that is no function: teach slim.mjs its form");
    out.push(...section.subarray(at, end));
    at = end;
  }
  return Buffer.from([2, ...leb(out.length), ...out]);
}

/** The glue under the same short names, without comments and indentation. */
function shortGlue(glue, names) {
  const renamed = glue.replace(/^(\s*)"?([^\s":]+)"?: /gm, (all, space, name) => (names.has(name) ? `${space}"${names.get(name)}": ` : all));
  return bare(renamed);
}

/** A script without comments and indentation. */
const bare = (script) => script.split("\n").map((line) => line.trim()).filter((line) => line && !/^(\/\*\*|\*|\/\/)/.test(line)).join("\n");

const hash = (kind, ...contents) => contents.reduce((hash, content) => hash.update(content), createHash(kind));
const integrity = (name) => `sha384-${hash("sha384", readFileSync(join(folder, name))).digest("base64")}`;

const LINK = / *<link rel="stylesheet" href="\.\/([^"]+)"[^>]*>\n?/g;
const LATER = "data-later";

/** Style sheets in their order, as one; and those marked `data-later` as another, which later.js turns on. */
function joinStyles(page) {
  const links = [...page.matchAll(LINK)].map(([all, name]) => ({ all, name, waits: all.includes(LATER) }));
  const first = joined(links.filter(({ waits }) => !waits), "styles", "stylesheet");
  const later = joined(links.filter(({ waits }) => waits), "later-styles", "later");
  return links.reduce((rest, { all }, i) => rest.replace(all, i === 0 ? first + later : ""), page);
}

/** One sheet of several, and the link to it. */
function joined(links, name, rel) {
  if (links.length === 0) return "";
  const styles = links.map(({ name }) => text(name)).join("").replace(/\/\*[^]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").trim();
  const sheet = `${name}-${hash("sha256", styles).digest("hex").slice(0, 16)}.css`;
  for (const { name } of links) rmSync(join(folder, name));
  write(sheet, styles);
  return `  <link rel="${rel}" href="./${sheet}" crossorigin="anonymous" integrity="${integrity(sheet)}"/>\n`;
}

/** The glue, and how it comes by the second artifact. */
const withLater = (glue) => `${glue.replace("const import0 = {", "const import0 = {\n__later: fetchLaterAtOnce,")}\n${readFileSync("web/public/later.js", "utf8")}`;

if (process.env.TRUNK_PROFILE === "release") {
  const [wasm, glue] = [named(".wasm"), named(".js")];
  const later = "later.wasm";
  const map = join(process.env.CARGO_TARGET_DIR ?? "target", "wasm32-unknown-unknown/web/playground_web.map");
  split(join(folder, wasm), join(folder, later), map);
  const names = new Map();
  write(wasm, shortImports(readFileSync(join(folder, wasm)), names));
  write(glue, shortGlue(withLater(text(glue)), names));
  for (const name of ["boot.js", "worker-boot.js"]) write(name, bare(text(name)));
  let page = joinStyles(text("index.html"));
  for (const name of [wasm, glue]) {
    page = page.replace(new RegExp(`(href="\\./${name}"[^>]*integrity=")[^"]*`), (_, before) => before + integrity(name));
  }
  // One name for the three: a browser that kept one of them never meets another build's.
  const parts = [wasm, later, glue].map((name) => readFileSync(join(folder, name)));
  const build = `playground-${hash("sha256", ...parts).digest("hex").slice(0, 16)}`;
  for (const [name, ending] of [[wasm, ".wasm"], [later, "-later.wasm"], [glue, ".js"]]) {
    renameSync(join(folder, name), join(folder, build + ending));
    page = page.replaceAll(`./${name}`, `./${build}${ending}`);
  }
  write("index.html", page);
}
