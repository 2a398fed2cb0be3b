import { once } from "node:events";
import type { HeldJob, Pawl } from "pawl";
import { Pool, type PoolClient } from "pg";
import { Chance } from "../random.ts";
import { workloadNamed } from "../workloads/all.ts";
import type { Act, NewJob, Step } from "../workloads/workload.ts";
import type { Setting, Tell } from "./setting.ts";
import { tasksOf } from "./tasks.ts";

const spreadMs = 2_000;
// So many come when all the others have ended, and workers wait for news.
const lateSteps = 3;
const transactionTimeoutMs = 4_000;
const defaultConnections = 8;

/** Takes the steps of the workload, over about two seconds, and the last ones when it is told to. */
export async function produce(setting: Setting, tell: Tell): Promise<void> {
  const { assignment, recorder, pawl: module } = setting;
  const { callers, steps: stepsOf } = workloadNamed(assignment.workload);
  const chance = new Chance(assignment.seed);
  const steps = stepsOf(chance);
  const pool = new Pool({
    connectionString: assignment.url,
    max: assignment.connections ?? defaultConnections,
    connectionTimeoutMillis: transactionTimeoutMs,
    query_timeout: transactionTimeoutMs,
  });
  pool.on("error", () => undefined);
  const pawl = new module.Pawl({ database: pool });
  const producer = new Producer(pawl, pool, setting);
  tell("ready");
  const early = steps.slice(0, -lateSteps);
  let next = 0;
  const pauseMs = (spreadMs * callers) / steps.length;
  const callLoops = Array.from({ length: callers }, async () => {
    for (let step = early[next++]; step !== undefined; step = early[next++]) {
      await producer.take(step);
      await new Promise((resolve) => setTimeout(resolve, pauseMs * Math.random()));
    }
  });
  await Promise.all(callLoops);
  tell("done");
  await once(process, "message");
  for (const step of steps.slice(-lateSteps)) await producer.take(step);
  recorder.record({ kind: "produced" });
  await pawl.close();
  await pool.end();
  tell("finished");
}

class Producer {
  readonly #pawl: Pawl;
  readonly #pool: Pool;
  readonly #setting: Setting;
  readonly #tasks: ReturnType<typeof tasksOf>;
  readonly #ids = new Map<number, { readonly id: string; readonly queue: string }>();

  constructor(pawl: Pawl, pool: Pool, setting: Setting) {
    this.#pawl = pawl;
    this.#pool = pool;
    this.#setting = setting;
    this.#tasks = tasksOf(setting.pawl);
  }

  async take(step: Step): Promise<void> {
    if (step.how === "singly") await this.#singly(step.jobs);
    if (step.how === "together") await this.#together(step.jobs);
    if (step.how === "in a transaction") await this.#inTransaction(step.jobs, step.commits);
    if (step.how === "with a bad one") {
      const { act, ...bad } = step.bad;
      const refused = { ...act, text: "\u0000" };
      await this.#singly([...step.jobs, { ...bad, act: refused }]);
    }
    if (step.how === "cancel") await this.#cancel(step.n);
    if (step.how === "pause a queue") await this.#pause(step.queue, step.ms);
    if (step.how === "claim by hand") await this.#claim(step.queue, step.atMost);
  }

  async #singly(jobs: readonly NewJob[]): Promise<void> {
    await Promise.all(
      jobs.map(async (job) => {
        this.#attempt([job]);
        try {
          this.#acknowledge(job, await this.#enqueue(job));
        } catch (error) {
          this.#fail([job], error);
        }
      }),
    );
  }

  async #together(jobs: readonly NewJob[]): Promise<void> {
    this.#attempt(jobs);
    try {
      const results = await this.#pawl.enqueueMany(jobs.map((job) => this.#requestOf(job)));
      for (const [place, job] of jobs.entries()) this.#acknowledge(job, results[place]);
    } catch (error) {
      this.#fail(jobs, error);
    }
  }

  async #inTransaction(jobs: readonly NewJob[], commits: boolean): Promise<void> {
    this.#attempt(jobs);
    const results = [];
    let client: PoolClient | undefined;
    let hasAskedToCommit = false;
    try {
      client = await this.#pool.connect();
      if (client.listenerCount("error") < 2) client.on("error", () => undefined);
      await client.query("begin");
      for (const job of jobs) {
        results.push(await this.#enqueue(job, client));
      }
      hasAskedToCommit = commits;
      // The answer to the commit of a failed transaction is no error.
      const { command } = await client.query(commits ? "commit" : "rollback");
      client.release();
      if (command !== "COMMIT") this.#refuse(jobs, "rolled back");
      else for (const [place, job] of jobs.entries()) this.#acknowledge(job, results[place]);
    } catch (error) {
      client?.release(true);
      if (hasAskedToCommit) this.#fail(jobs, error);
      else this.#refuse(jobs, "rolled back");
    }
  }

  async #cancel(n: number): Promise<void> {
    const job = this.#ids.get(n);
    if (job === undefined) return;
    try {
      const [result] = await this.#pawl.jobs.cancel([job], "no longer wanted");
      if (result?.outcome === "cancelled") this.#record({ kind: "cancelled", id: job.id });
    } catch {
      // Whether it was cancelled is not known, and either is right.
    }
  }

  async #claim(queue: string, atMost: number): Promise<void> {
    const held: HeldJob[] = [];
    try {
      const options = { queues: [queue], batchSize: atMost };
      held.push(...(await this.#pawl.jobs.claim("by hand", options)));
      this.#record({ kind: "claimed", count: held.length, atMost });
      for (let job = held[0]; job !== undefined; job = held[0]) {
        const { n } = job.payload as Act; // as this program enqueued it
        const what = { n, id: job.id, attempt: job.attempt };
        this.#record({ kind: "started", ...what });
        await this.#pool.query("insert into effects (n, id, attempt) values ($1, $2, $3)", [
          n,
          job.id,
          job.attempt,
        ]);
        this.#record({ kind: "ended", ...what, how: "returned" });
        await this.#pawl.jobs.complete("by hand", [job]);
        held.shift();
      }
    } catch {
      await this.#release(held);
    }
  }

  // Their lease would be kept as long as this process lives.
  async #release(jobs: readonly HeldJob[]): Promise<void> {
    while (jobs.length > 0) {
      try {
        await this.#pawl.jobs.release("by hand", jobs);
        return;
      } catch (error) {
        if (error instanceof this.#setting.pawl.LeaseLostError) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #pause(queue: string, ms: number): Promise<void> {
    await this.#pawl.queues.pause(queue).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, ms));
    for (;;) {
      try {
        await this.#pawl.queues.resume(queue);
        return;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #enqueue({ act, isTransactional, options }: NewJob, db?: PoolClient) {
    const { plain, transactional } = this.#tasks;
    const given = db === undefined ? options : { ...options, db };
    return isTransactional
      ? this.#pawl.enqueue(transactional, act, given)
      : this.#pawl.enqueue(plain, act, given);
  }

  #requestOf(job: NewJob) {
    return isPlain(job)
      ? this.#tasks.plain.job(job.act, job.options)
      : this.#tasks.transactional.job(job.act, job.options);
  }

  #attempt(jobs: readonly NewJob[]): void {
    for (const { act } of jobs) this.#record({ kind: "attempted", n: act.n });
  }

  #acknowledge(
    { act, options }: NewJob,
    result: Awaited<ReturnType<Pawl["enqueue"]>> | undefined,
  ): void {
    if (result === undefined) throw new Error("expected a result for each job");
    const { id } = result.job;
    this.#ids.set(act.n, { id, queue: options.queue ?? "default" });
    this.#record({ kind: "acknowledged", n: act.n, id, outcome: result.outcome });
  }

  #refuse(jobs: readonly NewJob[], code: string): void {
    for (const { act } of jobs) this.#record({ kind: "refused", n: act.n, code });
  }

  #fail(jobs: readonly NewJob[], error: unknown): void {
    const { PayloadError, OptionError } = this.#setting.pawl;
    const code = String(Reflect.get(Object(error), "code") ?? error);
    const isRefusal = error instanceof PayloadError || error instanceof OptionError;
    const kind = isRefusal ? "refused" : "unknown";
    for (const { act } of jobs) this.#record({ kind, n: act.n, code });
  }

  #record(what: Parameters<Setting["recorder"]["record"]>[0]): void {
    this.#setting.recorder.record(what);
  }
}

function isPlain({ isTransactional }: NewJob): boolean {
  return !isTransactional;
}
