import type { JobExplanation } from "../index.ts";
import { describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { withPawl } from "./session.ts";
import { alignedLines } from "./table.ts";
import { harmless, print, say } from "./terminal.ts";

/** What `pawl jobs explain` takes. */
export interface ExplainOptions extends ConnectionOptions {
  readonly queue?: string;
  readonly json?: boolean;
}

/** Prints why a job does not run; the status says whether there is such a job. */
export async function explainJob(id: string, options: ExplainOptions): Promise<number> {
  const { queue, json } = options;
  const explanation = await withPawl(options, (pawl) =>
    pawl.jobs.explain(queue === undefined ? id : { queue, id }),
  );
  if (json) print(JSON.stringify(explanation ?? null, null, 2));
  if (explanation === undefined) {
    say(`pawl jobs explain: no job ${id} is live or in the history of ${describeTarget(options)}`);
    return exitStatus.failure;
  }
  if (!json) for (const line of linesOf(explanation)) print(line);
  return exitStatus.ok;
}

function linesOf({ queue, id, task, state, reasons }: JobExplanation): string[] {
  const facts = alignedLines([
    ["job", id],
    ["queue", queue],
    ["task", task],
    ["state", state],
  ]);
  return [...facts, "", ...reasons.map(({ text }) => text)].map(harmless);
}
