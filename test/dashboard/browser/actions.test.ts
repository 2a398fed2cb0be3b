import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { emailTo, range, startApplication, type Application } from "./application.ts";
import { describeInBrowser, openPage } from "./chromium.ts";
import { chargeCard, encodeVideo, importFile, sendEmail } from "./tasks.ts";

const oneHour = { delay: "1h" };

async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name, exact: true }).first().click();
}

async function confirm(page: Page, name: string | RegExp): Promise<void> {
  await page.getByRole("dialog").getByRole("button", { name }).click();
}

async function openJob(application: Application, { queue, id }: { queue: string; id: string }) {
  const query = new URLSearchParams({ queue, id }).toString();
  return openPage(`${application.address}#/job?${query}`);
}

describeInBrowser("what can be done to one job", () => {
  it("retries it at once", async () => {
    const application = await startApplication();
    const { job } = await application.pawl.enqueue(importFile, { path: "/a" }, oneHour);
    const { page } = await openJob(application, job);

    await press(page, "Retry");
    await confirm(page, "Retry 1 job");

    await page.getByText("Retried 1 job.").waitFor();
    await application.until(async () => (await application.pawl.jobs.get(job))?.state === "ready");
  });

  it("cancels it, with a reason", async () => {
    const application = await startApplication();
    const { job } = await application.pawl.enqueue(importFile, { path: "/a" }, oneHour);
    const { page } = await openJob(application, job);

    await press(page, "Cancel");
    await page.getByLabel("Reason").fill("not needed any more");
    await confirm(page, "Cancel 1 job");

    await page.getByText("Cancelled 1 job.").waitFor();
    const [attempt] = await application.pawl.history.attempts(job);
    expect(attempt?.outcome).toBe("cancelled");
    expect(JSON.stringify(attempt)).toContain("not needed any more");
  });

  it("reschedules it", async () => {
    const application = await startApplication();
    const { job } = await application.pawl.enqueue(importFile, { path: "/a" });
    const { page } = await openJob(application, job);

    await press(page, "Reschedule");
    await page.getByLabel("Run", { exact: true }).fill("3h");
    await page.getByLabel("Priority").fill("-2");
    await confirm(page, "Reschedule 1 job");

    await page.getByText("Rescheduled 1 job.").waitFor();
    const live = await application.pawl.jobs.get(job);
    expect(live).toMatchObject({ state: "scheduled", priority: -2 });
  });

  it("replays one that has failed", async () => {
    const application = await startApplication();
    const { job } = await application.pawl.enqueue(chargeCard, { customer: { id: 1 }, cents: 5 });
    await application.work();
    await application.until(async () => (await application.countEnded()) === 1);
    application.isBroken = false;
    const { page } = await openJob(application, job);

    await press(page, "Replay");
    await confirm(page, "Replay 1 job");

    await application.until(async () => (await application.countEnded()) === 2);
    await page.getByText("Replayed as").waitFor();
  });

  it("enqueues it again with its payload edited", async () => {
    const application = await startApplication();
    const payload = { order: 1_234.5, note: "first" };
    const { job } = await application.pawl.enqueueByName("archive-logs", payload);
    const { page } = await openJob(application, job);

    await press(page, "Edit and enqueue again");
    const text = await page.getByLabel("Payload").inputValue();
    await page.getByLabel("Payload").fill(text.replace("first", "second"));
    await press(page, "Enqueue");

    await page.getByText("Enqueued a job of archive-logs.").waitFor();
    const { rows } = await application.sql<{ payload: unknown }>(
      `select payload from ${application.schema}.jobs where payload->>'note' = 'second'`,
    );
    expect(rows).toEqual([{ payload: { order: 1_234.5, note: "second" } }]);
  });

  it("shows numbers with all their digits, and never enqueues fewer", async () => {
    const application = await startApplication();
    const { job } = await application.pawl.enqueueByName("archive-logs", { order: 1 });
    const number = "12345678901234567890.5";
    await application.sql(
      `update ${application.schema}.jobs set payload = '{"order":${number}}'::json`,
    );
    const { page } = await openJob(application, job);
    await page.getByText(number, { exact: true }).waitFor();

    await press(page, "Edit and enqueue again");
    expect(await page.getByLabel("Payload").inputValue()).toContain(number);
    await press(page, "Enqueue");

    await page.getByRole("alert").getByText(number).waitFor();
    expect((await application.pawl.jobs.list()).jobs).toHaveLength(1);
  });
});

describeInBrowser("what can be done to many jobs", () => {
  it("cancels the selected ones, and no other", async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany(range(5).map((id) => importFile.job({ path: `/${id}` })));
    const { page } = await openPage(`${application.address}#/jobs?queue=imports`);

    await page.locator("[data-row]").nth(0).getByRole("checkbox").check();
    await page.locator("[data-row]").nth(1).getByRole("checkbox").check();
    await page.getByText("2 selected:").waitFor();
    await press(page, "Cancel…");
    await confirm(page, "Cancel 2 jobs");

    await page.getByText("Cancelled 2 jobs.").waitFor();
    expect((await application.pawl.jobs.list()).jobs).toHaveLength(3);
  });

  it("retries all that match, in the background", async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany([
      ...range(80).map((id) => importFile.job({ path: `/${id}` }, oneHour)),
      sendEmail.job(emailTo(1), oneHour),
    ]);
    const { page } = await openPage(`${application.address}#/jobs?queue=imports`);

    await press(page, "Retry all…");
    await page.getByRole("dialog").getByText("80", { exact: true }).waitFor();
    await confirm(page, "Retry 80 jobs");

    await page.getByRole("region", { name: "Operations" }).getByText(/80 changed of 80/).waitFor();
    const { jobs } = await application.pawl.jobs.list({ state: "ready" });
    expect(jobs).toHaveLength(80);
    await page.goto(`${application.address}#/operations`);
    await page.locator("main").getByText("Retry jobs with queue:imports").waitFor();
  });

  it("reschedules all that match", async () => {
    const application = await startApplication();
    await application.pawl.enqueueMany(range(10).map((id) => importFile.job({ path: `/${id}` })));
    const { page } = await openPage(`${application.address}#/jobs?queue=imports`);

    await press(page, "Reschedule all…");
    await page.getByLabel("Run", { exact: true }).fill("2h");
    await confirm(page, /Reschedule 10 jobs/);

    await application.until(async () => {
      return (await application.pawl.jobs.list({ state: "scheduled" })).jobs.length === 10;
    });
  });
});

describeInBrowser("what can be done to queues and keys", () => {
  it("pauses a queue and resumes it", async () => {
    const application = await startApplication();
    await application.pawl.enqueue(importFile, { path: "/a" });
    const { page } = await openPage(`${application.address}#/queues`);

    await press(page, "Pause imports");
    await confirm(page, "Pause");
    await page.getByRole("button", { name: "Resume imports" }).waitFor();
    const paused = await application.pawl.queues.list();
    await press(page, "Resume imports");
    await page.getByRole("button", { name: "Pause imports" }).waitFor();
    const resumed = await application.pawl.queues.list();

    expect(paused.find(({ name }) => name === "imports")?.paused).toBe(true);
    expect(resumed.find(({ name }) => name === "imports")?.paused).toBe(false);
  });

  it("resumes a paused queue from the overview", async () => {
    const application = await startApplication();
    await application.pawl.enqueue(importFile, { path: "/a" });
    await application.pawl.queues.pause("imports");
    await application.work();
    const { page } = await openPage(application.address);

    await press(page, "Resume");

    await page.getByText("Resumed the queue imports.").waitFor();
  });

  it("unlocks a concurrency key after it has asked", async () => {
    const application = await startApplication();
    const lane = { concurrency: { key: "gpu-0", limit: 1 } };
    await application.pawl.enqueue(encodeVideo, { video: "1.mp4" }, lane);
    await application.work();
    await application.until(async () => {
      return (await application.pawl.jobs.list({ state: "running" })).jobs.length === 1;
    });
    const { page } = await openPage(`${application.address}#/keys`);

    await press(page, "Unlock gpu-0");
    await confirm(page, "Unlock");

    await page.getByText("Unlocked gpu-0: 1 job will run again.").waitFor();
    await page.goto(`${application.address}#/audit`);
    await page.locator("main").getByText("unlock-key").waitFor();
  });
});

describeInBrowser("the form of a new job", () => {
  it("asks for what the schema of its payload says", async () => {
    const application = await startApplication();
    const { page } = await openPage(`${application.address}#/enqueue?task=send-email`);

    await page.getByLabel("to", { exact: true }).fill("ada@example.com");
    await page.getByLabel("id", { exact: true }).fill("42");
    await page.getByLabel("kind", { exact: true }).selectOption("receipt");
    await page.getByLabel("urgent", { exact: true }).check();
    await press(page, "Add tags");
    await press(page, "Add an item to tags");
    await page.getByLabel("tags, item 1").fill("eu");
    await page.getByLabel("Delay").fill("1h");
    await press(page, "Enqueue");

    await page.getByText("Enqueued a job of send-email.").waitFor();
    const { jobs } = await application.pawl.jobs.list({ queue: "mail" });
    expect(jobs).toHaveLength(1);
    const { rows } = await application.sql<{ payload: unknown }>(
      `select payload from ${application.schema}.jobs`,
    );
    expect(rows[0]?.payload).toEqual({
      ...{ to: "ada@example.com", customer: { id: 42 }, kind: "receipt", urgent: true },
      tags: ["eu"],
    });
  });

  it("says what the server has against a payload, in an alert", async () => {
    const application = await startApplication();
    const { page } = await openPage(`${application.address}#/enqueue?task=send-email`);

    await press(page, "Use JSON text");
    await page.getByLabel("Payload").fill('{"to": 5}');
    await press(page, "Enqueue");

    await page.getByRole("alert").first().waitFor();
    expect((await application.pawl.jobs.list()).jobs).toEqual([]);
  });
});

describeInBrowser("a viewer", () => {
  it("sees everything, and why nothing can be changed", async () => {
    const application = await startApplication();
    application.role = "viewer";
    const { job } = await application.pawl.enqueue(importFile, { path: "/a" });
    const { page } = await openJob(application, job);
    await page.getByText("Ada · viewer").waitFor();

    const cancel = page.getByRole("button", { name: "Cancel", exact: true });
    await cancel.click({ force: true });

    expect(await cancel.getAttribute("aria-disabled")).toBe("true");
    expect(await cancel.getAttribute("title")).toBe(
      "Only an operator may do this; you are a viewer.",
    );
    expect(await page.getByRole("dialog").count()).toBe(0);
  });
});
