import { describe, expect, it } from "vitest";
import { attemptsOf } from "../fixtures/attempts.ts";
import {
  claimOne,
  jobsOf,
  other,
  rejectionOf,
  stage,
  startHolder,
  task,
  workersOf,
} from "../fixtures/by-hand.ts";
import { startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

describe("the lease of jobs claimed by hand", () => {
  it("ends with the process that held them", async () => {
    const { pawl, ids } = await stage(2);
    await startWorker(pawl, { handlers: [other.handle(() => undefined)] });
    const holder = startHolder(pawl, 2);
    await holder.claimed;

    holder.child.kill("SIGKILL");
    const again = await eventually(
      async () => {
        const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });
        return jobs.length > 0 && jobs;
      },
      { within: 30_000 },
    );

    const [first] = await attemptsOf(pawl, { queue: "default", id: ids[0] ?? "" }, 1);
    expect(again[0]).toMatchObject({ id: ids[0], attempt: 2, failures: 1 });
    expect(first).toMatchObject({ outcome: "crashed", final: false });
  }, 60_000);

  it("is kept while they are held, and given up by a worker that has been idle for a while", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);

    await eventually(
      async () => {
        const [row] = await execute<{ beaten: boolean }>(
          `select heartbeat_at - started_at > interval '12 seconds' as beaten from ${pawl.schema}.workers`,
        );
        return row?.beaten;
      },
      { within: 25_000 },
    );
    await pawl.jobs.complete("ada", [job]);
    await eventually(async () => (await workersOf(pawl))[0]?.ended, { within: 25_000 });
    await pawl.enqueue(task, 1);
    const again = await claimOne(pawl);
    await pawl.jobs.complete("ada", [again]);

    expect(await workersOf(pawl)).toEqual([
      { name: "ada", ended: true },
      { name: "ada", ended: false },
    ]);
  }, 60_000);

  it("ends when the Pawl is closed, and the jobs are ready again at once", async () => {
    const { pawl, ids } = await stage(2);
    const jobs = await pawl.jobs.claim("ada", { batchSize: 2 });

    await pawl.close();

    const error = await rejectionOf(pawl.jobs.complete("ada", jobs));
    expect(error).toMatchObject({ code: "PAWL_CLOSED" });
    expect(await jobsOf(pawl)).toEqual(ids.map((id) => ({ id, state: "ready" })));
    expect(await workersOf(pawl)).toEqual([{ name: "ada", ended: true }]);
  });

  it("is taken up under a new id after others have ended the worker", async () => {
    const { pawl } = await stage(1);
    const job = await claimOne(pawl);
    await execute(`update ${pawl.schema}.workers set ended_at = now()`);

    const again = await eventually(async () => (await pawl.jobs.claim("ada"))[0], {
      within: 30_000,
    });
    const error = await rejectionOf(pawl.jobs.complete("ada", [job]));
    await pawl.jobs.complete("ada", [again]);

    expect(again).toMatchObject({ id: job.id, attempt: 2 });
    expect(error).toMatchObject({ code: "PAWL_LEASE_LOST" });
  }, 60_000);
});
