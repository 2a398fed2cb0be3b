import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { describeInBrowser, useBrowser } from "./chromium.ts";
import { showPawl, type ShownPawl } from "./shown-pawl.ts";

const customers = 40;
const jobsOfEach = 3;

describeInBrowser("an incident", { timeout: 60_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;

  beforeAll(async () => {
    shown = await showPawl();
    for (let customer = 0; customer < customers; customer += 1) {
      for (let index = 0; index < jobsOfEach; index += 1) {
        const payload = { user: { id: 1_000 + customer }, template: "welcome" as const };
        await shown.pawl.enqueue(shown.sendEmail, payload, { delay: "1h" });
      }
    }
  }, 60_000);
  afterAll(() => shown.close());

  it("is over for one customer after one typed filter and at most four clicks", async () => {
    const { page } = await browser.open(shown.url);
    let clicks = 0;
    const click = async (name: string, within = page.locator("body")): Promise<void> => {
      clicks += 1;
      await within
        .getByRole("button", { name })
        .or(within.getByRole("link", { name }))
        .first()
        .click();
    };

    await click("Jobs");
    await page.getByRole("combobox", { name: "Filter" }).fill("payload.user.id:1017");
    await page.keyboard.press("Enter");
    await eventually(async () => (await page.locator("tbody tr").count()) === jobsOfEach);
    await click("Retry all…");
    await click(`Retry ${jobsOfEach} jobs`, page.getByRole("dialog"));
    await page.getByLabel("Operations in progress").getByText(`${jobsOfEach} changed`).waitFor();

    const { jobs } = await shown.pawl.jobs.list({ state: "ready" });
    expect(jobs).toHaveLength(jobsOfEach);
    expect(clicks).toBeLessThanOrEqual(4);
    await page.close();
  });

  it("can be handed to somebody else by its address", async () => {
    const first = await browser.open(`${shown.url}#/jobs`);
    await first.page
      .getByRole("combobox", { name: "Filter" })
      .fill("task:send-email payload.user.id:1020");
    await first.page.keyboard.press("Enter");
    await eventually(async () => (await first.page.locator("tbody tr").count()) === jobsOfEach);

    const second = await browser.open(first.page.url());
    await eventually(async () => (await second.page.locator("tbody tr").count()) === jobsOfEach);

    expect(await second.page.getByRole("combobox", { name: "Filter" }).inputValue()).toBe(
      "task:send-email payload.user.id:1020",
    );
    await first.page.close();
    await second.page.close();
  });

  it("is paged through forth and back, in the address too", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs?task=send-email`);
    const firstLink = page.locator("tbody tr a").first();
    await firstLink.waitFor();
    const begin = await firstLink.getAttribute("href");

    await page.getByRole("link", { name: "Next" }).click();
    await eventually(async () => (await firstLink.getAttribute("href")) !== begin);
    expect(page.url()).toContain("after=");
    await page.getByRole("link", { name: "Back" }).click();

    await eventually(async () => (await firstLink.getAttribute("href")) === begin);
    await page.close();
  });
});
