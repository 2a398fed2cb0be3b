import type { EnqueueOptions, FinishedJob, JobReference, Pawl } from "../index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { given, integerOf, jsonOf, timeOf } from "./inputs.ts";
import { withoutPayload } from "./output.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";

/** What `pawl enqueue` takes. */
export interface EnqueueCommandOptions extends ConnectionOptions {
  readonly data?: string;
  readonly queue?: string;
  readonly delay?: string;
  readonly runAt?: string;
  readonly priority?: string;
  readonly maxAttempts?: string;
  readonly id?: string;
  readonly correlationId?: string;
  readonly concurrencyKey?: string;
  readonly uniqueKey?: string;
  readonly wait?: boolean;
  readonly json?: boolean;
}

const lookEveryMs = 200;

/** Enqueues a job of the task, and waits for its end when asked to; the status says whether it has succeeded then. */
export async function enqueue(task: string, options: EnqueueCommandOptions): Promise<number> {
  const payload = options.data === undefined ? undefined : jsonOf("--data", options.data);
  return withPawl(options, async (pawl) => {
    const { job, outcome } = await pawl.enqueueByName(task, payload, enqueueOptionsOf(options));
    if (!options.wait) {
      print(options.json ? JSON.stringify({ job, outcome }, null, 2) : job.id);
      say(`pawl enqueue: ${outcome} in queue ${job.queue}`);
      return exitStatus.ok;
    }
    say(`pawl enqueue: ${outcome} ${job.id} in queue ${job.queue}; waiting for its end`);
    const ended = await untilFinished(pawl, job);
    print(options.json ? JSON.stringify(withoutPayload(ended), null, 2) : ended.outcome);
    return ended.outcome === "succeeded" ? exitStatus.ok : exitStatus.failure;
  });
}

function enqueueOptionsOf(options: EnqueueCommandOptions): EnqueueOptions {
  const { queue, delay, runAt, priority, maxAttempts, id, correlationId } = options;
  const { concurrencyKey, uniqueKey } = options;
  return given({
    ...{ queue, delay, id, correlationId },
    runAt: runAt === undefined ? undefined : timeOf("--run-at", runAt),
    priority: priority === undefined ? undefined : integerOf("--priority", priority),
    maxAttempts: maxAttempts === undefined ? undefined : integerOf("--max-attempts", maxAttempts),
    concurrency: concurrencyKey === undefined ? undefined : { key: concurrencyKey },
    unique: uniqueKey === undefined ? undefined : { key: uniqueKey },
  }) as EnqueueOptions;
}

async function untilFinished(pawl: Pawl, job: JobReference): Promise<FinishedJob> {
  for (;;) {
    const found = await pawl.jobs.get(job);
    if (found?.state === "finished") return found;
    if (found === undefined) {
      throw new Error("the job has ended, and its history is not kept: how it ended is not known");
    }
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
