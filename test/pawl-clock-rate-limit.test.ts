import { defineTask, Pawl, type HeldJob } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { databaseUrl, execute, freshSchemaName, withClient } from "./support/database.ts";
import { eventually } from "./support/eventually.ts";

const noon = Date.UTC(2031, 4, 6, 12);

// Claimers used to note by this clock when to look again: where it stands still, nobody ever did.
describe("a job with a rate limit, while the clock stands still", () => {
  const limited = defineTask({
    name: "limited",
    rateLimit: { key: "limit", capacity: 5, interval: "1m" },
  });

  /** The second of two such jobs, which a claim by hand does not get because of what is done to the row of its limit. */
  async function passedOver(
    during: (pawl: Pawl, claim: () => Promise<void>) => Promise<void>,
  ): Promise<Pawl> {
    const pawl = new Pawl({
      database: databaseUrl(),
      schema: freshSchemaName(),
      clock: () => noon,
    });
    onTestFinished(() => pawl.close());
    await pawl.migrate();
    await pawl.enqueueMany([limited.job(), limited.job()]);
    await claimUntilThere(pawl);
    await during(pawl, async () => {
      expect(await pawl.jobs.claim("hand")).toEqual([]);
    });
    return pawl;
  }

  function claimUntilThere(pawl: Pawl): Promise<readonly HeldJob[]> {
    return eventually(async () => {
      const jobs = await pawl.jobs.claim("hand", { batchSize: 1 });
      return jobs.length > 0 && jobs;
    });
  }

  it("is found again after somebody had the limit's row locked", async () => {
    const pawl = await passedOver((pawl, claim) =>
      withClient(async (client) => {
        await client.query("begin");
        await client.query(`select from "${pawl.schema}".rate_limits for update`);
        await claim();
        await claim();
        await client.query("rollback");
      }),
    );

    expect(await claimUntilThere(pawl)).toHaveLength(1);
  });

  it("is found again when its limit is there again", async () => {
    const pawl = await passedOver(async ({ schema }, claim) => {
      const [limit] = await execute<{ key: string; capacity: number; interval_ms: number }>(
        `delete from "${schema}".rate_limits returning key, capacity, interval_ms`,
      );
      await claim();
      await claim();
      // By itself, as by somebody who registers it at the moment of a claim.
      await execute(
        `insert into "${schema}".rate_limits (key, capacity, interval_ms) values ($1, $2, $3)`,
        [limit?.key, limit?.capacity, limit?.interval_ms],
      );
    });

    expect(await claimUntilThere(pawl)).toHaveLength(1);
  });
});
