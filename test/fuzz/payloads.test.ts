import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { defineTask, PawlError, typed, type Pawl } from "pawl";
import { expect, it } from "vitest";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { execute } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";

const payloads = 100_000;
const atOnce = 2_000;
const checkedInHistory = 2_000;

/** Any sequence of UTF-16 code units: NUL, control characters, lone surrogates. */
const anyText = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 12 })
  .map((units) => String.fromCharCode(...units));
const key = fc.oneof(
  fc.string(),
  anyText,
  fc.constantFrom("__proto__", "constructor", "toJSON", ""),
);

/** Anything that a program may pass by mistake, most of it what JSON can carry. */
const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: fc.jsonValue({ maxDepth: 4 }) },
  { weight: 2, arbitrary: fc.oneof(anyText, fc.string({ unit: "binary" }), fc.double()) },
  {
    weight: 4,
    arbitrary: fc.anything({
      key,
      values: [fc.integer(), fc.double(), anyText, fc.string(), fc.boolean(), fc.constant(null)],
      maxDepth: 3,
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
    }),
  },
);

it(
  "refuses a payload with a typed error, or gives it back equal, in the handler and in the history",
  { timeout: 600_000 },
  async () => {
    const task = defineTask({ name: "task", payload: typed<unknown>() });
    const pawl = await freshPawl();
    const before = await catalogOf(pawl);
    const accepted = new Map<string, unknown>();
    const different: string[] = [];
    let run = 0;
    await startWorker(pawl, {
      // All of this keeps one event loop busy, and the machine has other tests to run.
      lease: "30s",
      concurrency: 100,
      handlers: [
        task.handle(({ payload, job }) => {
          run += 1;
          if (!isDeepStrictEqual(payload, asJson(accepted.get(job.id)))) different.push(job.id);
        }),
      ],
    });
    let refused = 0;

    const values = fc.sample(anyValue, { numRuns: payloads, seed: 7 });
    for (let start = 0; start < values.length; start += atOnce) {
      await Promise.all(
        values.slice(start, start + atOnce).map(async (value, place) => {
          const id = idOf(start + place);
          accepted.set(id, value);
          try {
            await pawl.enqueueByName("task", value, { id });
          } catch (error) {
            accepted.delete(id);
            refused += 1;
            expect(error).toBeInstanceOf(PawlError);
            expect(error).toMatchObject({ code: "PAWL_PAYLOAD_INVALID" });
          }
        }),
      );
      await eventually(() => run === accepted.size, { within: 60_000 });
    }

    expect(different).toEqual([]);
    expect(refused).toBeGreaterThan(payloads / 20);
    expect(run).toBeGreaterThan(payloads / 2);
    for (const id of [...accepted.keys()].slice(0, checkedInHistory)) {
      const found = await pawl.jobs.get({ queue: "default", id });
      expect(isDeepStrictEqual(found?.payload, asJson(accepted.get(id)))).toBe(true);
    }
    expect(await catalogOf(pawl)).toEqual(before);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  },
);

/** What a program may rely on to come back: everything but properties that are undefined, and the sign of zero. */
function asJson(value: unknown): unknown {
  if (value === undefined) return null;
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== "object" || value === null) return value;
  const copy: object = {};
  for (const [name, property] of Object.entries(value)) {
    if (property === undefined) continue;
    Object.defineProperty(copy, name, {
      value: asJson(property),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return copy;
}

function idOf(number: number): string {
  return `00000000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

/** The names of everything in the schema. */
async function catalogOf({ schema }: Pawl): Promise<unknown> {
  return execute(
    `select relname::text as name from pg_class where relnamespace = $1::regnamespace
     union all
     select proname::text from pg_proc where pronamespace = $1::regnamespace
      order by name`,
    [schema],
  );
}
