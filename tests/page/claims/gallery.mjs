// Every state that is pictured is reached, and no meter finds anything to mend in it.
import assert from "node:assert/strict";
import { go, walks } from "../gallery.mjs";
import { axeOf, faults } from "../meters.mjs";

/** The narrowest page has the least room for mistakes. */
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark" };

const claim = (walk) => async (bench) => {
  const axe = axeOf(bench.lab);
  const found = [];
  await go(bench, walk, PHONE, async (it, state) => found.push(...(await faults(it, axe)).map((fault) => `${state}: ${fault}`)));
  assert.deepEqual(found, []);
};

export const claims = Object.fromEntries(
  Object.entries(walks).map(([name, walk]) => [`${name} on a phone: ${walk.states.map(([state]) => state).join(", ")}`, claim(walk)]),
);
