import type { JobReference } from "../core/job.ts";
import { describeValue, invalidOption, queueName, uuid } from "../core/options.ts";
import { OptionError } from "../core/errors.ts";
import type { CommandResult, LiveResult, NamedJob } from "../store/commands.ts";

/** One job or several: a queue and an id, or an id alone, which names every job of this id, in whatever queue. */
export type JobList = JobReference | string | readonly (JobReference | string)[];

/** Checks what names jobs, and names each of them once. Throws `OptionError`. */
export function checkJobList(jobs: JobList): NamedJob[] {
  const list: readonly unknown[] = Array.isArray(jobs) ? jobs : [jobs];
  const named = new Map<string, NamedJob>();
  for (const [place, job] of list.entries()) {
    const checked = checkJob(Array.isArray(jobs) ? `jobs[${place}]` : "job", job);
    named.set(keyOf(checked), checked);
  }
  return [...named.values()];
}

/** Checks what names one job, or all of one id. Throws `OptionError`. */
export function checkJob(option: string, job: unknown): NamedJob {
  if (typeof job === "string") return { queue: null, id: uuid(option, job) };
  if (typeof job === "object" && job !== null && "queue" in job && "id" in job) {
    return {
      queue: queueName(`${option}.queue`, job.queue),
      id: uuid(`${option}.id`, job.id),
    };
  }
  const got = describeValue(job);
  const expected = "an id, or an object with `queue` and `id`";
  throw new OptionError(`expected \`${option}\` to be ${expected}, got ${got}`, {
    option,
    expected,
    got,
  });
}

/** Checks a job named with its queue. Throws `OptionError`. */
export function checkReference(option: string, job: unknown): JobReference {
  const { queue, id } = checkJob(option, job);
  if (queue === null) throw invalidOption(option, "an object with `queue` and `id`", job);
  return { queue, id };
}

/** The results in the order in which the jobs were named; one that nothing was found of is `notFound`. */
export function inOrder<Outcome extends string, Result extends LiveResult<Outcome>>(
  named: readonly NamedJob[],
  found: readonly Result[],
): (Result | CommandResult<"notFound">)[] {
  const byId = new Map<string, Result[]>();
  for (const result of found) {
    byId.set(result.id, [...(byId.get(result.id) ?? []), result]);
  }
  const told = new Set<Result>();
  return named.flatMap<Result | CommandResult<"notFound">>((job) => {
    const matching = (byId.get(job.id) ?? []).filter(
      ({ queue }) => job.queue === null || job.queue === queue,
    );
    if (matching.length === 0) return [{ queue: job.queue, id: job.id, outcome: "notFound" }];
    return matching.filter((result) => !told.has(result) && told.add(result));
  });
}

function keyOf({ queue, id }: NamedJob): string {
  return `${id} ${queue ?? ""}`;
}
