import type { Measurement } from "../measurement.ts";
import { drained } from "./drained.ts";
import type { Figure, Scenario } from "./scenario.ts";

const keyCount = { concurrencyKeys: 10_000, rateLimitKeys: 1_000 } as const;

export const concurrencyKeys: Scenario = {
  name: "concurrency keys",
  title: "Concurrency keys",
  description:
    "100,000 jobs of 10,000 keys; of each key one runs at a time. With the peers: what comes closest.",
  needs: "concurrency keys",
  measure: (measurement) => drainedWith(measurement, "concurrencyKeys"),
};

export const rateLimitKeys: Scenario = {
  name: "rate-limit keys",
  title: "Rate-limit keys",
  description: "100,000 jobs of 1,000 rate limits that none of them reaches.",
  needs: "rate limit keys",
  measure: (measurement) => drainedWith(measurement, "rateLimitKeys"),
};

async function drainedWith(
  measurement: Measurement,
  kind: keyof typeof keyCount,
): Promise<readonly Figure[]> {
  const count = measurement.isQuick ? 10_000 : 100_000;
  await measurement.freshDatabase();
  const { rate, costs } = await drained(measurement, { jobs: { count, [kind]: keyCount[kind] } });
  return [rate, ...costs];
}
