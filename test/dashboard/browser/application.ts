import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { Pawl, type Worker } from "pawl";
import { dashboard, toNodeHandler } from "pawl/dashboard";
import { pgDatabase } from "pawl/pg";
import { onTestFinished } from "vitest";
import { databaseUrl, freshSchemaName } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { askModel, chargeCard, encodeVideo, importFile, sendEmail, tasks } from "./tasks.ts";

type Role = "viewer" | "operator" | "admin";

/** An application with a dashboard under `/ops/jobs/`, and everything that can be seen in one; closed when the test has ended. */
export async function startApplication(): Promise<Application> {
  const application = new Application();
  onTestFinished(() => application.close());
  await application.start();
  return application;
}

/** An application with a dashboard. */
export class Application {
  readonly schema = freshSchemaName();
  readonly #pool = new pg.Pool({ connectionString: databaseUrl(), max: 20 });
  readonly pawl = new Pawl({ database: pgDatabase(this.#pool), schema: this.schema, tasks });
  /** Who looks. */
  role: Role = "admin";
  /** Whether cards are declined. */
  isBroken = true;
  readonly #workers: Worker[] = [];
  #server: Server | undefined;

  /** The address of the dashboard. */
  get address(): string {
    // A server that listens on a port has an address of this form.
    const { port } = this.#server?.address() as AddressInfo;
    return `http://127.0.0.1:${port}/ops/jobs/`;
  }

  async start(): Promise<void> {
    await this.pawl.migrate();
    await this.listen();
  }

  /** Serves the dashboard, on the port it had before when there was one. */
  async listen(port = 0): Promise<void> {
    const handler = dashboard(this.pawl, {
      authorize: () => ({ name: "Ada", role: this.role }),
      environment: "production",
    });
    const server = createServer(toNodeHandler(handler));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  }

  /** Stops serving, as while the application is deployed. */
  async stopListening(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Starts a worker on everything, or on some queues. */
  async work(queues?: readonly string[]): Promise<Worker> {
    const worker = this.pawl.worker({
      ...{ name: "worker-1", pollInterval: "100ms", shutdownGrace: 0, concurrency: 10 },
      ...(queues === undefined ? {} : { queues }),
      handlers: [
        sendEmail.handle(() => Promise.resolve("sent")),
        chargeCard.handle(() => this.#charge()),
        importFile.handle(() => Promise.reject(new Error("the file is not there yet"))),
        encodeVideo.handle(({ signal }) => untilAborted(signal)),
        askModel.handle(() => Promise.resolve("answered")),
      ],
    });
    this.#workers.push(worker);
    await worker.start();
    return worker;
  }

  /** Enqueues and runs something of everything that a screen can show. */
  async fill(): Promise<void> {
    const { pawl } = this;
    const chain = { correlationId: "order-17" };
    await pawl.enqueueMany([
      ...range(12).map((id) => sendEmail.job(emailTo(id), id === 1 ? chain : {})),
      ...range(5).map((id) => chargeCard.job({ customer: { id }, cents: 1_999 }, id === 1 ? chain : {})),
      ...range(3).map((id) => importFile.job({ path: `/inbox/${id}.csv` })),
      ...range(3).map((id) => askModel.job({ prompt: `question ${id}` })),
      ...range(3).map((id) =>
        encodeVideo.job({ video: `${id}.mp4` }, { concurrency: { key: "gpu-0", limit: 1 } }),
      ),
    ]);
    await this.work();
    await this.until(async () => (await this.countEnded()) >= 17);
    await this.until(async () => (await pawl.jobs.list({ state: "running" })).jobs.length > 0);
    // A queue that nobody takes, and one that is paused.
    await pawl.enqueueByName("archive-logs", { day: "2026-01-31" }, { queue: "archive" });
    await pawl.enqueue(sendEmail, emailTo(99), { delay: "2h", flags: ["eu"], priority: 5 });
    await pawl.queues.pause("reports");
    await pawl.enqueueByName("send-email", emailTo(98), { queue: "reports" });
  }

  /** How many jobs have ended. */
  async countEnded(): Promise<number> {
    const { rows } = await this.sql<{ count: number }>(
      `select count(*)::int as count from ${this.schema}.history where final`,
    );
    return rows[0]?.count ?? 0;
  }

  sql<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
    return this.#pool.query<Row>(text, [...values]);
  }

  /** Waits for a fact as long as a busy machine may take. */
  until<T>(fact: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
    return eventually(fact, { within: 20_000 });
  }

  async close(): Promise<void> {
    await this.stopListening();
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    await this.pawl.close();
    await this.#pool.end();
  }

  async #charge(): Promise<string> {
    await Promise.resolve();
    if (this.isBroken) throw new Error("the card was declined");
    return "charged";
  }
}

/** A payload of `send-email`. */
export function emailTo(id: number) {
  return {
    ...{ to: `customer-${id}@example.com`, customer: { id }, kind: "receipt" as const },
    urgent: false,
  };
}

/** From 1 to a number. */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place + 1);
}

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
  });
}
