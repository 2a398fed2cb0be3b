import { bullmqOnPostgres, bullmqOnRedis } from "./bullmq.ts";
import type { Contender } from "./contender.ts";
import { graphileWorker } from "./graphile-worker.ts";
import { pawl } from "./pawl.ts";
import { pgBoss } from "./pg-boss.ts";

/** Pawl first, then its peers. */
export const contenders: readonly Contender[] = [
  pawl,
  graphileWorker,
  pgBoss,
  bullmqOnPostgres,
  bullmqOnRedis,
];

/** Throws when there is none of that name. */
export function contenderNamed(name: string): Contender {
  const found = contenders.find((contender) => contender.name === name);
  if (found !== undefined) return found;
  const names = contenders.map((contender) => contender.name).join(", ");
  throw new Error(`expected one of ${names}, got ${name}`);
}
