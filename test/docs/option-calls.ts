import { PGlite } from "@electric-sql/pglite";
import { defineTask, exponential, LocalQueue, Pawl, typed } from "pawl";
import { dashboard } from "pawl/dashboard";
import { startEmbeddedPostgres } from "pawl/embedded";
import { otel } from "pawl/otel";
import { pgDatabase } from "pawl/pg";
import { pgliteDatabase } from "pawl/pglite";
import { postgresJsDatabase } from "pawl/postgres-js";
import postgres from "postgres";
import { databaseUrl } from "../support/database.ts";
import { repository } from "./markdown.ts";

const database = databaseUrl();
export const pawl = new Pawl({ database });
const task = defineTask({ name: "example", payload: typed<null>() });
const handler = task.handle(() => undefined);
const source = { jobs: { claim: () => Promise.resolve([]), release: () => undefined } };
const server = "postgres://localhost/example";
// Made of what the adapter looks for: starting one would take seconds.
const pglite = Object.create(PGlite.prototype, {
  waitReady: { value: Promise.resolve() },
  parsers: { value: {} },
  serializers: { value: {} },
}) as PGlite;

type Call = (given: Record<string, unknown>) => unknown;

// For every call of the page, something that takes its options, and a wrong value for each.
export const calls: Record<string, { call: Call; wrong: Record<string, unknown> }> = {
  "new Pawl(options)": {
    call: (given) => new Pawl({ database, ...given }),
    wrong: {
      database: {},
      tasks: [defineTask({ name: "twice" }), defineTask({ name: "twice" })],
      schema: "My Schema",
      serializer: {},
      generateId: "id",
      validate: "yes",
      maxPayloadBytes: 0,
      clock: () => NaN,
      instrumentation: otel,
      logger: { info: () => undefined },
    },
  },
  "defineTask(options)": {
    call: (given) => defineTask({ name: "example", ...given }),
    wrong: {
      name: "",
      payload: { type: "object" },
      queue: "q".repeat(64),
      priority: 40_000,
      retry: "often",
      timeout: "5 parsecs",
      transactional: "yes",
      storeOutput: 1,
      concurrency: { key: "k", limit: 0 },
      rateLimit: { key: "k", capacity: 1 },
      unique: { key: "k", mode: "drop" },
      flags: "eu",
      keep: "some",
      historyRetention: 0,
      searchable: ["user..id"],
      run: "code",
    },
  },
  "enqueue(task, payload, options)": {
    call: (given) => pawl.enqueue(task, null, given),
    wrong: {
      db: {},
      queue: "",
      runAt: new Date(NaN),
      delay: -1,
      priority: 0.5,
      maxAttempts: 0,
      id: "1",
      correlationId: "",
      concurrency: { limit: 1 },
      rateLimit: { key: "" },
      unique: { key: "k", mode: "throttle" },
      flags: [1],
    },
  },
  "enqueueMany(requests, options)": {
    call: (given) => pawl.enqueueMany([task.job(null)], given),
    wrong: { db: {} },
  },
  "pawl.jobs.cancel(jobs, reason, options)": {
    call: (given) => pawl.jobs.cancel([], "reason", given),
    wrong: { db: {} },
  },
  "pawl.jobs.reschedule(jobs, options)": {
    call: (given) => pawl.jobs.reschedule([], { priority: 1, ...given }),
    wrong: { db: {}, runAt: new Date(NaN), delay: -1, priority: 0.5, maxAttempts: 0 },
  },
  "pawl.jobs.list(filter)": {
    call: (given) => pawl.jobs.list(given),
    wrong: {
      queue: "",
      task: "",
      state: "finished",
      correlationId: "",
      concurrencyKey: "k".repeat(256),
      after: "1",
      limit: 1_001,
    },
  },
  "pawl.queues.list(options)": {
    call: (given) => pawl.queues.list(given),
    wrong: { upTo: 0 },
  },
  "pawl.concurrencyKeys.list(options)": {
    call: (given) => pawl.concurrencyKeys.list(given),
    wrong: { queue: "", after: { queue: "default" }, limit: 0 },
  },
  concurrency: {
    call: (given) => defineTask({ name: "example", concurrency: { key: "k", ...given } }),
    wrong: { key: 1, limit: 10_001, whileRetrying: "wait" },
  },
  rateLimit: {
    call: (given) => pawl.enqueue(task, null, { rateLimit: { key: "k", ...given } }),
    wrong: { key: "", weight: 0, capacity: 0, interval: "1 blink", mode: "rolling" },
  },
  unique: {
    call: (given) => pawl.enqueue(task, null, { unique: { key: "k", ...given } }),
    wrong: { key: "k".repeat(256), mode: "drop", wait: 0 },
  },
  "exponential(options)": {
    call: (given) => exponential(given),
    wrong: { retries: -1, initial: 0, factor: 0.5, max: "long", jitter: 2 },
  },
  "pawl.worker(options)": {
    call: (given) => pawl.worker({ handlers: [handler], ...given }),
    wrong: {
      queues: [],
      concurrency: 0,
      handlers: [handler, handler],
      tasks: [defineTask({ name: "unhandled" })],
      forbiddenFlags: "gpu",
      name: "",
      lease: "499ms",
      pollInterval: "soon",
      shutdownGrace: -1,
      unknownTaskGrace: NaN,
      onFailed: "loudly",
      onSettled: {},
      logger: console.log,
    },
  },
  "pawl.workOnce(options)": {
    call: (given) => pawl.workOnce({ handlers: [handler], ...given }),
    wrong: {
      queues: [],
      handlers: [handler, handler],
      tasks: [defineTask({ name: "unhandled" })],
      forbiddenFlags: "all",
    },
  },
  "worker.stop(options)": {
    call: (given) => pawl.worker({ handlers: [handler] }).stop(given),
    wrong: { grace: "later" },
  },
  "pawl.jobs.claim(workerId, options)": {
    call: (given) => pawl.jobs.claim("by hand", given),
    wrong: {
      tasks: [""],
      queues: "default",
      forbiddenFlags: [1],
      batchSize: 1_001,
      historyRetention: "for ever",
    },
  },
  "pawl.jobs.complete(workerId, jobs, options)": {
    call: (given) => pawl.jobs.complete("by hand", [], given),
    wrong: { executionMs: -1, outputs: ["of nothing"], db: {} },
  },
  "pawl.jobs.fail(workerId, failed, options)": {
    call: (given) => pawl.jobs.fail("by hand", [], given),
    wrong: { executionMs: Infinity, db: {} },
  },
  "pawl.jobs.release(workerId, jobs, options)": {
    call: (given) => pawl.jobs.release("by hand", [], given),
    wrong: { db: {} },
  },
  "new LocalQueue(pawl, workerId, options)": {
    call: (given) => new LocalQueue(source, "by hand", given),
    wrong: {
      size: 0,
      refetchThreshold: 101,
      refetchDelay: "a while",
      pollInterval: -1,
      ttl: NaN,
      tasks: [],
      queues: ["q".repeat(64)],
      forbiddenFlags: "eu",
    },
  },
  "queue.take(timeout, options)": {
    call: (given) => new LocalQueue(source, "by hand").take(0, given),
    wrong: { signal: "stop" },
  },
  "queue.stop(timeout, options)": {
    call: (given) => new LocalQueue(source, "by hand").stop("1s", given),
    wrong: { release: "yes" },
  },
  "pawl.history.list(options)": {
    call: (given) => pawl.history.list(given),
    wrong: {
      task: "",
      queue: "q".repeat(64),
      outcome: "lost",
      final: 1,
      from: "yesterday",
      to: new Date(NaN),
      correlationId: "",
      jobId: "1",
      limit: 1_001,
      after: "somewhere",
    },
  },
  "pawl.history.recent(options)": {
    call: (given) => pawl.history.recent(given),
    wrong: { within: "soon", upTo: 0 },
  },
  "pawl.history.replay(options)": {
    call: (given) => pawl.history.replay(given),
    wrong: {
      from: "yesterday",
      to: new Date(NaN),
      task: "",
      queue: "",
      outcome: "succeeded",
      jobIds: ["1"],
      maxAttempts: 0,
      priority: 0.5,
      delay: -1,
      limit: Infinity,
      after: "somewhere",
      dryRun: "yes",
      payload: 1n,
      db: {},
    },
  },
  "pawl.maintenance.resetLockedJobs(options)": {
    call: (given) => pawl.maintenance.resetLockedJobs(given),
    wrong: { olderThan: "long" },
  },
  "pawl.maintenance.pruneTasks(options)": {
    call: (given) => pawl.maintenance.pruneTasks(given),
    wrong: { keepFor: -1 },
  },
  "pawl.rateLimits.register(key, options)": {
    call: (given) => pawl.rateLimits.register("key", { capacity: 1, interval: "1m", ...given }),
    wrong: { capacity: 0, interval: "often", mode: "leaky", db: {} },
  },
  "pgDatabase(source, options)": {
    call: (given) => pgDatabase(server, given),
    wrong: { queryTimeout: 0, preparedStatements: "no", maxConnections: 0 },
  },
  "postgresJsDatabase(sql, options)": {
    call: (given) => postgresJsDatabase(postgres(server), given),
    wrong: { queryTimeout: 0, preparedStatements: "no", maxConnections: 0 },
  },
  "pgliteDatabase(db, options)": {
    call: (given) => pgliteDatabase(pglite, given),
    wrong: { queryTimeout: 0 },
  },
  "otel(options)": {
    call: (given) => otel(given),
    wrong: { relation: "child" },
  },
  "dashboard(pawl, options)": {
    call: (given) => dashboard(pawl, { authorize: "none", ...given }),
    wrong: {
      authorize: "all",
      hosts: [],
      origins: ["example.com"],
      redact: "user.email",
      environment: "",
    },
  },
  "startEmbeddedPostgres(options)": {
    call: (given) => startEmbeddedPostgres(given),
    wrong: {
      dataDirectory: `${repository}docs`,
      port: 0,
      database: "d".repeat(64),
      settings: { port: 5432 },
    },
  },
};
