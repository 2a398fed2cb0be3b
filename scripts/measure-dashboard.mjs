// Measures how soon each read of the dashboard answers beside 1,000,000 live jobs and as many attempts in the history.
// Fails when a read takes more than 300 ms, but for 5 % of the calls. What open dashboards cost a worker is measured by the
// benchmark: `npm run bench -- --only watched`.
//
//     node scripts/measure-dashboard.mjs [--jobs 1000000] [--history 1000000] [--calls 40]
import process from "node:process";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    history: { type: "string", default: "1000000" },
    calls: { type: "string", default: "40" },
  },
});
const jobCount = Number(values.jobs);
const attemptCount = Number(values.history);
const calls = Number(values.calls);
const longestMs = 300;
const queueCount = 20;
const perInsert = 100_000;

setup();
build();
const { defineTask, Pawl, typed } = await import("pawl");
const { pgDatabase } = await import("pawl/pg");
const { startEmbeddedPostgres } = await import("pawl/embedded");
const { makeReads } = await import("../dist/dashboard/reads/reads.js");
const { statements } = await import("../dist/db/statements.js");
const { Client } = await import("pg");

const send = defineTask({ name: "send", payload: typed(), searchable: ["user.id"] });
const server = await startEmbeddedPostgres({ settings: { shared_buffers: "1GB" } });
const pawl = new Pawl({ database: server.url, tasks: [send] });
const store = { sql: statements("pawl"), db: pgDatabase(server.url) };
const client = new Client({ connectionString: server.url });
try {
  await client.connect();
  await pawl.migrate();
  await fill();
  await pawl.migrate();
  const reads = readsOf();
  let isSlow = false;
  for (const [name, read] of Object.entries(await looks(reads))) {
    const times = [];
    let answer;
    for (let call = 0; call < calls; call += 1) {
      const startedAt = performance.now();
      answer = await read();
      times.push(performance.now() - startedAt);
    }
    isSlow = report(name, times, answer) || isSlow;
  }
  if (isSlow) process.exitCode = 1;
} finally {
  await client.end();
  await pawl.close();
  await store.db.close();
  await server.stop();
}

function readsOf() {
  const whole = (text) => ({ text, isRedacted: false });
  const redactor = { redact: whole, redactSentence: whole, isSecretPath: () => false };
  const { tasks: knownTasks, version } = pawl.internals;
  const own = { pawl, store, redactor, knownTasks, version, environment: null, now: Date.now };
  const reads = makeReads(own);
  const who = { name: "measure", role: "viewer" };
  return (name, params = {}) => reads[name](params, who);
}

async function looks(read) {
  const { jobs } = await read("jobs", { state: "ready" });
  const waiting = jobs[jobs.length - 1];
  const { attempts } = await read("history");
  const ended = attempts[0];
  const { next } = await read("jobs", { search: "payload.note:nowhere" });
  const search = "payload.note:nowhere";
  const day = 86_400_000;
  return {
    overview: () => read("overview"),
    queues: () => read("queues"),
    tasks: () => read("tasks"),
    jobs: () => read("jobs"),
    "jobs, ready": () => read("jobs", { state: "ready" }),
    "jobs, ready in a queue": () => read("jobs", { state: "ready", queue: "queue 7" }),
    "jobs, scheduled": () => read("jobs", { state: "scheduled" }),
    "jobs, blocked": () => read("jobs", { state: "blocked" }),
    "jobs, running": () => read("jobs", { state: "running" }),
    "jobs of a task": () => read("jobs", { task: "send" }),
    "jobs of a rare task": () => read("jobs", { task: "rare" }),
    "jobs of a chain": () => read("jobs", { correlationId: "chain 77777" }),
    "jobs of a key": () => read("jobs", { concurrencyKey: "key 7" }),
    "jobs, search": () => read("jobs", { search }),
    "jobs, search on": () => read("jobs", { search, after: next ?? "" }),
    "jobs, number search": () => read("jobs", { search: "payload.user.id:-1" }),
    "jobs, indexed search": () => read("jobs", { search: "task:send payload.user.id:4321" }),
    "jobs, indexed, nothing": () => read("jobs", { search: "task:send payload.user.id:-1" }),
    job: () => read("job", waiting),
    "job, ended": () => read("job", ended),
    history: () => read("history"),
    "history, failed": () => read("history", { outcome: "failed", final: "true" }),
    "history, crashed": () => read("history", { outcome: "crashed" }),
    "history of a queue": () => read("history", { queue: "queue 7", task: "send" }),
    "history, of hours": () =>
      read("history", { from: new Date(Date.now() - day / 2).toISOString(), outcome: "crashed" }),
    "history, search": () => read("history", { search }),
    "history, indexed search": () => read("history", { search: "task:send payload.user.id:4321" }),
    "history, indexed, nothing": () => read("history", { search: "task:send payload.user.id:-1" }),
    workers: () => read("workers"),
    "rate-limits": () => read("rate-limits"),
    "concurrency-keys": () => read("concurrency-keys", { limit: "200" }),
    findings: () => read("findings"),
  };
}

async function fill() {
  for (let from = 0; from < jobCount; from += perInsert) {
    await client.query(
      `insert into pawl.jobs (id, run_at, created_at, max_attempts, queue, task, indexed_as, correlation_id, concurrency_key,
                              concurrency_order, rate_limit_key, payload)
       select pawl.uuid_v7(), pawl.now() + case when n % 10 = 8 then n % 100000 + 60 else -n / 1000 end * interval '1 second',
              pawl.now(), 5, 'queue ' || n % $3, case when n = 500000 then 'rare' when n % 4 = 0 then 'other' else 'send' end,
              case n % 10 when 8 then 'scheduled' when 9 then 'blocked' else 'ready' end,
              case when n % 2 = 0 then 'chain ' || n / 10 end,
              case when n % 10 = 9 then 'key ' || n % 1000 end, case when n % 10 = 9 then n end,
              case when n % 100 = 7 then 'limit ' || n % 1000 end,
              json_build_object('user', json_build_object('id', n / 10, 'name', 'Ada ' || n), 'kind', 'welcome',
                'order', md5(n::text), 'note', repeat('lorem ipsum ', 4))
         from generate_series($1::integer, $2::integer) as n`,
      [from, Math.min(jobCount, from + perInsert) - 1, queueCount],
    );
  }
  await client.query(
    `insert into pawl.concurrency_keys (queue, key, max_running)
     select distinct queue, concurrency_key, 1 from pawl.jobs where concurrency_key is not null`,
  );
  // As a day of work would have left it.
  await client.query(
    `insert into pawl.history (id, created_at, run_at, started_at, finished_at, expires_at, worker_id, attempt, final, queue,
                               task, outcome, correlation_id, error, payload)
     select pawl.uuid_v7(), ended.at - interval '1 second', ended.at - interval '1 second', ended.at - interval '0.5 seconds',
            ended.at, pawl.now() + interval '30 days' + n % 7 * interval '1 day', gen_random_uuid(), 1, true, 'queue ' || n % $2,
            case when n % 4 = 0 then 'other' else 'send' end, case when n % 50 = 0 then 'failed' else 'succeeded' end,
            'chain ' || n / 10, case when n % 50 = 0 then '{"name":"Error","message":"no such address"}'::json end,
            json_build_object('user', json_build_object('id', n / 10, 'name', 'Ada ' || n), 'kind', 'welcome',
              'order', md5(n::text), 'note', repeat('lorem ipsum ', 4))
       from generate_series(1, $1) as n,
            lateral (select pawl.now() - n * interval '80 milliseconds' as at) as ended`,
    [attemptCount, queueCount],
  );
}

function report(name, times, answer) {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const isSlow = at(0.95) > longestMs;
  const { isCut, examined, jobs, attempts } = answer;
  const page =
    examined === undefined ? "" : `  ${(jobs ?? attempts).length} found, ${examined} examined`;
  const figures = `p50 ${at(0.5).toFixed(1).padStart(6)} ms, p95 ${at(0.95).toFixed(1).padStart(6)} ms`;
  const notes = `${page}${isCut === true ? ", cut" : ""}${isSlow ? "  TOO SLOW" : ""}`;
  console.log(`${name.padEnd(26)} ${figures}${notes}`);
  return isSlow;
}
