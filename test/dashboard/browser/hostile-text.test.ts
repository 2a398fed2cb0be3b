import { expect, it } from "vitest";
import { startApplication, type Application } from "./application.ts";
import { describeInBrowser, openPage, watchPolicy } from "./chromium.ts";
import { hostileTexts } from "./hostile-texts.ts";

const screens = [
  ...["overview", "queues", "jobs", "history", "workers", "rate-limits", "keys"],
  ...["enqueue", "operations", "audit"],
];

/** Jobs and workers that have these texts wherever a text can be. */
async function fillWith(application: Application, texts: readonly string[]): Promise<void> {
  const { pawl } = application;
  for (const text of texts) {
    await pawl.enqueueByName(
      text,
      { [text]: text, list: [text, { deep: text }] },
      {
        queue: shortened(text),
        correlationId: text,
        flags: [text],
        concurrency: { key: text, limit: 1 },
      },
    );
  }
  // What has ended, as a worker of any name would have left it.
  await application.sql(
    `update ${application.schema}.jobs set last_error = task, failures = 1`,
  );
  for (const { queue, id } of (await pawl.jobs.list({ limit: 30 })).jobs) {
    await pawl.jobs.failPermanently({ queue, id }, `failed by hand: ${queue}`);
  }
}

// The name of a queue has at most 63 bytes.
function shortened(text: string): string {
  let short = text;
  while (Buffer.byteLength(short) > 63) short = short.slice(0, -1);
  return short;
}

describeInBrowser("a text that somebody else has written", () => {
  it("is text wherever it is shown", { timeout: 180_000 }, async () => {
    const application = await startApplication();
    await fillWith(application, hostileTexts);
    const worker = application.pawl.worker({
      ...{ name: `<img src=x onerror=alert(1)>`, queues: [hostileTexts[0] ?? ""] },
      handlers: [],
    });
    await worker.start();
    const { page, context, offences } = await openPage(application.address);
    await context.addInitScript(watchPolicy);
    await page.reload();

    const seen: string[] = [];
    const look = async () => {
      seen.push(...(await page.evaluate<string[]>("window.violations ?? []")));
      // Nothing that was stored has become an element.
      const strange = "main :is(script, iframe, object, embed, base, meta, img, video, marquee, math)";
      expect(await page.locator(strange).count()).toBe(0);
    };
    for (const screen of screens) {
      await page.goto(`${application.address}#/${screen}`);
      await page.locator("main h1").waitFor();
      await page.locator("[aria-busy=true]").waitFor({ state: "detached" });
      await look();
    }
    const { jobs } = await application.pawl.jobs.list({ limit: 100 });
    const ended = await application.sql<{ queue: string; id: string }>(
      `select queue, id from ${application.schema}.history`,
    );
    for (const { queue, id } of [...jobs, ...ended.rows]) {
      const query = new URLSearchParams({ queue, id }).toString();
      await page.goto(`${application.address}#/job?${query}`);
      await page.getByRole("heading", { name: "Payload" }).waitFor();
      await page.locator("main").getByText("deep").first().waitFor();
      await look();
    }
    await worker.stop();

    expect(hostileTexts).toHaveLength(60);
    expect(seen).toEqual([]);
    expect(offences).toEqual([]);
  });

  it("is text in the address and in the filter", { timeout: 60_000 }, async () => {
    const application = await startApplication();
    const { page, offences } = await openPage(application.address);

    for (const text of hostileTexts) {
      const query = new URLSearchParams({ search: text, queue: text, task: text }).toString();
      await page.goto(`${application.address}#/jobs?${query}`);
      await page.locator("main .banner, main .empty").first().waitFor();
      expect(await page.locator("[data-filter]").inputValue()).toBe(text);
    }

    expect(offences).toEqual([]);
  });
});
