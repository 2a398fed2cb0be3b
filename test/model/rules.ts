import { defineTask, typed } from "pawl";

const payload = typed<number>();

/** The tasks of the model tests. Of a concurrency key all jobs are of one task, so that a pause holds up all or none. */
export const tasks = {
  plain: defineTask({ name: "plain", payload, retry: { retries: 2, delays: [0, "5s"] } }),
  serial: defineTask({
    name: "serial",
    payload,
    retry: { retries: 1, delays: ["2s"] },
    concurrency: { key: "serial", limit: 1 },
  }),
  pair: defineTask({
    name: "pair",
    payload,
    retry: { retries: 1, delays: [0] },
    concurrency: { key: "pair", limit: 2 },
  }),
  limited: defineTask({
    name: "limited",
    payload,
    retry: "none",
    rateLimit: { key: "limited", capacity: 3, interval: "10s" },
  }),
} as const;

export type TaskName = keyof typeof tasks;

/** What the model knows of a task; the delays in milliseconds. */
interface Rule {
  readonly delaysMs: readonly number[];
  readonly maxAttempts: number;
  /** How many of the task's jobs run at a time in a queue. */
  readonly limit: number;
  readonly isRateLimited: boolean;
}

export const rules: Readonly<Record<TaskName, Rule>> = {
  plain: { delaysMs: [0, 5_000], maxAttempts: 3, limit: Infinity, isRateLimited: false },
  serial: { delaysMs: [2_000], maxAttempts: 2, limit: 1, isRateLimited: false },
  pair: { delaysMs: [0], maxAttempts: 2, limit: 2, isRateLimited: false },
  limited: { delaysMs: [], maxAttempts: 1, limit: Infinity, isRateLimited: true },
};

export const budget = { capacity: 3, intervalMs: 10_000 } as const;
export const queues = ["a", "b"] as const;
export type QueueName = (typeof queues)[number];
/** Who claims by hand, and what of. */
export const workers = {
  ada: {},
  bob: { queues: ["a"] },
  eve: { queues: ["b", "a"], tasks: ["plain", "serial"] },
} as const;
export type WorkerName = keyof typeof workers;
