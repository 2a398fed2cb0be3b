import type { Range } from "../store/claims.ts";

const shareOfTime = 0.05;
const atOnceMs = 20;

interface Stretch {
  readonly queue: string;
  readonly ranges: readonly Range[];
}

/** What cursors have passed and is to be scanned again, a little at a time, and for no more than 5 % of it. */
export class PassedStretches {
  #left: readonly Stretch[] = [];
  #nextAt = 0;

  /** Adds the stretches of a queue, unless some of its are left. */
  add(queue: string, stretches: readonly (readonly Range[])[]): void {
    if (this.#left.some((stretch) => stretch.queue === queue)) return;
    this.#left = [...this.#left, ...stretches.map((ranges) => ({ queue, ranges }))];
  }

  clear(): void {
    this.#left = [];
  }

  /** Has the next ones scanned, when it is time; `scan` resolves with whether a stretch may hold more. */
  async visit(scan: (stretch: Stretch) => Promise<boolean>): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#nextAt) return;
    let now = startedAt;
    while (now - startedAt < atOnceMs) {
      const [stretch] = this.#left;
      if (stretch === undefined || (await scan(stretch))) break;
      this.#left = this.#left.filter((each) => each !== stretch);
      now = performance.now();
    }
    this.#nextAt = now + (now - startedAt) / shareOfTime;
  }
}
