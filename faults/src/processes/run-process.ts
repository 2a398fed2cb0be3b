import { fork, type ChildProcess } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Assignment, Message } from "./assignment.ts";

const program = fileURLToPath(new URL("program.js", import.meta.url));

// So that a job can exhaust it soon.
const heapMb = 64;

/** How a process has ended. */
export interface Exit {
  readonly pid: number;
  readonly role: Assignment["role"];
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process of a run, seen from its runner. */
export class RunProcess {
  readonly assignment: Assignment;
  readonly pid: number;
  readonly ended: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #said = new Set<Message>();
  #onMessage: () => void = () => undefined;
  #exit: Exit | undefined;
  #isToldToEnd = false;

  constructor(assignment: Assignment, directory: string) {
    this.assignment = assignment;
    const log = openSync(join(directory, `${assignment.role}.log`), "a");
    this.#child = fork(program, [JSON.stringify(assignment)], {
      execArgv: [`--max-old-space-size=${heapMb}`],
      stdio: ["ignore", log, log, "ipc"],
    });
    closeSync(log);
    this.pid = this.#child.pid ?? 0;
    this.#child.on("message", (message) => {
      this.#said.add(message as Message); // the program's own
      this.#onMessage();
    });
    this.#child.on("error", () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => {
        this.#exit = { pid: this.pid, role: assignment.role, code, signal };
        this.#onMessage();
        resolve(this.#exit);
      });
    });
  }

  /** Whether its end is the runner's doing, or meant by its assignment. */
  get isMeantToEnd(): boolean {
    return this.#isToldToEnd || this.assignment.diesIn !== undefined;
  }

  get isAlive(): boolean {
    return this.#exit === undefined;
  }

  /** Resolves when it has said so, or has ended. */
  async says(message: Message): Promise<void> {
    while (!this.#said.has(message) && this.isAlive) {
      await new Promise<void>((resolve) => {
        const before = this.#onMessage;
        this.#onMessage = () => {
          before();
          resolve();
        };
      });
    }
  }

  /** Tells it to go on. */
  goOn(): void {
    if (this.isAlive) this.#child.send("go on", () => undefined);
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.isAlive) return;
    if (signal !== "SIGSTOP" && signal !== "SIGCONT") this.#isToldToEnd = true;
    this.#child.kill(signal);
  }
}
