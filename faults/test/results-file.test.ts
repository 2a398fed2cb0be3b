import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { ResultsFile } from "../src/report/results-file.ts";

it("has what was added before, and goes on after it", () => {
  const path = join(temporaryDirectory(), "results.jsonl");

  const first = new ResultsFile<{ run: number }>(path, "3 runs");
  first.add({ run: 1 });
  first.add({ run: 3 });
  const second = new ResultsFile<{ run: number }>(path, "3 runs");
  second.add({ run: 2 });

  expect(first.earlier).toEqual([]);
  expect(second.earlier).toEqual([{ run: 1 }, { run: 3 }]);
  expect(new ResultsFile(path, "3 runs").earlier).toHaveLength(3);
});

it("refuses the results of another campaign", () => {
  const path = join(temporaryDirectory(), "results.jsonl");
  new ResultsFile(path, "3 runs").add({ run: 1 });

  expect(() => new ResultsFile(path, "4 runs")).toThrow(
    /of "4 runs, build .*", got "3 runs, build/,
  );
});

it("keeps nothing without a file", () => {
  const results = new ResultsFile(undefined, "3 runs");

  results.add({ run: 1 });

  expect(results.earlier).toEqual([]);
});
