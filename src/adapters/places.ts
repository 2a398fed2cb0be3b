import type { Deadline } from "../db/deadline.ts";

/** A bounded number of places, given out in the order in which they are asked for. */
export class Places {
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Waits for a place until the deadline, and keeps none when that has passed. */
  async take(deadline: Deadline): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    let isTooLate = false;
    const turn = new Promise<void>((resolve) => {
      this.#waiting.push(() => {
        if (isTooLate) this.give();
        else resolve();
      });
    });
    try {
      await deadline.race(turn);
    } catch (error) {
      isTooLate = true;
      // The place may have come in the same moment.
      void turn.then(() => {
        this.give();
      });
      throw error;
    }
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
