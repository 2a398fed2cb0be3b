import { defineTask, OptionError, RateLimitError } from "pawl";
import { beforeEach, describe, expect, it } from "vitest";
import { freshEngine, type Engine } from "../support/engine.ts";
import { rejectionOf } from "../support/producer.ts";

const task = defineTask({ name: "task" });
let engine: Engine;

beforeEach(async () => {
  engine = await freshEngine();
});

describe("a rate limit", () => {
  it("is registered, and found by its key", async () => {
    const { rateLimits } = engine.pawl;
    await rateLimits.register("mail", { capacity: 10, interval: "1 minute" });
    await rateLimits.register("api", { capacity: 3, interval: 500, mode: "sliding" });

    expect(await rateLimits.get("mail")).toEqual({
      key: "mail",
      capacity: 10,
      intervalMs: 60_000,
      mode: "fixed",
      used: 0,
      windowEndsAt: null,
      heldUntil: null,
    });
    expect(await rateLimits.get("other")).toBeUndefined();
    expect((await rateLimits.list()).map(({ key }) => key)).toEqual(["api", "mail"]);
  });

  it("is changed by registering it again, and keeps what was used", async () => {
    const { rateLimits } = engine.pawl;
    await rateLimits.register("mail", { capacity: 10, interval: "1m" });
    await use("mail", 7, "now()");

    await rateLimits.register("mail", { capacity: 5, interval: "2m" });

    expect(await rateLimits.get("mail")).toMatchObject({
      capacity: 5,
      intervalMs: 120_000,
      used: 7,
    });
  });

  it("keeps what was used when its mode changes, there and back", async () => {
    const { rateLimits } = engine.pawl;
    const limit = { capacity: 10, interval: "1h" };
    await rateLimits.register("mail", limit);
    await use("mail", 7, "now()");

    await rateLimits.register("mail", { ...limit, mode: "sliding" });
    const sliding = await rateLimits.get("mail");
    await rateLimits.register("mail", limit);

    expect(sliding).toMatchObject({ mode: "sliding", used: 7, windowEndsAt: null });
    expect(await rateLimits.get("mail")).toMatchObject({ mode: "fixed", used: 7 });
  });

  it("is registered in the caller's transaction", async () => {
    const db = await engine.connect();
    await db.query("begin");
    await engine.pawl.rateLimits.register("mail", { capacity: 1, interval: "1m", db });

    expect(await engine.pawl.rateLimits.get("mail")).toBeUndefined();
    await db.query("commit");
    expect(await engine.pawl.rateLimits.get("mail")).toMatchObject({ capacity: 1 });
  });

  it("may be registered by many at the same time", async () => {
    const register = (): Promise<void> =>
      engine.pawl.rateLimits.register("mail", { capacity: 1, interval: "1m" });

    await Promise.all(Array.from({ length: 10 }, register));

    expect(await engine.pawl.rateLimits.list()).toHaveLength(1);
  });

  it("makes those who wait for it look again when it changes, and only then", async () => {
    const { rateLimits } = engine.pawl;
    await rateLimits.register("mail", { capacity: 1, interval: "1h" });
    await waitInLine("mail");

    await rateLimits.register("mail", { capacity: 1, interval: "1h" });
    const unchanged = await dueLines();
    await rateLimits.register("mail", { capacity: 2, interval: "1h" });

    expect(unchanged).toEqual([]);
    expect(await dueLines()).toEqual([{ key: "mail" }]);
  });
});

describe("refill", () => {
  it("empties windows that have passed, and makes those who wait for them look", async () => {
    const { rateLimits } = engine.pawl;
    for (const key of ["passed", "open", "unused"]) {
      await rateLimits.register(key, { capacity: 9, interval: "1m" });
      await waitInLine(key);
    }
    await use("passed", 9, "now() - interval '61 seconds'");
    await use("open", 9, "now() - interval '10 seconds'");

    expect(await rateLimits.refill()).toBe(1);

    expect(await engine.sql("select key from rate_limits where used > 0")).toEqual([
      { key: "open" },
    ]);
    expect(await dueLines()).toEqual([{ key: "passed" }]);
    expect(await rateLimits.refill()).toBe(0);
  });
});

describe("removing a rate limit", () => {
  it("says whether there was one", async () => {
    await engine.pawl.rateLimits.register("mail", { capacity: 1, interval: "1m" });

    expect(await engine.pawl.rateLimits.remove("mail")).toBe(true);
    expect(await engine.pawl.rateLimits.remove("mail")).toBe(false);
  });

  it("is refused while a live job needs it", async () => {
    await engine.pawl.rateLimits.register("mail", { capacity: 1, interval: "1m" });
    const { job } = await engine.pawl.enqueue(task, undefined, { delay: "1h" });
    await engine.sql("update jobs set rate_limit_key = 'mail' where id = $1", [job.id]);

    const refusal = await rejectionOf(engine.pawl.rateLimits.remove("mail"));

    expect(refusal).toBeInstanceOf(RateLimitError);
    expect(refusal).toMatchObject({ code: "PAWL_RATE_LIMIT_IN_USE", key: "mail" });
    expect(await engine.pawl.rateLimits.get("mail")).toMatchObject({ capacity: 1 });
  });
});

describe("a wrong rate limit", () => {
  it.each([
    [{ capacity: 0 }],
    [{ capacity: 1.5 }],
    [{ capacity: 2_147_483_648 }],
    [{ interval: 0 }],
    [{ interval: "1 parsec" }],
    [{ interval: "" }],
    [{ mode: "leaky" as "fixed" }],
  ])("is refused, and nothing is written: %j", async (wrong) => {
    const register = engine.pawl.rateLimits.register("mail", {
      capacity: 1,
      interval: "1m",
      ...wrong,
    });

    expect(await rejectionOf(register)).toBeInstanceOf(OptionError);
    expect(await engine.pawl.rateLimits.list()).toEqual([]);
  });

  it("has no key, or one that is too long", async () => {
    const limit = { capacity: 1, interval: "1m" };

    for (const key of ["", "k".repeat(256), "a\0b"]) {
      const register = engine.pawl.rateLimits.register(key, limit);
      expect(await rejectionOf(register)).toBeInstanceOf(OptionError);
    }
  });
});

/** As a claim notes it. */
async function use(key: string, weight: number, since: string): Promise<void> {
  await engine.sql(
    `update rate_limits set used = $2, window_started_at = ${since} where key = $1`,
    [key, weight],
  );
}

async function waitInLine(key: string): Promise<void> {
  await engine.sql(
    "insert into rate_limit_lines (queue, key, next_at) values ('q', $1, now() + interval '1h')",
    [key],
  );
}

function dueLines(): Promise<object[]> {
  return engine.sql("select key from rate_limit_lines where next_at <= now() order by key");
}
