// Runs the demo after all of its set-up; arguments are passed on: `npm run demo -- --files 500 --json`.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { build } from "./build.mjs";
import { repository, setup } from "./setup.mjs";

setup();
build();

// In the caller's directory, so that a relative --dir means what the caller sees. In a process group of its own, so that
// a Ctrl-C, which the terminal sends to the whole group, comes to the demo once: from here.
const child = spawn(
  process.execPath,
  [`${repository}demo/dist/main.js`, ...process.argv.slice(2)],
  {
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
  },
);

// npm passes on the Ctrl-C that the terminal has sent here already. The demo takes a second one as "at once".
const echoMs = 300;
let lastSignalAt = -Infinity;
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
  process.on(signal, () => {
    const isEcho = performance.now() - lastSignalAt < echoMs;
    lastSignalAt = performance.now();
    if (!isEcho) child.kill(signal);
  });
}
child.on("exit", (status, signal) => {
  process.exitCode = signal === null ? (status ?? 1) : 128 + constants.signals[signal];
});
