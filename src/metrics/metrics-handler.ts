import type { Worker } from "../worker/worker.ts";
import { Activity, type ObservedPawl } from "./activity.ts";
import { DatabaseGauges } from "./database-gauges.ts";
import { exposition, expositionType } from "./exposition.ts";

/** Answers a request, as web frameworks and `fetch` have it. */
export type MetricsHandler = (request: Request) => Promise<Response>;

/**
 * Answers `/metrics` in Prometheus's text format, `/livez`, and `/readyz` (503 while a worker is not ready), below whatever
 * path it is mounted on. It counts from here on, so make it before the workers start. It shows names of queues and tasks, and
 * asks nobody for a password.
 *
 * ```ts
 * const handler = metricsHandler(pawl);
 * app.get("/internal/metrics", (c) => handler(c.req.raw));
 * ```
 */
export function metricsHandler(pawl: ObservedPawl): MetricsHandler {
  const activity = new Activity(pawl);
  const gauges = new DatabaseGauges(() => pawl.measure());
  return async (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return reply(405, "expected GET or HEAD\n", { allow: "GET, HEAD" });
    }
    switch (new URL(request.url).pathname.split("/").at(-1)) {
      case "metrics": {
        const families = [...activity.families, ...(await gauges.families())];
        return reply(200, exposition(families), { "content-type": expositionType });
      }
      case "livez":
        return reply(200, "ok\n");
      case "readyz":
        return readiness(activity);
      default:
        return reply(404, "expected /metrics, /livez or /readyz\n");
    }
  };
}

function readiness({ isReady, workers }: Activity): Response {
  const text = `${JSON.stringify({ ready: isReady, workers: workers.map(describeWorker) })}\n`;
  return reply(isReady ? 200 : 503, text, { "content-type": "application/json" });
}

function describeWorker(worker: Worker): object {
  const { state, isReady, workerId, running, buffered, unsettled } = worker.health();
  return { workerId, state, ready: isReady, running, buffered, unsettled };
}

function reply(status: number, text: string, headers: Record<string, string> = {}): Response {
  const plain = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(text, { status, headers: { ...plain, ...headers } });
}
