import { describe, expect, it } from "vitest";
import { check } from "../src/checker/check.ts";
import { other, Story, worker } from "./evidence.ts";

const keyed = { options: { concurrency: { key: "key", limit: 1 } } };

describe("a handler of a worker that is cut off, beside another one of its key", () => {
  it.each<[string, number, number]>([
    ["is too many while its lease must still be kept", 400, 1],
    ["is what cannot be helped when its lease may have ended", 600, 0],
  ])("%s", (_, afterMs, count) => {
    const story = new Story().wanted(1, keyed).wanted(2, keyed).whole(3).started(1);
    story.says({ kind: "cut off", victim: worker.pid }).wait(afterMs).started(2, other);

    const { violations } = check(story.evidence());

    const found = violations.filter(({ invariant }) => invariant === "concurrency limit");
    expect(found).toHaveLength(count);
  });
});
