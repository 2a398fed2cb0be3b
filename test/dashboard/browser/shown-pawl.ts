import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import pg from "pg";
import { defineTask, Pawl, UnrecoverableError, type Worker } from "pawl";
import { dashboard, toNodeHandler, type Role } from "pawl/dashboard";
import { z } from "zod";
import { databaseUrl, freshSchemaName } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";

/** A task with every kind of field in its payload; it fails for users that are unknown. */
const sendEmail = defineTask({
  name: "send-email",
  queue: "mail",
  payload: z.object({
    user: z.object({ id: z.number().int(), name: z.string().optional() }),
    template: z.enum(["welcome", "invoice"]),
    isUrgent: z.boolean().optional(),
    tags: z.array(z.string()).optional(),
  }),
  retry: { retries: 4, delays: ["1h"] },
});

const resize = defineTask({
  name: "resize-image",
  queue: "media",
  concurrency: { key: "album-7", limit: 1 },
  payload: z.object({ path: z.string() }),
});

const charge = defineTask({
  name: "charge-card",
  queue: "billing",
  rateLimit: { key: "payments", capacity: 10, interval: "1h" },
  payload: z.object({ amount: z.number(), password: z.string().optional() }),
  retry: "none",
});

/** What a dashboard's tests need: where it is, and the Pawl behind it. */
export interface ShownPawl {
  readonly url: string;
  readonly pawl: Pawl;
  readonly pool: pg.Pool;
  readonly schema: string;
  readonly sendEmail: typeof sendEmail;
  readonly charge: typeof charge;
  readonly resize: typeof resize;
  /** A worker that sends emails, but not to user 42, and declines cards. */
  readonly work: (name?: string) => Promise<Worker>;
  readonly enqueueRaw: (task: string, payload: string, options?: RawOptions) => Promise<string>;
  /** What the next requests are answered as. */
  role: Role;
  /** Whether the database can be reached. */
  isAway: boolean;
  readonly close: () => Promise<void>;
}

interface RawOptions {
  readonly queue?: string;
  readonly correlationId?: string;
}

/** Starts a Pawl in a schema of its own, and its dashboard on a free port below a path. */
export async function showPawl(): Promise<ShownPawl> {
  const schema = freshSchemaName();
  const pool = new pg.Pool({ connectionString: databaseUrl(), max: 10 });
  pool.on("error", () => undefined);
  const pawl = new Pawl({ database: pool, schema, tasks: [sendEmail, resize, charge] });
  await pawl.migrate();
  const workers: Worker[] = [];
  const handler = dashboard(pawl, {
    authorize: () => ({ name: "Ann", role: shown.role }),
    environment: "test",
  });
  const answer = (request: Request): Promise<Response> =>
    shown.isAway && request.url.includes("/api/") ? Promise.resolve(away()) : handler(request);
  const server = createServer(toNodeHandler(answer));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port, not on a pipe
  const shown: ShownPawl = {
    url: `http://127.0.0.1:${port}/admin/jobs/`,
    pawl,
    pool,
    schema,
    sendEmail,
    charge,
    resize,
    role: "admin",
    isAway: false,
    work: async (name = "test-worker") => {
      const worker = pawl.worker({ name, lease: "1s", pollInterval: "100ms", handlers });
      workers.push(worker);
      await worker.start();
      return worker;
    },
    enqueueRaw: async (task, payload, options = {}) => {
      const { rows } = await pool.query<{ id: string }>(
        `select id from ${schema}.enqueue($1, $2::json, queue => $3, correlation_id => $4) as id`,
        [task, payload, options.queue ?? "default", options.correlationId ?? null],
      );
      return rows[0]?.id ?? "";
    },
    close: async () => {
      for (const worker of workers) await worker.stop({ grace: 0 });
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await pawl.close();
      await pool.end();
    },
  };
  return shown;
}

const handlers = [
  sendEmail.handle(({ payload }) => {
    if (payload.user.id === 42) throw new Error("mailbox of user 42 is full");
  }),
  charge.handle(() => {
    throw new UnrecoverableError("card declined");
  }),
  resize.handle(
    ({ signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
      }),
  ),
];

function away(): Response {
  return Response.json(
    { error: { code: "PAWL_DATABASE_UNAVAILABLE", message: "the database cannot be reached" } },
    { status: 503 },
  );
}

/** Fills it with something for every screen to show. */
export async function fill(shown: ShownPawl): Promise<void> {
  const { pawl, sendEmail: email, charge: card, resize: image } = shown;
  await shown.work();
  for (let user = 38; user < 46; user += 1) {
    const payload = { user: { id: user, name: `User ${user}` }, template: "welcome" as const };
    await pawl.enqueue(email, payload, { correlationId: `signup-${user}` });
  }
  await pawl.enqueue(email, { user: { id: 42 }, template: "invoice" });
  await pawl.enqueue(email, { user: { id: 7 }, template: "invoice" }, { delay: "3 days" });
  await pawl.enqueue(card, { amount: 12.5, password: "hunter2" });
  for (let page = 0; page < 3; page += 1) await pawl.enqueue(image, { path: `/${page}.png` });
  await shown.enqueueRaw("imports", '{"id":12345678901234567890,"sum":0.10000000000000000001}', {
    queue: "imports",
  });
  await eventually(async () => {
    const { rows } = await shown.pool.query(
      `select 1 from ${shown.schema}.history having count(*) >= 10`,
    );
    return rows.length > 0;
  });
}
