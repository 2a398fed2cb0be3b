import { wait } from "../core/wait.ts";
import type { Tick } from "./api.ts";
import type { ReadOverview } from "./context.ts";
import { eventStream, type Send } from "./event-stream.ts";
import { failureOf } from "./failures.ts";
import { overviewMs } from "./shared-overview.ts";

/** Sends the overview to whoever watches, every two seconds; all share one timer, and there is none while nobody does. */
export class Live {
  readonly #readOverview: ReadOverview;
  readonly #watchers = new Set<Send>();
  #running: AbortController | undefined;

  constructor(readOverview: ReadOverview) {
    this.#readOverview = readOverview;
  }

  /** How many watch. */
  get watching(): number {
    return this.#watchers.size;
  }

  /** The answer to `GET api/live`; it ends when the request does. */
  open(request: Request): Response {
    return eventStream(request, (send) => {
      this.#add(send);
      return () => {
        this.#remove(send);
      };
    });
  }

  #add(send: Send): void {
    this.#watchers.add(send);
    void this.#describe().then(send);
    if (this.#running !== undefined) return;
    this.#running = new AbortController();
    void this.#run(this.#running.signal);
  }

  #remove(send: Send): void {
    this.#watchers.delete(send);
    if (this.#watchers.size > 0) return;
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (;;) {
      await wait(overviewMs, signal);
      if (signal.aborted) return;
      const text = await this.#describe();
      for (const send of this.#watchers) send(text);
    }
  }

  // Never rejects: that the database is away is news as well.
  async #describe(): Promise<string> {
    try {
      const tick: Tick = { overview: await this.#readOverview() };
      return `event: tick\ndata: ${JSON.stringify(tick)}\n\n`;
    } catch (error) {
      const { code, message } = failureOf(error).error;
      return `event: trouble\ndata: ${JSON.stringify({ code, message })}\n\n`;
    }
  }
}
