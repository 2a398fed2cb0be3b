import { describe, expect, it } from "vitest";
import type { Database } from "#pawl/db/database";
import { Chores, type Chore } from "#pawl/maintenance/chores";
import type { Store } from "#pawl/store/store";
import { freshEngine, type Engine } from "../support/engine.ts";

const hour = 3_600_000;

describe("a chore", () => {
  it("is done once by many that look at the same time", async () => {
    const engine = await freshEngine();
    let runs = 0;
    const count: Chore = { name: "count", intervalMs: hour, run: () => ((runs += 1), done()) };

    const all = Array.from({ length: 8 }, () => start(engine.store, [count]));
    // Whoever waits for the next time has looked.
    await engine.until(async () => (await isDone(engine, "count")) && all.every(hasLooked));
    await stop(all);

    expect(runs).toBe(1);
  });

  it("is due again after its interval", async () => {
    const engine = await freshEngine();
    let runs = 0;
    const often: Chore = { name: "often", intervalMs: 60, run: () => ((runs += 1), done()) };

    const chores = start(engine.store, [often]);
    await engine.until(() => runs >= 3);
    await stop([chores]);

    expect(chores.errors).toEqual([]);
  });

  it("is due in a minute when it failed, and says so", async () => {
    const engine = await freshEngine();
    const failing: Chore = {
      name: "failing",
      intervalMs: hour,
      run: () => Promise.reject(new Error("on purpose")),
    };

    const chores = start(engine.store, [failing]);
    const [row] = await engine.sqlUntil<{ seconds: number; done: boolean }>(
      `select extract(epoch from due_at - now())::float8 as seconds, done_at is not null as done
         from chores where due_at between now() + interval '5 seconds' and now() + interval '2 minutes'`,
    );
    await stop([chores]);

    expect(chores.errors).toMatchObject([{ message: "on purpose" }]);
    expect(row).toMatchObject({ done: false });
    expect(row?.seconds).toBeGreaterThan(30);
  });

  it("is due in a minute when it could not do everything", async () => {
    const engine = await freshEngine();
    const half: Chore = { name: "half", intervalMs: hour, run: () => Promise.resolve(false) };

    const chores = start(engine.store, [half]);
    await engine.sqlUntil(
      `select from chores where due_at between now() + interval '5 seconds' and now() + interval '1 minute'`,
    );
    await stop([chores]);

    expect(chores.errors).toEqual([]);
  });

  it("is due again after its interval when whoever took it died over it", async () => {
    const engine = await freshEngine();
    let finish = (): void => undefined;
    const stuck: Chore = {
      name: "shared",
      intervalMs: 300,
      run: () => new Promise((resolve) => (finish = () => resolve(true))),
    };
    let runs = 0;
    const other: Chore = { ...stuck, run: () => ((runs += 1), done()) };

    const dead = start(engine.store, [stuck]);
    await engine.sqlUntil("select from chores where due_at > now()");
    const living = start(engine.store, [other]);
    await engine.until(() => runs > 0);
    finish();
    await stop([dead, living]);

    expect(living.errors).toEqual([]);
  });

  it("is known again when its row has gone", async () => {
    const engine = await freshEngine();
    let runs = 0;
    const chore: Chore = { name: "gone", intervalMs: 50, run: () => ((runs += 1), done()) };
    const chores = start(engine.store, [chore]);
    await engine.until(() => runs > 0);

    await engine.sql("delete from chores");
    await engine.sqlUntil("select from chores where name = 'gone'");
    await stop([chores]);

    expect(chores.errors).toEqual([]);
  });
});

const done = (): Promise<boolean> => Promise.resolve(true);

interface Started {
  readonly chores: Chores;
  readonly errors: unknown[];
  pauses: number;
}

function start(store: Store<Database>, list: readonly Chore[]): Started {
  const errors: unknown[] = [];
  const random = (): number => {
    started.pauses += 1;
    return 0.5;
  };
  const chores = new Chores(store, {
    chores: list,
    longestPauseMs: 60_000,
    onError: (e) => errors.push(e),
    random,
  });
  const started: Started = { chores, errors, pauses: 0 };
  chores.loop.start();
  return started;
}

function hasLooked({ pauses }: Started): boolean {
  return pauses > 0;
}

async function stop(all: readonly Started[]): Promise<void> {
  await Promise.all(all.map(({ chores }) => chores.loop.stop()));
}

async function isDone(engine: Engine, name: string): Promise<boolean> {
  const rows = await engine.sql("select from chores where name = $1 and done_at is not null", [
    name,
  ]);
  return rows.length === 1;
}
