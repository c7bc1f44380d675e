// The playground as a person uses it: what can be seen and what can be done, by the names on the page.

/** A condition that is not met by then never will be. */
const PATIENCE_MS = 20_000;
/** Profiles share the machine's clipboard: one copies at a time. */
let clipboard = Promise.resolve();

export class Playground {
  /** `frame`: where the playground is, if not the page itself. */
  constructor(page, frame = page) {
    this.page = page;
    this.frame = frame;
    this.stage = frame.locator(".stage");
    this.play = frame.locator(".button--play");
    this.panel = frame.locator(".inspector__panel");
    this.notices = frame.locator(".notice__text");
  }

  /** Until the run is on the stage. */
  async ready() {
    await this.frame.locator(".broker").first().waitFor();
    await this.frame.locator(".row").first().waitFor();
  }

  button(name) {
    return this.frame.getByRole("button", { name, exact: true });
  }

  broker(id) {
    return this.frame.locator(`[data-at="broker:${id}"]`);
  }

  brokerState(id) {
    return this.broker(id).locator(".broker__state > span").first();
  }

  untilBroker(id, state) {
    return this.brokerState(id).filter({ hasText: state }).waitFor();
  }

  /** Until the inspector shows this. */
  untilTitle(title) {
    const exact = title instanceof RegExp ? title : new RegExp(`^${title}$`);
    return this.panel.locator(".panel__name").filter({ hasText: exact }).waitFor();
  }

  /** The cell of a record of trucks_gps. */
  record(partition, offset) {
    return this.frame.locator(`[id="cell-trucks_gps-${partition}-${offset}"]`);
  }

  records() {
    return this.frame.locator("g.cell[id^=cell-]");
  }

  partitionHead(partition) {
    return this.frame.locator(".row__head").nth(partition);
  }

  /** Waits until `condition`, a function of the document and of `given`, is true. */
  until(condition, given) {
    return this.frame.waitForFunction(condition, given, { timeout: PATIENCE_MS, polling: "raf" });
  }

  /** Virtual microseconds. */
  async nowUs() {
    return Number(await this.stage.getAttribute("data-now-us"));
  }

  untilTime(us) {
    return this.until((us) => Number(document.querySelector(".stage").dataset.nowUs) >= us, us);
  }

  async untilMoving() {
    await this.untilTime((await this.nowUs()) + 1);
  }

  /** What the verdict says of `sent`, `promised`, `lost` and `twice`. */
  count(word) {
    return this.frame.evaluate((word) => {
      const item = [...document.querySelectorAll(".verdict__item")].find((item) => item.querySelector("span")?.textContent === word);
      return Number(item.querySelector("b").textContent.replaceAll(",", ""));
    }, word);
  }

  untilCount(word, least) {
    return this.until(
      ({ word, least }) =>
        [...document.querySelectorAll(".verdict__item")].some(
          (item) => item.querySelector("span")?.textContent === word && Number(item.querySelector("b").textContent.replaceAll(",", "")) >= least,
        ),
      { word, least },
    );
  }

  /** Types a line of shell, and waits until it was taken. */
  async say(line) {
    const prompt = this.frame.locator("#prompt");
    await prompt.fill(line);
    await prompt.press("Enter");
    await this.until((line) => document.querySelector("#prompt").value === line && !document.querySelector(".caption__answer--refused"), line);
    await prompt.evaluate((field) => field.blur());
  }

  /** Plays so many virtual seconds from here, and stands still. */
  async run(seconds, times) {
    const { nowUs } = await this.pause();
    await this.speed(times);
    await this.play.click();
    await this.untilTime(nowUs + seconds * 1e6);
    return this.pause();
  }

  /** `"10"` for 10×. */
  speed(times) {
    return this.frame.locator(".speed__select").selectOption(String(Math.round(Number(times) * 1000)));
  }

  /** Presses pause if it plays; the moment it stands at. */
  async pause() {
    if ((await this.play.getAttribute("aria-label")).startsWith("Pause")) await this.play.click();
    return this.moment();
  }

  /** The moment a paused run stands at: its time and the digest of its state. */
  async moment() {
    const handle = await this.until(() => {
      const { digest, nowUs } = document.querySelector(".stage")?.dataset ?? {};
      const paused = document.querySelector(".button--play")?.getAttribute("aria-label").startsWith("Play");
      return paused && digest && { digest, nowUs: Number(nowUs) };
    });
    return handle.jsonValue();
  }

  /** Until exactly what is shown is kept. */
  untilSaved() {
    return this.until(() => document.querySelector(".kept__text")?.textContent === "saved");
  }

  kept() {
    return this.frame.locator(".kept__text").textContent();
  }

  /** The link that Share puts on the clipboard. */
  share() {
    const copied = clipboard.then(async () => {
      await this.button("Share").click();
      await this.frame.getByText("Link copied").waitFor();
      return this.page.evaluate(() => navigator.clipboard.readText());
    });
    clipboard = copied.catch(() => {});
    return copied;
  }

  /** Types a line at the prompt; it was taken when the event list, which must be open, says so. */
  async line(text, told) {
    const prompt = this.frame.locator("#prompt");
    await prompt.fill(text);
    await prompt.press("Enter");
    await this.until((told) => [...document.querySelectorAll(".event-row__text")].some((row) => row.textContent.includes(told)), told);
  }

  /** The events of the list, newest first: `{at, text}`. */
  events() {
    return this.frame
      .locator(".event-row")
      .evaluateAll((rows) =>
        rows.map((row) => ({ at: row.querySelector(".event-row__at").textContent, text: row.querySelector(".event-row__text").textContent })),
      );
  }
}
