// Measures how soon each look at a large system answers: 1,000,000 live jobs and as many in the history. Fails when one takes
// more than 300 ms, but for 5 % of the calls. Whole commands are measured as well, here and beside one single job: most of what
// they take is the start of a process, which no look can shorten.
//
//     node scripts/measure-operating.mjs [--jobs 1000000] [--calls 40]
import { spawnSync } from "node:child_process";
import process from "node:process";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { repository, setup } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "1000000" },
    calls: { type: "string", default: "40" },
  },
});
const jobCount = Number(values.jobs);
const calls = Number(values.calls);
const longestMs = 300;
const queueCount = 20;

setup();
build();
const { defineTask, Pawl, typed } = await import("pawl");
const { startEmbeddedPostgres } = await import("pawl/embedded");
const { Client } = await import("pg");

const task = defineTask({ name: "task", payload: typed() });
const server = await startEmbeddedPostgres({ settings: { shared_buffers: "1GB" } });
const pawl = new Pawl({ database: server.url });
try {
  await pawl.migrate();
  const { job: first } = await pawl.enqueue(task, { n: -1 });
  const timesBefore = commandTimes(first);
  await fill();
  const { jobs } = await pawl.jobs.list({ queue: "queue 7", limit: 1_000 });
  const waiting = jobs[jobs.length - 1];
  const { attempts } = await pawl.history.list({ limit: 1 });
  const ended = attempts[0];
  const looks = {
    "queues.list": () => pawl.queues.list({ upTo: 10_000 }),
    "workers.list": () => pawl.workers.list(),
    "history.recent": () => pawl.history.recent(),
    "tasks.paused": () => pawl.tasks.paused(),
    "jobs.list": () => pawl.jobs.list({ queue: "queue 7" }),
    "jobs.list, by state": () => pawl.jobs.list({ queue: "queue 7", state: "ready" }),
    "jobs.get": () => pawl.jobs.get(waiting.id),
    "jobs.get, ended": () => pawl.jobs.get(ended.id),
    "jobs.explain": () => pawl.jobs.explain(waiting.id),
    "jobs.explain, ended": () => pawl.jobs.explain(ended.id),
    "history.list": () => pawl.history.list(),
    "history.list, of a task": () => pawl.history.list({ task: "task", outcome: "succeeded" }),
    "rateLimits.list": () => pawl.rateLimits.list(),
    "concurrencyKeys.list": () => pawl.concurrencyKeys.list(),
    "maintenance.diagnose": () => pawl.maintenance.diagnose(),
  };
  let isSlow = false;
  for (const [name, look] of Object.entries(looks)) {
    const times = [];
    for (let call = 0; call < calls; call += 1) times.push(await timeOf(look));
    isSlow = report(name, times) || isSlow;
  }
  for (const [name, times] of Object.entries(commandTimes(waiting))) {
    report(name, times, `; beside one job p50 ${shareOf(timesBefore[name], 0.5).toFixed(1)} ms`);
  }
  if (isSlow) process.exitCode = 1;
} finally {
  await pawl.close();
  await server.stop();
}

async function fill() {
  const client = new Client({ connectionString: server.url });
  await client.connect();
  for (let from = 0; from < jobCount; from += 10_000) {
    await pawl.enqueueMany(
      Array.from({ length: 10_000 }, (_, n) =>
        task.job({ n: from + n }, { queue: `queue ${(from + n) % queueCount}` }),
      ),
    );
  }
  // As a day of work would have left it.
  await client.query(
    `insert into pawl.history (id, created_at, run_at, started_at, finished_at, expires_at, worker_id, attempt, final, queue,
                               task, outcome, payload)
     select gen_random_uuid(), ended.at, ended.at, ended.at, ended.at, pawl.now() + interval '30 days', gen_random_uuid(), 1, true,
            'queue ' || n % $2, 'task', case when n % 50 = 0 then 'failed' else 'succeeded' end, '{}'
       from generate_series(1, $1) as n,
            lateral (select pawl.now() - n * interval '80 milliseconds' as at) as ended`,
    [jobCount, queueCount],
  );
  await client.end();
}

async function timeOf(look) {
  const startedAt = performance.now();
  await look();
  return performance.now() - startedAt;
}

function commandTimes({ id }) {
  const commands = [["status"], ["queues"], ["jobs", "explain", id], ["doctor"]];
  return Object.fromEntries(
    commands.map((given) => [
      `npx pawl ${given.slice(0, 2).join(" ")}`,
      Array.from({ length: calls / 4 }, () => {
        const startedAt = performance.now();
        command(given);
        return performance.now() - startedAt;
      }),
    ]),
  );
}

function command(given) {
  const { status, stderr } = spawnSync(
    process.execPath,
    ["dist/cli/main.js", ...given, "--database", server.url],
    { cwd: repository, encoding: "utf8" },
  );
  if (status === null || status > 1) throw new Error(stderr);
}

function report(name, times, note = "") {
  const isSlow = shareOf(times, 0.95) > longestMs;
  const figures = `p50 ${shareOf(times, 0.5).toFixed(1)} ms, p95 ${shareOf(times, 0.95).toFixed(1)} ms`;
  const verdict = isSlow && note === "" ? "  too slow" : "";
  console.log(`${name.padEnd(26)} ${figures}${note}${verdict}`);
  return isSlow;
}

function shareOf(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
