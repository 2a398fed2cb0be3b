import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";

const program = "/usr/bin/chromium";
const hasBrowser = existsSync(program);
const patienceMs = 10_000;

if (!hasBrowser) {
  console.warn(`There is no ${program}: the dashboard's tests in a browser are skipped.`);
}

/** Tests that need a browser; skipped where there is none. */
export const describeInBrowser = describe.skipIf(!hasBrowser);

/** How a page is looked at. */
export interface View {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
}

/** A page, and what it should never have done. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors, breaches of the content security policy, dialogs of the browser and requests to somewhere else. */
  readonly complaints: readonly string[];
}

/** One browser for all tests of a file; each page of it is new and forgotten at the end. */
export function useBrowser(): {
  readonly open: (address: string, view?: View) => Promise<WatchedPage>;
} {
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    if (!hasBrowser) return;
    browser = await chromium.launch({
      executablePath: program,
      args: ["--no-sandbox", "--disable-gpu", "--force-color-profile=srgb"],
    });
  }, 60_000);
  afterAll(async () => {
    for (const context of contexts) await context.close();
    await browser?.close();
  }, 60_000);
  return {
    open: async (address, view = {}) => {
      if (browser === undefined) throw new Error("expected a browser");
      const { theme = "light", width = 1280, height = 900 } = view;
      const context = await browser.newContext({
        colorScheme: theme,
        viewport: { width, height },
        reducedMotion: "reduce",
        permissions: ["clipboard-read", "clipboard-write"],
      });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(patienceMs);
      const complaints = await watch(page, new URL(address).origin);
      await page.goto(address);
      await page.locator("h1").first().waitFor();
      return { page, complaints };
    },
  };
}

async function watch(page: Page, origin: string): Promise<readonly string[]> {
  const complaints: string[] = [];
  await page.addInitScript(`
    addEventListener("securitypolicyviolation", (event) => {
      console.error("policy: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample);
    });
  `);
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const { origin: asked, protocol } = new URL(request.url());
    if (asked !== origin && protocol !== "data:") complaints.push(`request: ${request.url()}`);
  });
  return complaints;
}
