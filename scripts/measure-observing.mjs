// Measures what it costs to be watched: how fast a worker drains plain jobs with nobody watching, with metrics, with a logger,
// and with OpenTelemetry. Each round drains all of them, in turn; what counts is their ratio to the first. With --beside, the
// built package in another folder is drained as well, with nobody watching: one from before, for instance.
//
//     node scripts/measure-observing.mjs [--jobs 100000] [--rounds 5] [--beside ../other/dist]
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { setup } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    jobs: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    beside: { type: "string" },
  },
});
const jobCount = Number(values.jobs);
const rounds = Number(values.rounds);

setup();
build();
const { context, propagation, trace } = await import("@opentelemetry/api");
const { AsyncLocalStorageContextManager } = await import("@opentelemetry/context-async-hooks");
const { W3CTraceContextPropagator } = await import("@opentelemetry/core");
const { BasicTracerProvider } = await import("@opentelemetry/sdk-trace-base");
const { startEmbeddedPostgres } = await import("pawl/embedded");
const { metricsHandler } = await import("pawl/metrics");
const { otel } = await import("pawl/otel");
const current = await import("pawl");

// Spans are made and dropped: what an exporter costs is its own affair.
trace.setGlobalTracerProvider(new BasicTracerProvider());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

const nothing = () => undefined;
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const kinds = [
  { name: "nobody", package: current },
  ...(values.beside === undefined
    ? []
    : [{ name: "beside", package: await import(fileIn(values.beside)) }]),
  { name: "metrics", package: current, watch: (pawl) => metricsHandler(pawl) },
  { name: "logger", package: current, options: { logger: silent } },
  { name: "otel", package: current, options: { instrumentation: otel() } },
];

const server = await startEmbeddedPostgres({ settings: { shared_buffers: "1GB" } });
try {
  const rates = new Map(kinds.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    // Each is first as often as the others: what comes before a drain is felt in it.
    const first = round % kinds.length;
    for (const kind of [...kinds.slice(first), ...kinds.slice(0, first)]) {
      const rate = await drain(kind);
      rates.get(kind.name).push(rate);
      console.log(`round ${round}  ${kind.name.padEnd(8)} ${Math.round(rate)} jobs/s`);
    }
  }
  report(rates);
} finally {
  await server.stop();
}

async function drain({ package: { defineTask, Pawl, typed }, options = {}, watch }) {
  const task = defineTask({ name: "nothing", payload: typed() });
  const pawl = new Pawl({ database: server.url, ...options });
  await pawl.migrate();
  try {
    watch?.(pawl);
    const batch = 10_000;
    for (let from = 0; from < jobCount; from += batch) {
      const count = Math.min(batch, jobCount - from);
      await pawl.enqueueMany(Array.from({ length: count }, (_, n) => task.job(from + n)));
    }
    let finished = 0;
    let startedAt = 0;
    let endedAt = 0;
    let finish;
    const done = new Promise((resolveDone) => {
      finish = resolveDone;
    });
    const worker = pawl.worker({
      queues: ["default"],
      handlers: [
        task.handle(() => {
          finished += 1;
          if (finished !== jobCount) return;
          endedAt = performance.now();
          finish();
        }),
      ],
    });
    startedAt = performance.now();
    await worker.start();
    await done;
    await worker.stop();
    return jobCount / ((endedAt - startedAt) / 1000);
  } finally {
    await pawl.uninstall();
    await pawl.close();
  }
}

function fileIn(folder) {
  return pathToFileURL(resolve(folder, "index.js")).href;
}

function report(rates) {
  const best = medianOf(rates.get("nobody"));
  for (const [name, each] of rates) {
    const median = medianOf(each);
    const spread = `${Math.round(Math.min(...each))} to ${Math.round(Math.max(...each))}`;
    const ratio = (median / best).toFixed(2);
    console.log(`${name.padEnd(8)} ${Math.round(median)} jobs/s (${spread}), ${ratio} of nobody`);
  }
}

function medianOf(each) {
  const inOrder = [...each].sort((a, b) => a - b);
  return inOrder[inOrder.length >> 1];
}
