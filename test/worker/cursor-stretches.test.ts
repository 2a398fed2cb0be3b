import { describe, expect, it } from "vitest";
import { Cursors } from "#pawl/worker/cursors";
import { header, jobAt } from "../support/cursor-cases.ts";

describe("the stretches of what cursors have passed", () => {
  it("are none when it is short", () => {
    const cursors = new Cursors(3);
    cursors.advance(["0@1", "0@2"].map(jobAt), header(), true);

    expect(cursors.stretches()).toEqual([]);
  });

  it("cover it, each priority from where the one before ends", () => {
    const cursors = new Cursors(2);
    cursors.advance(["0@1", "0@2"].map(jobAt), header(), true);
    cursors.advance(["-2@5", "0@7"].map(jobAt), header(), true);
    cursors.advance([jobAt("0@8")], header(), true);

    expect(stretchesOf(cursors)).toEqual([
      ["0: start to 2"],
      ["0: 2 to 7", "-2: start to 5"],
      ["0: 7 to 8", "-2: 5 to 5"],
    ]);
  });

  it("stay where they are when cursors go back", () => {
    const cursors = new Cursors(2);
    cursors.advance(["0@1", "0@2"].map(jobAt), header(), true);
    cursors.restart();
    cursors.advance([jobAt("0@1")], header(), true);

    expect(stretchesOf(cursors)).toEqual([["0: start to 2"], ["0: 2 to 2"]]);
  });

  it("grow longer when there are many", () => {
    const cursors = new Cursors(1);
    for (let place = 1; place <= 1_001; place += 1) {
      cursors.advance([jobAt(`0@${place % 50}`)], header(), true);
    }

    expect(cursors.stretches().length).toBeLessThan(520);
  });
});

function stretchesOf(cursors: Cursors): string[][] {
  const placeOf = (runAt = "") =>
    runAt === "-infinity" ? "start" : String(Number(runAt.slice(17, 19)));
  return cursors.stretches().map((ranges) =>
    ranges.map(({ lowest, highest, runAt, until }) => {
      expect(lowest).toBe(highest);
      return `${lowest}: ${placeOf(runAt)} to ${placeOf(until?.runAt)}`;
    }),
  );
}
