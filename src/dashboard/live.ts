import { DashboardError } from "../core/errors.ts";
import type { Overview, Tick } from "./api.ts";
import { eventStream, type Send } from "./event-stream.ts";
import { failureOf } from "./failures.ts";
import { overviewMs } from "./shared-overview.ts";

const mostWatchers = 500;

/** Sends the overview to whoever watches, every two seconds; all share one timer, and there is none while nobody does. */
export class Live {
  readonly #readOverview: () => Promise<Overview>;
  readonly #watchers = new Set<Send>();
  #timer: NodeJS.Timeout | undefined;
  #isReading = false;

  constructor(readOverview: () => Promise<Overview>) {
    this.#readOverview = readOverview;
  }

  /** How many watch. */
  get watching(): number {
    return this.#watchers.size;
  }

  /** The answer to `GET api/live`; it ends when the request does. Throws `DashboardError` when too many watch already. */
  open(signal: AbortSignal): Response {
    if (this.#watchers.size >= mostWatchers) {
      const message = `expected at most ${mostWatchers} that watch at once, got one more; close a tab`;
      throw new DashboardError("PAWL_DASHBOARD_BUSY", message);
    }
    return eventStream(signal, (send) => {
      this.#watchers.add(send);
      void this.#describe().then((text) => {
        if (this.#watchers.has(send)) send(text);
        this.#schedule();
      });
      return () => {
        this.#watchers.delete(send);
        if (this.#watchers.size === 0) this.#rest();
      };
    });
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#isReading || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => void this.#tick(), overviewMs).unref();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #tick(): Promise<void> {
    this.#timer = undefined;
    this.#isReading = true;
    const text = await this.#describe();
    this.#isReading = false;
    for (const send of this.#watchers) send(text);
    this.#schedule();
  }

  // Never rejects: that the database is away is news as well.
  async #describe(): Promise<string> {
    try {
      const tick: Tick = { overview: await this.#readOverview() };
      return `event: tick\ndata: ${JSON.stringify(tick)}\n\n`;
    } catch (error) {
      const trouble = failureOf(error).error;
      return `event: trouble\ndata: ${JSON.stringify(trouble)}\n\n`;
    }
  }
}
