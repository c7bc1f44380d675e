// The first minute of a visitor: it is there, and it moves.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const DIGESTS = join(import.meta.dirname, "../../digests.txt");

export const claims = {
  "it moves by itself: time, records, counts": async (bench) => {
    const it = await bench.open();
    await it.untilMoving();
    await it.speed(10);
    await it.untilCount("sent", 3);
    const sent = await it.count("sent");
    await it.records().first().waitFor();
    await it.untilCount("sent", sent + 10);
    await it.untilCount("promised", sent + 10);
    assert.equal(await it.count("lost"), 0);
    await it.frame.getByRole("img", { name: /newest position of \d+ keys/ }).waitFor();
  },

  "records travel on the canvas": async (bench) => {
    const it = await bench.open();
    await it.speed(1);
    await it.until(() => {
      const canvas = document.querySelector(".stage__canvas canvas");
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.some((value) => value > 0);
    });
  },

  "the page reaches the digests of the native engine": async (bench) => {
    const cases = readFileSync(DIGESTS, "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .filter(([scenario, ms]) => scenario === "trucks_gps" && Number(ms) > 0);
    assert.ok(cases.length > 0);
    for (const [scenario, ms, digest] of cases) {
      const it = await bench.open(`#s=${scenario}&t=${ms}ms`);
      assert.deepEqual(await it.moment(), { digest, nowUs: Number(ms) * 1000 });
      await it.page.close();
    }
  },
};
