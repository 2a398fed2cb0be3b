import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path/posix";
import * as exported from "pawl";
import { defineTask, LocalQueue, Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { page, repository, tableRows } from "./markdown.ts";
import { membersOf } from "./sources.ts";

interface Row {
  readonly original: string;
  readonly names: readonly string[];
  readonly difference: string;
  readonly test: { readonly title: string; readonly path: string } | undefined;
}

const path = "docs/seeds.md";
const rows = tableRows(page(path).text).map(toRow);
const task = defineTask({ name: "task", run: () => undefined });
const pawl = new Pawl({ database: "postgres://localhost/nowhere", tasks: [task] }); // connects when it is used
const things: Record<string, object> = {
  pawl,
  worker: pawl.worker(),
  queue: new LocalQueue(pawl, "somebody"),
};
const exportedTypes = new Set(
  readFileSync(`${repository}src/index.ts`, "utf8").match(/\b[A-Z]\w+/g),
);
const optionsOf: Record<string, readonly [string, string]> = {
  "pawl.enqueue": ["src/core/enqueue-options.ts", "EnqueueOptions"],
  "pawl.worker": ["src/worker/worker-options.ts", "WorkerOptions"],
  "pawl.workOnce": ["src/worker/worker-options.ts", "WorkerOptions"],
  "pawl.jobs.claim": ["src/core/manual-claims.ts", "ClaimOptions"],
  "pawl.jobs.complete": ["src/core/manual-claims.ts", "SettleOptions"],
  "pawl.jobs.fail": ["src/core/manual-claims.ts", "SettleOptions"],
  "pawl.jobs.reportPartialSuccess": ["src/core/manual-claims.ts", "SettleOptions"],
  "pawl.jobs.reschedule": ["src/client/jobs.ts", "RescheduleOptions"],
  "pawl.history.replay": ["src/history/replay-options.ts", "ReplayOptions"],
  "pawl.rateLimits.register": ["src/client/rate-limits.ts", "RateLimitRegistration"],
  "pawl.maintenance.resetLockedJobs": ["src/maintenance/maintenance.ts", "ResetLockedJobsOptions"],
  "pawl.maintenance.pruneTasks": ["src/maintenance/maintenance.ts", "PruneTasksOptions"],
  defineTask: ["src/core/task.ts", "TaskOptions"],
  "new Pawl": ["src/pawl-options.ts", "PawlOptions"],
  "new LocalQueue": ["src/worker/local-queue.ts", "LocalQueueOptions"],
};
// Of interfaces that extend another, and of parameters that are spelt out.
const moreOptions: Record<string, readonly string[]> = {
  "pawl.jobs.claim": membersOf("src/core/claim-options.ts", "ClaimFilter"),
  "new LocalQueue": membersOf("src/core/claim-options.ts", "ClaimFilter"),
  "queue.take": ["signal"],
  "queue.stop": ["release"],
};

function toRow([original = "", ours = "", difference = "", link = ""]: string[]): Row {
  const [, title, target] = /^\[(.+)\]\(([^)#]+)\)$/.exec(link) ?? [];
  const names = [...ours.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => name ?? []);
  const test =
    title === undefined || target === undefined ? undefined : { title, path: join("docs", target) };
  return { original, names, difference, test };
}

/** What is wrong with a name as the table writes it; nothing when it exists. */
function problemWith(name: string): string | undefined {
  const [, called = "", given] = /^((?:new )?[\w.]+)(?:\((.*)\))?$/.exec(name) ?? [];
  if (called === "") return `${name} is no name`;
  if (!exists(called, given !== undefined)) return `there is no ${called}`;
  const wanted = [...(/\{([^}]*)\}/.exec(given ?? "")?.[1] ?? "").matchAll(/\w+/g)].map(String);
  const known = knownOptions(called);
  const unknown = wanted.filter((option) => !known.includes(option));
  return unknown.length === 0 ? undefined : `${called} takes no ${unknown.join(", ")}`;
}

function exists(called: string, isCall: boolean): boolean {
  const [root = "", ...members] = called.replace(/^new /, "").split(".");
  const thing = things[root];
  if (thing === undefined) return members.length === 0 && isExported(root);
  let found: unknown = thing;
  for (const member of members) {
    if (typeof found !== "object" || found === null || !(member in found)) return false;
    found = found[member as never];
  }
  return members.length > 0 && (!isCall || typeof found === "function");
}

function isExported(name: string): boolean {
  return name in exported || exportedTypes.has(name);
}

function knownOptions(called: string): readonly string[] {
  const [file, name] = optionsOf[called] ?? [];
  const own = file === undefined || name === undefined ? [] : membersOf(file, name);
  return [...own, ...(moreOptions[called] ?? [])];
}

/** Whether a test file has a test, or a group of tests, of this title. */
function hasTest({ title, path: file }: { title: string; path: string }): boolean {
  if (!existsSync(`${repository}${file}`)) return false;
  const text = readFileSync(`${repository}${file}`, "utf8");
  return ["it", "describe"].some((call) => text.includes(`\n${call}(${JSON.stringify(title)}, `));
}

describe("the page of the four systems", () => {
  it("has a row for each function", () => {
    expect(rows).toHaveLength(54);
  });

  it.each(rows)("names what exists: $original", ({ names }) => {
    expect(names).not.toEqual([]);
    expect(names.map(problemWith).filter(Boolean)).toEqual([]);
  });

  it.each(rows)("links a test that exists: $original", ({ test, difference }) => {
    expect(difference).toMatch(/\.$/);
    expect(test).toBeDefined();
    expect(test !== undefined && hasTest(test)).toBe(true);
  });

  it("would notice names and tests that do not exist", () => {
    const wrong = ["pawl.jobs.vanish()", "pawl.worker({ threads })", "Nothing", "queue.depth()"];

    expect(wrong.map(problemWith)).toEqual([
      "there is no pawl.jobs.vanish",
      "pawl.worker takes no threads",
      "there is no Nothing",
      "there is no queue.depth",
    ]);
    expect(hasTest({ title: "nothing", path: "test/seeds/byplay.test.ts" })).toBe(false);
  });

  it("links tests that use nothing but the public API", () => {
    const paths = [...new Set(rows.map(({ test }) => test?.path ?? ""))];
    const inner = paths.filter((file) =>
      readFileSync(`${repository}${file}`, "utf8").includes('from "#pawl'),
    );

    expect(inner).toEqual([]);
  });
});
