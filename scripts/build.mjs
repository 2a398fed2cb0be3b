// Builds dist/ from src/ and sql/, and the workspaces that are there. Quick when nothing has changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { sep } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { repository, setup } from "./setup.mjs";

/** Builds everything; ends the process when a step fails. */
export function build() {
  run("scripts/build-sql.mjs");
  removeOrphans("src", "dist");
  compile("tsconfig.build.json");
  makeExecutable("dist/cli/main.js");
  for (const workspace of ["demo", "bench", "faults"]) {
    if (existsSync(`${repository}${workspace}/tsconfig.json`))
      compile(`${workspace}/tsconfig.json`);
  }
  buildDashboard();
}

// Beside what the compiler makes of src/dashboard.
function buildDashboard() {
  const assets = `${repository}dist/dashboard/assets`;
  const stamp = `${repository}dist/dashboard/.source`;
  const source = hashOfDashboard();
  if (existsSync(assets) && existsSync(stamp) && readFileSync(stamp, "utf8") === source) return;
  rmSync(assets, { recursive: true, force: true });
  run("node_modules/vite/bin/vite.js", ["build", "web", "--config", "web/vite.config.ts"]);
  writeFileSync(stamp, source);
}

// Of what the front end is made of, and of the versions of what it is made with.
function hashOfDashboard() {
  const hash = createHash("sha256");
  const sources = readdirSync(`${repository}web/src`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => `${parentPath}${sep}${name}`)
    .sort();
  const others = ["index.html", "vite.config.ts", "tsconfig.json", "package.json"];
  for (const path of [...sources, ...others.map((name) => `${repository}web/${name}`)]) {
    hash.update(path.slice(repository.length)).update("\0").update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** @param {string} project */
function compile(project) {
  run("node_modules/typescript/bin/tsc", ["-p", project]);
}

/**
 * @param {string} script
 * @param {string[]} given
 */
function run(script, given = []) {
  const { status } = spawnSync(process.execPath, [script, ...given], {
    cwd: repository,
    stdio: ["ignore", process.stderr, process.stderr],
  });
  if (status === 0) return;
  console.error(`The build failed at: node ${[script, ...given].join(" ")}`);
  process.exit(1);
}

/**
 * The compiler leaves the output of a source file that was renamed or removed; tests and the published package would
 * go on using it.
 * @param {string} sources
 * @param {string} outputs
 */
function removeOrphans(sources, outputs) {
  if (!existsSync(`${repository}${outputs}`)) return;
  for (const output of readdirSync(`${repository}${outputs}`, {
    recursive: true,
    encoding: "utf8",
  })) {
    const match = /^(.+?)(\.d\.ts|\.js|\.js\.map)$/.exec(output);
    // The front end's, which Vite has made.
    if (output.startsWith(`dashboard${sep}assets`)) continue;
    if (match === null || existsSync(`${repository}${sources}${sep}${match[1]}.ts`)) continue;
    rmSync(`${repository}${outputs}${sep}${output}`);
  }
}

/** @param {string} file */
function makeExecutable(file) {
  if (existsSync(`${repository}${file}`)) chmodSync(`${repository}${file}`, 0o755);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  setup();
  build();
}
