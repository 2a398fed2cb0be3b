import { expect, it } from "vitest";
import { range, startApplication } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";
import { chargeCard } from "./tasks.ts";

describeInBrowser("an incident", () => {
  it("is over with three clicks and one filter", { timeout: 60_000 }, async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany(
      range(60).map((number) => {
        return chargeCard.job({ customer: { id: number % 10 === 0 ? 42 : number }, cents: number });
      }),
    );
    await application.work();
    await application.until(async () => (await application.countEnded()) === 60);
    const { page, offences } = await openPage(application.address);
    let clicks = 0;
    const click = async (name: string) => {
      clicks += 1;
      const link = page.getByRole("link", { name, exact: true });
      await link.or(page.getByRole("button", { name, exact: true })).first().click();
    };

    await click("History");
    await page.locator("[data-filter]").fill("payload.customer.id:42 outcome:failed");
    await page.keyboard.press("Enter");
    await page.getByText("6 attempts on this page").waitFor();
    await page.locator("main").getByText("the card was declined").first().waitFor();
    // Whoever is on duty mends what is broken.
    application.isBroken = false;
    await click("Replay all…");
    await page.getByRole("dialog").getByText("6", { exact: true }).waitFor();
    await click("Replay 6 jobs");

    await application.until(async () => (await application.countEnded()) === 66);
    const { rows } = await application.sql<{ id: number }>(
      `select distinct (payload #>> '{customer,id}')::int as id
       from ${application.schema}.history where outcome = 'succeeded'`,
    );
    expect(rows).toEqual([{ id: 42 }]);
    expect(clicks).toBeLessThanOrEqual(4);
    expect(offences).toEqual([]);
  });
});
