import { describe, expect, it } from "vitest";
import { createUuidV7, isUuid } from "#pawl/core/uuid";

const start = Date.UTC(2026, 0, 1);

function take(count: number, next: () => string): string[] {
  return Array.from({ length: count }, next);
}

function timeOf(id: string): number {
  return parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

describe("createUuidV7", () => {
  it("makes UUIDs of version 7 and the RFC's variant", () => {
    const ids = take(2_000, createUuidV7(Date.now));

    expect(ids.filter((id) => !/^.{14}7.{4}[89ab]/.test(id) || !isUuid(id))).toEqual([]);
  });

  it("starts with the clock's milliseconds", () => {
    const id = createUuidV7(() => start)();

    expect(timeOf(id)).toBe(start);
  });

  it("cuts a clock that gives fractions of a millisecond", () => {
    const id = createUuidV7(() => start + 0.9)();

    expect(timeOf(id)).toBe(start);
  });

  it("goes up within one millisecond", () => {
    const ids = take(
      2_000,
      createUuidV7(() => start),
    );

    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids.map(timeOf))).toEqual(new Set([start]));
  });

  it("goes up when a millisecond has more ids than its counter can count", () => {
    const ids = take(
      20_000,
      createUuidV7(() => start),
    );

    expect(ids).toEqual([...ids].sort());
    expect(new Set(ids).size).toBe(20_000);
  });

  it("borrows only as many milliseconds as it needs", () => {
    const ids = take(
      4_097,
      createUuidV7(() => start),
    );

    expect(timeOf(ids.at(-1) ?? "")).toBe(start + 1);
  });

  it("goes up when the clock steps back by hours", () => {
    const clock = [start, start + 1, start - 7_200_000, start - 7_199_999, start + 2];
    let tick = 0;
    const next = createUuidV7(() => clock[tick++] ?? start);

    const ids = take(clock.length, next);

    expect(ids).toEqual([...ids].sort());
    expect(ids.map(timeOf)).toEqual([start, start + 1, start + 1, start + 1, start + 2]);
  });

  it("differs between two generators at the same time", () => {
    const [one, other] = [createUuidV7(() => start), createUuidV7(() => start)];

    const ids = [...take(1_000, one), ...take(1_000, other)];

    expect(new Set(ids.map((id) => id.slice(19))).size).toBe(2_000);
  });

  it("asks for random bytes in batches", () => {
    let calls = 0;
    const next = createUuidV7(Date.now, (count) => {
      calls += 1;
      return new Uint8Array(count);
    });

    take(1_000, next);

    expect(calls).toBe(3);
  });

  it("never uses a random byte twice", () => {
    let value = 0;
    const next = createUuidV7(
      () => start,
      (count) => Uint8Array.from({ length: count }, () => value++),
    );

    const tails = take(1_000, next).map((id) => id.slice(-12));

    expect(tails[0]).toBe("020304050607");
    expect(tails[1]).toBe("0b0c0d0e0f10");
  });

  it("uses all four variants alike", () => {
    const ids = take(4_000, createUuidV7(Date.now));

    const counts = ["8", "9", "a", "b"].map((digit) => ids.filter((id) => id[19] === digit).length);

    expect(Math.min(...counts)).toBeGreaterThan(800);
  });
});

describe("isUuid", () => {
  it.each([
    "018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f6",
    "018F3C5E-7B2A-7C3D-9E4F-A1B2C3D4E5F6",
    "00000000-0000-0000-0000-000000000000",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
  ])("accepts %s", (value) => {
    expect(isUuid(value)).toBe(true);
  });

  it.each([
    "",
    "018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f",
    "018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f6 ",
    "018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f6\n",
    "018f3c5e7b2a7c3d9e4fa1b2c3d4e5f6",
    "{018f3c5e-7b2a-7c3d-9e4f-a1b2c3d4e5f6}",
    "018f3c5g-7b2a-7c3d-9e4f-a1b2c3d4e5f6",
  ])("refuses %j", (value) => {
    expect(isUuid(value)).toBe(false);
  });
});
