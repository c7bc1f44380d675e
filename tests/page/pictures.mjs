// The README's pictures: the truck fleet shortly after broker 102 crashed, a record in the inspector, records on their way.
import { mkdirSync } from "node:fs";
import { join } from "node:path";

/** The leaders move nine seconds after the crash. */
const RUN = "#s=trucks_gps&kill=102@60s&t=69800ms";
const MOMENT_US = 70_300_000;

export async function take(lab, folder) {
  mkdirSync(folder, { recursive: true });
  for (const colorScheme of ["light", "dark"]) {
    const bench = lab.bench();
    try {
      const it = await bench.open(RUN, { colorScheme });
      await it.moment();
      await it.button("Keep this run").click();
      await it.untilSaved();
      await it.record(4, 5).click();
      await it.untilTitle("trucks_gps-4@5");
      await it.speed(0.5);
      await it.play.click();
      await it.untilTime(MOMENT_US);
      const path = join(folder, `stage-${colorScheme}.png`);
      await it.page.screenshot({ path, animations: "allow" });
      console.log(path);
      bench.assertNoTrouble();
    } finally {
      await bench.close();
    }
  }
  return 0;
}
