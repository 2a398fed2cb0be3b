import { once } from "node:events";
import type { Pawl, QueueInfo, RecentOutcomes, WorkerInfo } from "../index.ts";
import { describeTarget, type ConnectionOptions } from "./connection.ts";
import { exitStatus } from "./exit-status.ts";
import { countText, countUpTo } from "./lists.ts";
import { withPawl } from "./session.ts";
import { harmless, painted, print } from "./terminal.ts";
import { fromNow } from "./times.ts";

/** What `pawl status` takes. */
export interface StatusOptions extends ConnectionOptions {
  readonly json?: boolean;
  readonly watch?: boolean;
}

interface Overview {
  readonly queues: readonly QueueInfo[];
  readonly workers: readonly WorkerInfo[];
  readonly lastMinute: RecentOutcomes;
  readonly problems: readonly string[];
}

const watchEveryMs = 2_000;
const clearScreen = "\u001b[2J\u001b[H";
/** What has been ready for longer is told. */
const longMs = 60_000;

/** Prints what waits, who works, how the last minute went, and what needs a look; again and again with `watch`. */
export async function status(options: StatusOptions): Promise<number> {
  return withPawl(options, async (pawl) => {
    const stopped = new AbortController();
    const interrupted = once(process, "SIGINT", { signal: stopped.signal }).catch(() => undefined);
    try {
      for (;;) {
        show(await overviewOf(pawl), options);
        if (!options.watch) return exitStatus.ok;
        const isOver = await Promise.race([interrupted.then(() => true), pause(watchEveryMs)]);
        if (isOver) return exitStatus.ok;
      }
    } finally {
      stopped.abort();
    }
  });
}

async function overviewOf(pawl: Pawl): Promise<Overview> {
  const [queues, workers, lastMinute, tasks] = await Promise.all([
    pawl.queues.list({ upTo: countUpTo }),
    pawl.workers.list(),
    pawl.history.recent({ within: "1m" }),
    pawl.tasks.paused(),
  ]);
  const paused = tasks.map((name) => `The task ${name} is paused: pawl resume --task ${name}`);
  return { queues, workers, lastMinute, problems: [...problemsOf(queues, workers), ...paused] };
}

function problemsOf(queues: readonly QueueInfo[], workers: readonly WorkerInfo[]): string[] {
  const now = Date.now();
  const alive = workers.filter(({ isAlive }) => isAlive);
  const waiting = queues.filter(({ counts }) => counts.ready + counts.blocked > 0);
  return [
    ...waiting
      .filter(({ name }) => !alive.some((worker) => worker.queues?.includes(name) ?? true))
      .map(({ name }) => `No living worker takes the queue ${name}, in which jobs wait.`),
    ...queues
      .filter(({ paused }) => paused)
      .map(({ name }) => `The queue ${name} is paused: pawl resume --queue ${name}`),
    ...waiting
      .filter(({ paused, oldestReadyAt }) => !paused && now - Number(oldestReadyAt ?? now) > longMs)
      .map(({ name, oldestReadyAt }) => {
        const since = fromNow(oldestReadyAt, now);
        return `The oldest ready job of the queue ${name} could have run ${since}: see pawl jobs list --queue ${name}`;
      }),
    ...workers
      .filter(({ isAlive }) => !isAlive)
      .map(
        ({ name, heartbeatAt }) =>
          `The worker ${name} was last heard ${fromNow(heartbeatAt, now)}.`,
      ),
  ];
}

function show(overview: Overview, options: StatusOptions): void {
  if (options.json) {
    print(JSON.stringify(overview, null, options.watch ? 0 : 2));
    return;
  }
  if (options.watch && process.stdout.isTTY) process.stdout.write(clearScreen);
  for (const line of linesOf(overview, describeTarget(options))) print(harmless(line));
  for (const problem of overview.problems) print(`${painted("yellow", "!")} ${harmless(problem)}`);
  if (options.watch && !process.stdout.isTTY) print("");
}

function linesOf({ queues, workers, lastMinute }: Overview, target: string): string[] {
  const states = ["ready", "blocked", "scheduled", "running"] as const;
  const totals = states.map((state) => {
    const counts = queues.map(({ counts }) => counts[state]);
    const isCut = counts.some((count) => count >= countUpTo);
    const total = counts.reduce((sum, count) => sum + count, 0);
    return `${total}${isCut ? "+" : ""} ${state}`;
  });
  const alive = workers.filter(({ isAlive }) => isAlive);
  const slots = alive.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const ended = lastMinute.counts.map(({ outcome, final, count }) =>
    final ? `${countText(count)} ${outcome}` : `${countText(count)} ${outcome}, to go on`,
  );
  return [
    target,
    `jobs         ${totals.join(", ")}, in ${queues.length} ${queues.length === 1 ? "queue" : "queues"}`,
    `workers      ${alive.length} alive, ${slots} handlers at once`,
    `last minute  ${ended.length === 0 ? "nothing has ended" : ended.join("; ")}${lastMinute.isCut ? "; and more" : ""}`,
  ];
}

function pause(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(false);
    }, ms);
  });
}
