import { expect, it } from "vitest";
import { range, startApplication } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";
import { importFile } from "./tasks.ts";

const places = [
  ["q", "Queues"],
  ["j", "Jobs"],
  ["h", "History"],
  ["w", "Workers"],
  ["r", "Rate limits"],
  ["k", "Concurrency keys"],
  ["e", "Enqueue"],
  ["o", "Overview"],
] as const;

describeInBrowser("the keyboard", () => {
  it("leads to every screen", async () => {
    const application = await startApplication();
    const { page } = await openPage(application.address);
    await page.getByRole("heading", { name: "Overview" }).waitFor();

    for (const [key, title] of places) {
      await page.keyboard.press("g");
      await page.keyboard.press(key);
      await page.locator("main h1").getByText(title).waitFor();
    }
  });

  it("walks through a list, selects and opens", async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany(range(4).map((id) => importFile.job({ path: `/${id}` })));
    const { page } = await openPage(`${application.address}#/jobs`);
    await page.locator("[data-row]").nth(3).waitFor();
    const current = () => page.evaluate<string>("document.activeElement.dataset.row ?? ''");
    const keys = await page.locator("[data-row]").evaluateAll((rows) => {
      return rows.map((row) => row.getAttribute("data-row"));
    });

    await page.keyboard.press("j");
    await page.keyboard.press("x");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await page.keyboard.press("x");
    await page.getByText("2 selected:").waitFor();
    expect(await current()).toBe(keys[1]);
    await page.keyboard.press("Enter");

    await page.waitForURL(/#\/job\?/);
    expect(decodeURIComponent(page.url())).toContain(keys[1]?.split(" ")[1]);
  });

  it("focuses the filter, which suggests and is left with Escape", async () => {
    const application = await startApplication();
    await application.pawl.enqueue(importFile, { path: "/a" });
    const { page } = await openPage(`${application.address}#/jobs`);
    await page.locator("[data-row]").first().waitFor();

    await page.keyboard.press("/");
    await page.keyboard.type("que");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("option", { name: /queue:imports/ }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.waitForURL(/search=/);
    await page.getByText("1 jobs on this page").waitFor();
    await page.keyboard.press("Escape");

    expect(await page.locator("[data-filter]").inputValue()).toBe("queue:imports");
    expect(await page.evaluate<string>("document.activeElement.tagName")).toBe("BODY");
  });

  it("stays in a dialog until Escape, and then is where it was", async () => {
    const application = await startApplication();
    await application.pawl.enqueue(importFile, { path: "/a" });
    const { page } = await openPage(`${application.address}#/queues`);
    const pause = page.getByRole("button", { name: "Pause imports" });
    await pause.focus();

    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    for (const _ of range(4)) {
      await page.keyboard.press("Tab");
      const inside = "document.activeElement.closest('dialog') !== null || document.activeElement === document.body";
      expect(await page.evaluate<boolean>(inside)).toBe(true);
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });

    const focused = "document.activeElement.getAttribute('aria-label')";
    expect(await page.evaluate<string>(focused)).toBe("Pause imports");
    const [queue] = await application.pawl.queues.list();
    expect(queue?.paused).toBe(false);
  });
});
