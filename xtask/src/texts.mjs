// Which texts of the artifact's memory only the second part reads: a message that a refused command prints, say. They travel with it.
//
// The linker's map says where each constant lies. A constant is needed at first when a function of the first part names an address
// in it, or a needed constant holds one. Only texts are moved: nothing computes its way into a text from outside, as code may into a
// table (`TABLE[i - 1]`), so no reader can go unseen. Whatever is in doubt stays.
import { readFileSync } from "node:fs";

/** Compilers fold an index's constant part into a table's address, so code may name it from a little before its start. */
const BEFORE = 64;
const ESCAPES = { n: 10, t: 9, r: 13, "\\": 92, '"': 34, "'": 39 };
const ESCAPED = /\\([0-9a-f]{2}|.)|[^\\]/gs;
const DATA = /\(i32\.const (\d+)\) "((?:[^"\\]|\\.)*)"\)/s;

/** Constants that change, and tables a `match` became. */
const IMMOVABLE = /^\.data|switch\.table/;

/** Text, perhaps with the lengths and holes of a format in it: mostly letters, as no table is. */
const reads = (bytes) => bytes.filter((byte) => byte === 32 || (byte >= 97 && byte <= 122)).length * 2 > bytes.length;

const bytesOf = (text) => Buffer.from([...text.matchAll(ESCAPED)].map(([all, escape]) => (escape === undefined ? all.charCodeAt(0) : (ESCAPES[escape] ?? parseInt(escape, 16)))));
const textOf = (bytes) => [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");

/** A form `(data … (i32.const 1048576) "…")` as an address and bytes. */
function segment(form) {
  const [, at, text] = DATA.exec(form);
  return { at: Number(at), bytes: bytesOf(text), form };
}

/** Constants as the linker laid them out, `{ at, size, name }`. */
function constants(map, first, end) {
  const rows = readFileSync(map, "utf8").matchAll(/^\s*([0-9a-f]+)\s+[0-9a-f]+\s+([0-9a-f]+) {9}\S.*?:\((\.(?:rodata|data).*)\)$/gm);
  const all = [...rows].map(([, at, size, name]) => ({ at: parseInt(at, 16), size: parseInt(size, 16), name }));
  return all.filter(({ at, size }) => at >= first && at < end && size > 0).sort((a, b) => a.at - b.at);
}

/** The linker joins texts that end in a zero byte in one piece without a name of its own. */
function apart(constant, byte) {
  if (constant.name !== ".rodata") return [constant];
  const texts = [];
  let at = constant.at;
  for (let next = at; next < constant.at + constant.size; next++) {
    if (byte(next) !== 0 && next + 1 < constant.at + constant.size) continue;
    texts.push({ at, size: next + 1 - at, name: "" });
    at = next + 1;
  }
  return texts;
}

/** Addresses a function names: constants, and the fixed part of a load's address. */
function named(form) {
  const words = [...form.matchAll(/\(i32\.const (-?\d+)\)|offset=(\d+)/g)].map(([, constant, offset]) => Number(constant ?? offset));
  const pairs = [...form.matchAll(/\(i64\.const (-?\d+)\)/g)].map(([, pair]) => BigInt.asUintN(64, BigInt(pair)));
  return [...words, ...pairs.flatMap((pair) => [Number(pair & 0xffffffffn), Number(pair >> 32n)])];
}

/** The data forms of the first part, and those of the second, given the functions of the first. */
export function shareTexts(dataForms, functions, map) {
  const segments = dataForms.map(segment);
  const first = Math.min(...segments.map(({ at }) => at));
  const end = Math.max(...segments.map(({ at, bytes }) => at + bytes.length));
  const image = Buffer.alloc(end - first + 4);
  for (const { at, bytes } of segments) bytes.copy(image, at - first);
  const all = constants(map, first, end).flatMap((constant) => apart(constant, (at) => image[at - first]));
  const bytes = ({ at, size }) => image.subarray(at - first, at - first + size);
  for (const constant of all) constant.isText = !IMMOVABLE.test(constant.name) && reads(bytes(constant));

  const waiting = unneeded(all, functions.flatMap(named), bytes);
  const moved = waiting.map((text) => ` (data (i32.const ${text.at}) "${textOf(bytes(text))}")`);
  for (const text of waiting) bytes(text).fill(0);
  const stays = segments.map(({ at, bytes, form }) => form.replace(DATA, () => `(i32.const ${at}) "${textOf(image.subarray(at - first, at - first + bytes.length))}")`));
  return { stays, moved };
}

/** Constants that none of these addresses leads to. */
function unneeded(all, addresses, bytes) {
  const needed = new Set();
  const queue = [];
  const need = (constant) => {
    if (!constant || needed.has(constant)) return;
    needed.add(constant);
    queue.push(constant);
  };
  // How code reaches these is not looked into.
  all.filter(({ name }) => IMMOVABLE.test(name)).forEach(need);
  const visit = (address) => {
    const next = upperBound(all, address);
    // One past the end may be the end of the one before.
    for (const constant of [all[next - 2], all[next - 1]]) if (constant && address <= constant.at + constant.size) need(constant);
    return next;
  };
  for (const address of addresses) {
    for (let i = visit(address); i < all.length && all[i].at <= address + BEFORE; i++) if (!all[i].isText) need(all[i]);
  }
  for (let constant; (constant = queue.pop()); ) {
    if (constant.isText) continue;
    const held = bytes(constant);
    for (let i = (4 - (constant.at % 4)) % 4; i + 4 <= held.length; i += 4) visit(held.readUInt32LE(i));
  }
  return all.filter((constant) => !needed.has(constant));
}

/** How many constants begin at the address or before it. */
function upperBound(all, address) {
  let [low, high] = [0, all.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].at <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}
