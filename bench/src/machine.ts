import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
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
    "pawl build": buildOf("pawl"),
  };
}

function versionOf(name: string): string {
  return (require(join(folderOf(name), "package.json")) as { version: string }).version;
}

/** What tells one build from another of the same version. */
function buildOf(name: string): string {
  const dist = join(folderOf(name), "dist");
  const hash = createHash("sha256");
  for (const file of readdirSync(dist, { recursive: true, encoding: "utf8" }).sort()) {
    if (file.endsWith(".js")) hash.update(file).update(readFileSync(join(dist, file)));
  }
  return hash.digest("hex").slice(0, 12);
}

function folderOf(name: string): string {
  const folders = (require.resolve.paths(name) ?? []).map((path) => join(path, name));
  // It may be in a folder further up.
  const found = folders.find((folder) => existsSync(join(folder, "package.json")));
  if (found === undefined) throw new Error(`expected the package ${name} to be installed`);
  return found;
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
