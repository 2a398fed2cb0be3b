// Measures how fast a worker drains jobs without keys, jobs that share one concurrency key, and jobs that have one each.
// Each round drains all three, in turn; what counts is their ratio. Fails when one with keys is more than three times slower.
//
//     node scripts/measure-keys.mjs [--jobs 100000] [--rounds 3] [--limit 1]
import process from "node:process";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "100000" },
    rounds: { type: "string", default: "3" },
    limit: { type: "string", default: "1" },
  },
});
const jobCount = Number(values.jobs);
const rounds = Number(values.rounds);
const limit = Number(values.limit);
const slowest = 3;

setup();
build();
const { defineTask, Pawl, typed } = await import("pawl");
const { startEmbeddedPostgres } = await import("pawl/embedded");

const kinds = [
  { name: "without keys", keyOf: () => undefined },
  { name: "one key", keyOf: () => "the one" },
  { name: "a key each", keyOf: (n) => `key ${n}` },
];
const task = defineTask({ name: "nothing", payload: typed() });
const server = await startEmbeddedPostgres({
  settings: { shared_buffers: "1GB", track_functions: "all" },
});
try {
  const rates = new Map(kinds.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const { name, keyOf } of kinds) {
      const rate = await drain(keyOf);
      rates.get(name).push(rate);
      console.log(`round ${round}  ${name.padEnd(14)} ${Math.round(rate)} jobs/s`);
    }
  }
  report(rates);
} finally {
  await server.stop();
}

async function drain(keyOf) {
  const pawl = new Pawl({ database: server.url });
  await pawl.migrate();
  try {
    await fill(pawl, keyOf);
    let finished = 0;
    const worker = pawl.worker({
      concurrency: 10,
      queues: ["default"],
      handlers: [task.handle(() => undefined)],
    });
    const done = new Promise((resolve) => {
      worker.on("settled", ({ outcome }) => {
        if (outcome === "succeeded") finished += 1;
        if (finished === jobCount) resolve();
      });
    });
    const startedAt = performance.now();
    await worker.start();
    await done;
    const seconds = (performance.now() - startedAt) / 1000;
    await worker.stop();
    return jobCount / seconds;
  } finally {
    {
      const c = new (await import("pg")).default.Client(server.url);
      await c.connect();
      console.table(
        (
          await c.query(
            "select funcname, calls, round(total_time) as total, round(self_time) as self from pg_stat_user_functions order by self_time desc limit 12",
          )
        ).rows,
      );
      await c.query("select pg_stat_reset()");
      await c.end();
    }
    await pawl.uninstall();
    await pawl.close();
  }
}

async function fill(pawl, keyOf) {
  const batch = 10_000;
  for (let from = 0; from < jobCount; from += batch) {
    const count = Math.min(batch, jobCount - from);
    const requests = Array.from({ length: count }, (_, n) => {
      const key = keyOf(from + n);
      return task.job(null, key === undefined ? {} : { concurrency: { key, limit } });
    });
    await pawl.enqueueMany(requests);
  }
}

function report(rates) {
  const plain = median(rates.get("without keys"));
  for (const [name, all] of rates) {
    const rate = median(all);
    const spread = `${Math.round(Math.min(...all))} to ${Math.round(Math.max(...all))}`;
    const times = (plain / rate).toFixed(2);
    console.log(`${name.padEnd(14)} ${Math.round(rate)} jobs/s (${spread}), ${times} × as slow`);
    if (plain / rate > slowest) process.exitCode = 1;
  }
}

function median(numbers) {
  const inOrder = [...numbers].sort((a, b) => a - b);
  return inOrder[inOrder.length >> 1];
}
