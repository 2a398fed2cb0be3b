import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { DatabaseError, defineTask, typed, type SettledEvent } from "pawl";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { attemptsOf, endedAttempts } from "../fixtures/attempts.ts";
import { freshPawl, makeWorker, startUnluckyWorker, startWorker } from "../fixtures/fresh-pawl.ts";
import { endListener, namedUrl } from "../fixtures/sessions.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const task = defineTask({
  name: "task",
  payload: typed<{ readonly secret: string; readonly fails?: boolean }>(),
  retry: { retries: 1, delays: [0] },
});
const handlers = [
  task.handle(({ payload }) => {
    if (payload.fails === true) throw new RangeError("failed on purpose");
  }),
];

// A heartbeat that is late by a short lease is an error, and a lost lease a new session: neither is what happens here.
const lease = "30s";
const patience = { within: 15_000 };

describe("the events of a worker", () => {
  it("say when it has started, under which id, and when it has stopped", async () => {
    const worker = makeWorker(await freshPawl(), { handlers, lease });
    const seen: unknown[] = [];
    worker.on("started", (event) => seen.push(event));
    worker.on("stopped", () => seen.push("stopped"));

    await worker.start();
    const { workerId } = worker.health();
    await worker.stop();
    await eventually(() => seen.includes("stopped"), patience);

    expect(seen).toEqual([{ workerId }, "stopped"]);
  });

  it("tell of every settled attempt", async () => {
    const pawl = await freshPawl();
    const events: SettledEvent[] = [];
    const worker = await startWorker(pawl, { handlers, lease });
    worker.on("settled", (event) => events.push(event));

    const { job } = await pawl.enqueue(task, { secret: "s", fails: true });
    await eventually(() => events.length === 2, patience);

    expect(events).toMatchObject([
      { job: { id: job.id, attempt: 1, task: "task" }, outcome: "failed", final: false },
      { job: { id: job.id, attempt: 2, task: "task" }, outcome: "failed", final: true },
    ]);
    expect(events.every(({ runMs }) => typeof runMs === "number" && runMs >= 0)).toBe(true);
  });

  it("tell of a settled attempt only when the history has it", async () => {
    const pawl = await freshPawl();
    const worker = await startWorker(pawl, { handlers, lease });
    const rows = new Promise<number>((resolve) => {
      worker.on("settled", ({ job }) => {
        void pawl.history.attempts(job).then((attempts) => resolve(attempts.length));
      });
    });

    await pawl.enqueue(task, { secret: "s" });

    expect(await rows).toBe(1);
  });

  it("tell of failures with the error as the history has it, and of successes not", async () => {
    const pawl = await freshPawl();
    const events: (SettledEvent & { readonly error: unknown })[] = [];
    const settled: SettledEvent[] = [];
    const worker = await startWorker(pawl, { handlers, lease });
    worker.on("failed", (event) => events.push(event));
    worker.on("settled", (event) => settled.push(event));

    const { job } = await pawl.enqueue(task, { secret: "s", fails: true }, { maxAttempts: 1 });
    const { job: fine } = await pawl.enqueue(task, { secret: "s" });
    const [attempt] = await endedAttempts(pawl, job);
    await endedAttempts(pawl, fine);
    // The history has an attempt before its worker hears so.
    await eventually(() => settled.length === 2, patience);

    expect(events).toMatchObject([{ job: { id: job.id }, outcome: "failed", final: true }]);
    expect(events[0]?.error).toEqual(attempt?.error);
    expect(events[0]?.error).toMatchObject({ name: "RangeError", message: "failed on purpose" });
  });

  it("show no payload to those who log them", async () => {
    const pawl = await freshPawl();
    const logged: string[] = [];
    const worker = await startWorker(pawl, { handlers, lease });
    const log = (event: object): void => {
      logged.push(inspect(event, { depth: 10, showHidden: true }) + JSON.stringify(event));
    };
    worker.on("settled", log);
    worker.on("failed", log);

    await pawl.enqueue(task, { secret: "hush", fails: true });
    await eventually(() => logged.length === 4, patience);

    expect(logged.filter((text) => text.includes("hush"))).toEqual([]);
  });

  it("report an error that the worker gets over", async () => {
    const pawl = await freshPawl();
    const named = await freshPawl(namedUrl(pawl.schema));
    const worker = await startUnluckyWorker(named, { handlers, lease });
    await endListener(pawl.schema);

    await eventually(() => worker.errors.length > 0, patience);

    expect(worker.errors[0]).toBeInstanceOf(DatabaseError);
    expect(worker.errors[0]).toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    expect(worker.state).toBe("running");
  });

  it("write an error to stderr, in one line, when nobody listens for it", async () => {
    const written: string[] = [];
    const stderr = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    onTestFinished(() => stderr.mockRestore());
    const pawl = await freshPawl();
    const named = await freshPawl(namedUrl(pawl.schema));
    const worker = makeWorker(named, { handlers, lease, name: "ada" });
    await worker.start();
    await endListener(pawl.schema);

    const line = await eventually(() => written.find((text) => text.includes('"ada"')), patience);

    expect(line).toMatch(/^pawl worker "ada": PAWL_DATABASE_UNAVAILABLE .*\n$/);
    const { job } = await named.enqueue(task, { secret: "s" });
    expect(await attemptsOf(named, job, 1)).toMatchObject([{ outcome: "succeeded" }]);
  });
});

describe("a listener that throws", () => {
  it.each(["started", "settled", "failed", "leaseLost", "error", "stopped"])(
    'does not stop the worker when it hears "%s"',
    async (event) => {
      const pawl = await freshPawl();
      const child = startThrowing(pawl.schema, event);

      await child.says("ready");
      await child.run("fails");
      await Promise.race([endListener(pawl.schema), child.ended]);
      await child.run("after an error");
      await execute(`update "${pawl.schema}".workers set ended_at = clock_timestamp()`);
      await child.says("session 2");
      await child.run("after a lost lease");
      await child.run("stop");

      const { complaints, ...end } = await child.ended;
      expect(end, complaints).toEqual({ status: 0, isTold: true });
    },
  );
});

interface Throwing {
  readonly ended: Promise<{ status: unknown; complaints: string; isTold: boolean }>;
  /** Resolves when the process has said it, or has ended. */
  says(message: string): Promise<unknown>;
  /** Has the process run a job; resolves when it is done, or the process has ended. */
  run(payload: string): Promise<unknown>;
}

function startThrowing(schema: string, event: string): Throwing {
  const program = fileURLToPath(new URL("../fixtures/throwing-listener.mjs", import.meta.url));
  const child = fork(program, [namedUrl(schema), schema, event], {
    execArgv: [],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const messages: unknown[] = [];
  child.on("message", (message) => messages.push(message));
  let complaints = "";
  child.stderr?.on("data", (text: Buffer) => (complaints += text.toString()));
  const ended = once(child, "close").then(([status]: unknown[]) => ({
    status,
    complaints,
    isTold: messages.includes("told"),
  }));
  const says = (message: string): Promise<unknown> =>
    Promise.race([eventually(() => messages.includes(message), { within: 10_000 }), ended]);
  return {
    ended,
    says,
    run(payload) {
      if (child.connected) child.send(payload);
      return says(payload);
    },
  };
}
