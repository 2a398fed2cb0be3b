import { backlogDepth } from "./backlog-depth.ts";
import { bulkEnqueue } from "./bulk-enqueue.ts";
import { delayedBacklog } from "./delayed-backlog.ts";
import { drain } from "./drain.ts";
import { heldSnapshot } from "./held-snapshot.ts";
import { concurrencyKeys, rateLimitKeys } from "./keys.ts";
import { latency } from "./latency.ts";
import { manyQueues } from "./many-queues.ts";
import { memory } from "./memory.ts";
import { recovery } from "./recovery.ts";
import type { Scenario } from "./scenario.ts";
import { singleEnqueue } from "./single-enqueue.ts";
import { steady } from "./steady.ts";
import { transactional } from "./transactional.ts";
import { watched } from "./watched.ts";

/** In the order of the report. */
export const scenarios: readonly Scenario[] = [
  bulkEnqueue,
  singleEnqueue,
  drain,
  steady,
  heldSnapshot,
  delayedBacklog,
  backlogDepth,
  latency,
  transactional,
  concurrencyKeys,
  rateLimitKeys,
  recovery,
  manyQueues,
  memory,
  watched,
];
