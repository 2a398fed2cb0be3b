import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { startApplication } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";

const folder = fileURLToPath(new URL("../../../docs/dashboard/", import.meta.url));
const isKept = process.env.PAWL_SCREENSHOTS === "1";
const mostBytes = 150 * 1_024;

const screens = [
  ["overview", "overview"],
  ["queues", "queues"],
  ["jobs", "jobs"],
  ["history", "history"],
  ["workers", "workers"],
  ["enqueue", "enqueue?task=send-email"],
  ["job", "history?outcome=failed"],
] as const;

// Taken each time, so that they can be taken; kept with PAWL_SCREENSHOTS=1.
describeInBrowser("the pictures of the guide", () => {
  it.each(["light", "dark"] as const)("are taken, in the %s theme", { timeout: 120_000 }, async (theme) => {
    if (isKept) mkdirSync(folder, { recursive: true });
    const application = await startApplication();
    await application.fill();
    const { page } = await openPage(application.address, { theme, width: 1280, height: 800 });

    for (const [name, hash] of screens) {
      await page.goto(`${application.address}#/${hash}`);
      await page.locator("main h1").waitFor();
      await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
      if (name === "job") {
        await page.locator("[data-row] a").first().click();
        await page.getByRole("heading", { name: "Payload" }).waitFor();
      }
      const picture = await page.screenshot();
      if (isKept) writeFileSync(`${folder}${name}-${theme}.png`, picture);
      expect({ name, isSmall: picture.byteLength < mostBytes }).toEqual({ name, isSmall: true });
    }
  });
});
