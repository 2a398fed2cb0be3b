import { describe, expect, it } from "vitest";
import type { ClaimHeader } from "#pawl/store/claims";
import { Cursors } from "#pawl/worker/cursors";
import { header, idOf, jobAt, second } from "../support/cursor-cases.ts";

// Positions are written as `priority@place`: place 5 is job 5, which fell due in second 5.

describe("the ranges of cursors", () => {
  it.each<[string, string[], string[]]>([
    ["nothing is known", [], ["-32768@start..32767"]],
    ["one priority is known", ["0@3"], ["-32768@start..-1", "0@3..32767"]],
    [
      "several are, found in any order",
      ["5@1", "-2@4", "0@2"],
      ["-32768@start..-3", "-2@4..-1", "0@2..4", "5@1..32767"],
    ],
    ["neighbours are known", ["0@1", "1@1"], ["-32768@start..-1", "0@1..0", "1@1..32767"]],
    ["the lowest priority is known", ["-32768@1"], ["-32768@1..32767"]],
    ["the highest priority is known", ["32767@1"], ["-32768@start..32766", "32767@1..32767"]],
    ["only the last of a priority counts", ["0@1", "0@9", "0@4"], after("0@9")],
  ])("when %s", (_, found, expected) => {
    const cursors = new Cursors();

    cursors.advance(found.map(jobAt), header(), true);

    expect(rangesOf(cursors)).toEqual(expected);
  });

  it("cover every priority once, whatever is known", () => {
    const cursors = new Cursors();
    cursors.advance(["-32768@1", "-7@1", "0@1", "12@1", "32767@1"].map(jobAt), header(), true);

    const ranges = cursors.ranges();
    const seams = ranges.slice(1).map((range, at) => range.lowest - (ranges[at]?.highest ?? 0));

    expect(new Set(seams)).toEqual(new Set([1]));
    expect(ranges.at(0)?.lowest).toBe(-32768);
    expect(ranges.at(-1)?.highest).toBe(32767);
  });
});

describe("cursors", () => {
  it("never go back by themselves", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header(), true);

    cursors.advance([jobAt("0@3")], header(), true);
    cursors.advance([], header(), false);

    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("start from the beginning when they are told to", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header(), true);

    cursors.restart();

    expect(rangesOf(cursors)).toEqual(["-32768@start..32767"]);
  });

  it("start from the beginning when jobs went back to the front of the queue", () => {
    const cursors = new Cursors();

    cursors.advance([jobAt("0@5")], header({ rewinds: 1 }), true);

    expect(rangesOf(cursors)).toEqual(["-32768@start..32767"]);
    expect(cursors.rewinds).toBe(1);
  });

  it("stay where they are when no more jobs went back than before", () => {
    const cursors = new Cursors();
    cursors.advance([], header({ rewinds: 4 }), false);

    cursors.advance([jobAt("0@5")], header({ rewinds: 4 }), true);

    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("return to where they were once a scan from further back has found nothing more", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header(), true);
    cursors.restart();

    cursors.advance([jobAt("0@2")], header(), false);

    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("return to where they were when there is nothing to scan for", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header(), true);
    cursors.restart();

    cursors.returnToExamined();

    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("do not return while the scan from further back fills up", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header(), true);
    cursors.restart();

    cursors.advance([jobAt("0@2")], header(), true);

    expect(rangesOf(cursors)).toEqual(after("0@2"));
  });

  it("pass over what was left to workers that know its task", () => {
    const cursors = new Cursors();

    cursors.advance([], header({ priorities: [0], begun: second(7) }), false);

    expect(rangesOf(cursors)).toEqual(after("0@7-"));
  });

  it("compare positions of the same time by the job's id", () => {
    const cursors = new Cursors();

    cursors.advance([jobAt("0@5", "b"), jobAt("0@5", "a")], header(), true);

    expect(cursors.ranges()[1]?.id).toMatch(/b$/);
  });

  it("know 32 priorities at most, and forget the one known longest", () => {
    const cursors = new Cursors();
    const found = Array.from({ length: 40 }, (_, priority) => jobAt(`${priority}@1`));

    cursors.advance(found, header(), true);

    const known = cursors.ranges().filter(({ runAt }) => runAt !== "-infinity");
    expect(known.map(({ lowest }) => lowest)).toEqual(Array.from({ length: 32 }, (_, i) => i + 8));
  });
});

describe("cursors and transactions that commit late", () => {
  it("go back to a time before one began that was running when the scan began", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], snapshotAt(3, "90:90:"), true);
    cursors.advance([jobAt("0@5")], snapshotAt(6, "100:110:100,104"), true);

    const hasGoneBack = cursors.observe("110:110:");

    expect(hasGoneBack).toBe(true);
    expect(rangesOf(cursors)).toEqual(after("0@3-"));
  });

  it("go back for one that drew its id between the snapshot and the scan", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], snapshotAt(6, "90:90:"), true);
    cursors.advance(
      [jobAt("0@8")],
      header({ begun: second(7), snapshot: "100:104:", xid: "107" }),
      true,
    );

    const hasGoneBack = cursors.observe("110:110:");

    expect(hasGoneBack).toBe(true);
    expect(rangesOf(cursors)).toEqual(after("0@6-"));
  });

  it("start from the beginning for one that had begun before the first scan", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], snapshotAt(6, "100:105:100"), true);
    cursors.advance([jobAt("0@7")], snapshotAt(8, "100:107:100"), true);

    cursors.observe("110:110:");

    expect(cursors.ranges()).toContainEqual(expect.objectContaining({ lowest: 0, ...atTheFront }));
  });

  it("stay where they are when it can have brought nothing behind them", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], snapshotAt(6, "90:90:"), true);
    cursors.advance([jobAt("0@5")], snapshotAt(7, "100:105:100"), true);

    const hasGoneBack = cursors.observe("110:110:");

    expect(hasGoneBack).toBe(false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("stay while it runs on", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], snapshotAt(1, "100:105:100"), true);

    const hasGoneBack = cursors.observe("100:120:100");

    expect(hasGoneBack).toBe(false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("go back once for each", () => {
    const cursors = new Cursors();
    cursors.advance([], snapshotAt(2, "90:90:"), false);
    cursors.advance([jobAt("0@5")], snapshotAt(6, "100:105:100"), true);
    cursors.observe("110:110:");
    cursors.advance([jobAt("0@3")], snapshotAt(7, "110:110:"), false);

    const hasGoneBack = cursors.observe("120:120:");

    expect(hasGoneBack).toBe(false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("go back by the claim's own snapshot as well", () => {
    const cursors = new Cursors();
    cursors.advance([], snapshotAt(2, "90:90:"), false);
    cursors.advance([jobAt("0@5")], snapshotAt(6, "100:105:100"), true);

    cursors.advance([jobAt("0@7")], snapshotAt(8, "106:106:"), true);

    expect(rangesOf(cursors)).toEqual(after("0@2-"));
  });

  it("do not take the claim's own transaction for a late one", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], snapshotAt(1, "100:100:"), true);

    const hasGoneBack = cursors.observe("120:120:");

    expect(hasGoneBack).toBe(false);
  });

  it("go back in each priority that is further on", () => {
    const cursors = new Cursors();
    cursors.advance(["0@4", "9@1"].map(jobAt), snapshotAt(3, "90:90:"), true);
    cursors.advance(["0@6", "9@1", "4@3"].map(jobAt), snapshotAt(7, "100:105:100"), true);

    cursors.observe("110:110:");

    const known = rangesOf(cursors).filter((range) => !range.includes("start"));
    expect(known).toEqual(["0@3-..3", "4@3-..8", "9@1..32767"]);
  });

  it("have a thousand of them in mind at most", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:100:", xid: "5000" }), true);
    const firstThousand = Array.from({ length: 1_000 }, (_, place) => 100 + place);

    expect(cursors.observe(`100:1100:${firstThousand.join(",")}`)).toBe(false);
    expect(cursors.observe("5001:5001:")).toBe(true);
  });
});

describe("cursors and jobs that somebody has locked", () => {
  it("go back to the first that was left, when one of those has ended who may have locked it", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@1")], snapshotAt(7, "90:90:"), true);
    const left = { priority: 0, runAt: second(3), id: idOf("3") };
    cursors.advance([jobAt("0@5")], { ...snapshotAt(8, "100:105:100"), left }, true);

    const hasGoneBack = cursors.observe("110:110:");

    expect(hasGoneBack).toBe(true);
    const [, { runAt, id } = atTheFront] = cursors.ranges();
    expect(runAt).toBe(second(3));
    expect(id < idOf("3")).toBe(true);
  });

  it("go back in the priorities behind it to where they were, and not in those before", () => {
    const cursors = new Cursors();
    cursors.advance(["0@1", "4@1", "9@1"].map(jobAt), snapshotAt(7, "90:90:"), true);
    const left = { priority: 4, runAt: second(3), id: idOf("3") };
    const found = ["0@5", "4@5", "9@5"].map(jobAt);
    cursors.advance(found, { ...snapshotAt(8, "100:105:100"), left }, true);

    cursors.observe("110:110:");

    const known = rangesOf(cursors).filter((range) => !range.includes("start"));
    expect(known).toEqual(["0@5..3", "4@3..8", "9@1..32767"]);
  });

  it("go back further when a scan from further back has left one as well", () => {
    const cursors = new Cursors();
    cursors.advance([], snapshotAt(7, "90:90:"), false);
    const later = { priority: 0, runAt: second(4), id: idOf("4") };
    cursors.advance([jobAt("0@5")], { ...snapshotAt(8, "100:105:100"), left: later }, true);
    cursors.restart();
    const sooner = { priority: 0, runAt: second(2), id: idOf("2") };
    cursors.advance([jobAt("0@6")], { ...snapshotAt(9, "100:107:100"), left: sooner }, true);

    cursors.observe("110:110:");

    expect(rangesOf(cursors)).toEqual(after("0@2"));
  });
});

const atTheFront = { runAt: "-infinity", id: "00000000-0000-0000-0000-000000000000" };

function after(position: string): string[] {
  return ["-32768@start..-1", `${position}..32767`];
}

/** What a claim says that began in this second, with the id that was next. */
function snapshotAt(place: number, snapshot: string): ClaimHeader {
  const [, xid = ""] = snapshot.split(":");
  return header({ begun: second(place), snapshot, xid });
}

// `7-` is the time 7, before any job that fell due then.
function rangesOf(cursors: Cursors): string[] {
  return cursors.ranges().map(({ lowest, runAt, id, highest }) => {
    if (runAt === "-infinity") return `${lowest}@start..${highest}`;
    const isBeforeJobs = id === atTheFront.id;
    return `${lowest}@${Number(runAt.slice(17, 19))}${isBeforeJobs ? "-" : ""}..${highest}`;
  });
}
