import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { describeInBrowser, useBrowser } from "./chromium.ts";
import { showPawl, type ShownPawl } from "./shown-pawl.ts";

const bigNumbers = '{"id":12345678901234567890,"sum":0.10000000000000000001,"far":1e400}';

describeInBrowser("the keyboard", { timeout: 60_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;

  beforeAll(async () => {
    shown = await showPawl();
    for (let index = 0; index < 3; index += 1) await shown.enqueueRaw("walk", bigNumbers);
  }, 60_000);
  afterAll(() => shown.close());

  it.each([
    ["o", "overview"],
    ["q", "queues"],
    ["j", "jobs"],
    ["h", "history"],
    ["w", "workers"],
    ["r", "rate-limits"],
    ["k", "concurrency-keys"],
    ["e", "enqueue"],
  ])("goes with g and %s to %s", async (key, screen) => {
    const { page } = await browser.open(`${shown.url}#/audit`);

    await page.keyboard.press("g");
    await page.keyboard.press(key);

    await page.waitForURL(`**/#/${screen}`);
    await page.close();
  });

  it("moves through a list, selects and opens", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr").nth(2).waitFor();

    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("x");
    expect(await page.locator("tbody tr.current").count()).toBe(1);
    expect(await page.locator("tbody tr").first().getByRole("checkbox").isChecked()).toBe(true);

    await page.keyboard.press("Enter");
    await page.waitForURL("**/#/job?*");
    await page.close();
  });

  it("keeps up with keys that come faster than the screen is painted", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr").nth(2).waitFor();

    const places = await page.evaluate(`(async () => {
      const seen = [];
      for (const key of ["j", "j", "j", "k"]) {
        document.dispatchEvent(new KeyboardEvent("keydown", { key }));
        await Promise.resolve();
        seen.push([...document.querySelectorAll("tbody tr")].findIndex((row) => row.matches(".current")));
      }
      return seen;
    })()`);

    expect(places).toEqual([0, 1, 2, 1]);
    await page.close();
  });

  it("goes to the filter and completes a word there", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr").first().waitFor();

    await page.keyboard.press("/");
    await page.keyboard.type("task:send");
    await page.getByRole("option", { name: "task:send-email" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");

    await page.waitForURL("**/#/jobs?task=send-email");
    await page.close();
  });

  it("shows its keys in a dialog that keeps the focus and closes with Esc", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);

    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    for (let step = 0; step < 5; step += 1) {
      await page.keyboard.press("Tab");
      expect(await isFocusBehindDialog(page)).toBe(false);
    }
    await page.keyboard.press("Escape");

    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.close();
  });

  it("reaches every control of a screen, each with a focus that can be seen", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr").nth(2).waitFor();
    const controls = await page.evaluate<number>(
      `[...document.querySelectorAll("a[href], button, input, select")].filter((each) => each.checkVisibility()).length`,
    );

    let seen = 0;
    for (let step = 0; step < controls; step += 1) {
      await page.keyboard.press("Tab");
      if (await hasOutline(page)) seen += 1;
    }

    // Chromium adds the scrolling parts of a page to what can be reached.
    expect(seen).toBeGreaterThanOrEqual(controls - 2);
    await page.close();
  });

  it("finds numbers that no double holds intact, as they were enqueued", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr a").first().click();

    for (const number of ["12345678901234567890", "0.10000000000000000001", "1e400"]) {
      await page.locator(".json-number", { hasText: number }).waitFor();
    }
    await page.getByRole("button", { name: "Copy the payload" }).click();
    const copied = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(copied.replace(/\s/g, "")).toBe(bigNumbers);
    await page.close();
  });

  it("does nothing while somebody types", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.getByRole("combobox", { name: "Filter" }).fill("");

    await page.keyboard.type("gq?x");

    expect(await page.getByRole("combobox", { name: "Filter" }).inputValue()).toBe("gq?x");
    expect(page.url()).toContain("#/jobs");
    await page.close();
  });
});

describeInBrowser("the live view", { timeout: 90_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;

  beforeAll(async () => {
    shown = await showPawl();
  }, 60_000);
  afterAll(() => shown.close());

  it("shows what comes without being asked, and stands still when it is paused", async () => {
    const { page } = await browser.open(`${shown.url}#/overview`);
    await page.locator(".live-dot.live").waitFor();
    await shown.enqueueRaw("news", "1");
    await page
      .locator(".card", { hasText: "Ready" })
      .locator(".card-value", { hasText: /^1$/ })
      .waitFor();

    await page.getByRole("button", { name: "Pause" }).click();
    await page.locator(".live-dot.paused").waitFor();
    await page.getByRole("button", { name: "Go on" }).click();

    await page.locator(".live-dot.live").waitFor();
    await page.close();
  });

  it("asks by itself where the stream of news is one in name alone", async () => {
    const { page } = await browser.open(`${shown.url}#/overview`);
    // As behind a proxy that holds it back.
    await page.route("**/api/live", () => undefined);
    await page.reload();

    await page.locator(".live-dot.polling").waitFor({ timeout: 30_000 });
    await page.locator(".card", { hasText: "Ready" }).first().waitFor();
    await page.close();
  });

  it("warns when jobs wait and nobody works", async () => {
    await shown.enqueueRaw("news", "1");
    const { page } = await browser.open(`${shown.url}#/overview`);

    await page.getByRole("alert", { name: "No workers" }).waitFor();
    await page.close();
  });

  it("says that the database is away, and takes it back by itself", async () => {
    const { page } = await browser.open(`${shown.url}#/queues`);
    await page.locator("tbody tr").first().waitFor();

    shown.isAway = true;
    await page.locator(".banner").waitFor({ timeout: 20_000 });
    expect(await page.locator("tbody tr").count()).toBeGreaterThan(0);
    shown.isAway = false;

    await page.locator(".banner").waitFor({ state: "detached", timeout: 20_000 });
    await page.close();
  });

  it("keeps the colours that somebody chose", async () => {
    const { page } = await browser.open(`${shown.url}#/queues`);

    await page.getByRole("button", { name: "Colours: system" }).click();
    await page.getByRole("button", { name: "Colours: light" }).click();
    await page.reload();

    await eventually(
      async () => await page.getByRole("button", { name: "Colours: dark" }).isVisible(),
    );
    await page.close();
  });
});

function isFocusBehindDialog(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    `document.activeElement !== document.body && document.activeElement?.closest("dialog") === null`,
  );
}

function hasOutline(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(
    `document.activeElement !== document.body && getComputedStyle(document.activeElement).outlineStyle !== "none"`,
  );
}
