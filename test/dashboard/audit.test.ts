import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { dashboard } from "pawl/dashboard";
import { choreList } from "#pawl/maintenance/chore-list";
import { listAuditOfJob } from "#pawl/store/audit";
import { byHeader, change, read } from "../support/dashboard.ts";
import { freshEngine } from "../support/engine.ts";
import { intercepted } from "../support/intercepted-database.ts";

type Handler = ReturnType<typeof dashboard>;

interface Page {
  readonly entries: readonly {
    readonly id: string;
    readonly details: string;
    readonly outcome: string;
  }[];
  readonly next: string | null;
}

async function freshDashboard() {
  const engine = await freshEngine();
  return { engine, pawl: engine.pawl, handler: dashboard(engine.pawl, { authorize: byHeader }) };
}

describe("the audit", () => {
  it("says who did what, when, and what came of it", async () => {
    const { handler } = await freshDashboard();

    await change(handler, "pause-queue", { name: "mail" }, { "x-role": "operator" });

    const { entries } = await page(handler);
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      ...{ by: "the operator", role: "operator", action: "pause-queue", outcome: "done" },
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(JSON.parse(entries[0]?.details ?? "")).toEqual({ name: "mail", changed: true });
  });

  it("never has a payload, also when it was refused", async () => {
    const { handler } = await freshDashboard();

    await change(handler, "enqueue", { task: "send", payload: '{"a":"hush"}', queue: "q" });
    await change(handler, "enqueue", { task: "send", payload: '{"a":"hush\\u0000"}' });
    await change(handler, "enqueue", { task: "send", payload: "hush" });
    await change(handler, "enqueue", { task: "send", payload: '{"a":"hush"}', hush: 1 });

    const { entries } = await page(handler);
    expect(entries.map(({ outcome }) => outcome)).toEqual([
      ...["refused", "refused", "refused", "done"],
    ]);
    expect(JSON.stringify(entries)).not.toContain("hush");
  });

  it("hides what somebody has quoted as a reason", async () => {
    const { handler, engine } = await freshDashboard();
    const { job } = await engine.pawl.enqueue(defineTask({ name: "send" }));

    await change(handler, "cancel-jobs", { jobs: [job], reason: "leaked token=abcdef" });

    const { entries } = await page(handler);
    expect(JSON.parse(entries[0]?.details ?? "")).toMatchObject({
      reason: "leaked token=[redacted]",
      outcomes: { cancelled: 1 },
    });
  });

  it("goes back page by page", async () => {
    const { handler } = await freshDashboard();
    for (const name of ["a", "b", "c"]) await change(handler, "pause-task", { name });

    const first = await page(handler, "?limit=2");
    const second = await page(handler, `?limit=2&after=${first.next ?? ""}`);

    const names = [first, second].map(({ entries }) =>
      entries.map(({ details }) => (JSON.parse(details) as { name: string }).name),
    );
    expect(names).toEqual([["c", "b"], ["a"]]);
    expect(second.next).toBeNull();
  });

  it.each(["?after=x", "?after=-1", "?limit=0", "?limit=201", "?other=1"])(
    "refuses %s",
    async (search) => {
      const { handler } = await freshDashboard();

      expect((await read(handler, `audit${search}`)).status).toBe(400);
    },
  );

  it("knows what was done to a job", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const { job } = await pawl.enqueueByName("send", 1, { delay: "1h" });
    const jobs = [{ queue: job.queue, id: job.id.toUpperCase() }];
    await change(handler, "retry-jobs", { jobs });
    await change(handler, "cancel-jobs", { jobs });
    await change(handler, "pause-queue", { name: job.queue });

    const entries = await listAuditOfJob(engine.store, job, 20);

    expect(entries.map(({ action }) => action)).toEqual(["cancel-jobs", "retry-jobs"]);
    expect(await listAuditOfJob(engine.store, { ...job, queue: "other" }, 20)).toEqual([]);
  });

  it("names the job that was enqueued, at the job that it is a copy of", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const { job } = await pawl.enqueueByName("send", 1);
    const copyOf = { queue: job.queue, id: job.id };

    const response = await change(handler, "enqueue", { task: "send", payload: "2", copyOf });
    const copy = (await response.json()) as { queue: string; id: string };

    const [atOld] = await listAuditOfJob(engine.store, job, 20);
    const [atNew] = await listAuditOfJob(engine.store, copy, 20);
    expect(atNew).toEqual(atOld);
    expect(JSON.parse(atOld?.details ?? "")).toMatchObject({ copyOf, job: copy });
  });
});

describe("a change", () => {
  it("is not made when it cannot be noted", async () => {
    const engine = await freshEngine({
      wrap: (database) =>
        intercepted(database, ({ text }, run) => {
          if (!text.includes("insert into") || !text.includes(".audit")) return run();
          return Promise.reject(new Error("no room"));
        }),
    });
    engine.pawl.on("error", () => undefined);
    const handler = dashboard(engine.pawl, { authorize: byHeader });

    const response = await change(handler, "pause-queue", { name: "mail" });

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("no room");
    expect(await engine.pawl.queues.list()).toEqual([]);
  });

  it("that fails in the database is noted as failed, and nothing of it is left", async () => {
    let isBroken = false;
    const engine = await freshEngine({
      wrap: (database) =>
        intercepted(database, async ({ text }, run) => {
          const rows = await run();
          if (isBroken && text.includes(".queues")) throw new Error("broken");
          return rows;
        }),
    });
    engine.pawl.on("error", () => undefined);
    const handler = dashboard(engine.pawl, { authorize: byHeader });
    isBroken = true;

    const response = await change(handler, "pause-queue", { name: "mail" });

    isBroken = false;
    expect(response.status).toBe(500);
    expect(await engine.pawl.queues.list()).toEqual([]);
    const { entries } = await page(handler);
    expect(entries).toMatchObject([{ outcome: "failed" }]);
    expect(JSON.parse(entries[0]?.details ?? "")).toEqual({
      name: "mail",
      error: "PAWL_DASHBOARD_FAILED",
    });
  });
});

describe("after 90 days", () => {
  it("the audit and ended operations are forgotten", async () => {
    const engine = await freshEngine();
    await engine.sql(
      `insert into audit (at, by, role, action, outcome, jobs, details)
       select now() - age, 'somebody', 'admin', 'cancel-jobs', 'done', '{}', '{}'
         from unnest(array[interval '89 days', interval '91 days']) as age`,
    );
    await engine.sql(
      `insert into operations (started_at, state, started_by, plan)
       select now() - age, state, 'somebody', '{}'
         from unnest(array[interval '89 days', interval '91 days']) as age,
              unnest(array['running', 'done']) as state`,
    );

    const chore = choreList(engine.store, 1_000).find(({ name }) => name === "prune-audit");
    await chore?.run();

    expect(await engine.sql("select from audit")).toHaveLength(1);
    const left = await engine.sql("select state from operations order by state");
    expect(left.map(({ state }) => state)).toEqual(["done", "running", "running"]);
  });
});

async function page(handler: Handler, search = ""): Promise<Page> {
  return (await (await read(handler, `audit${search}`)).json()) as Page;
}
