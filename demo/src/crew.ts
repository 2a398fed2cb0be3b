import { WorkerProcess, type WorkerProcessOptions } from "./worker-process.ts";

/** The worker processes of a run. */
export class Crew {
  readonly #options: Omit<WorkerProcessOptions, "name">;
  readonly #workers: WorkerProcess[] = [];

  constructor(options: Omit<WorkerProcessOptions, "name">) {
    this.#options = options;
  }

  /** Those that run, the oldest first. */
  get running(): readonly WorkerProcess[] {
    return this.#workers.filter((worker) => worker.isRunning);
  }

  /** Starts one more worker; resolves when it claims jobs. */
  async add(): Promise<WorkerProcess> {
    const name = `worker-${this.#workers.length + 1}`;
    const worker = new WorkerProcess({ ...this.#options, name });
    this.#workers.push(worker);
    await worker.started();
    return worker;
  }

  /** Throws when a worker has ended that nobody has ended. */
  assertRunning(): void {
    for (const worker of this.#workers) worker.assertRunning();
  }

  async stop(): Promise<void> {
    await Promise.all(this.running.map((worker) => worker.stop()));
  }

  async kill(): Promise<void> {
    await Promise.all(this.running.map((worker) => worker.kill()));
  }
}
