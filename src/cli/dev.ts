import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { dirname, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmbeddedPostgres } from "../embedded/postgres.ts";
import { Pawl } from "../pawl.ts";
import { serveDashboard } from "./dashboard.ts";
import { exitStatus } from "./exit-status.ts";
import { integerOf } from "./inputs.ts";
import { fileOf } from "./load-tasks.ts";
import { print, say } from "./terminal.ts";

/** What `pawl dev` takes. */
export interface DevOptions {
  readonly tasks?: string;
  readonly data: string;
  readonly port?: string;
  readonly concurrency?: string;
}

const program = fileURLToPath(new URL("main.js", import.meta.url));
// Editors write a file in several steps.
const settleMs = 200;
const ignored = new Set(["node_modules", ".git", "dist"]);

/** Runs a database and a worker until SIGINT or SIGTERM; the worker starts anew when a file beside its tasks changes. */
export async function dev(options: DevOptions): Promise<number> {
  const tasks = resolve(fileOf(options.tasks));
  const dataDirectory = resolve(options.data);
  const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const server = await startEmbeddedPostgres({
    dataDirectory,
    ...(options.port !== undefined && { port: integerOf("--port", options.port) }),
  });
  const worker = new RestartedWorker(server.url, tasks, options);
  const watcher = watch(dirname(tasks), { recursive: true }, (_, name) => {
    if (name !== null && isSource(name, dirname(tasks), dataDirectory)) worker.restartSoon();
  });
  const pawl = new Pawl({ database: server.url });
  try {
    await pawl.migrate();
    const dashboard = await serveDashboard(pawl, { host: "127.0.0.1", port: 0 });
    print(`DATABASE_URL=${server.url}`);
    print(`DASHBOARD_URL=${dashboard.link}`);
    say(`pawl dev: PostgreSQL ${server.version} with its data in ${options.data}`);
    worker.start();
    await stopped;
    dashboard.close();
    return exitStatus.ok;
  } finally {
    watcher.close();
    await worker.stop();
    await pawl.close();
    await server.stop();
  }
}

function isSource(name: string, folder: string, dataDirectory: string): boolean {
  const path = resolve(folder, name);
  const isData = path === dataDirectory || path.startsWith(dataDirectory + sep);
  return !isData && !name.split(sep).some((part) => ignored.has(part));
}

/** A worker process of its own: a module that has been loaded cannot be loaded anew. */
class RestartedWorker {
  readonly #url: string;
  readonly #tasks: string;
  readonly #options: DevOptions;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(url: string, tasks: string, options: DevOptions) {
    this.#url = url;
    this.#tasks = tasks;
    this.#options = options;
  }

  start(): void {
    if (this.#isStopped) return;
    const { concurrency } = this.#options;
    const given = concurrency === undefined ? [] : ["--concurrency", concurrency];
    // Its connection string is no secret: the server trusts whoever connects from this machine.
    const child = spawn(process.execPath, [program, "work", "--tasks", this.#tasks, ...given], {
      env: { ...process.env, DATABASE_URL: this.#url },
      stdio: ["ignore", "inherit", "inherit"],
      // A Ctrl-C reaches the worker by us.
      detached: true,
    });
    this.#child = child;
    child.once("exit", (status) => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (status !== 0) say("pawl dev: the worker has ended; it starts anew when a file changes");
    });
  }

  restartSoon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#turn = this.#turn.then(async () => {
        if (this.#isStopped) return;
        say("pawl dev: a file has changed, the worker starts anew");
        await this.#end();
        this.start();
      });
    }, settleMs);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#turn;
    await this.#end();
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
}
