import type { Reads } from "../api.ts";
import type { Identity, ReadContext } from "../context.ts";
import { Findings } from "./findings.ts";
import { readJob } from "./job.ts";
import { readOverview, readQueues } from "./overview.ts";
import { readHistory, readJobs } from "./pages.ts";
import { RecentPast } from "./recent-past.ts";
import { readTasks } from "./tasks.ts";
import { readConcurrencyKeys, readRateLimits, readWorkers } from "./workers.ts";

/** What is read from the tables of the queue, each by its name. */
export type TableReads = {
  readonly [Name in Exclude<keyof Reads, "session" | "operations" | "audit">]: (
    params: Reads[Name]["params"],
    who: Identity,
  ) => Promise<Reads[Name]["answer"]>;
};

/**
 * The reads of one dashboard, which remember what they have seen of the last minutes. Each takes a bounded time, however many
 * jobs there are; nothing runs between them.
 */
export function makeReads(context: ReadContext): TableReads {
  const past = new RecentPast();
  const findings = new Findings(context);
  return {
    overview: () => readOverview(context, past),
    queues: () => readQueues(context, past),
    tasks: () => readTasks(context),
    jobs: (params) => readJobs(context, params),
    job: (params, who) => readJob(context, params, who),
    history: (params) => readHistory(context, params),
    workers: () => readWorkers(context),
    "rate-limits": () => readRateLimits(context),
    "concurrency-keys": (params) => readConcurrencyKeys(context, params),
    findings: () => findings.read(),
  };
}
