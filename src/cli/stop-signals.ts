import { constants } from "node:os";
import type { Worker } from "../index.ts";
import { exitStatus } from "./exit-status.ts";

type StopSignal = "SIGTERM" | "SIGINT";

// npx passes on the Ctrl-C that the terminal has sent here already; that is not a second one.
const echoMs = 300;
// How long a worker that was told twice may take to give its jobs back.
const hurryMs = 3_000;

/**
 * Starts a worker and resolves with the exit status when it has ended. The first SIGTERM or SIGINT stops it gracefully, the
 * second at once.
 */
export async function runUntilStopped(
  worker: Worker,
  say: (what: string) => void,
): Promise<number> {
  let status: number = exitStatus.ok;
  let count = 0;
  let lastAt = -Infinity;
  const onSignal = (signal: StopSignal): void => {
    const isEcho = performance.now() - lastAt < echoMs;
    lastAt = performance.now();
    if (isEcho) return;
    count += 1;
    if (count === 1) {
      say(
        `${signal}: stopping, with ${worker.health().running} running; signal again to stop at once`,
      );
      void worker.stop();
      return;
    }
    status = 128 + constants.signals[signal];
    if (count > 2) process.exit(status);
    void worker.stop({ grace: 0 });
    setTimeout(() => process.exit(status), hurryMs);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  await worker.start();
  await worker.finished;
  // A worker that nobody stopped gave up: whoever watches the process should know.
  return count === 0 ? exitStatus.failure : status;
}
