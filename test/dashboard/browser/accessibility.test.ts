import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { startApplication, type Application } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const screens = [
  ...["overview", "queues", "jobs", "history", "workers", "rate-limits", "keys"],
  ...["enqueue?task=send-email", "operations", "audit"],
];

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** The addresses of every screen, those of a failed and of a running job among them. */
async function addresses(application: Application): Promise<string[]> {
  const { rows } = await application.sql<{ queue: string; id: string }>(
    `(select queue, id from ${application.schema}.history where outcome = 'failed' limit 1)
     union all (select queue, id from ${application.schema}.jobs where state = 'running' limit 1)`,
  );
  const jobs = rows.map(({ queue, id }) => `job?${new URLSearchParams({ queue, id }).toString()}`);
  return [...screens, ...jobs].map((screen) => `${application.address}#/${screen}`);
}

async function settled(page: Page): Promise<void> {
  await page.locator("main h1").waitFor();
  await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
}

async function seriousFindings(page: Page): Promise<string[]> {
  const findings = await page.evaluate<Finding[]>(`axe.run(document).then(({ violations }) =>
    violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.map(({ html, failureSummary }) =>
      ({ html, failureSummary })) })))`);
  return findings
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`));
}

describeInBrowser("the dashboard", () => {
  it.each(["light", "dark"] as const)(
    "has nothing that stops somebody from using it, in the %s theme",
    { timeout: 180_000 },
    async (theme) => {
      const application = await startApplication();
      await application.fill();
      const { page } = await openPage(application.address, { theme });
      await page.evaluate(axe);

      for (const address of await addresses(application)) {
        await page.goto(address);
        await settled(page);
        expect({ address, findings: await seriousFindings(page) }).toEqual({
          ...{ address, findings: [] },
        });
      }
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
      expect(await seriousFindings(page)).toEqual([]);
    },
  );

  it("does not scroll sideways at 360 pixels", { timeout: 120_000 }, async () => {
    const application = await startApplication();
    await application.fill();
    const { page } = await openPage(application.address, { width: 360, height: 740 });

    for (const address of await addresses(application)) {
      await page.goto(address);
      await settled(page);
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect({ address, width }).toEqual({ address, width: 360 });
    }
  });

  it("keeps what it shows where it is while it loads", { timeout: 60_000 }, async () => {
    const application = await startApplication();
    await application.fill();
    const { page, context } = await openPage(application.address);
    await context.addInitScript(`
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: "layout-shift", buffered: true });
    `);
    await page.reload();
    await page.locator(".card .value").first().waitFor();
    await page.locator(".list li").first().waitFor();

    expect(await page.evaluate<number>("window.shift")).toBeLessThan(0.1);
  });

  it("remembers the theme that somebody has chosen", async () => {
    const application = await startApplication();
    const { page } = await openPage(application.address, { theme: "light" });
    const ground = () => page.evaluate<string>("getComputedStyle(document.documentElement).backgroundColor");
    const light = await ground();

    await page.getByRole("button", { name: "Use the dark theme" }).click();
    const dark = await ground();
    await page.reload();
    await page.getByRole("button", { name: "Use the light theme" }).waitFor();

    expect(dark).not.toBe(light);
    expect(await ground()).toBe(dark);
  });
});
