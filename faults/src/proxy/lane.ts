import type { Socket } from "node:net";

/** One direction of a connection: what is sent arrives late, in the order in which it was sent. */
export class Lane {
  readonly #to: Socket;
  readonly #waiting: { readonly bytes: Buffer; readonly at: number }[] = [];

  constructor(to: Socket) {
    this.#to = to;
  }

  /** Between half of the latency and all of it, in milliseconds. */
  send(bytes: Buffer, latencyMs: number): void {
    if (latencyMs === 0 && this.#waiting.length === 0) {
      this.#to.write(bytes);
      return;
    }
    this.#waiting.push({ bytes, at: performance.now() + latencyMs * (0.5 + Math.random() / 2) });
    if (this.#waiting.length === 1) this.#sendNext();
  }

  /** What is sent from here on waits for so long, in milliseconds. */
  hold(ms: number): void {
    this.#waiting.push({ bytes: Buffer.alloc(0), at: performance.now() + ms });
    if (this.#waiting.length === 1) this.#sendNext();
  }

  #sendNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    setTimeout(
      () => {
        this.#to.write(next.bytes);
        this.#waiting.shift();
        this.#sendNext();
      },
      Math.max(0, next.at - performance.now()),
    );
  }
}
