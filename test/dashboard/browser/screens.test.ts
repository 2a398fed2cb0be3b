import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeInBrowser, useBrowser } from "./chromium.ts";
import { fill, showPawl, type ShownPawl } from "./shown-pawl.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly places: readonly string[];
}

// A part of each screen that is there once it has something to show.
const screens: readonly (readonly [name: string, hash: string, shown: string])[] = [
  ["overview", "#/overview", ".uplot"],
  ["queues", "#/queues", "text=billing"],
  ["jobs", "#/jobs", "tbody tr"],
  ["history", "#/history", "tbody tr"],
  ["workers", "#/workers", "text=test-worker"],
  ["rate-limits", "#/rate-limits", "text=payments"],
  ["concurrency-keys", "#/concurrency-keys", "text=album-7"],
  ["enqueue", "#/enqueue?task=send-email", "text=template"],
  ["operations", "#/operations", ".panel"],
  ["audit", "#/audit", ".panel"],
];
const themes = ["light", "dark"] as const;

describeInBrowser("the screens of the dashboard", { timeout: 60_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;
  let job = "";

  beforeAll(async () => {
    shown = await showPawl();
    await fill(shown);
    const [failed] = await shown.pawl.history
      .list({ outcome: "failed" })
      .then(({ attempts }) => attempts);
    job = `#/job?queue=${failed?.queue ?? ""}&id=${failed?.id ?? ""}`;
  }, 60_000);
  afterAll(() => shown.close());

  it.each(screens)("%s shows what there is, in both themes", async (name, hash, part) => {
    for (const theme of themes) {
      const { page, complaints } = await browser.open(shown.url + hash, { theme });
      await page.locator(part).first().waitFor();

      expect(await seriousFindings(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await keepPicture(page, `${name}-${theme}`);
      await page.close();
    }
  });

  it("job shows why, what and when, in both themes", async () => {
    for (const theme of themes) {
      const { page, complaints } = await browser.open(shown.url + job, { theme });
      await page
        .getByText("mailbox of user 42 is full")
        .or(page.getByText("card declined"))
        .first()
        .waitFor();
      await page.locator(".json").first().waitFor();

      expect(await seriousFindings(page)).toEqual([]);
      expect(complaints).toEqual([]);
      await keepPicture(page, `job-${theme}`);
      await page.close();
    }
  });

  it.each([...screens, ["job", "", ".json"] as const])(
    "%s fits a screen of 360 pixels",
    async (_name, hash, part) => {
      const address = shown.url + (hash === "" ? job : hash);
      const { page } = await browser.open(address, { width: 360, height: 740 });
      await page.locator(part).first().waitFor();

      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(width).toBeLessThanOrEqual(360);
      await page.close();
    },
  );

  it("dialogs are sound as well", async () => {
    const { page } = await browser.open(`${shown.url}#/jobs`);
    await page.locator("tbody tr").first().waitFor();
    await page.getByRole("button", { name: "Reschedule all…" }).click();
    await page.getByRole("dialog").waitFor();

    expect(await seriousFindings(page)).toEqual([]);
    await page.close();
  });
});

// Scripts of other origins are kept out by the policy; what the debugger evaluates is not.
async function seriousFindings(page: Page): Promise<readonly Finding[]> {
  await page.evaluate(axe);
  return page.evaluate<Finding[]>(`
    axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, impact, nodes }) => ({ id, impact, places: nodes.map(({ html }) => html) })),
    )
  `);
}

// For the documentation, when somebody asks for them.
async function keepPicture(page: Page, name: string): Promise<void> {
  if (process.env.PAWL_SCREENSHOTS !== "1") return;
  const folder = new URL("../../../docs/dashboard/", import.meta.url);
  await page.screenshot({ path: new URL(`${name}.png`, folder).pathname });
}
