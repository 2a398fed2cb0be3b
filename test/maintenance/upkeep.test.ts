import { defineTask, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { endedOutcomes } from "../fixtures/attempts.ts";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const task = defineTask({ name: "task" });
const handlers = [task.handle(() => undefined)];

/** The days, counted from today, for which there is a history partition. */
async function partitionDays(schema: string): Promise<number[]> {
  const rows = await execute<{ day: number }>(
    `select to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') - (now() at time zone 'UTC')::date as day
       from pg_inherits where inhparent = '"${schema}".history'::regclass order by day`,
  );
  return rows.map(({ day }) => day);
}

async function dropPartitions(schema: string): Promise<void> {
  const rows = await execute<{ name: string }>(
    `select inhrelid::regclass::text as name
       from pg_inherits where inhparent = '"${schema}".history'::regclass`,
  );
  for (const { name } of rows) await execute(`drop table ${name}`);
}

/** Writes a worker that ended some hours ago. */
async function formerWorker(pawl: Pawl, name: string, ended: string): Promise<void> {
  await execute(
    `insert into "${pawl.schema}".workers (id, lease_ms, concurrency, pid, name, host, version, tasks, transactional,
       transaction_slots, ended_at, swept)
     values (gen_random_uuid(), 1000, 1, 1, $1, '', '', '{}', '{}', 1, ${ended})`,
    [name],
  );
}

describe("the chores of a worker", () => {
  it("make the history partitions of the days in which today's rows will expire", async () => {
    const pawl = await freshPawl();
    await dropPartitions(pawl.schema);

    await startWorker(pawl, { handlers });
    await eventually(async () => (await partitionDays(pawl.schema)).length === 4);

    expect(await partitionDays(pawl.schema)).toEqual([30, 31, 32, 33]);
  });

  it("may be done by many workers at once", async () => {
    const pawl = await freshPawl();
    await dropPartitions(pawl.schema);

    // Each of them fails the test when it meets an error.
    await Promise.all(Array.from({ length: 5 }, () => startWorker(pawl, { handlers })));
    await eventually(async () => (await partitionDays(pawl.schema)).length === 4);
    const { job } = await pawl.enqueue(task);

    expect(await endedOutcomes(pawl, job)).toEqual(["succeeded"]);
  });

  it("forget workers that ended more than a day ago, once their jobs have been looked for", async () => {
    const pawl = await freshPawl();
    const longAgo = "clock_timestamp() - interval '25 hours'";
    await formerWorker(pawl, "old", `${longAgo}, true`);
    await formerWorker(pawl, "recent", "clock_timestamp() - interval '23 hours', true");

    await startWorker(pawl, { handlers, name: "living" });
    const names = await eventually(async () => {
      const rows = await execute<{ name: string }>(
        `select name from "${pawl.schema}".workers order by name`,
      );
      return rows.length === 2 && rows.map(({ name }) => name);
    });

    expect(names).toEqual(["living", "recent"]);
  });
});
