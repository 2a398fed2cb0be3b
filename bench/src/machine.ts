import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, release, tmpdir, totalmem, type } from "node:os";
import { join } from "node:path";
import { spreadOf } from "./report/ratios.ts";
import type { Machine } from "./result.ts";
import type { Servers } from "./servers/servers.ts";

const require = createRequire(import.meta.url);
const syncs = 200;
const pageBytes = 8_192;

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    fsyncMs: medianSyncMs(),
  };
}

export function describeVersions({ postgres, redis }: Servers): Record<string, string> {
  const packages = ["pawl", "graphile-worker", "pg-boss", "bullmq", "pg"];
  return {
    node: process.versions.node,
    postgres: postgres.version,
    ...(redis === undefined ? {} : { redis: redis.version }),
    ...Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
  };
}

function versionOf(name: string): string {
  for (const path of require.resolve.paths(name) ?? []) {
    try {
      return (require(join(path, name, "package.json")) as { version: string }).version;
    } catch {
      // It may be in a folder further up.
    }
  }
  throw new Error(`expected the package ${name} to be installed`);
}

// In the folder for temporary files, where the servers of the benchmark have their data.
function medianSyncMs(): number {
  const file = join(tmpdir(), `pawl-bench-sync-${process.pid}`);
  const descriptor = openSync(file, "w");
  try {
    const times = Array.from({ length: syncs }, () => {
      const startedAt = performance.now();
      writeSync(descriptor, Buffer.alloc(pageBytes), 0, pageBytes, 0);
      fdatasyncSync(descriptor);
      return performance.now() - startedAt;
    });
    return spreadOf(times).median;
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
}
