import { describe, expect, it } from "vitest";
import { check } from "../src/checker/check.ts";
import type { Invariant } from "../src/checker/evidence.ts";
import { other, producer, Story, worker } from "./evidence.ts";

function drained(story: Story): Story {
  return story.says({ kind: "drained" });
}

function invariantsOf(story: Story): Invariant[] {
  return [...new Set(check(story.evidence()).violations.map(({ invariant }) => invariant))];
}

it("finds nothing wrong with runs in which nothing is", () => {
  const story = new Story()
    .whole(1)
    .enqueued(2)
    .claimed(2)
    .started(2)
    .says({ kind: "killed", victim: worker.pid })
    .settled(2, { final: false, outcome: "crashed", claimNumber: null })
    .claimed(2, other)
    .started(2, other, 2)
    .wrote(2, 2)
    .ended(2, other, 2)
    .settled(2)
    .exited({ code: null, signal: "SIGKILL" });

  const verdict = check(drained(story).evidence());

  expect(verdict.violations).toEqual([]);
  expect(verdict).toMatchObject({ executions: 3, faultsInjected: 1 });
  expect(verdict.recoveriesMs).toHaveLength(1);
  expect(verdict.totals).toMatchObject({ attempted: 2, acknowledged: 2, ok: 2, recovered: 0 });
});

it("counts an enqueue of which nobody knew as recovered when its job is there", () => {
  const story = new Story().whole(2).wanted(1).says({ kind: "attempted", n: 1 });
  story.says({ kind: "unknown", n: 1, code: "PAWL_DATABASE_UNAVAILABLE" });
  story.claimed(1).started(1).wrote(1).ended(1).settled(1);

  expect(check(drained(story).evidence())).toMatchObject({
    violations: [],
    totals: { acknowledged: 1, recovered: 1 },
  });
});

const effect = { isTransactional: true };
const serial = { concurrencyKey: "key", concurrencyLimit: 1 };
const keyed = { options: { concurrency: { key: "key", limit: 1 } } };
const limited = { options: { rateLimit: { key: "tight", weight: 3 } } };

describe("finds", () => {
  it.each<[Invariant, string, Story]>([
    [
      "lost",
      "an acknowledged job that is nowhere",
      new Story()
        .wanted(1)
        .says({ kind: "attempted", n: 1 })
        .says({ kind: "acknowledged", n: 1, id: "job-1", outcome: "created" }),
    ],
    [
      "unexpected",
      "a job that nobody enqueued",
      new Story().wanted(1).claimed(1).started(1).wrote(1).ended(1).settled(1),
    ],
    [
      "unexpected",
      "a job whose transaction was rolled back",
      new Story()
        .wanted(1)
        .says({ kind: "attempted", n: 1 })
        .says({ kind: "refused", n: 1, code: "rolled back" })
        .claimed(1)
        .started(1)
        .wrote(1)
        .ended(1)
        .settled(1),
    ],
    [
      "enqueued twice",
      "one enqueue that made two jobs",
      new Story()
        .whole(1)
        .settled(1, { id: "job-1b", claimNumber: null, workerId: null, outcome: "cancelled" }),
    ],
    [
      "missing effect",
      "a job that succeeded and left nothing",
      new Story().enqueued(1).claimed(1).started(1).ended(1).settled(1),
    ],
    [
      "duplicated effect",
      "a transactional job that left two rows",
      new Story().wanted(1, effect).whole(1).wrote(1),
    ],
    [
      "duplicated effect",
      "a transactional job that failed and left a row",
      new Story()
        .wanted(1, effect)
        .enqueued(1)
        .claimed(1)
        .started(1)
        .wrote(1)
        .ended(1)
        .settled(1, { outcome: "failed" }),
    ],
    [
      "duplicated effect",
      "a transactional job that has not ended and left a row",
      new Story().wanted(1, effect).enqueued(1).claimed(1).started(1).wrote(1),
    ],
    [
      "stale settle",
      "a settle by another claim than the job had",
      new Story()
        .enqueued(1)
        .claimed(1)
        .started(1)
        .wrote(1)
        .ended(1)
        .settled(1, { claimNumber: "7" }),
    ],
    [
      "stale settle",
      "a settle of an attempt whose handler still ran",
      new Story().enqueued(1).claimed(1).started(1).wrote(1).settled(1).wait(100).ended(1),
    ],
    [
      "stale settle",
      "a rescue of what another worker had",
      new Story()
        .enqueued(1)
        .claimed(1)
        .settled(1, { outcome: "crashed", claimNumber: null, workerId: other.id }),
    ],
    [
      "attempts",
      "two rows for one attempt",
      new Story()
        .whole(1)
        .settled(1, { final: false, attempt: 1, claimNumber: null, workerId: null }),
    ],
    ["attempts", "a job that ran after its end", new Story().whole(1).started(1, other, 2)],
    [
      "attempts",
      "a job that succeeded without a handler",
      new Story().enqueued(1).claimed(1).wrote(1).settled(1, { outcome: "succeeded" }),
    ],
    [
      "too many failures",
      "a job that failed more often than it may",
      new Story()
        .wanted(1, { options: { maxAttempts: 1 } })
        .enqueued(1)
        .claimed(1)
        .started(1)
        .ended(1)
        .settled(1, { final: false, outcome: "failed" })
        .claimed(1)
        .started(1, worker, 2)
        .ended(1, worker, 2)
        .settled(1, { outcome: "failed" }),
    ],
    [
      "illegal move",
      "a claim of what another worker had",
      new Story().enqueued(1).claimed(1).claimed(1, other),
    ],
    [
      "illegal move",
      "a claim that was no new attempt",
      new Story().enqueued(1).claimed(1, worker, { attempt: 0 }),
    ],
    [
      "illegal move",
      "a claim token that came twice",
      new Story()
        .enqueued(1)
        .claimed(1)
        .started(1)
        .ended(1)
        .settled(1, { final: false, outcome: "failed" })
        .claimed(1, worker, { claimNumber: "1" }),
    ],
    [
      "claimed too many",
      "a claim of more than was asked for",
      new Story().says({ kind: "claimed", count: 3, atMost: 2 }),
    ],
    [
      "false death",
      "a crash of a worker that was told to stop",
      new Story()
        .says({ kind: "session", workerId: worker.id }, worker)
        .enqueued(1)
        .claimed(1)
        .says({ kind: "told to stop", victim: worker.pid })
        .settled(1, { final: false, outcome: "crashed", claimNumber: null })
        .exited(),
    ],
    [
      "concurrency limit",
      "two lanes at once of a key of one",
      new Story()
        .enqueued(1, serial)
        .enqueued(2, serial)
        .claimed(1, worker, { lane: 1 })
        .claimed(2, other, { lane: 2 }),
    ],
    [
      "concurrency limit",
      "two handlers at once of a key of one",
      new Story().wanted(1, keyed).wanted(2, keyed).whole(3).started(1).started(2, other),
    ],
    [
      "order",
      "a job of a key of one before an older one",
      new Story()
        .wanted(1, { options: { concurrency: { key: "key", limit: 1 } } })
        .wanted(2, { options: { concurrency: { key: "key", limit: 1 } } })
        .enqueued(1, serial)
        .enqueued(2, serial)
        .claimed(2)
        .started(2)
        .wrote(2)
        .ended(2)
        .settled(2)
        .claimed(1)
        .started(1),
    ],
    [
      "rate limit",
      "more starts in a window than the capacity",
      new Story()
        .wanted(1, limited)
        .wanted(2, limited)
        .opened("tight")
        .enqueued(1)
        .claimed(1)
        .started(1)
        .enqueued(2)
        .claimed(2)
        .started(2),
    ],
    ["left over", "a session that was not closed", leftOver(new Story(), "session: select 1")],
    [
      "unhandled",
      "a rejection that nobody took",
      new Story().says({ kind: "unhandled", message: "unhandledRejection: Error" }, worker),
    ],
    ["exit", "a worker that did not end well", new Story().exited({ code: 1 })],
    [
      "exit",
      "a worker that was killed, and not by a job that does so",
      new Story().whole(1).exited({ code: null, signal: "SIGABRT" }),
    ],
    ["nothing shown", "a run in which no enqueue was acknowledged", new Story()],
    [
      "pending",
      "an enqueue that was never answered",
      new Story().wanted(1).says({ kind: "attempted", n: 1 }, producer),
    ],
    [
      "readiness",
      "a worker that says it is ready in an outage",
      new Story()
        .says({ kind: "ready", isReady: true }, worker)
        .says({ kind: "outage" })
        .wait(5_000)
        .says({ kind: "restored" })
        .says({ kind: "session", workerId: worker.id }, worker),
    ],
    [
      "readiness",
      "a worker that does not get ready again",
      new Story()
        .says({ kind: "ready", isReady: true }, worker)
        .says({ kind: "outage" })
        .says({ kind: "ready", isReady: false }, worker)
        .says({ kind: "restored" })
        .says({ kind: "at rest", zombies: [] })
        .says({ kind: "closed" }, worker),
    ],
    [
      "zombie",
      "a worker that lives on although it was taken for dead",
      new Story().says({ kind: "at rest", zombies: [worker.pid] }),
    ],
  ])("%s: %s", (invariant, _what, story) => {
    expect(invariantsOf(drained(story))).toContain(invariant);
  });

  it.each([
    ["a job that is still there", new Story().enqueued(1).left(1, "ready")],
    ["jobs that have all ended, after the time they had", new Story().whole(1)],
  ])("not drained: %s", (_what, story) => {
    expect(invariantsOf(story)).toContain("not drained");
  });
});

function leftOver(story: Story, what: string): Story {
  story.leftOver.push(what);
  return story;
}
