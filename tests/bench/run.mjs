// The engine native, the engine as wasm and a plain JavaScript simulation, in turn, five times each; medians of CPU time.
// `node tests/bench/run.mjs [--native PATH] [--rounds N] [--quick]`; cargo must be able to compile for wasm32-unknown-unknown.
//
// Every measurement is a process of its own: `run.mjs --once KIND CASE AMOUNT`. So nobody profits from another's warm caches,
// and what the process computed (garbage collection and compilation of the engine included) is what it took.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { simulate } from './toy-event.mjs';

const HERE = fileURLToPath(import.meta.url);
const ROOT = resolve(dirname(HERE), '../..');
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');
const BUILT = join(TARGET, 'wasm32-unknown-unknown/web/examples/bench_wasm.wasm');
const WASM = join(TARGET, 'wasm32-unknown-unknown/web/examples/bench_wasm-opt.wasm');
const CASES = ['batch1', 'batch10', 'batch100', 'single', 'large', 'few', 'many', 'trucks']; // as `Case::ALL`
const argument = (name) => process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined;

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

// --- One measurement, in this process ---

/** Waits, for half a minute at most, until this process has computed nothing for a while: V8 compiles beside it. */
async function quiet() {
  for (let waits = 0, still = 0, before = cpuSeconds(); waits < 300 && still < 8; waits++) {
    await new Promise((over) => setTimeout(over, 100));
    const now = cpuSeconds();
    still = now - before < 0.004 ? still + 1 : 0;
    before = now;
  }
}

async function onceWasm(name, amount) {
  const { exports: engine } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(WASM)), {});
  const prepared = (records) => engine.prepare(CASES.indexOf(name), records);
  const work = () => name === 'trucks' ? engine.pass(amount) : engine.deliver();
  // V8 starts with quick, slow code and compiles again beside the run; a page spends most of its time after that. So both kinds
  // run everything once before they are timed, and what is being compiled then is waited for: to drop the first run, which is no
  // part of the second, would else be a tenth of it.
  prepared(amount);
  work();
  prepared(amount);
  await quiet();
  const before = { cpu: cpuSeconds(), events: engine.events(), virtual: engine.virtual_seconds(), memory: engine.memory.buffer.byteLength };
  work();
  return {
    cpu_s: cpuSeconds() - before.cpu,
    virtual_s: engine.virtual_seconds() - before.virtual,
    records: engine.records(),
    batches: engine.batches(),
    events: engine.events() - before.events,
    memory_bytes: engine.memory.buffer.byteLength,
  };
}

async function onceToy(amount, partitions, payload) {
  simulate({ partitions, total: amount, payload });
  globalThis.gc?.();
  await quiet();
  const heap = process.memoryUsage().heapUsed, began = cpuSeconds();
  const run = simulate({ partitions, total: amount, payload });
  const cpu_s = cpuSeconds() - began;
  globalThis.gc?.();
  const retained_bytes = process.memoryUsage().heapUsed - heap;
  return { cpu_s, records: run.delivered, events: run.events, retained_bytes, sum: run.sum };
}

/** A hundred random moments of a run of `events` events. */
function onceSeek(name, events) {
  const { exports: engine } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(WASM)), {});
  engine.remember(CASES.indexOf(name), 4_000_000, events);
  const share = engine.copies_share(); // of the logs as they are at the end
  const took = [];
  let state = 7, equal = 0;
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
  for (let i = 0; i < 100; i++) {
    const began = performance.now();
    engine.seek(random());
    took.push(performance.now() - began);
    if (i % 25 === 24) equal += engine.as_straight();
  }
  took.sort((a, b) => a - b);
  return { p50_ms: took[50], p95_ms: took[95], most_ms: took[99], equal, copies: engine.copies(), share };
}

function once(kind, name, amount) {
  if (kind === 'seek') return onceSeek(name, amount);
  if (kind === 'wasm') return onceWasm(name, amount);
  return onceToy(amount, name === 'large' ? 1000 : 6, kind === 'toy' ? 100 : 0);
}

// --- All of them, in turn ---

function measure(kind, name, amount) {
  const [program, ...args] = kind === 'native'
    ? [argument('--native'), name, String(amount)]
    : [process.execPath, '--expose-gc', HERE, '--once', kind, name, String(amount)];
  const began = performance.now();
  const child = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (child.status !== 0) throw new Error(`${kind} ${name} ended with ${child.status ?? child.signal ?? child.error}`);
  return { ...JSON.parse(child.stdout), wall_s: (performance.now() - began) / 1000 };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const medians = (rounds) => Object.fromEntries(Object.keys(rounds[0]).map((key) => [key, median(rounds.map((round) => round[key]))]));

function inTurn(kinds, name, amount, rounds) {
  const results = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of kinds) results[kind].push(measure(kind, name, amount));
  }
  return Object.fromEntries(kinds.map((kind) => [kind, medians(results[kind])]));
}

const rate = ({ records, cpu_s }) => records / cpu_s;
const thousands = (n) => Math.round(n / 1000).toLocaleString('en').padStart(7) + ' k';
const missed = [];

function goal(name, value, holds, text) {
  if (!holds) missed.push(`${name}: ${value}, goal ${text}`);
  return `${value} (goal ${text}${holds ? '' : ', MISSED'})`;
}

function endToEnd(native, rounds, quick) {
  const kinds = [...(native ? ['native'] : []), 'wasm', 'toy', 'bare'];
  console.log('End to end: 3 brokers, 6 partitions, 100-byte values, keys user-0…user-999, replication factor 3, acks=all;');
  console.log('records delivered to one group for each second of CPU.');
  console.log('  case      records/batch       native         wasm     JS toy   JS toy, no values   wasm / JS toy');
  const least = { batch1: 2, batch10: 4, batch100: 5, single: 0 }; // `single` is for comparison: batch1 from 200 producers instead of 20
  const found = {};
  for (const name of Object.keys(least)) {
    const results = inTurn(kinds, name, quick ? 60_000 : 300_000, rounds);
    const { wasm, toy, bare } = results;
    const ratio = rate(wasm) / rate(toy);
    const text = least[name] ? goal(`${name} wasm / JS toy`, ratio.toFixed(2), ratio >= least[name], `≥ ${least[name]}`) : `${ratio.toFixed(2)} (200 producers, no goal)`;
    const batch = (wasm.records / wasm.batches).toFixed(1);
    const nativeRate = results.native ? thousands(rate(results.native)) : '-'.padStart(9);
    console.log(`  ${name.padEnd(9)} ${batch.padStart(13)}    ${nativeRate}    ${thousands(rate(wasm))}  ${thousands(rate(toy))}           ${thousands(rate(bare))}   ${text}`);
    found[name] = results;
  }
  return found;
}

function costs(found) {
  console.log('\nEvents and memory (bytes kept for each 100-byte record in three copies)');
  console.log('  case      events/record   ns/event native   ns/event wasm   bytes/record native   wasm memory / record   JS toy');
  for (const [name, { native, wasm, toy }] of Object.entries(found)) {
    const ns = (run) => run ? Math.round(run.cpu_s * 1e9 / run.events).toString() : '-';
    const bytes = native ? native.retained_bytes / native.records : undefined;
    const shown = bytes === undefined ? '-' : name === 'batch1' || name === 'single' ? bytes.toFixed(0) : goal(`${name} bytes/record`, bytes.toFixed(0), bytes <= 150, '≤ 150');
    console.log(`  ${name.padEnd(9)} ${(wasm.events / wasm.records).toFixed(2).padStart(13)}   ${ns(native).padStart(15)}   ${ns(wasm).padStart(13)}   ${shown.padStart(19)}   ${(wasm.memory_bytes / wasm.records).toFixed(0).padStart(20)}   ${(toy.retained_bytes / toy.records).toFixed(0).padStart(6)}`);
  }
}

function pace(kinds, quick) {
  console.log('\nVirtual seconds for each second of CPU');
  const trucks = inTurn(kinds, 'trucks', quick ? 600 : 3600, quick ? 1 : 3);
  for (const [kind, run] of Object.entries(trucks)) {
    const speed = run.virtual_s / run.cpu_s;
    const told = goal(`trucks_gps ${kind}`, Math.round(speed).toLocaleString('en'), speed >= 10_000, '≥ 10,000, the fastest speed a page offers');
    console.log(`  trucks_gps, ${kind.padEnd(6)}: ${told}`);
  }
  const large = inTurn([...kinds, 'toy'], 'large', quick ? 200_000 : 1_000_000, quick ? 1 : 3);
  for (const kind of kinds) {
    const run = large[kind], speed = run.records / 1e6 / run.cpu_s;
    const told = goal(`large ${kind}`, speed.toFixed(2), speed >= 1, '≥ 1, real time');
    console.log(`  100 brokers, 1,000 partitions, 1 M records/s, ${kind.padEnd(6)}: ${told}  (${thousands(rate(run)).trim()} records/s, ${(run.records / run.batches).toFixed(1)} records/batch, ${(rate(run) / rate(large.toy)).toFixed(2)} times the JS toy at 1,000 partitions)`);
  }
}

function growth(kinds, quick, rounds) {
  console.log('\nCost of an event as a cluster grows: 100 brokers, 1 M records/s, ten partitions against ten thousand');
  const amount = quick ? 200_000 : 400_000;
  const [few, many] = ['few', 'many'].map((name) => inTurn(kinds, name, amount, rounds));
  for (const kind of kinds) {
    const [before, after] = [few, many].map((runs) => runs[kind].cpu_s * 1e9 / runs[kind].events);
    const batch = (runs) => (runs[kind].records / runs[kind].batches).toFixed(1);
    const told = goal(`growth ${kind}`, (after / before).toFixed(2), after <= 2 * before, '≤ 2');
    console.log(`  ${kind.padEnd(6)}: ${told}  (${Math.round(before)} ns at ${batch(few)} records/batch, ${Math.round(after)} ns at ${batch(many)})`);
  }
}

function seeks(quick) {
  const events = quick ? 300_000 : 1_000_000;
  console.log(`\nAny moment of a run of ${events.toLocaleString('en')} events, 100 random ones, wasm`);
  for (const name of ['trucks', 'batch1', 'large']) {
    const run = measure('seek', name, events);
    const told = goal(`seek ${name} p95`, `${run.p95_ms.toFixed(0)} ms`, run.p95_ms <= 100, '≤ 100 ms');
    const same = goal(`seek ${name} digests`, `${run.equal} of 4 digests as in the straight run`, run.equal === 4, '4');
    console.log(`  ${name.padEnd(7)}: p95 ${told}, p50 ${run.p50_ms.toFixed(0)} ms, longest ${run.most_ms.toFixed(0)} ms; ${same}; ${run.copies} copies, ${run.share.toFixed(1)} % of the bytes in the logs`);
  }
}

/** As the site's artifact is built: the same profile, and what its page asks of wasm-opt. */
function buildWasm() {
  execFileSync('cargo', ['build', '--locked', '--profile', 'web', '-p', 'playground_tests', '--example', 'bench_wasm', '--target', 'wasm32-unknown-unknown'], { cwd: ROOT, stdio: 'inherit' });
  const [, level, params] = /data-wasm-opt="(\w+)" data-wasm-opt-params="([^"]*)"/.exec(readFileSync(join(ROOT, 'index.html'), 'utf8'));
  execFileSync('wasm-opt', [`-O${level}`, ...params.split(' '), BUILT, '-o', WASM], { stdio: 'inherit' });
}

function main() {
  const quick = process.argv.includes('--quick');
  const rounds = Number(argument('--rounds') ?? (quick ? 1 : 5));
  const native = argument('--native');
  if (native && !existsSync(native)) throw new Error(`${native} is missing: cargo build --release -p playground_tests --bin bench`);
  buildWasm();
  const found = endToEnd(native, rounds, quick);
  costs(found);
  const ours = [...(native ? ['native'] : []), 'wasm'];
  pace(ours, quick);
  growth(ours, quick, quick ? 1 : Math.min(rounds, 3));
  seeks(quick);
  console.log(missed.length ? `\nMissed:\n  ${missed.join('\n  ')}` : '\nAll goals are met.');
  process.exitCode = missed.length ? 1 : 0;
}

if (process.argv[2] === '--once') {
  const [kind, name, amount] = process.argv.slice(3);
  console.log(JSON.stringify(await once(kind, name, Number(amount))));
} else {
  main();
}
