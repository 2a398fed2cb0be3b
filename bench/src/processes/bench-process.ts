import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Place } from "../contenders/contender.ts";
import type { Commands } from "./commands.ts";
import type { Reply } from "./program.ts";

const program = fileURLToPath(new URL("program.js", import.meta.url));
const keptOutput = 4_000;

type Command = keyof Commands;
type Result<Name extends Command> = Awaited<ReturnType<Commands[Name]>>;

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
}

/** A process of one contender, seen from its parent. */
export class BenchProcess {
  /** How many handlers have started in it, as far as is known here. */
  executed = 0;
  /** Called when `executed` has grown. */
  onProgress: () => void = () => undefined;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #output = "";

  private constructor(environment: Readonly<Record<string, string>>) {
    this.#child = fork(program, {
      serialization: "advanced",
      execArgv: ["--expose-gc"],
      env: { ...process.env, ...environment },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.on("data", (text: Buffer) => {
      this.#output = (this.#output + text.toString()).slice(-keptOutput);
    });
    this.#child.on("message", (reply: Reply) => this.#take(reply));
    this.#ended = new Promise((resolve) => {
      this.#child.once("exit", () => {
        this.#fail(new Error(`a process has ended: ${this.#output.trim() || "it said nothing"}`));
        resolve();
      });
    });
  }

  static async open(
    name: string,
    place: Place,
    environment: Readonly<Record<string, string>>,
  ): Promise<BenchProcess> {
    const opened = new BenchProcess(environment);
    await opened.#send("open", [name, place]);
    return opened;
  }

  /** Has the process do a command; rejects when that fails or the process ends. */
  do<Name extends Command>(
    command: Name,
    ...given: Parameters<Commands[Name]>
  ): Promise<Result<Name>> {
    return this.#send(command, given) as Promise<Result<Name>>;
  }

  /** Closes the contender and ends the process. */
  async end(): Promise<void> {
    await this.do("close");
    this.#child.disconnect();
    await this.#ended;
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #send(command: string, given: unknown[]): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, command, given }, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  #take(reply: Reply): void {
    if ("executed" in reply) {
      this.executed = reply.executed;
      this.onProgress();
      return;
    }
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.result as never);
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
