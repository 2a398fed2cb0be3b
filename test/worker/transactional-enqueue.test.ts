import { describe, expect, it } from "vitest";
import { defineTask } from "pawl";
import { freshEngine, type Engine } from "../support/engine.ts";
import { gate } from "../support/gate.ts";

const parent = defineTask({
  name: "parent",
  transactional: true,
  retry: { retries: 2, delays: [0] },
});
const plain = defineTask({ name: "plain", retry: { retries: 2, delays: [0] } });
const child = defineTask({ name: "child", queue: "children" });

describe("a job enqueued by a transactional handler", () => {
  it("runs when the handler's job is done", async () => {
    const engine = await freshEngine();
    const handlers = [
      parent.handle(async ({ enqueue }) => enqueue(child)),
      child.handle(({ job }) => engine.sql("insert into notes values ($1)", [job.task])),
    ];
    await engine.work({ handlers });

    const { job } = await engine.pawl.enqueue(parent);
    await engine.finished(job);
    await engine.finished(await onlyJobOf(engine, "child"));

    expect(await engine.notes()).toEqual(["child"]);
  });

  it("does not exist for others before that", async () => {
    const engine = await freshEngine();
    let seen: unknown;
    const handler = parent.handle(async ({ enqueue }) => {
      await enqueue(child);
      seen = await engine.sql("select task from jobs");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(parent);
    await engine.finished(job);

    expect(seen).toEqual([{ task: "parent" }]);
    expect(await engine.sql("select task from jobs")).toEqual([{ task: "child" }]);
  });

  it("never exists when the handler throws", async () => {
    const engine = await freshEngine();
    const handler = parent.handle(async ({ enqueue, job }) => {
      await enqueue(child, undefined, { correlationId: `attempt ${job.attempt}` });
      if (job.attempt < 3) throw new Error("not yet");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(parent);
    await engine.finished(job);

    const children = await engine.sql("select correlation_id from jobs");
    expect(children).toEqual([{ correlation_id: "attempt 3" }]);
  });

  it("never exists when the handler leaves its transaction broken", async () => {
    const engine = await freshEngine();
    const handler = parent.handle(async ({ enqueue, job, tx }) => {
      await enqueue(child, undefined, { correlationId: `attempt ${job.attempt}` });
      if (job.attempt === 1) await tx.query("select 1 / 0").catch(() => undefined);
      if (job.attempt === 2) await tx.query("rollback").catch(() => undefined);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(parent);
    await engine.finished(job);

    const children = await engine.sql("select correlation_id from jobs");
    expect(children).toEqual([{ correlation_id: "attempt 3" }]);
  });

  it("shares the fate of a row that the handler wrote, when the handler gives `tx` as `db`", async () => {
    const engine = await freshEngine();
    const handler = parent.handle(async ({ tx, job }) => {
      await engine.write(tx, `attempt ${job.attempt}`);
      const correlationId = `attempt ${job.attempt}`;
      await engine.pawl.enqueue(child, undefined, { db: tx, correlationId });
      if (job.attempt < 2) throw new Error("not yet");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(parent);
    await engine.finished(job);

    const children = await engine.sql("select correlation_id from jobs");
    expect(children).toEqual([{ correlation_id: "attempt 2" }]);
    expect(await engine.notes()).toEqual(["attempt 2"]);
  });

  it("is one job when it has an id of its own, however often the handler runs", async () => {
    const engine = await freshEngine();
    const id = "018f2d3c-0000-7000-8000-000000000001";
    const outcomes: string[] = [];
    const handler = parent.handle(async ({ enqueue }) => {
      outcomes.push((await enqueue(child, undefined, { id })).outcome);
      outcomes.push((await enqueue(child, undefined, { id })).outcome);
    });
    await engine.work({ handlers: [handler] });

    for (const { job } of await engine.pawl.enqueueMany([parent.job(), parent.job()])) {
      await engine.finished(job);
    }

    expect(await engine.sql("select id from jobs")).toEqual([{ id }]);
    expect(outcomes.sort()).toEqual(["created", "kept", "kept", "kept"]);
  });

  it("is refused after the handler has returned", async () => {
    const engine = await freshEngine();
    const late = gate<unknown>();
    const handler = parent.handle(({ enqueue, job }) => {
      void engine.finished(job).then(() => enqueue(child).catch(late.open));
    });
    await engine.work({ handlers: [handler] });

    await engine.pawl.enqueue(parent);

    expect(await late.opened).toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
    expect(await engine.sql("select from jobs")).toEqual([]);
  });

  it("takes a refused payload as an error that the handler may catch, and commit", async () => {
    const engine = await freshEngine();
    const handler = parent.handle(async ({ enqueue, tx }) => {
      await engine.write(tx, "kept");
      await enqueue(child, undefined, { queue: "" }).catch(() => undefined);
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(parent);
    const attempts = await engine.finished(job);

    expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
    expect(await engine.notes()).toEqual(["kept"]);
  });
});

describe("a job enqueued by a plain handler", () => {
  it("stays when the handler throws afterwards", async () => {
    const engine = await freshEngine();
    const handler = plain.handle(async ({ enqueue, job }) => {
      await enqueue(child, undefined, { correlationId: `attempt ${job.attempt}` });
      if (job.attempt < 2) throw new Error("not yet");
    });
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueue(plain);
    await engine.finished(job);

    const children = await engine.sql("select correlation_id from jobs order by 1");
    expect(children).toEqual([{ correlation_id: "attempt 1" }, { correlation_id: "attempt 2" }]);
  });
});

describe.each([
  ["transactional", parent],
  ["plain", plain],
])("a job enqueued by a %s handler", (_, task) => {
  it("inherits the correlation id", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(({ enqueue }) => enqueue(child))] });

    const { job } = await engine.pawl.enqueueByName(task.name, undefined, {
      correlationId: "order 7",
    });
    await engine.finished(job);

    const children = await engine.sql("select correlation_id from jobs");
    expect(children).toEqual([{ correlation_id: "order 7" }]);
  });

  it("may have a correlation id of its own", async () => {
    const engine = await freshEngine();
    const handler = task.handle(({ enqueue }) =>
      enqueue(child, undefined, { correlationId: "other" }),
    );
    await engine.work({ handlers: [handler] });

    const { job } = await engine.pawl.enqueueByName(task.name, undefined, {
      correlationId: "order 7",
    });
    await engine.finished(job);

    expect(await engine.sql("select correlation_id from jobs")).toEqual([
      { correlation_id: "other" },
    ]);
  });

  it("has none when its parent has none", async () => {
    const engine = await freshEngine();
    await engine.work({ handlers: [task.handle(({ enqueue }) => enqueue(child))] });

    const { job } = await engine.pawl.enqueueByName(task.name);
    await engine.finished(job);

    expect(await engine.sql("select correlation_id from jobs")).toEqual([{ correlation_id: null }]);
  });

  it("hands the correlation id down to its own children, and into the history", async () => {
    const engine = await freshEngine();
    const grandchild = defineTask({ name: "grandchild" });
    const handlers = [
      task.handle(({ enqueue }) => enqueue(child)),
      child.handle(({ enqueue }) => enqueue(grandchild)),
      grandchild.handle(() => undefined),
    ];
    const { settled } = await engine.work({ handlers });

    await engine.pawl.enqueueByName(task.name, undefined, { correlationId: "order 7" });
    await engine.until(() => settled.length === 3);

    const rows = await engine.sql("select distinct correlation_id from history");
    expect(rows).toEqual([{ correlation_id: "order 7" }]);
  });
});

async function onlyJobOf(engine: Engine, task: string) {
  const [job] = await engine.sqlUntil<{ id: string; queue: string }>(
    "select id, queue from jobs where task = $1 union select id, queue from history where task = $1",
    [task],
  );
  if (job === undefined) throw new Error(`expected a job of ${task}`);
  return job;
}
