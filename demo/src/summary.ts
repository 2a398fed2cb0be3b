import type { Crash } from "./crash.ts";
import type { Proof } from "./proof.ts";
import { workerSettings } from "./worker-settings.ts";

/** What came out of a run. */
export interface Summary {
  readonly directory: string;
  readonly files: number;
  readonly jobs: number;
  readonly attempts: number;
  readonly failedAttempts: number;
  readonly rerunJobs: number;
  readonly crash: Crash;
  /** From the kill until the last of its jobs was free for others. */
  readonly rescueSeconds: number | null;
  readonly seconds: number;
  readonly proof: Proof;
}

/** The summary for programs, as one line of JSON. */
export function summaryJson(summary: Summary): string {
  const { files, jobs, attempts, failedAttempts, crash, rerunJobs, seconds, proof } = summary;
  const { rowsPerFileExactlyOne, digestsEqual, ok } = proof;
  return JSON.stringify({
    files,
    jobs,
    attempts,
    failedAttempts,
    killedWorkers: crash.killedWorkers,
    rerunJobs,
    seconds: round(seconds, 3),
    jobsPerSecond: round(jobs / seconds, 1),
    proof: { rowsPerFileExactlyOne, digestsEqual, ok },
  });
}

/** The summary for people. */
export function summaryText(summary: Summary): string {
  const { directory, files, jobs, attempts, failedAttempts, crash, rerunJobs, proof } = summary;
  const cutOff = attempts - jobs - failedAttempts;
  const rows: [string, string, string][] = [
    ["files", count(files), directory],
    ["jobs", count(jobs), "enqueued in one transaction"],
    [
      "attempts",
      count(attempts),
      `${count(jobs)} done, ${count(failedAttempts)} failed, ${count(cutOff)} cut off`,
    ],
    ["failed attempts", count(failedAttempts), "on purpose, after their write"],
    [
      "killed workers",
      count(crash.killedWorkers),
      `${crash.workerName}, which held ${crash.heldJobs} jobs; those that it had not started went back unharmed`,
    ],
    ["jobs rerun", count(rerunJobs), describeRescue(summary)],
    ["jobs/s", count(Math.round(jobs / summary.seconds)), `${round(summary.seconds, 1)} s in all`],
  ];
  return [
    ...rows.map(([name, figure, note]) => `${name.padEnd(16)}${figure.padStart(8)}  ${note}`),
    "",
    ...proofLines(files, proof),
  ].join("\n");
}

function proofLines(files: number, proof: Proof): string[] {
  const { rows, equalDigests, changedFiles } = proof;
  const changed = changedFiles > 0 ? `; ${count(changedFiles)} files changed meanwhile` : "";
  return [
    `${mark(proof.rowsPerFileExactlyOne)} one row for each file: ${count(rows)} rows, ${count(files)} files`,
    `${mark(proof.digestsEqual)} every digest equal: ${count(equalDigests)} recomputed from the files${changed}`,
    proof.ok ? "PROVEN: each file was indexed exactly once." : "NOT PROVEN: see above.",
  ];
}

function describeRescue({ rescueSeconds }: Summary): string {
  const lease = `the lease is ${workerSettings.leaseMs / 1_000} s`;
  if (rescueSeconds === null) return lease;
  return `free for others ${round(rescueSeconds, 1)} s after the kill; ${lease}`;
}

function mark(isTrue: boolean): string {
  return isTrue ? "ok    " : "FAILED";
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
