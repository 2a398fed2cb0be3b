// Builds the dashboard's front end from web/ into dist/dashboard, where the handler reads it. Nothing when nothing has changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { repository } from "./setup.mjs";

const output = `${repository}dist/dashboard/`;
// Says what the output was built from.
const note = `${output}built-from.txt`;
// Types that the front end shares with the server.
const shared = ["src/dashboard/api.ts", "src/core/states.ts", "package-lock.json"];

/** Builds the front end; ends the process when that fails. */
export function buildWeb() {
  if (!existsSync(`${repository}web/index.html`)) return;
  const source = hashOfSources();
  if (existsSync(note) && readFileSync(note, "utf8") === source) return;
  for (const old of ["assets", "index.html", "built-from.txt"]) {
    rmSync(output + old, { recursive: true, force: true });
  }
  run("node_modules/typescript/bin/tsc", ["-p", "web/tsconfig.json"]);
  run("node_modules/vite/bin/vite.js", ["build", "web", "--logLevel", "warn"]);
  mkdirSync(output, { recursive: true });
  writeFileSync(note, source);
}

function hashOfSources() {
  const hash = createHash("sha256");
  const own = readdirSync(`${repository}web`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("node_modules"))
    .map((entry) => `${entry.parentPath}/${entry.name}`)
    .sort();
  for (const file of [...own, ...shared.map((path) => repository + path)]) {
    hash.update(file.slice(repository.length)).update("\0").update(readFileSync(file)).update("\0");
  }
  return `${hash.digest("hex")}\n`;
}

/**
 * @param {string} script
 * @param {string[]} given
 */
function run(script, given) {
  const { status } = spawnSync(process.execPath, [script, ...given], {
    cwd: repository,
    stdio: ["ignore", process.stderr, process.stderr],
  });
  if (status === 0) return;
  console.error(`The build failed at: node ${[script, ...given].join(" ")}`);
  process.exit(1);
}
