import { describe, expect, it } from "vitest";
import { ClaimedJob } from "#pawl/store/claimed-job";
import type { ClaimHeader } from "#pawl/store/claims";
import { Cursors } from "#pawl/worker/cursors";

// Positions are written as `priority@place`: place 5 is job 5, which fell due in second 5.

describe("the ranges of cursors", () => {
  it.each<[string, string[], string[]]>([
    ["nothing is known", [], ["-32768@start..32767"]],
    ["one priority is known", ["0@3"], ["-32768@start..-1", "0@3..0", "1@start..32767"]],
    [
      "several are, found in any order",
      ["5@1", "-2@4", "0@2"],
      [
        "-32768@start..-3",
        "-2@4..-2",
        "-1@start..-1",
        "0@2..0",
        "1@start..4",
        "5@1..5",
        "6@start..32767",
      ],
    ],
    [
      "neighbours leave no gap",
      ["0@1", "1@1"],
      ["-32768@start..-1", "0@1..0", "1@1..1", "2@start..32767"],
    ],
    ["the lowest priority is known", ["-32768@1"], ["-32768@1..-32768", "-32767@start..32767"]],
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

    cursors.advance([], header({ priorities: [0], skipped: second(7) }), false);

    expect(rangesOf(cursors)).toEqual(["-32768@start..-1", "0@7-..0", "1@start..32767"]);
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
  it.each<[string, string, string | null]>([
    ["was running when the scan began", "100:110:100,104", "110"],
    ["drew its id between the snapshot and the scan", "100:104:", "107"],
  ])("go back for one that %s", (_, snapshot, xid) => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], header({ snapshot: "90:90:", xid: "90" }), true);
    cursors.advance([jobAt("0@5")], header({ snapshot, xid }), true);

    const hasGoneBack = cursors.observe("110:110:");

    expect(hasGoneBack).toBe(true);
    expect(rangesOf(cursors)).toEqual(after("0@2"));
  });

  it("stay while it runs on", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:105:100", xid: "105" }), true);

    const hasGoneBack = cursors.observe("100:120:100");

    expect(hasGoneBack).toBe(false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("go back to where they were when it was first seen, not last", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], header({ snapshot: "100:105:100", xid: "105" }), true);
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:107:100", xid: "107" }), true);

    cursors.observe("110:110:");

    expect(rangesOf(cursors)).toEqual(["-32768@start..32767"]);
  });

  it("go back further when it was seen again by a scan from the beginning", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@2")], header(), false);
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:105:100", xid: "105" }), false);
    cursors.restart();
    // What it locks was passed over here, and is free when it has ended.
    cursors.advance([], header({ snapshot: "100:107:100", xid: "107" }), false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));

    cursors.observe("110:110:");

    expect(rangesOf(cursors)).toEqual(["-32768@start..32767"]);
  });

  it("go back once for each", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:105:100", xid: "105" }), true);
    cursors.observe("110:110:");
    cursors.advance([jobAt("0@3")], header({ snapshot: "110:110:", xid: "110" }), false);

    const hasGoneBack = cursors.observe("120:120:");

    expect(hasGoneBack).toBe(false);
    expect(rangesOf(cursors)).toEqual(after("0@5"));
  });

  it("go back by the claim's own snapshot as well", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:105:100", xid: "105" }), true);

    cursors.advance([jobAt("0@7")], header({ snapshot: "106:106:", xid: "106" }), true);

    expect(rangesOf(cursors)).toEqual(["-32768@start..32767"]);
  });

  it("do not take the claim's own transaction for a late one", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:100:", xid: "100" }), true);

    const hasGoneBack = cursors.observe("120:120:");

    expect(hasGoneBack).toBe(false);
  });

  it("go back for each priority as far as it had come", () => {
    const cursors = new Cursors();
    cursors.advance(["0@2", "9@1"].map(jobAt), header({ snapshot: "90:90:", xid: "90" }), true);
    const late = header({ snapshot: "100:105:100", xid: "105" });
    cursors.advance(["0@6", "9@1", "4@3"].map(jobAt), late, true);

    cursors.observe("110:110:");

    expect(rangesOf(cursors).filter((range) => !range.includes("start"))).toEqual([
      "0@2..0",
      "9@1..9",
    ]);
  });

  it("have a thousand of them in mind at most", () => {
    const cursors = new Cursors();
    cursors.advance([jobAt("0@5")], header({ snapshot: "100:100:", xid: "5000" }), true);
    const firstThousand = Array.from({ length: 1_000 }, (_, place) => 100 + place);

    const hasGoneBack = cursors.observe(`100:5001:${firstThousand.join(",")}`);

    expect(hasGoneBack).toBe(false);
    expect(cursors.observe("5001:5001:")).toBe(true);
  });
});

function after(position: string): string[] {
  return ["-32768@start..-1", `${position}..0`, "1@start..32767"];
}

function second(place: number): string {
  return `2026-01-01 00:00:${String(place).padStart(2, "0")}.000000+00`;
}

function jobAt(position: string, last?: unknown): ClaimedJob {
  const [priority, place] = position.split("@").map(Number);
  const run_at = second(place ?? 0);
  return new ClaimedJob("default", 1, {
    id: idOf(typeof last === "string" ? last : String(place)),
    task: "task",
    attempt: 1,
    failures: 0,
    max_attempts: 25,
    crashes: 0,
    priority: priority ?? 0,
    run_at,
    created_at: run_at,
    correlation_id: null,
    last_error: null,
    partial_results: null,
    payload: "null",
    keys: null,
  });
}

function idOf(last: string): string {
  return `018f2d3c-0000-7000-8000-${last.padStart(12, "0")}`;
}

function header(given: Partial<ClaimHeader> = {}): ClaimHeader {
  return {
    found: 0,
    snapshot: "10:10:",
    xid: "10",
    rewinds: null,
    skipped: null,
    priorities: null,
    unknown: false,
    arrivals: false,
    horizon: null,
    limited: null,
    ...given,
  };
}

// `7-` is the time 7, before any job that fell due then.
function rangesOf(cursors: Cursors): string[] {
  return cursors.ranges().map(({ lowest, runAt, id, highest }) => {
    if (runAt === "-infinity") return `${lowest}@start..${highest}`;
    const isBeforeJobs = id === "00000000-0000-0000-0000-000000000000";
    return `${lowest}@${Number(runAt.slice(17, 19))}${isBeforeJobs ? "-" : ""}..${highest}`;
  });
}
