// Builds dist/ from src/ and sql/, and the workspaces that are there. Quick when nothing has changed.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, rmSync } from "node:fs";
import { sep } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { buildWeb } from "./build-web.mjs";
import { repository, setup } from "./setup.mjs";

const frontEnd = `dashboard${sep}assets${sep}`;

/** Builds everything; ends the process when a step fails. */
export function build() {
  run("scripts/build-sql.mjs");
  removeOrphans("src", "dist");
  compile("tsconfig.build.json");
  makeExecutable("dist/cli/main.js");
  buildWeb();
  for (const workspace of ["demo", "bench", "faults"]) {
    if (existsSync(`${repository}${workspace}/tsconfig.json`))
      compile(`${workspace}/tsconfig.json`);
  }
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
    // The front end's files come from web/.
    if (output.startsWith(frontEnd)) continue;
    const match = /^(.+?)(\.d\.ts|\.js|\.js\.map)$/.exec(output);
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
