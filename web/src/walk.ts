import type { Page } from "../../src/dashboard/api.ts";
import { ApiError, asApiError } from "./api.ts";

/** An answer to one step of a search. */
export interface Step<Row> extends Page {
  readonly rows: readonly Row[];
}

/** How far a search has come. */
export interface Found<Row> {
  readonly rows: readonly Row[];
  /** Where the next page begins; null when there is none. */
  readonly next: string | null;
  readonly examined: number;
  readonly state: "searching" | "stopped" | "done";
  readonly error: ApiError | undefined;
}

/** Asks for at most `limit` rows behind `after`. */
export type AskStep<Row> = (
  after: string | undefined,
  limit: number,
  signal: AbortSignal,
) => Promise<Step<Row>>;

const pageSize = 50;
const cheapRows = 1_000;

/** A search for one page, which asks on where an answer was cut, until the page is full or everything was looked at. */
export class Walk<Row> {
  readonly #ask: AskStep<Row>;
  readonly #tell: (found: Found<Row>) => void;
  readonly #start: string | undefined;
  #running: AbortController | undefined;
  #known: Found<Row> = { rows: [], next: null, examined: 0, state: "done", error: undefined };
  #steps = 0;

  constructor(start: string | undefined, ask: AskStep<Row>, tell: (found: Found<Row>) => void) {
    this.#start = start;
    this.#ask = ask;
    this.#tell = tell;
  }

  /** Whether it is cheap enough to be done again and again. */
  get isShort(): boolean {
    return this.#running === undefined && this.#steps <= 1 && this.#known.examined <= cheapRows;
  }

  /** Begins at the beginning. What was found before is told until there is something else. */
  begin(): void {
    this.#known = { ...this.#known, rows: [], examined: 0, next: null };
    this.#steps = 0;
    void this.#run(this.#start);
  }

  /** Goes on where it was stopped. */
  goOn(): void {
    if (this.#known.state === "stopped") void this.#run(this.#known.next ?? this.#start);
  }

  /** After a failure: goes on where it came to, or begins anew. */
  tryAgain(): void {
    if (this.#known.next === null) this.begin();
    else this.goOn();
  }

  /** Stops; what was found stays. */
  stop(): void {
    this.end();
    this.#update({ state: "stopped" });
  }

  /** Stops for good. */
  end(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  async #run(from: string | undefined): Promise<void> {
    this.end();
    const running = new AbortController();
    this.#running = running;
    let after = from;
    for (;;) {
      const wanted = pageSize - this.#known.rows.length;
      const step: Step<Row> | ApiError = await this.#ask(after, wanted, running.signal).catch(
        asApiError,
      );
      if (running.signal.aborted) return;
      this.#steps += 1;
      if (step instanceof ApiError) {
        this.#fail(step);
        return;
      }
      const rows = [...this.#known.rows, ...step.rows];
      const goesOn = step.isCut && step.next !== null && rows.length < pageSize;
      if (!goesOn) this.#running = undefined;
      this.#update({
        rows,
        next: step.next,
        examined: this.#known.examined + step.examined,
        state: goesOn ? "searching" : "done",
        error: undefined,
      });
      if (!goesOn) return;
      after = step.next;
    }
  }

  #fail(error: ApiError): void {
    this.#running = undefined;
    this.#update({ error, state: this.#known.next === null ? "done" : "stopped" });
  }

  #update(changed: Partial<Found<Row>>): void {
    this.#known = { ...this.#known, ...changed };
    this.#tell(this.#known);
  }
}
