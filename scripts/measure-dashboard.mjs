// Measures how soon each read of the dashboard answers beside 1,000,000 live jobs and as many attempts in the history, and what
// five people who look at it cost a worker. Fails when a read takes more than 300 ms, but for 5 % of the calls.
//
//     node scripts/measure-dashboard.mjs [--jobs 1000000] [--history 1000000] [--calls 30] [--drain 100000] [--rounds 4]
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    history: { type: "string", default: "1000000" },
    calls: { type: "string", default: "30" },
    drain: { type: "string", default: "100000" },
    rounds: { type: "string", default: "4" },
  },
});
const jobCount = Number(values.jobs);
const attemptCount = Number(values.history);
const calls = Number(values.calls);
const drainCount = Number(values.drain);
const rounds = Number(values.rounds);
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
const drained = defineTask({ name: "drained", payload: typed(), queue: "drained" });
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
  await measureDrain();
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

// With nobody looking, and with five who look at a screen each, in turn; the overview is shared by all of them.
async function measureDrain() {
  const rates = { alone: [], watched: [] };
  for (let round = 0; round < rounds * 2; round += 1) {
    const kind = round % 2 === 0 ? "alone" : "watched";
    rates[kind].push(await drain(kind === "watched"));
  }
  const alone = median(rates.alone);
  const watched = median(rates.watched);
  const shown = (list) => list.map((rate) => Math.round(rate)).join(" ");
  console.log(`drained alone    ${Math.round(alone)} jobs/s (${shown(rates.alone)})`);
  console.log(`drained, watched ${Math.round(watched)} jobs/s (${shown(rates.watched)})`);
  console.log(`ratio ${(watched / alone).toFixed(3)}`);
}

async function drain(isWatched) {
  for (let from = 0; from < drainCount; from += 10_000) {
    await pawl.enqueueMany(Array.from({ length: 10_000 }, (_, n) => drained.job({ n: from + n })));
  }
  let left = drainCount;
  const { promise, resolve } = settlable();
  const handler = drained.handle(() => {
    left -= 1;
    if (left === 0) resolve();
  });
  const watching = { isOver: false };
  const watchers = isWatched ? watch(watching) : [];
  const worker = pawl.worker({ queues: ["drained"], concurrency: 100, handlers: [handler] });
  const startedAt = performance.now();
  await worker.start();
  await promise;
  await worker.stop();
  const rate = (drainCount * 1_000) / (performance.now() - startedAt);
  watching.isOver = true;
  await Promise.all(watchers);
  return rate;
}

function watch(watching) {
  const read = readsOf();
  const poll = async (look, everyMs) => {
    while (!watching.isOver) {
      const nextAt = performance.now() + everyMs;
      await look();
      while (!watching.isOver && performance.now() < nextAt) await sleep(50);
    }
  };
  const overview = poll(() => read("overview"), 2_000);
  const screens = [
    () => read("queues"),
    () => read("jobs", { state: "ready" }),
    () => read("history"),
    () => read("workers"),
    () => read("jobs", { search: "payload.note:nowhere" }),
  ];
  return [overview, ...screens.map((look) => poll(look, 5_000))];
}

function settlable() {
  let resolve = () => undefined;
  const promise = new Promise((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
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
