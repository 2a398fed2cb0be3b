import fc from "fast-check";
import { defineTask, PawlError } from "pawl";
import { expect, it } from "vitest";
import { freshPawl } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";

const names = 10_000;
const atOnce = 20;

const hostile = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: "binary", maxLength: 80 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom("", "'; drop table jobs; --", '"', "\\", "NULL", "{}", "\u202e", "😀".repeat(16)),
  fc.anything({ maxDepth: 1 }).filter((value) => value !== undefined),
);

it(
  "refuses names and options with a typed error, or keeps them as they are",
  { timeout: 300_000 },
  async () => {
    const pawl = await freshPawl();
    const task = defineTask({ name: "task" });
    const tables = () =>
      execute(
        "select relname::text from pg_class where relnamespace = $1::regnamespace order by 1",
        [pawl.schema],
      );
    const before = await tables();
    let kept = 0;
    const refusals = new Map<string, number>();

    const given = fc.sample(
      fc.tuple(
        hostile,
        fc.constantFrom("queue", "correlationId", "task", "concurrency", "unique", "flags"),
      ),
      {
        numRuns: names,
        seed: 7,
      },
    );
    const tryOne = async (value: unknown, option: (typeof given)[number][1]): Promise<void> => {
      const name = value as string; // or anything else, which is to be refused
      const options = {
        queue: { queue: name },
        correlationId: { correlationId: name },
        task: {},
        concurrency: { concurrency: { key: name } },
        unique: { unique: { key: name } },
        flags: { flags: [name] },
      }[option];
      try {
        const { job } =
          option === "task"
            ? await pawl.enqueueByName(name)
            : await pawl.enqueue(task, undefined, options);
        kept += 1;
        const found = await pawl.jobs.get(job);
        const told = {
          queue: found?.queue,
          correlationId: found?.correlationId,
          task: found?.task,
          concurrency: Reflect.get(Object(found), "concurrencyKey"),
          unique: await uniqueKeyOf(pawl.schema, job.id),
          flags: (Reflect.get(Object(found), "flags") as string[] | null)?.[0],
        }[option];
        expect(told ?? undefined).toBe(name);
      } catch (error) {
        expect(error).toBeInstanceOf(PawlError);
        const { code } = error as PawlError;
        refusals.set(code, (refusals.get(code) ?? 0) + 1);
      }
    };
    for (let start = 0; start < names; start += atOnce) {
      const some = given.slice(start, start + atOnce);
      await Promise.all(some.map(([value, option]) => tryOne(value, option)));
    }

    expect([...refusals.keys()].sort()).toEqual(["PAWL_OPTION_INVALID"]);
    expect(kept).toBeGreaterThan(names / 4);
    expect(await tables()).toEqual(before);
  },
);

async function uniqueKeyOf(schema: string, id: string): Promise<string | null | undefined> {
  const text = `select unique_key from ${schema}.jobs where id = $1`;
  const [row] = await execute<{ unique_key: string | null }>(text, [id]);
  return row?.unique_key;
}
