// Drives the built site in headless Chromium: one line a claim, exit code 1 when one does not hold.
//   node tests/page/run.mjs [WORD]... [--pictures | --gallery]
// `cargo xtask test page` gives the address, the browser and the packages by environment variables. A WORD keeps the
// claims whose name or file has it; --pictures writes the README's pictures instead of testing, --gallery those of every state.
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Lab } from "./lab.mjs";

/** No claim may take longer, whatever it waits for, unless it is made longer by hand. */
const LONGEST_MS = Number(process.env.PLAYGROUND_LONGEST_MS ?? 60_000);
/** Claims under way at a time: one waits for virtual time while another uses the processor. */
const BESIDE = 3;

const here = import.meta.dirname;
const pictures = process.argv.includes("--pictures");
const gallery = process.argv.includes("--gallery");
const words = process.argv.slice(2).filter((word) => !word.startsWith("--"));

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set. These tests are run by \`cargo xtask test page\`.`);
    process.exit(2);
  }
  return value;
}

async function chosenClaims() {
  const files = readdirSync(join(here, "claims")).filter((file) => file.endsWith(".mjs")).sort();
  const all = [];
  for (const file of files) {
    const { claims } = await import(`./claims/${file}`);
    all.push(...Object.entries(claims).map(([name, holds]) => ({ name: `${file.replace(/\.mjs$/, "")}: ${name}`, holds })));
  }
  return words.length === 0 ? all : all.filter(({ name }) => words.some((word) => name.includes(word)));
}

function within(ms, promise) {
  let timer;
  const late = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error(`not done after ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** True when the claim holds. */
async function judge({ name, holds }, lab) {
  const start = performance.now();
  const bench = lab.bench();
  let trouble = null;
  try {
    await within(LONGEST_MS, holds(bench));
    bench.assertNoTrouble();
  } catch (error) {
    trouble = error;
  } finally {
    await bench.close();
  }
  console.log(`${trouble ? "FAILED" : "ok    "} ${String(Math.round(performance.now() - start)).padStart(6)} ms  ${name}`);
  if (trouble) {
    const seen = bench.troubles();
    const lines = [trouble.message, ...(seen.length > 0 ? ["The browser reported:", ...seen] : []), place(trouble)];
    console.log(lines.join("\n").replace(/^/gm, "         "));
  }
  return !trouble;
}

/** The line of the claim that failed. */
function place(error) {
  return (error.stack ?? "").split("\n").find((line) => line.includes("/claims/"))?.trim() ?? "";
}

async function main() {
  const modules = required("PLAYGROUND_NODE_MODULES");
  const { chromium } = createRequire(join(modules, "x.js"))("playwright-core");
  const lab = await Lab.open({
    chromium,
    executable: required("CHROMIUM"),
    url: required("PLAYGROUND_URL"),
    dist: required("PLAYGROUND_DIST"),
    modules,
  });
  try {
    if (pictures) {
      const { take } = await import("./pictures.mjs");
      return await take(lab, join(here, "pictures"));
    }
    if (gallery) {
      const { take } = await import("./gallery.mjs");
      return await take(lab, process.env.GALLERY_DIR ?? join(here, "pictures/gallery"), words);
    }
    const claims = await chosenClaims();
    let next = 0;
    let failed = 0;
    const start = performance.now();
    const work = async () => {
      while (next < claims.length) {
        if (!(await judge(claims[next++], lab))) failed += 1;
      }
    };
    await Promise.all(Array.from({ length: BESIDE }, work));
    console.log(`\n${claims.length - failed} passed, ${failed} failed in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    return failed === 0 && claims.length > 0 ? 0 : 1;
  } finally {
    await lab.close();
  }
}

process.exit(await main());
