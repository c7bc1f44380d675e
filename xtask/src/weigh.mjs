// Prints what each file of a folder weighs as brotli, as a server would send it; fails above the budget.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const [folder, budget] = process.argv.slice(-2);
const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(8);
const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });

let total = 0;
// What is fetched when it is needed: scenario files one by one when somebody opens them, the second part of artifact and styles when
// somebody takes part, the words that tables explain when one is opened, another language when it is chosen.
let scenarios = 0;
let later = 0;
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const bytes = readFileSync(join(entry.parentPath ?? entry.path, entry.name));
  const sent = brotli(bytes).length;
  const inside = join(entry.parentPath ?? entry.path);
  if (inside.endsWith("scenarios")) {
    scenarios += sent;
    continue;
  }
  if (/-later\.wasm$|^later-styles/.test(entry.name) || /(words|languages)$/.test(inside)) later += sent;
  else total += sent;
  console.log(`${kb(bytes.length)} KB ${kb(sent)} KB brotli  ${entry.name}`);
}
console.log(`Fetched when somebody takes part: ${kb(later).trim()} KB. Scenario files, each fetched when it is opened: ${kb(scenarios).trim()} KB.`);
console.log(`The site runs after ${kb(total).trim()} KB brotli of at most ${budget} KB; whole it weighs ${kb(total + later).trim()} KB.`);
process.exitCode = total > budget * 1024 ? 1 : 0;
