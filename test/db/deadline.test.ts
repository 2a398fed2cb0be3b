import { expect, it } from "vitest";
import { Deadline } from "#pawl/db/deadline";

const never = new Promise<never>(() => undefined);

it("gives the outcome of a step that is in time", async () => {
  const deadline = new Deadline(1_000);

  await expect(deadline.race(Promise.resolve(42))).resolves.toBe(42);
});

it("rejects when a step takes too long, and says what was allowed", async () => {
  const deadline = new Deadline(20);

  await expect(deadline.race(never)).rejects.toMatchObject({
    code: "PAWL_DATABASE_TIMEOUT",
    message: expect.stringContaining("within 20ms"),
  });
});

it("counts the time of earlier steps", async () => {
  let nowMs = 0;
  const deadline = new Deadline(60_000, () => nowMs);
  nowMs = 60_001;

  await expect(deadline.race(never)).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
});
