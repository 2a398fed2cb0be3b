import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { within } from "./within.ts";

export interface WorkerProcessOptions {
  readonly name: string;
  readonly url: string;
  readonly schema: string;
  readonly pauseMs: number;
}

const program = fileURLToPath(new URL("worker.js", import.meta.url));
const startLimitMs = 30_000;
const stopLimitMs = 15_000;
const keptOutput = 2_000;

/** A worker process, seen from its parent. */
export class WorkerProcess {
  readonly name: string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  readonly #started: Promise<void>;
  #workerId: string | undefined;
  #hasEnded = false;
  #isToEnd = false;
  #output = "";

  constructor({ name, url, schema, pauseMs }: WorkerProcessOptions) {
    this.name = name;
    this.#child = fork(program, [schema, name, String(pauseMs)], {
      env: { ...process.env, DATABASE_URL: url },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.#output = (this.#output + text.toString()).slice(-keptOutput);
    });
    this.ended = new Promise((resolve) => {
      this.#child.once("close", () => {
        this.#hasEnded = true;
        resolve();
      });
    });
    this.#started = new Promise((resolve) => {
      this.#child.on("message", (message: { workerId: string }) => {
        this.#workerId = message.workerId;
        resolve();
      });
    });
  }

  /** The id under which it claims jobs now. */
  get workerId(): string {
    return this.#workerId ?? "";
  }

  get isRunning(): boolean {
    return !this.#hasEnded;
  }

  /** Resolves when it claims jobs; rejects when it ends before. */
  async started(): Promise<void> {
    await within(startLimitMs, Promise.race([this.#started, this.ended]), `${this.name} to start`);
    this.assertRunning();
  }

  /** Throws when the process has ended by itself, with what it said last. */
  assertRunning(): void {
    if (!this.#hasEnded || this.#isToEnd) return;
    throw new Error(`${this.name} ended by itself: ${this.#output.trim() || "it said nothing"}`);
  }

  /** Kills the process; resolves when it is gone. */
  kill(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill("SIGKILL");
    return this.ended;
  }

  /** Ends the process gracefully, or by force when it takes too long. */
  async stop(): Promise<void> {
    this.#isToEnd = true;
    this.#child.kill("SIGTERM");
    try {
      await within(stopLimitMs, this.ended, `${this.name} to stop`);
    } catch {
      await this.kill();
    }
  }
}
