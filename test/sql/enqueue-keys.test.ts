import { beforeEach, describe, expect, it } from "vitest";
import { execute } from "../support/database.ts";
import { countJobs, migratedSchema, onlyJobIn, rejectionOf } from "../support/producer.ts";

let schema: string;

beforeEach(async () => {
  schema = await migratedSchema();
});

describe("the SQL function enqueue, with keys", () => {
  it("knows concurrency keys, rate limits and flags", async () => {
    await execute(
      `insert into ${schema}.rate_limits (key, capacity, interval_ms) values ('mail', 5, 1000)`,
    );

    await enqueue(
      "'note', concurrency_key => 'line', concurrency_limit => 3, rate_limit_key => 'mail', rate_limit_weight => 2, flags => '{eu,slow}'",
    );

    const rows = await execute(`select * from ${schema}.jobs`);
    expect(rows).toMatchObject([
      {
        ...{ state: "blocked", concurrency_key: "line", concurrency_limit: 3, payload: null },
        ...{ rate_limit_key: "mail", rate_limit_weight: 2, flags: ["eu", "slow"] },
      },
    ]);
    expect(
      await execute(`select * from ${schema}.arrivals order by concurrency_key`),
    ).toMatchObject([
      { concurrency_key: "line", concurrency_limit: 3, is_enqueue: true },
      { rate_limit_key: "mail", is_enqueue: true },
    ]);
  });

  it.each([
    ["a rate limit that is not registered", "rate_limit_key => 'nobody''s'", /registered/],
    ["a mode that is not known", "unique_key => 'k', unique_mode => 'drop'", /unique_mode/],
    ["throttle without a wait", "unique_key => 'k', unique_mode => 'throttle'", /unique_wait/],
    ["keep with a wait", "unique_key => 'k', unique_wait => '1 hour'", /unique_wait/],
    ["debounce without a delay", "unique_key => 'k', unique_mode => 'debounce'", /delay/],
    ["an empty concurrency key", "concurrency_key => ''", /1 to 255 bytes/],
    ["an empty rate-limit key", "rate_limit_key => ''", /1 to 255 bytes/],
    ["a unique key of 256 bytes", "unique_key => repeat('k', 256)", /1 to 255 bytes/],
    ["no places", "concurrency_key => 'k', concurrency_limit => 0", /at least 1/],
    ["a weight of nothing", "rate_limit_key => 'k', rate_limit_weight => 0", /at least 1/],
  ])("refuses %s", async (_, given, message) => {
    const refusal = await rejectionOf(enqueue(`'note', ${given}`));

    expect(refusal).toMatchObject({ message: expect.stringMatching(message) });
    expect(await countJobs(schema)).toBe(0);
  });

  it.each([
    ["keep", "", "1"],
    ["replace", "", "2"],
    ["debounce", ", delay => '1 hour', unique_wait => '2 hours'", "2"],
    ["throttle", ", unique_wait => '1 hour'", "1"],
    ["keepRunningAndOneWaiting", "", "1"],
  ])("returns the job that has the unique key: %s", async (mode, rest, payload) => {
    const given = `unique_key => 'k', unique_mode => '${mode}'${rest}`;

    const first = await enqueue(`'note', '"1"', ${given}`);
    const second = await enqueue(`'note', '"2"', ${given}`);

    expect(second).toBe(first);
    expect(await onlyJobIn(schema)).toMatchObject({ id: first, payload });
  });
});

async function enqueue(given: string): Promise<string> {
  const [row] = await execute<{ id: string }>(`select ${schema}.enqueue(${given})::text as id`);
  return row?.id ?? "";
}
