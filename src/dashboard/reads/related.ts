import type { JobReference } from "../../core/job.ts";
import { replayId } from "../../core/uuid.ts";
import type { Database } from "../../db/database.ts";
import type { JobAttempt } from "../../store/dashboard-job.ts";
import { searchHistory, searchJobs } from "../../store/dashboard-search.ts";
import { encodePosition } from "../../store/dashboard-position.ts";
import { describeJobs, jobKey } from "../../store/new-jobs.ts";
import { inBoundedTransaction, type Store } from "../../store/store.ts";
import type { JobPageDetails } from "../api.ts";
import { statementTimeoutMs } from "../audit.ts";

const mostRelated = 20;
// No index holds correlation ids: what is not found in this time is left out.
const budgetMs = 45;
const mostReplayed = 20;
// Jobs of one chain are enqueued near one another, as a rule.
const aroundMs = 60_000;
const afterwardsMs = 3_600_000;

/** The jobs that replay a job, whose ids are made of its last attempts. */
export async function readReplays(
  store: Store<Database>,
  attempts: readonly JobAttempt[],
): Promise<JobReference[]> {
  const ended = attempts.filter(({ final }) => final).slice(-mostReplayed);
  if (ended.length === 0) return [];
  const replays = ended.map((attempt) => ({ queue: attempt.queue, id: replayId(attempt) }));
  const known = await inBoundedTransaction(store, statementTimeoutMs, (tx) =>
    describeJobs(tx, replays),
  );
  return replays.filter((replay) => known.has(jobKey(replay)));
}

/** Other jobs of its correlation id, live ones first, as far as they are found in a moment. */
export async function readRelated(
  store: Store<Database>,
  job: JobReference & {
    readonly correlationId: string | null;
    readonly around: { readonly createdAt: string } | undefined;
  },
): Promise<JobPageDetails["related"]> {
  const { queue, id, correlationId, around } = job;
  if (correlationId === null || around === undefined) return [];
  const createdMs = Date.parse(around.createdAt);
  const options = { limit: mostRelated + 1, budgetMs };
  const live = await searchJobs(
    store,
    { correlationId },
    { ...options, after: encodePosition([queue, earliestId(createdMs - aroundMs)]) },
  );
  const past = await searchHistory(
    store,
    {
      ...{ correlationId, final: "true" },
      from: new Date(createdMs - aroundMs).toISOString(),
      to: new Date(createdMs + afterwardsMs).toISOString(),
    },
    options,
  );
  const related = [
    ...live.rows.map((row) => ({ ...named(row), state: row.state, outcome: null })),
    ...past.rows.map((row) => ({
      ...{ ...named(row), state: "finished" as const, outcome: row.outcome },
    })),
  ];
  const byKey = new Map(related.toReversed().map((each) => [jobKey(each), each]));
  byKey.delete(jobKey({ queue, id }));
  return [...byKey.values()].reverse().slice(0, mostRelated);
}

function named({ queue, id, task }: JobReference & { readonly task: string }): JobReference & {
  readonly task: string;
} {
  return { queue, id, task };
}

// Ids begin with when they were made.
function earliestId(milliseconds: number): string {
  const digits = Math.max(0, milliseconds).toString(16).padStart(12, "0");
  return `${digits.slice(0, 8)}-${digits.slice(8)}-0000-0000-000000000000`;
}
