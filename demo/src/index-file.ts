import { defineTask, typed } from "pawl";

/** Indexes one file: its digest, its size and its lines go into the table `files`. */
export const indexFile = defineTask({
  name: "index-file",
  payload: typed<{ path: string; number: number }>(),
  transactional: true,
  retry: { retries: 9, delays: ["50ms", "200ms"] },
});

/** Whether an attempt is to fail after its write: the first two of every fiftieth job, a few per cent of all attempts. */
export function failsOnPurpose(job: {
  readonly number: number;
  readonly attempt: number;
}): boolean {
  return job.number % 50 === 0 && job.attempt <= 2;
}
