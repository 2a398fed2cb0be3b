import { setTimeout as sleep } from "node:timers/promises";
import { Pawl } from "pawl";
import { dashboard, type DashboardHandler } from "pawl/dashboard";
import { Pool } from "pg";
import type { Measurement } from "../measurement.ts";
import { enqueueDelayed } from "./delayed-backlog.ts";
import { drained, type Company } from "./drained.ts";
import { quotient } from "./figures.ts";
import type { Scenario } from "./scenario.ts";

const screens = ["overview", "queues", "jobs", "history", "workers"];
// As the page does: every few seconds, and more seldom when an answer takes long.
const beatMs = 3_900;
const restsFor = 20;
const longestRestMs = 6_000;
// People have been looking for a while when the drain begins.
const beforeMs = 5_000;

export const watched: Scenario = {
  name: "watched",
  title: "Five open dashboards",
  description:
    "The drain of 300,000 ready jobs beside 1,000,000 that are due tomorrow, by one process, and the same while five people " +
    "look at a screen of the dashboard each, live. Serving them, on the same two cores, is part of the cost.",
  isOwn: true,
  lacking: ({ name }) => (name === "pawl" ? undefined : "the question is of Pawl's own dashboard"),
  measure: async (measurement) => {
    const count = measurement.isQuick ? 40_000 : 300_000;
    const delayed = measurement.isQuick ? 50_000 : 1_000_000;
    await measurement.freshDatabase();
    await enqueueDelayed(measurement, delayed);
    const alone = await drained(measurement, { jobs: { count }, of: "nobody looks" });
    await measurement.freshDatabase();
    await enqueueDelayed(measurement, delayed);
    const beside = await drained(measurement, {
      ...{ jobs: { count }, of: "five look" },
      beside: () => openTabs(measurement),
    });
    const ratio = quotient("watched ÷ unwatched", beside.rate, alone.rate);
    return [alone.rate, ...alone.costs, beside.rate, ...beside.costs, ratio];
  },
};

async function openTabs({ url }: Measurement): Promise<Company> {
  const pool = new Pool({ connectionString: url, max: 10 });
  const pawl = new Pawl({ database: pool });
  const handler = dashboard(pawl, { authorize: "none" });
  const closing = new AbortController();
  const tabs = screens.map((screen) => openTab(handler, screen, closing.signal));
  await sleep(beforeMs);
  return {
    async end() {
      closing.abort();
      await Promise.all(tabs);
      await pawl.close();
      await pool.end();
    },
  };
}

async function openTab(
  handler: DashboardHandler,
  screen: string,
  signal: AbortSignal,
): Promise<void> {
  const ask = async (name: string): Promise<Response> => {
    const response = await handler(new Request(`http://localhost/api/${name}`, { signal }));
    if (response.ok) return response;
    throw new Error(`expected an answer to ${name}, got ${await response.text()}`);
  };
  const live = await ask("live");
  const look = async (): Promise<void> => {
    while (!signal.aborted) {
      const askedAt = performance.now();
      await (await ask(screen)).arrayBuffer();
      const restMs = Math.min((performance.now() - askedAt) * restsFor, longestRestMs);
      await sleep(Math.max(beatMs, restMs), undefined, { signal }).catch(() => undefined);
    }
  };
  await Promise.all([look(), readAll(live.body)]);
}

async function readAll(body: ReadableStream<Uint8Array> | null): Promise<void> {
  const reader = body?.getReader();
  while ((await reader?.read())?.done === false);
}
