// Splits an optimised artifact in two: what a visitor needs who watches, and what can wait until somebody takes part.
//
// Works on binaryen's text form, a form a line of thought each: `(func $name …)`, `(import …)`, `(elem …)`. A function that waits
// and is called from the first part leaves a stub of its name there, which calls it through the table; the second part brings the
// functions and fills the table, and the texts that only they read. Both share memory, table and stack pointer, so neither side can
// tell the difference.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { shareTexts } from "./texts.mjs";

const NAME = String.raw`\$(?:"(?:[^"\\]|\\.)*"|[^\s()"]+)`;
const PARTS = "bulk-memory bulk-memory-opt nontrapping-float-to-int sign-ext mutable-globals reference-types multivalue";
export const FEATURES = PARTS.split(" ").map((feature) => `--enable-${feature}`);
const OPTIONS = [...FEATURES, "-Oz", "--low-memory-unused", "--one-caller-inline-max-function-size=0", "--flexible-inline-max-function-size=0"];

export const kind = (form) => /^ \((\w+)/.exec(form)[1];
export const named = (form) => new RegExp(`\\((?:func|global|table|memory|elem) (${NAME})`).exec(form)[1];
const all = (pattern, text) => [...text.matchAll(new RegExp(pattern, "g"))].map(([, found]) => found);

/** The module's forms, without what encloses them. */
export const formsOf = (text) => text.split(/\n(?= \(| ;;|\))/).filter((part) => part.startsWith(" ("));

/** Types of the parameters, `(param $0 i32) (param $1 i64)` or `(param i32 i64)`, and the result as written. */
function signature(form) {
  const head = form.slice(form.indexOf("(func")).split("\n")[0];
  const params = all(String.raw`\(param (?:\$\d+ )?([^)]*)\)`, head).flatMap((types) => types.split(" "));
  return { params, result: /\(result [^)]*\)/.exec(head)?.[0] ?? "" };
}
const typed = ({ params, result }) => ` (param ${params.join(" ")}) ${result}`;

/** What functions go by that have only a number, another one in each build. */
export const UNNAMED = "unnamed";

/** A function's name without what another build, or another compiler, calls otherwise. */
export const plain = (name) =>
  name.replace(/^\$"?|"$/g, "").replace(/::h[0-9a-f]{16}|\[[0-9a-f]{16}\]|(?:_|\.)\d+$/g, "").replace(/^\d+$/, UNNAMED);

const CALLED = new RegExp(`\\((?:(?:return_)?call|ref\\.func) (${NAME})`, "g");

/** Tells functions of one name apart, as closures and what is made of generics are: by what they call. */
export function apart(form) {
  const called = new Set([...form.matchAll(CALLED)].map(([, name]) => plain(name)));
  const { params, result } = signature(form);
  return `${plain(named(form))} #${createHash("sha256").update([...called].sort().join() + params + result).digest("hex").slice(0, 8)}`;
}

/** The lines of a file in the repository that say something. */
export const lines = (path) => readFileSync(path, "utf8").split("\n").map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));

/** What a function can be reached from. */
function graph(functions) {
  const calls = new Map();
  const callers = new Map([...functions.keys()].map((name) => [name, new Set()]));
  for (const [name, form] of functions) {
    const called = new Set([...form.matchAll(CALLED)].map(([, other]) => other));
    calls.set(name, called);
    for (const other of called) callers.get(other)?.add(name);
  }
  return { calls, callers };
}

/** Drops do not count: one of `Option<Panel>` is called where there is no panel. */
export const isNamed = (name, words) => !name.includes("ptr::drop_in_place") && words.some((word) => name.includes(word));

/** Functions whose names hold one of `words` or are among `names`, and those that only they call. `kept` are known outside and stay. */
function waiting(functions, callers, { words, names }, kept) {
  const waits = (name) => names.has(plain(name)) || names.has(apart(functions.get(name))) || isNamed(name, words);
  const later = new Set([...functions.keys()].filter((name) => waits(name) && !kept.exported.has(name)));
  const joins = (name) => !later.has(name) && !kept.exported.has(name) && !kept.pointed.has(name) && callers.get(name).size > 0 && [...callers.get(name)].every((other) => later.has(other));
  for (let grew = true; grew; ) {
    const more = [...functions.keys()].filter(joins);
    more.forEach((name) => later.add(name));
    grew = more.length > 0;
  }
  return later;
}

/** Two texts: the first part with stubs, and the part that waits: functions whose names hold a word, or are named. `map` is the linker's. */
export function parts(text, wait, map) {
  const forms = formsOf(text);
  const of = (which) => forms.filter((form) => kind(form) === which);
  const functions = new Map(of("func").map((form) => [named(form), form]));
  const imports = new Map(of("import").map((form) => [named(form), form]));
  const { calls, callers } = graph(functions);
  const kept = { exported: new Set(of("export").flatMap((form) => all(`\\(func (${NAME})\\)`, form))), pointed: new Set(of("elem").flatMap((form) => all(`(${NAME})`, form))) };
  const later = waiting(functions, callers, wait, kept);
  const border = [...later].filter((name) => kept.pointed.has(name) || [...callers.get(name)].some((other) => !later.has(other)));
  const shared = [...new Set([...later].flatMap((name) => [...calls.get(name)]))].filter((name) => !later.has(name));
  const globals = of("global").filter((form) => [...later].some((name) => functions.get(name).includes(`${named(form)})`) || functions.get(name).includes(`${named(form)}\n`)));
  const table = of("table").find((form) => form.includes("funcref"));
  const size = Number(/(\d+) \d+ funcref/.exec(table)[1]);
  // Each as the second part imports it, and as the first exports it.
  const handed = [
    ...of("memory").map((form) => [` (memory ${named(form)} 1)`, `(memory ${named(form)})`]),
    ...of("table").map((form) => [` (table ${named(form)} 1 ${/\w+(?=\))/.exec(form)[0]})`, `(table ${named(form)})`]),
    ...globals.map((form) => [` (global ${named(form)} ${form.includes("(mut i32)") ? "(mut i32)" : "i32"})`, `(global ${named(form)})`]),
    ...shared.map((name) => [` (func ${name}${typed(signature(functions.get(name) ?? imports.get(name)))})`, `(func ${name})`]),
  ];
  const short = (i) => `~${i.toString(36)}`;

  const stub = (name, i) => {
    const form = signature(functions.get(name));
    const args = form.params.map((_, at) => `(local.get ${at})`).join(" ");
    return ` (func ${name}${typed(form)} (call $ready) (call_indirect ${named(table)}${typed(form)} ${args} (i32.const ${size + i})))`;
  };
  const wider = table.replace(/\d+ \d+ funcref/, `${size + border.length} ${size + border.length} funcref`);
  const texts = shareTexts(of("data"), [...functions].filter(([name]) => !later.has(name)).map(([, form]) => form), map);
  const stays = forms.filter((form) => kind(form) !== "data" && (kind(form) !== "func" || !later.has(named(form)))).map((form) => (form === table ? wider : form));
  const bridge = [
    ` (import "./playground_web_bg.js" "__later" (func $fetch_later))`,
    ` (global $later (mut i32) (i32.const 0))`,
    ` (export "later" (global $later))`,
    ...handed.map(([, form], i) => ` (export "${short(i)}" ${form})`),
    ` (func $ready (if (i32.eqz (global.get $later)) (then (call $fetch_later))))`,
    ...border.map(stub),
  ];
  stays.splice(stays.findLastIndex((form) => kind(form) === "import") + 1, 0, ...bridge);
  stays.push(...texts.stays);
  const waits = [
    ...of("type"),
    ...handed.map(([form], i) => ` (import "" "${short(i)}"${form})`),
    ` (elem (table ${named(table)}) (i32.const ${size}) func ${border.join(" ")})`,
    ...[...later].map((name) => functions.get(name)),
    ...texts.moved,
  ];
  return [stays, waits].map((forms) => `(module\n${forms.join("\n")}\n)\n`);
}

/** Writes both parts of the artifact at `path`: the first in its place, the other at `other`. `map` is the linker's. */
export function split(path, other, map) {
  const text = `${path}.wat`;
  execFileSync("wasm-dis", [path, "-o", text]);
  const targets = [path, other];
  const wait = { words: lines("web/later.txt"), names: new Set(lines("web/unwatched.txt")) };
  parts(readFileSync(text, "utf8"), wait, map).forEach((part, i) => {
    writeFileSync(text, part);
    execFileSync("wasm-opt", [...OPTIONS, text, "-o", targets[i]], { stdio: "inherit" });
  });
  rmSync(text);
}
