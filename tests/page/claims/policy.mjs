// What the page may load and run: its own files, nothing written into the markup.
import assert from "node:assert/strict";

const STRICT = {
  "default-src": "'none'",
  "script-src": "'self' 'wasm-unsafe-eval'",
  "style-src": "'self'",
  "connect-src": "'self'",
  "worker-src": "'self'",
};

export const claims = {
  "a strict policy stands in the page itself, and nothing in it needs less": async (bench) => {
    const html = await (await fetch(bench.url)).text();
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? "";
    const directives = Object.fromEntries(policy.split(";").map((part) => part.trim().split(/\s+(.*)/s).slice(0, 2)));
    for (const [name, value] of Object.entries(STRICT)) assert.equal(directives[name], value, name);
    assert.doesNotMatch(policy, /unsafe-inline|unsafe-eval'? |\*/);
    assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=/, "no inline style or handler");
    assert.deepEqual([...html.matchAll(/<script(?![^>]*\ssrc=)[^>]*>/g)].map(([tag]) => tag), [], "no inline script");
    const outside = [...html.matchAll(/(?:src|href)="(https?:)?\/\/[^"]*"/g)].map(([link]) => link);
    assert.deepEqual(outside, []);
  },
};
