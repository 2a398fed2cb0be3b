const everyMs = 200;

/** How far long work has come, on a line of the terminal that is written over; nothing where no person looks. */
export class Progress {
  readonly #what: string;
  readonly #total: number | undefined;
  #shownAt = performance.now();
  #isShown = false;

  /** Without `total` it only counts. */
  constructor(what: string, total?: number) {
    this.#what = what;
    this.#total = total;
  }

  show(done: number): void {
    if (!process.stderr.isTTY || performance.now() - this.#shownAt < everyMs) return;
    this.#shownAt = performance.now();
    this.#isShown = true;
    const of = this.#total === undefined ? "" : ` of ${this.#total}`;
    process.stderr.write(`\r\u001b[K${this.#what}: ${done}${of}`);
  }

  end(): void {
    if (this.#isShown) process.stderr.write("\r\u001b[K");
  }
}
