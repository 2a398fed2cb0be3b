import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { defineTask, typed, type JobRequest } from "pawl";
import { describe, expect, it, onTestFinished } from "vitest";
import { execute } from "../support/database.ts";
import { freshEngine, type Engine } from "../support/engine.ts";
import { eventually } from "../support/eventually.ts";

// How many runs, and from which seed: PAWL_RUNS=50 PAWL_SEED=7 npm test -- test/worker/concurrency-property.test.ts
const runs = Number(process.env.PAWL_RUNS ?? 2);
const firstSeed = Number(process.env.PAWL_SEED ?? 1);
const rounds = 25;
const fewestJobs = 100;
const workerCount = 3;
const within = 120_000;

interface Payload {
  readonly key: string;
  readonly n: number;
  readonly ms: number;
  readonly failures: number;
  readonly snoozes: boolean;
}

interface Step {
  readonly step: "begin" | "end" | "fail" | "kill" | "freeze" | "unlock";
  readonly worker: string;
  readonly key: string | null;
  readonly n: number | null;
  /** When the handler was called, by the clock of its process. */
  readonly calledAt: number | null;
  /** When it was written down. */
  readonly at: number;
}

const payload = typed<Payload>();
const tasks = {
  stepAside: defineTask({ name: "step-aside", payload }),
  hold: defineTask({ name: "hold", payload }),
  commit: defineTask({ name: "commit", payload }),
};

// Of the keys with the limit 1 and a task that holds its lane while it retries, the order is known exactly.
const keys = [
  { key: "serial", limit: 1, task: tasks.hold, failures: 0, isOrdered: true },
  { key: "holding", limit: 1, task: tasks.hold, failures: 2, isOrdered: true },
  { key: "transactional", limit: 1, task: tasks.commit, failures: 1, isOrdered: true },
  { key: "aside", limit: 1, task: tasks.stepAside, failures: 2, isOrdered: false },
  { key: "three", limit: 3, task: tasks.stepAside, failures: 1, isOrdered: false },
] as const;

describe("concurrency keys under random operations from several processes", () => {
  const seeds = Array.from({ length: runs }, (_, run) => firstSeed + run);
  it.each(seeds)(
    "keep their limits and their order, and lose no job (seed %i)",
    { timeout: within + 60_000 },
    async (seed) => {
      const engine = await freshEngine();
      await engine.sql(
        `create table steps (step text, worker text, key text, n integer, called_at timestamptz,
           at timestamptz not null default clock_timestamp())`,
      );
      const world = new World(engine, randomFrom(seed));
      await world.begin();

      for (let round = 0; round < rounds || world.enqueued < fewestJobs; round += 1) {
        await world.act();
      }
      await world.settle();

      const steps = await world.steps();
      expect(overLimit(steps)).toEqual([]);
      expect(outOfOrder(steps, world.rolledBack)).toEqual([]);
      expect(await world.leftovers()).toEqual({ jobs: 0, arrivals: 0, holds: 0 });
      expect(await world.outcomes()).toEqual(["succeeded"]);
    },
  );
});

/** The processes and the jobs of one run. */
class World {
  readonly rolledBack = new Set<number>();
  enqueued = 0;
  readonly #engine: Engine;
  readonly #random: () => number;
  readonly #workers: { process: ChildProcess; name: string }[] = [];
  #started = 0;
  #n = 0;

  constructor(engine: Engine, random: () => number) {
    this.#engine = engine;
    this.#random = random;
  }

  async begin(): Promise<void> {
    for (let place = 0; place < workerCount; place += 1) await this.#startWorker(place);
  }

  async act(): Promise<void> {
    const acts = [
      () => this.#enqueueMany(),
      () => this.#enqueueMany(),
      () => this.#enqueueOne(),
      () => this.#enqueueInTransaction(true),
      () => this.#enqueueInTransaction(false),
      () => this.#kill(),
      () => this.#stop(),
      () => this.#freeze(),
      () => this.#unlock(),
      () => this.#unlockKeys(),
    ];
    await acts[this.#upTo(acts.length)]?.();
  }

  /** Waits until nothing is left to do. */
  async settle(): Promise<void> {
    await eventually(
      async () => {
        const [row] = await this.#engine.sql<{ count: number }>(
          "select count(*)::integer as count from jobs",
        );
        return row?.count === 0;
      },
      { within },
    );
    for (const { process } of this.#workers) process.kill("SIGCONT");
  }

  steps(): Promise<Step[]> {
    return this.#engine.sql<Step>(
      `select step, worker, key, n, (extract(epoch from at) * 1000000)::double precision as at,
              (extract(epoch from called_at) * 1000000)::double precision as "calledAt"
         from steps order by steps.at`,
    );
  }

  async outcomes(): Promise<string[]> {
    const rows = await this.#engine.sql<{ outcome: string }>(
      "select distinct outcome from history where final",
    );
    return rows.map(({ outcome }) => outcome);
  }

  async leftovers(): Promise<unknown> {
    return eventually(async () => {
      const [row] = await this.#engine.sql<{ jobs: number; arrivals: number; holds: number }>(
        `select (select count(*)::integer from jobs) as jobs,
                (select count(*)::integer from arrivals) as arrivals,
                (select count(*)::integer from concurrency_holds) as holds`,
      );
      return row?.arrivals === 0 && row.holds === 0 && row;
    });
  }

  async #startWorker(place: number): Promise<void> {
    const name = `worker ${(this.#started += 1)}`;
    const { url, schema } = this.#engine;
    const given = JSON.stringify({ url, schema, name });
    const child = fork(program, [given], { execArgv: [] });
    onTestFinished(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    });
    await once(child, "message");
    this.#workers[place] = { process: child, name };
  }

  async #enqueueMany(): Promise<void> {
    const count = 1 + this.#upTo(20);
    await this.#engine.pawl.enqueueMany(Array.from({ length: count }, () => this.#request()));
  }

  async #enqueueOne(): Promise<void> {
    const request = this.#request();
    await this.#engine.pawl.enqueueMany([request]);
  }

  async #enqueueInTransaction(commits: boolean): Promise<void> {
    const client = await this.#engine.connect();
    await client.query("begin");
    const before = this.#n;
    const requests = Array.from({ length: 1 + this.#upTo(5) }, () => this.#request());
    await this.#engine.pawl.enqueueMany(requests, { db: client });
    await client.query(commits ? "commit" : "rollback");
    if (commits) return;
    this.enqueued -= requests.length;
    for (let n = before + 1; n <= this.#n; n += 1) this.rolledBack.add(n);
  }

  async #kill(): Promise<void> {
    const place = this.#upTo(workerCount);
    const worker = this.#workers[place];
    if (worker === undefined) return;
    const exited = once(worker.process, "exit");
    worker.process.kill("SIGKILL");
    await exited;
    await this.#note("kill", worker.name);
    await this.#startWorker(place);
  }

  async #stop(): Promise<void> {
    const place = this.#upTo(workerCount);
    const worker = this.#workers[place];
    if (worker === undefined) return;
    const exited = once(worker.process, "exit");
    worker.process.send("stop");
    await exited;
    await this.#startWorker(place);
  }

  // For longer than its lease: its jobs run elsewhere, and it wakes up among them.
  async #freeze(): Promise<void> {
    const worker = this.#workers[this.#upTo(workerCount)];
    if (worker === undefined) return;
    worker.process.kill("SIGSTOP");
    await this.#note("freeze", worker.name);
    await execute("select pg_sleep(3)");
    worker.process.kill("SIGCONT");
  }

  async #unlock(): Promise<void> {
    await this.#note("unlock", "all");
    await this.#engine.pawl.jobs.forceUnlock();
  }

  async #unlockKeys(): Promise<void> {
    const key = keys[this.#upTo(keys.length)]?.key ?? "serial";
    await this.#note("unlock", key);
    await this.#engine.pawl.concurrencyKeys.forceUnlock([key]);
  }

  async #note(step: Step["step"], worker: string): Promise<void> {
    await this.#engine.sql("insert into steps (step, worker) values ($1, $2)", [step, worker]);
  }

  #request(): JobRequest<Payload> {
    const { key, limit, task, failures } = keys[this.#upTo(keys.length)] ?? keys[0];
    this.#n += 1;
    this.enqueued += 1;
    const payload = {
      key,
      n: this.#n,
      ms: this.#random() < 0.5 ? 0 : this.#upTo(30),
      failures: this.#random() < 0.2 ? failures : 0,
      snoozes: this.#random() < 0.3,
    };
    return task.job(payload, { concurrency: { key, limit } });
  }

  #upTo(count: number): number {
    return Math.floor(this.#random() * count);
  }
}

const program = fileURLToPath(new URL("../fixtures/keyed-worker.mjs", import.meta.url));

/** The spans in which handlers ran. One whose worker was killed or frozen ends there: it lost its lease. */
function spansOf(steps: readonly Step[]): { key: string; n: number; from: number; to: number }[] {
  const open = new Map<string, { key: string; n: number; worker: string; from: number }[]>();
  const spans: { key: string; n: number; from: number; to: number }[] = [];
  const frozenAt = new Map<string, number>();
  for (const { step, worker, key, n, calledAt, at } of steps) {
    if (step === "freeze") frozenAt.set(worker, at);
    if (step === "kill" || step === "freeze") {
      for (const [name, all] of open) {
        spans.push(...all.filter((span) => span.worker === worker).map((s) => ({ ...s, to: at })));
        open.set(
          name,
          all.filter((span) => span.worker !== worker),
        );
      }
      continue;
    }
    const name = `${worker} ${n}`;
    if (key === null || n === null) continue;
    // It was frozen between its call and its first statement.
    if (step === "begin" && (calledAt ?? at) < (frozenAt.get(worker) ?? 0)) continue;
    if (step === "begin") {
      open.set(name, [...(open.get(name) ?? []), { key, n, worker, from: at }]);
      continue;
    }
    const [first, ...others] = open.get(name) ?? [];
    if (first !== undefined) spans.push({ ...first, to: at });
    open.set(name, others);
  }
  return spans;
}

function overLimit(steps: readonly Step[]): string[] {
  const spans = spansOf(steps);
  return keys.flatMap(({ key, limit }) => {
    const own = spans.filter((span) => span.key === key);
    return own.flatMap(({ n, from }) => {
      const beside = own.filter((other) => other.from <= from && other.to > from);
      const numbers = beside.map((other) => other.n);
      return beside.length > limit
        ? [`${key}: ${numbers.join(", ")} run when ${n} begins; ${told(steps, numbers)}`]
        : [];
    });
  });
}

function outOfOrder(steps: readonly Step[], rolledBack: ReadonlySet<number>): string[] {
  return keys
    .filter(({ isOrdered }) => isOrdered)
    .flatMap(({ key }) => {
      const own = steps.filter((step) => step.key === key);
      const numbers = [...new Set(own.flatMap(({ n }) => n ?? []))].sort((a, b) => a - b);
      return numbers.flatMap((n, place) => {
        const begun = own.find((step) => step.n === n && step.step === "begin")?.at ?? 0;
        const before = numbers[place - 1];
        const ended = own.find((step) => step.n === before && step.step === "end")?.at ?? 0;
        if (rolledBack.has(n)) return [`${key}: ${n} ran, but was rolled back`];
        return before !== undefined && ended > begun
          ? [`${key}: ${n} began before ${before} had ended; ${told(steps, [before, n])}`]
          : [];
      });
    });
}

/** What happened to these jobs and to the workers, for whoever has to find out why. */
function told(steps: readonly Step[], numbers: readonly number[]): string {
  const start = steps[0]?.at ?? 0;
  return steps
    .filter(({ n }) => n === null || numbers.includes(n))
    .map(
      ({ step, worker, n, at }) => `${Math.round((at - start) / 1000)} ms ${worker} ${step} ${n}`,
    )
    .join(", ");
}

// Mulberry32: small, and the same on every machine.
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
