import { DashboardError } from "../../core/errors.ts";
import type { JobReference } from "../../core/job.ts";
import { queueName, uuid } from "../../core/options.ts";
import { listAuditOfJob } from "../../store/audit.ts";
import {
  readAttempts,
  readWholeJob,
  type JobAttempt,
  type WholeJob,
} from "../../store/dashboard-job.ts";
import { inBoundedTransaction } from "../../store/store.ts";
import type { JobPageDetails, JobParams } from "../api.ts";
import { statementTimeoutMs } from "../audit.ts";
import type { Identity, ReadContext } from "../context.ts";
import { auditRow } from "./audit-row.ts";
import { attemptRow, hidden, shown } from "./redaction.ts";
import { readRelated, readReplays } from "./related.ts";

const mostAttempts = 200;
const mostAudited = 20;
const mostPayloadBytes = 256 * 1_024;

/**
 * One job, live or finished, with all that is known of it; of its attempts the newest 200. Secrets are redacted, unless an
 * admin asks for it as it is. Throws `OptionError` and `DashboardError`.
 */
export async function readJob(
  context: ReadContext,
  params: JobParams,
  who: Identity,
): Promise<JobPageDetails> {
  const job = { queue: queueName("queue", params.queue), id: uuid("id", params.id) };
  const live = await readWholeJob(context.store, job);
  const attempts = await readAttempts(context.store, job, mostAttempts);
  const last = attempts.at(-1);
  if (live === undefined && last === undefined) throw notFound(job);
  const isRaw = params.raw === "true" && who.role === "admin";
  const redacting = isRaw ? unredacted : context;
  const parts = shownParts(redacting, { live, attempts });
  const correlationId = live?.correlationId ?? last?.correlationId ?? null;
  const [explanation, replays, related, audit] = await Promise.all([
    explain(context, redacting, job),
    readReplays(context.store, attempts),
    readRelated(context.store, { ...job, correlationId, around: live ?? last }),
    readAudit(context, job),
  ]);
  return {
    ...job,
    ...(live === undefined ? finished(last) : standing(live)),
    ...parts,
    cancelReason: hidden(redacting, live?.cancelReason ?? null),
    ...{ explanation, replays, related, audit },
    replayOf: live?.replayOf ?? last?.replayOf ?? null,
  };
}

// What an admin sees who asks for it.
const whole = (text: string): { text: string; isRedacted: boolean } => ({
  text,
  isRedacted: false,
});
const unredacted = {
  redactor: { redact: whole, redactSentence: whole, isSecretPath: () => false },
};

type Standing = Pick<
  JobPageDetails,
  | "task"
  | "state"
  | "priority"
  | "maxAttempts"
  | "failures"
  | "crashes"
  | "runAt"
  | "createdAt"
  | "claimedAt"
  | "correlationId"
  | "concurrencyKey"
  | "rateLimitKey"
  | "uniqueKey"
  | "flags"
  | "cancelReason"
  | "worker"
>;

function standing(job: WholeJob): Standing {
  return {
    ...{ task: job.task, state: job.state, priority: job.priority },
    ...{ maxAttempts: job.maxAttempts, failures: job.failures, crashes: job.crashes },
    ...{ runAt: job.runAt, createdAt: job.createdAt, claimedAt: job.claimedAt },
    correlationId: job.correlationId,
    ...{ concurrencyKey: job.concurrencyKey, rateLimitKey: job.rateLimitKey },
    ...{ uniqueKey: job.uniqueKey, flags: job.flags, cancelReason: job.cancelReason },
    worker: job.worker,
  };
}

// What the history keeps of a job that has ended.
function finished(last: JobAttempt | undefined): Standing {
  return {
    task: last?.task ?? "",
    state: "finished",
    ...{ priority: null, maxAttempts: null, failures: null, crashes: null },
    runAt: last?.runAt ?? "",
    createdAt: last?.createdAt ?? "",
    claimedAt: null,
    correlationId: last?.correlationId ?? null,
    ...{ concurrencyKey: null, rateLimitKey: null, uniqueKey: null },
    flags: [],
    ...{ cancelReason: null, worker: null },
  };
}

type Parts = Pick<
  JobPageDetails,
  "payload" | "partialResults" | "attempts" | "isRedacted" | "isPayloadCut"
>;

function shownParts(
  context: Pick<ReadContext, "redactor">,
  { live, attempts }: { readonly live: WholeJob | undefined; readonly attempts: JobAttempt[] },
): Parts {
  const kept = attempts.find(({ payload }) => payload !== null)?.payload ?? null;
  const payload = shown(context, live?.payload ?? kept);
  const partialResults = shown(context, live?.partialResults ?? null);
  const rows = attempts.map((attempt) => attemptRow(context, attempt));
  const cut = payload.text === null ? null : cutText(payload.text);
  return {
    payload: cut,
    partialResults: partialResults.text,
    attempts: rows.map(({ row }) => row),
    isRedacted: [payload, partialResults, ...rows].some(({ isRedacted }) => isRedacted),
    isPayloadCut: cut !== payload.text,
  };
}

// Between two characters.
function cutText(text: string): string {
  if (text.length * 3 <= mostPayloadBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= mostPayloadBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, mostPayloadBytes), { stream: true });
}

async function readAudit(
  context: ReadContext,
  job: JobReference,
): Promise<JobPageDetails["audit"]> {
  const entries = await inBoundedTransaction(context.store, statementTimeoutMs, (store) =>
    listAuditOfJob(store, job, mostAudited),
  );
  return entries.map((entry) => auditRow(context, entry));
}

// A reason may quote an error.
async function explain(
  { pawl }: ReadContext,
  { redactor }: Pick<ReadContext, "redactor">,
  job: JobReference,
): Promise<JobPageDetails["explanation"]> {
  const explanation = await pawl.jobs.explain(job);
  return (explanation?.reasons ?? []).map(({ kind, text }) => ({
    kind,
    text: redactor.redactSentence(text).text,
  }));
}

function notFound({ queue, id }: JobReference): DashboardError {
  return new DashboardError(
    "PAWL_DASHBOARD_NOT_FOUND",
    `expected a job, got none of the id ${id} in the queue ${JSON.stringify(queue)}: ` +
      "it was never there, or its history is not kept any more",
  );
}
