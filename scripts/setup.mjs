// Makes sure that the repository can be built: the right Node, and the packages of the lock file.
// Node built-ins only: this runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const oldestNode = [20, 19];

/** The folder of the repository, with a trailing slash. */
export const repository = fileURLToPath(new URL("..", import.meta.url));

/** Checks the Node version, and installs the packages when they are missing or older than the lock file. */
export function setup() {
  checkNode();
  const reason = installReason();
  if (reason === undefined) return;
  console.error(`Installing packages with npm ci: ${reason}`);
  install();
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestNode;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  fail(
    `Pawl needs Node ${oldestNode.join(".")} or newer, and this is Node ${process.versions.node}. ` +
      "Install a newer one (https://nodejs.org) and run the command again.",
  );
}

function installReason() {
  // npm writes this file last, so it exists only after a complete installation.
  const installed = `${repository}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return "node_modules is missing or incomplete";
  const lock = statSync(`${repository}package-lock.json`);
  if (lock.mtimeMs > statSync(installed).mtimeMs) return "package-lock.json is newer";
  return undefined;
}

function install() {
  const arguments_ = ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
  // Inside `npm run`, this is the npm that the user called; it may not be the first one in the PATH.
  const npm = process.env.npm_execpath;
  const [command, given] = npm?.endsWith(".js")
    ? [process.execPath, [npm, ...arguments_]]
    : ["npm", arguments_];
  // What npm prints goes to stderr: stdout belongs to the command that was asked for.
  const { status, error } = spawnSync(command, given, {
    cwd: repository,
    stdio: ["ignore", process.stderr, process.stderr],
  });
  if (error) fail(`npm could not be started (${error.message}). Install npm and try again.`);
  if (status !== 0) fail("npm ci failed; its output above says why.");
}

/**
 * Ends the process with a message.
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  console.error(message);
  process.exit(1);
}
