import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, describe, onTestFinished } from "vitest";

const program = process.env.PAWL_CHROMIUM ?? "/usr/bin/chromium";
const hasChromium = existsSync(program);

if (!hasChromium) {
  console.warn(
    `Tests of the dashboard in a browser are skipped: there is no ${program}. ` +
      "Install Chromium (apt-get install chromium), or say where it is with PAWL_CHROMIUM.",
  );
}

/** A `describe` whose tests are skipped, and counted as skipped, where there is no Chromium. */
export const describeInBrowser = describe.skipIf(!hasChromium);

let browser: Promise<Browser> | undefined;

afterAll(async () => {
  await (await browser)?.close();
});

/** A page, and what it did that a well-behaved one does not. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors, refused policies, dialogs and requests to anywhere else, as they come. */
  readonly offences: string[];
}

export interface PageOptions {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

/** Opens an address in a fresh profile; closed when the test has ended. */
export async function openPage(address: string, options: PageOptions = {}): Promise<WatchedPage> {
  browser ??= chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  const { theme = "light", width = 1280, height = 900 } = options;
  const context = await (
    await browser
  ).newContext({
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: "reduce",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const offences = watch(page, new URL(address).origin);
  await page.goto(address);
  return { page, context, offences };
}

function watch(page: Page, origin: string): string[] {
  const offences: string[] = [];
  page.on("pageerror", (error) => offences.push(`threw ${error.stack ?? error.message}`));
  page.on("dialog", (dialog) => {
    offences.push(`opened a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    // What the server refuses is answered with a status, which the browser logs as an error of its own.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      offences.push(`logged ${message.text()}`);
    }
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) offences.push(`asked ${url.href}`);
  });
  return offences;
}

/** Violations of the content security policy are in the console as errors; this also counts those that are not. */
export const watchPolicy = `
  window.violations = [];
  addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(event.violatedDirective + " " + event.blockedURI);
  });
`;
