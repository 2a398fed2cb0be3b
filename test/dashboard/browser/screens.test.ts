import { expect, it } from "vitest";
import { range, startApplication } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";
import { importFile } from "./tasks.ts";

/** Every screen, and a text that is on it when it shows what there is. */
const screens = [
  ["overview", "Queues to look at", "archive"],
  ["queues", "Queues", "billing"],
  ["jobs", "Jobs", "encode-video"],
  ["jobs?state=scheduled", "Jobs", "import-file"],
  ["history", "History", "send-email"],
  ["history?outcome=failed", "History", "the card was declined"],
  ["workers", "Workers", "worker-1"],
  ["rate-limits", "Rate limits", "model-requests"],
  ["keys", "Concurrency keys", "gpu-0"],
  ["enqueue?task=send-email", "Enqueue", "Whom to write to."],
  ["operations", "Operations", "No operations"],
  ["audit", "Audit", "Nothing was changed yet"],
] as const;

describeInBrowser("each screen", () => {
  it("shows what there is, breaks no policy and asks nobody else", { timeout: 120_000 }, async () => {
    const application = await startApplication();
    await application.fill();
    const { page, offences } = await openPage(application.address);

    for (const [hash, title, text] of screens) {
      await page.goto(`${application.address}#/${hash}`);
      await page.getByRole("heading", { name: title }).first().waitFor();
      await page.locator("main").getByText(text).first().waitFor();
    }

    expect(offences).toEqual([]);
  });

  it("shows a job with its attempts, its error and its payload", async () => {
    const application = await startApplication();
    await application.fill();
    const { page, offences } = await openPage(
      `${application.address}#/history?search=payload.customer.id:3&task=charge-card`,
    );

    await page.locator("[data-row] a").first().click();

    const main = page.locator("main");
    await main.getByText("the card was declined").first().waitFor();
    await main.getByText("Attempt 1").waitFor();
    await main.getByText('"cents"').waitFor();
    await main.getByText("1999").waitFor();
    expect(offences).toEqual([]);
  });

  it("leads back to the page and the filter of a link", async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany(range(120).map((id) => importFile.job({ path: `/${id}` })));
    const { page } = await openPage(`${application.address}#/jobs?queue=imports`);
    await page.getByText("50 jobs on this page").waitFor();

    await page.getByRole("button", { name: "Next" }).click();
    await page.waitForURL(/after=/);
    await page.getByText("50 jobs on this page").waitFor();
    await page.getByRole("button", { name: "Next" }).click();
    await page.getByText("20 jobs on this page").waitFor();
    await page.reload();
    await page.getByText("20 jobs on this page").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByText("50 jobs on this page").waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await page.waitForURL((url) => !url.hash.includes("after="));

    expect(page.url()).toContain("queue=imports");
  });

  it("warns when nothing runs what waits", async () => {
    const application = await startApplication();
    await application.pawl.enqueueByName("archive-logs", {}, { queue: "archive" });
    const { page } = await openPage(application.address);

    await page.getByRole("alert").getByText("No workers").waitFor();
  });

  it("says that the server is away, and heals by itself", { timeout: 60_000 }, async () => {
    const application = await startApplication();
    const { page } = await openPage(`${application.address}#/queues`);
    await page.getByRole("heading", { name: "Queues" }).waitFor();
    await page.locator("main").getByText("No queues yet").waitFor();
    const port = Number(new URL(application.address).port);

    await application.stopListening();
    await page.getByText("No connection.").waitFor({ timeout: 20_000 });
    await application.listen(port);
    await page.getByText("No connection.").waitFor({ state: "detached", timeout: 30_000 });

    await page.locator("main").getByText("No queues yet").waitFor();
  });
});
