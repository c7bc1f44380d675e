// The browser, and for each claim a bench: fresh profiles on it, and everything the browser complained about.
import { Playground } from "./page.mjs";

/** A step of a journey that takes longer fails. */
const STEP_MS = 15_000;
const SIZE = { width: 1440, height: 900 };

export class Lab {
  static async open({ chromium, executable, url, dist, modules }) {
    const browser = await chromium.launch({
      executablePath: executable,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
    return Object.assign(new Lab(), { browser, url, dist, modules });
  }

  bench() {
    return new Bench(this);
  }

  close() {
    return this.browser.close();
  }
}

/** What one claim works with. Whatever it opens is closed behind it. */
export class Bench {
  #closing = [];
  #troubles = [];
  #expected = [];

  constructor(lab) {
    this.lab = lab;
    this.url = lab.url;
  }

  /** A profile of its own: its own storage, clipboard rights and settings. */
  async profile(settings = {}) {
    const context = await this.lab.browser.newContext({ viewport: SIZE, reducedMotion: "no-preference", ...settings });
    this.onClose(() => context.close());
    context.setDefaultTimeout(STEP_MS);
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(this.url).origin });
    await context.addInitScript(reportPolicy);
    context.on("page", (page) => this.#watch(page));
    return context;
  }

  /** Opens the playground in a fresh profile, or in the one given, and waits until its run is shown. */
  async open(fragment = "", { context, query = "", ready = true, ...settings } = {}) {
    const page = await (context ?? (await this.profile(settings))).newPage();
    await page.goto(`${this.url}${query}${fragment}`);
    const playground = new Playground(page);
    if (ready) await playground.ready();
    return playground;
  }

  onClose(act) {
    this.#closing.push(act);
  }

  /** Complaints that have this in them belong to the claim. */
  expect(...patterns) {
    this.#expected.push(...patterns);
  }

  troubles() {
    return this.#troubles.filter((trouble) => !this.#expected.some((pattern) => pattern.test(trouble)));
  }

  assertNoTrouble() {
    const troubles = this.troubles();
    if (troubles.length > 0) throw new Error("the browser complained");
  }

  async close() {
    for (const act of this.#closing.reverse()) await act().catch(() => {});
  }

  #watch(page) {
    const note = (kind, text) => this.#troubles.push(`${kind}: ${String(text).slice(0, 300)}`);
    const own = new URL(this.url).origin;
    page.on("console", (message) => message.type() === "error" && note("console error", message.text()));
    page.on("pageerror", (error) => note("page error", error));
    page.on("crash", () => note("crash", page.url()));
    // Whoever leaves does not wait for the artifact's second part.
    const left = (request) => request.url().endsWith("-later.wasm") && request.failure()?.errorText === "net::ERR_ABORTED";
    page.on("requestfailed", (request) => left(request) || note("failed request", `${request.url()} ${request.failure()?.errorText}`));
    page.on("response", (response) => response.status() >= 400 && note("failed request", `${response.status()} ${response.url()}`));
    page.on("request", (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol.startsWith("http") && origin !== own) note("request to another origin", request.url());
    });
  }
}

/** Runs in the page: what the content policy refused, as a console error. */
function reportPolicy() {
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`content policy: ${event.violatedDirective} refused ${event.blockedURI}`);
  });
}
