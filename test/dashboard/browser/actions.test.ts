import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { describeInBrowser, useBrowser } from "./chromium.ts";
import { showPawl, type ShownPawl } from "./shown-pawl.ts";

describeInBrowser("what can be done on the dashboard", { timeout: 60_000 }, () => {
  const browser = useBrowser();
  let shown: ShownPawl;

  beforeAll(async () => {
    shown = await showPawl();
  }, 60_000);
  beforeEach(() => {
    shown.role = "admin";
  });
  afterAll(() => shown.close());

  it("pauses a queue after a question, and resumes it", async () => {
    await shown.enqueueRaw("a", "1", { queue: "pausable" });
    const { page } = await browser.open(`${shown.url}#/queues`);
    const row = page.getByRole("row", { name: /pausable/ });

    await row.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await row.getByText("paused").waitFor();
    expect(await isPaused("pausable")).toBe(true);

    await row.getByRole("button", { name: "Resume" }).click();
    await row.getByRole("button", { name: "Pause" }).waitFor();
    expect(await isPaused("pausable")).toBe(false);
    await page.close();
  });

  it("cancels selected jobs after a question", async () => {
    const ids = await enqueueSome("cancelled", 3);
    const { page } = await browser.open(`${shown.url}#/jobs?queue=cancelled`);

    await rows(page).nth(2).waitFor();
    await page.getByLabel("Select all on this page").check();
    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel 3 jobs" }).click();

    await page.getByText("3 cancelled.").waitFor();
    await page.getByText("No live job matches").waitFor();
    await Promise.all(ids.map((id) => expect(stateOf("cancelled", id)).resolves.toBe("finished")));
    await page.close();
  });

  it("reschedules a job, and makes it run now again", async () => {
    const [id = ""] = await enqueueSome("later", 1);
    const { page } = await browser.open(`${shown.url}#/job?queue=later&id=${id}`);

    await page.getByRole("button", { name: "Reschedule" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Delay from now").fill("2h");
    await dialog.getByRole("button", { name: "Reschedule" }).click();
    await page.getByText("1 rescheduled.").waitFor();
    expect(await stateOf("later", id)).toBe("scheduled");

    await page.getByRole("button", { name: "Retry" }).click();
    await page.getByText("1 retried.").waitFor();
    expect(await stateOf("later", id)).toBe("ready");
    await page.close();
  });

  it("cancels one job, and enqueues it again from the history", async () => {
    const [id = ""] = await enqueueSome("replayed", 1);
    const { page } = await browser.open(`${shown.url}#/job?queue=replayed&id=${id}`);

    await page.getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel 1 job" }).click();
    await page.locator(".badge.cancelled").first().waitFor();
    await page.getByRole("button", { name: "Replay" }).click();

    await page.getByText("Related jobs").waitFor();
    expect(await waitingIn("replayed")).toBe(1);
    await page.close();
  });

  it("replays what is selected in the history", async () => {
    const ids = await enqueueSome("again", 2);
    await shown.pawl.jobs.cancel(ids.map((id) => ({ queue: "again", id })));
    const { page } = await browser.open(`${shown.url}#/history?queue=again`);

    await rows(page).nth(1).waitFor();
    await page.getByLabel("Select all on this page").check();
    await page.getByRole("button", { name: "Replay 2 jobs" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay" }).click();

    await eventually(async () => (await waitingIn("again")) === 2);
    await page.close();
  });

  it("does nothing to all where the filter is not understood", async () => {
    await enqueueSome("misread", 2);
    const { page } = await browser.open(`${shown.url}#/jobs?queue=misread&state=failed`);

    await page.getByText("expected `state` to be").waitFor();

    const cancelAll = page.getByRole("button", { name: "Cancel all…" });
    expect(await cancelAll.getAttribute("aria-disabled")).toBe("true");
    await page.close();
  });

  it("pauses a task after a question, and resumes it", async () => {
    const { page } = await browser.open(`${shown.url}#/queues`);
    const task = page
      .getByRole("region", { name: "Tasks" })
      .locator("tr", { hasText: "resize-image" });

    await task.getByRole("button", { name: "Pause" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click();
    await task.getByText("paused").waitFor();
    const paused = (await shown.pawl.tasks.list()).filter((each) => each.paused);
    expect(paused.map(({ name }) => name)).toEqual(["resize-image"]);
    await task.getByRole("button", { name: "Resume" }).click();

    await task.getByRole("button", { name: "Pause" }).waitFor();
    await page.close();
  });

  it("cancels all that match, in the background", async () => {
    await enqueueSome("crowd", 120);
    const { page } = await browser.open(`${shown.url}#/jobs?queue=crowd`);

    await page.getByRole("button", { name: "Cancel all…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel 120 jobs" }).click();

    await page.getByLabel("Operations in progress").getByText("120 changed").waitFor();
    expect(await waitingIn("crowd")).toBe(0);
    await page.goto(`${shown.url}#/operations`);
    await page
      .getByRole("row", { name: /Cancel jobs: queue crowd/ })
      .getByText("done")
      .waitFor();
    await page.close();
  });

  it("enqueues a job from a form, and one from text with every digit", async () => {
    const { page } = await browser.open(`${shown.url}#/enqueue?task=send-email`);

    await page.getByLabel("id (needed)", { exact: true }).fill("77");
    await page.getByLabel("template").selectOption("welcome");
    await page.getByLabel("Queue").fill("typed");
    await page.getByRole("button", { name: "Enqueue", exact: true }).click();
    await page.locator(".json").getByText("77").waitFor();
    expect(await waitingIn("typed")).toBe(1);

    await page.goto(`${shown.url}#/enqueue?task=charge-card`);
    await page.getByRole("button", { name: "As JSON" }).click();
    await page.getByLabel("JSON", { exact: true }).fill('{"amount": 0.1000000000000000055}');
    await page.getByLabel("Queue").fill("typed");
    await page.getByRole("button", { name: "Enqueue", exact: true }).click();
    await page.locator(".json").getByText("0.1").waitFor();
    expect(await waitingIn("typed")).toBe(2);
    await page.close();
  });

  it("enqueues an edited copy of a job", async () => {
    const payload = { user: { id: 42 }, template: "welcome" as const };
    const { job } = await shown.pawl.enqueue(shown.sendEmail, payload, { queue: "copied" });
    const { page } = await browser.open(`${shown.url}#/job?queue=copied&id=${job.id}`);

    await page.getByRole("button", { name: "Edit and enqueue" }).click();
    await page.getByLabel("id (needed)", { exact: true }).fill("43");
    await page.getByRole("button", { name: "Enqueue", exact: true }).click();

    await page.locator(".json").getByText("43").waitFor();
    expect(await waitingIn("copied")).toBe(2);
    await page.close();
  });

  it("unlocks a concurrency key after a question", async () => {
    const worker = await shown.work("holder");
    await shown.pawl.enqueue(shown.resize, { path: "/a.png" });
    await eventually(
      async () => (await shown.pawl.jobs.list({ state: "running" })).jobs.length > 0,
    );
    const { page } = await browser.open(`${shown.url}#/concurrency-keys`);

    await page.getByRole("button", { name: "Unlock" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Unlock" }).click();

    await page.getByText("1 lane freed.").waitFor();
    await worker.stop({ grace: 0 });
    await page.close();
  });

  it("leaves its trace in the audit", async () => {
    const { page } = await browser.open(`${shown.url}#/audit`);

    await page.getByRole("cell", { name: "Ann" }).first().waitFor();
    expect(await page.getByRole("cell", { name: "cancel-jobs" }).count()).toBeGreaterThan(0);
    await page.close();
  });

  it("is shown as forbidden to those who may only look", async () => {
    const [id = ""] = await enqueueSome("guarded", 1);
    shown.role = "viewer";
    const { page } = await browser.open(`${shown.url}#/job?queue=guarded&id=${id}`);
    const cancel = page.getByRole("button", { name: "Cancel", exact: true });

    await cancel.waitFor();
    expect(await cancel.getAttribute("aria-disabled")).toBe("true");
    expect(await cancel.getAttribute("title")).toBe("Needs the role operator; you are viewer.");
    await cancel.click({ force: true });
    expect(await page.getByRole("dialog").count()).toBe(0);
    await page.close();
  });

  it("says in an alert why it failed", async () => {
    const [id = ""] = await enqueueSome("refused", 1);
    const { page } = await browser.open(`${shown.url}#/job?queue=refused&id=${id}`);
    await page.getByRole("button", { name: "Reschedule" }).click();

    await page.getByRole("dialog").getByLabel("Delay from now").fill("soon");
    await page.getByRole("dialog").getByRole("button", { name: "Reschedule" }).click();

    await page.getByRole("alert").filter({ hasText: "delay" }).first().waitFor();
    await page.close();
  });

  async function enqueueSome(queue: string, count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      ids.push(await shown.enqueueRaw("task", `{"n":${index}}`, { queue }));
    }
    return ids;
  }

  async function stateOf(queue: string, id: string): Promise<string | undefined> {
    return (await shown.pawl.jobs.get({ queue, id }))?.state;
  }

  async function waitingIn(queue: string): Promise<number> {
    return (await shown.pawl.jobs.list({ queue })).jobs.length;
  }

  async function isPaused(name: string): Promise<boolean | undefined> {
    const queues = await shown.pawl.queues.list();
    return queues.find((queue) => queue.name === name)?.paused;
  }
});

function rows(page: Page): ReturnType<Page["locator"]> {
  return page.locator("tbody tr");
}
