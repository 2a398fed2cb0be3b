import type { ReplayableOutcome, ReplayOptions } from "../index.ts";
import type { ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { given, integerOf, jsonOf, timeOf } from "./inputs.ts";
import { Progress } from "./progress.ts";
import { withPawl } from "./session.ts";
import { print, say } from "./terminal.ts";

/** What `pawl replay` takes. */
export interface ReplayCommandOptions extends ConnectionOptions {
  readonly from?: string;
  readonly to?: string;
  readonly task?: string;
  readonly queue?: string;
  readonly outcome?: string;
  readonly job?: readonly string[];
  readonly delay?: string;
  readonly priority?: string;
  readonly maxAttempts?: string;
  readonly data?: string;
  readonly limit?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const defaultLimit = 1_000_000;
const atOnce = 1_000;

/** Enqueues jobs anew that have failed or been cancelled, oldest first. */
export async function replay(options: ReplayCommandOptions): Promise<number> {
  const limit = options.limit === undefined ? defaultLimit : integerOf("--limit", options.limit);
  const checked = replayOptionsOf(options);
  const done = await withPawl(options, async (pawl) => {
    const progress = new Progress("replay");
    const done = { matched: 0, created: 0, skipped: 0 };
    let after: string | undefined;
    do {
      const result = await pawl.history.replay({
        ...checked,
        limit: Math.min(atOnce, limit - done.matched),
        ...(after !== undefined && { after }),
      });
      done.matched += result.matched;
      done.created += result.created;
      done.skipped += result.skipped;
      after = result.next ?? undefined;
      progress.show(done.matched);
    } while (after !== undefined && done.matched < limit);
    progress.end();
    return done;
  });
  if (options.json) print(JSON.stringify(done, null, 2));
  const would = options.dryRun ? "would be " : "";
  say(
    `pawl replay: of ${done.matched} ended jobs, ${done.created} ${would}enqueued anew; ` +
      `${done.skipped} had been before, or met a job with their unique key`,
  );
  return exitStatus.ok;
}

function replayOptionsOf(options: ReplayCommandOptions): ReplayOptions {
  const { from, to, task, queue, outcome, job, delay, priority, maxAttempts, data } = options;
  const outcomes = outcome?.split(",").map((name) => name.trim() as ReplayableOutcome); // checked by the library
  return given({
    ...{ task, queue, outcome: outcomes, jobIds: job, delay, dryRun: options.dryRun },
    from: from === undefined ? undefined : timeOf("--from", from),
    to: to === undefined ? undefined : timeOf("--to", to),
    priority: priority === undefined ? undefined : integerOf("--priority", priority),
    maxAttempts: maxAttempts === undefined ? undefined : integerOf("--max-attempts", maxAttempts),
    payload: data === undefined ? undefined : jsonOf("--data", data),
  }) as ReplayOptions;
}
