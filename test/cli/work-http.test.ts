import { createServer } from "node:net";
import { once } from "node:events";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { lowPort } from "../support/low-port.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { read, valueOf } from "../metrics/scrape.ts";
import { moduleOf, runPawl, startPawl, type Running } from "./pawl-command.ts";

const within = 15_000;
let tasks: string;
let schema: string;

beforeAll(async () => {
  tasks = moduleOf(
    "tasks.mjs",
    `import { defineTask } from "pawl";
     export const fine = defineTask({ name: "fine", run: () => undefined });`,
  );
  schema = await migratedSchema();
});

function command(...more: readonly string[]): string[] {
  return ["work", "--tasks", tasks, "--database", databaseUrl(), "--schema", schema, ...more];
}

/** Where it serves, once it has said so. */
async function urlOf(worker: Running): Promise<string> {
  return eventually(() => /metrics and health on (http:\/\/[^"\s]+)/.exec(worker.stderr)?.[1], {
    within,
  });
}

describe("pawl work --http", () => {
  it("serves metrics and health on the loopback address", async () => {
    const worker = startPawl(command("--http", "0"));
    const url = await urlOf(worker);
    const { job } = await openPawl(schema).enqueueByName("fine");
    const labels = { queue: job.queue, task: "fine", outcome: "succeeded" };

    const scraped = await eventually(
      async () => {
        const found = read(await (await fetch(`${url}/metrics`)).text());
        return valueOf(found, "pawl_jobs_finished_total", labels) === 1 && found;
      },
      { within },
    );
    const readiness = await fetch(`${url}/readyz`);
    const liveness = await fetch(`${url}/livez`);

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(valueOf(scraped, "pawl_workers", { state: "alive" })).toBe(1);
    expect([readiness.status, liveness.status]).toEqual([200, 200]);
    expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  it("ends with the worker", async () => {
    const worker = startPawl(command("--http", "127.0.0.1:0"));
    const url = await urlOf(worker);
    await worker.says("worker started");

    worker.process.kill("SIGTERM");
    const { status } = await worker.ended;

    expect(status).toBe(0);
    await expect(fetch(`${url}/livez`)).rejects.toThrow();
  });

  it("is alive and not ready while the database is away", async () => {
    const database = new URL(databaseUrl());
    database.host = `127.0.0.1:${await lowPort()}`;
    const worker = startPawl([
      "work",
      "--tasks",
      tasks,
      "--database",
      database.href,
      "--http",
      "0",
    ]);
    const url = await urlOf(worker);

    const statuses = await Promise.all(
      ["livez", "readyz", "metrics"].map(async (path) => (await fetch(`${url}/${path}`)).status),
    );

    expect(statuses).toEqual([200, 503, 200]);
  });

  it.each(["port", "65536", "host:", ":9464", "http://localhost:9464"])(
    "refuses the address %j",
    async (address) => {
      const { status, stderr } = await runPawl(command("--http", address));

      expect(status).toBe(2);
      expect(stderr).toContain("PAWL_OPTION_INVALID: expected --http to be a port, or a host");
    },
  );

  it("says that the address is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;

    const { status, stderr } = await runPawl(command("--http", String(port)));

    expect(status).toBe(2);
    expect(stderr).toContain("EADDRINUSE");
  });
});
