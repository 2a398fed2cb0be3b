import { defineTask, typed } from "pawl";
import { describe, expect, it } from "vitest";
import { pruneDashboard } from "#pawl/store/pruning";
import { freshEngine, type Engine } from "../support/engine.ts";
import { intercepted } from "../support/intercepted-database.ts";
import { Board, codeOf, posted } from "./board.ts";

const send = defineTask({ name: "send", payload: typed<object>() });
const day = 86_400_000;

describe("the audit", () => {
  it("says who changed what, with which role and outcome, and never a payload", async () => {
    const { engine, board } = await open();
    const { job } = await engine.pawl.enqueue(send, { to: "x" }, { delay: "1h" });
    const named = { queue: job.queue, id: job.id };

    await board.change("pause-queue", { name: "mail" }, "operator");
    await board.change("cancel-jobs", { jobs: [named], reason: "password=hunter2" }, "operator");
    const copied = { task: "send", payload: '{"to":"private"}', copyOf: named };
    const { body } = await board.change("enqueue", copied);

    const entries = await board.audit();
    expect(entries).toMatchObject([
      { by: "a admin", role: "admin", action: "enqueue", outcome: "done" },
      { by: "a operator", role: "operator", action: "cancel-jobs", outcome: "done" },
      { by: "a operator", role: "operator", action: "pause-queue", outcome: "done" },
    ]);
    const details = entries.map((entry) => JSON.parse(entry.details) as unknown);
    expect(details).toEqual([
      { task: "send", copyOf: named, job: body },
      { reason: "password=[redacted]", jobs: [named], outcomes: { cancelled: 1 } },
      { name: "mail" },
    ]);
    expect(JSON.stringify(await engine.sql("select * from audit"))).not.toContain("private");
    expect(Date.parse(entries[0]?.at ?? "")).toBeGreaterThan(Date.now() - day);
  });

  it("notes what was refused: for want of a role, and for a body that is wrong", async () => {
    const { board } = await open();

    await board.ask("api/pause-queue", posted({ name: "mail" }), "viewer");
    await board.ask("api/enqueue", posted({}), "operator");
    await board.ask("api/pause-queue", posted({ name: "" }), "operator");
    await board.ask("api/pause-queue", posted({ name: "mail" }), "nobody");

    expect((await board.audit()).map(({ by, action, outcome, details }) => [by, action, outcome, details])).toEqual([
      ["a operator", "pause-queue", "refused", '{"code":"PAWL_OPTION_INVALID"}'],
      ["a operator", "enqueue", "refused", '{"code":"PAWL_DASHBOARD_FORBIDDEN"}'],
      ["a viewer", "pause-queue", "refused", '{"code":"PAWL_DASHBOARD_FORBIDDEN"}'],
    ]);
  });

  it("and its change are written together: when it cannot be noted, nothing is changed", async () => {
    const engine = await freshEngine();
    const { job } = await engine.pawl.enqueue(send, {}, { delay: "1h" });
    await engine.sql("alter table audit add constraint refuses check (action <> 'cancel-jobs')");
    const board = new Board(engine);
    engine.pawl.on("error", () => undefined);

    const answer = await board.change("cancel-jobs", { jobs: [{ queue: job.queue, id: job.id }] });

    expect(answer.status).toBe(500);
    expect(await engine.pawl.jobs.get(job)).toMatchObject({ state: "scheduled" });
  });

  it("notes what has failed, of which nothing is left", async () => {
    let fails = false;
    const engine = await freshEngine({
      wrap: (database) =>
        intercepted(database, ({ text }, run) =>
          fails && text === "commit" ? Promise.reject(new Error("broken")) : run(),
        ),
    });
    const board = new Board(engine);
    engine.pawl.on("error", () => undefined);
    fails = true;

    const answer = await board.change("pause-queue", { name: "mail" });

    expect(answer.status).toBe(500);
    expect(codeOf(answer)).toBe("PAWL_DASHBOARD_FAILED");
    expect(await board.audit()).toMatchObject([{ action: "pause-queue", outcome: "failed" }]);
    expect(await engine.sql("select from queues where paused")).toEqual([]);
  });

  it("is read page by page, the newest first", async () => {
    const { board } = await open();
    for (let count = 0; count < 5; count += 1) {
      await board.change("pause-queue", { name: `q${count}` });
    }

    const first = (await board.read("audit", { limit: "2" })).body;
    const second = (await board.read("audit", { limit: "2", after: first.next ?? "" })).body;
    const third = (await board.read("audit", { limit: "2", after: second.next ?? "" })).body;

    const names = [first, second, third].map(({ entries }) =>
      entries.map(({ details }) => (JSON.parse(details) as { name: string }).name),
    );
    expect(names).toEqual([["q4", "q3"], ["q2", "q1"], ["q0"]]);
    expect(third.next).toBeNull();
    expect((await board.read("audit", { after: "x" })).status).toBe(400);
    expect((await board.read("audit", { limit: "201" })).status).toBe(400);
  });

  it("stands on the page of the job", async () => {
    const { engine, board } = await open();
    const { job } = await engine.pawl.enqueue(send, {}, { delay: "1h" });
    const other = await engine.pawl.enqueue(send, {}, { queue: "other", delay: "1h" });
    const named = { queue: job.queue, id: job.id };
    await board.change("reschedule-jobs", { jobs: [named], priority: 1 }, "operator");
    await board.change("cancel-jobs", { jobs: [{ queue: "other", id: other.job.id }] });

    const { body } = await board.read("job", named, "viewer");

    expect(body.audit).toMatchObject([{ action: "reschedule-jobs", by: "a operator" }]);
  });

  it("is kept for 90 days, and so are operations that have ended", async () => {
    const { engine, board } = await open();
    await board.change("pause-queue", { name: "old" });
    await board.change("pause-queue", { name: "new" });
    await engine.sql("update audit set at = now() - interval '91 days' where details::text like '%old%'");
    await engine.sql(
      `insert into operations (id, plan, state, started_by, role, started_at)
       select gen_random_uuid(), '{}', state, 'a', 'admin', now() - interval '91 days'
         from unnest(array['done', 'failed']) as state`,
    );

    const pruned = await pruneDashboard(engine.store, 90 * day);

    expect(pruned).toBe(3);
    expect(await board.audit()).toMatchObject([{ details: '{"name":"new"}' }]);
    await engine.work({ handlers: [send.handle(() => undefined)] });
    await engine.sqlUntil("select from chores where name = 'prune-dashboard' and done_at is not null");
  });
});

describe("what is redacted", () => {
  it("is seen raw by admins alone, and that is noted", async () => {
    const { engine, board } = await open();
    const { job } = await engine.pawl.enqueue(send, { token: "abc", n: 1 }, { delay: "1h" });
    const named = { queue: job.queue, id: job.id };

    const shown = await board.read("job", named, "admin");
    const raw = await board.read("job", { ...named, raw: "true" }, "admin");
    const refused = await board.read("job", { ...named, raw: "true" }, "operator");

    expect(shown.body).toMatchObject({ payload: '{"token":"[redacted]","n":1}', isRedacted: true });
    expect(raw.body).toMatchObject({ payload: '{"token":"abc","n":1}', isRedacted: false });
    expect(refused.status).toBe(403);
    expect(await board.audit()).toMatchObject([
      { action: "read-raw-job", role: "operator", outcome: "refused" },
      { action: "read-raw-job", role: "admin", outcome: "done" },
    ]);
  });

  it("is hidden at the paths of the option as well", async () => {
    const engine = await freshEngine();
    const board = new Board(engine, { redact: ["user.email"] });
    const payload = { user: { email: "ada@example.com", id: 7 } };
    const { job } = await engine.pawl.enqueue(send, payload, { delay: "1h" });

    const { body } = await board.read("job", { queue: job.queue, id: job.id });

    expect(body.payload).toBe('{"user":{"email":"[redacted]","id":7}}');
  });

  it.each(["payload.token:abc", "payload.user.email:a", 'payload.list.0."apiKey":x'])(
    "is not searched for, but by admins: %s",
    async (search) => {
      const board = new Board(await freshEngine(), { redact: ["user.email"] });
      const plan = { action: "cancel", from: "jobs", filter: { search } } as const;

      const asked = await Promise.all([
        board.read("jobs", { search }, "operator"),
        board.read("history", { search }, "viewer"),
        board.change("count-matching", plan, "operator"),
        board.change("start-operation", plan, "operator"),
      ]);

      expect(asked.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
      expect((await board.read("jobs", { search }, "admin")).status).toBe(200);
    },
  );
});

async function open(): Promise<{ engine: Engine; board: Board }> {
  const engine = await freshEngine();
  return { engine, board: new Board(engine) };
}

