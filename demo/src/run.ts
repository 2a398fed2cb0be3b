import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Pawl } from "pawl";
import { crashOneWorker, type Crash } from "./crash.ts";
import { Crew } from "./crew.ts";
import { DashboardProcess } from "./dashboard-process.ts";
import { openDemoDatabase, type DemoDatabase } from "./demo-database.ts";
import { UsageError, type DemoOptions } from "./demo-options.ts";
import { indexFile } from "./index-file.ts";
import { listFiles } from "./list-files.ts";
import { prove } from "./proof.ts";
import type { Screen } from "./screen.ts";
import type { Summary } from "./summary.ts";
import { Tables } from "./tables.ts";
import { handlerPauseMs, workerSettings } from "./worker-settings.ts";

/** What the person at the terminal wants of a run that is under way. */
export interface RunSignals {
  /** Ends it gracefully. */
  readonly stop: AbortSignal;
  /** Ends its workers at once. */
  readonly hurry: AbortSignal;
}

const lookEveryMs = 50;
const stallLimitMs = 60_000;

/** Who watches a run. */
export interface Audience {
  readonly screen: Screen;
  readonly signals: RunSignals;
  /** Told what came out, while everything is still there. */
  readonly show: (summary: Summary) => void;
}

/** Runs the demo from the first file to the proof, and removes what it has made, however it ends. */
export async function runDemo(
  options: DemoOptions,
  { screen, signals, show }: Audience,
): Promise<Summary> {
  const database = await openDemoDatabase();
  let dashboard: DashboardProcess | undefined;
  try {
    signals.stop.throwIfAborted();
    screen.step(`Database: ${database.description}`);
    const files = await findFiles(options, database, signals.stop);
    screen.step(`Files: ${files.length.toLocaleString("en")} below ${options.directory}`);
    const pawl = new Pawl({ database: database.pool, schema: database.schema });
    await pawl.migrate();
    if (options.dashboard) dashboard = await DashboardProcess.start(database);
    if (dashboard !== undefined) screen.step(`Dashboard: ${dashboard.link}`);
    const { directory } = options;
    const summary = await indexFiles(files, database, { pawl, screen, signals, directory });
    show(summary);
    if (dashboard !== undefined) {
      screen.step("The dashboard stays until Ctrl-C, which removes everything.");
      if (!signals.stop.aborted) await once(signals.stop, "abort");
    }
    return summary;
  } finally {
    await dashboard?.stop();
    await database.close();
  }
}

interface Circumstances {
  readonly pawl: Pawl;
  readonly screen: Screen;
  readonly signals: RunSignals;
  readonly directory: string;
}

async function findFiles(
  { directory, files: limit }: DemoOptions,
  { dataDirectory }: DemoDatabase,
  signal: AbortSignal,
): Promise<string[]> {
  const without = dataDirectory === undefined ? [] : [dataDirectory];
  const files = await listFiles(directory, { limit, without, signal });
  if (files.length > 0) return files;
  throw new UsageError(`expected files that can be read below ${directory}, found none`);
}

async function indexFiles(
  files: readonly string[],
  { url, pool, schema }: DemoDatabase,
  { pawl, screen, signals, directory }: Circumstances,
): Promise<Summary> {
  const tables = new Tables(pool, schema);
  const crew = new Crew({ url, schema, pauseMs: handlerPauseMs(files.length) });
  signals.hurry.addEventListener("abort", () => void crew.kill());
  try {
    await tables.create();
    await Promise.all(Array.from({ length: workerSettings.processes }, () => crew.add()));
    screen.step(`Workers: ${crew.running.map(({ name }) => name).join(" and ")}, a process each`);
    const jobs = await enqueue(files, pawl, tables);
    screen.step(`Jobs: ${jobs.toLocaleString("en")} enqueued in one transaction`);
    const startedAt = performance.now();
    const crash = await watch(jobs, { crew, tables, screen, signal: signals.stop });
    const seconds = (performance.now() - startedAt) / 1_000;
    await crew.stop();
    const figures = await tables.figures();
    if (figures.rerunJobs === 0) throw new Error("none of the killed worker's jobs ran again");
    const rescuedAt = await tables.rescuedAt(crash.workerId);
    screen.step("Proof: reading every file again");
    return {
      directory,
      files: files.length,
      jobs,
      ...figures,
      crash,
      rescueSeconds: rescuedAt === null ? null : (rescuedAt.getTime() - crash.at.getTime()) / 1_000,
      seconds,
      proof: await prove(files, await tables.rows(), signals.stop),
    };
  } finally {
    await crew.stop();
    await pawl.close();
  }
}

async function enqueue(files: readonly string[], pawl: Pawl, tables: Tables): Promise<number> {
  const requests = files.map((path, number) => indexFile.job({ path, number }));
  const enqueued = await tables.transaction((db) => pawl.enqueueMany(requests, { db }));
  return enqueued.length;
}

// Until every job is done; half-way, one worker is killed.
async function watch(
  jobs: number,
  run: { crew: Crew; tables: Tables; screen: Screen; signal: AbortSignal },
): Promise<Crash> {
  const { crew, tables, screen, signal } = run;
  const assertProgress = makeStallCheck();
  let crash: Crash | undefined;
  for (;;) {
    signal.throwIfAborted();
    crew.assertRunning();
    const { indexed, live } = await tables.progress();
    screen.progress(indexed, jobs);
    if (crash !== undefined && live === 0) return crash;
    assertProgress(`${indexed} files indexed, ${live} jobs left`);
    if (crash === undefined && indexed >= Math.floor(jobs / 2)) {
      crash = await crashOneWorker(crew, tables, signal);
      screen.warn(describeCrash(crash));
    }
    await sleep(lookEveryMs);
  }
}

function makeStallCheck(): (state: string) => void {
  let before = "";
  let changedAt = performance.now();
  return (state) => {
    if (state !== before) changedAt = performance.now();
    before = state;
    if (performance.now() - changedAt < stallLimitMs) return;
    throw new Error(`nothing has happened for ${stallLimitMs / 1_000} s: ${state}`);
  };
}

function describeCrash({ workerName, heldJobs }: Crash): string {
  return `Killed ${workerName} (SIGKILL) while it held ${heldJobs} jobs, and started a new one`;
}
