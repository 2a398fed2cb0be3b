import { Deadline } from "../db/deadline.ts";
import { Places } from "./places.ts";
import type { PostgresJsConnection } from "./postgres-js-connection.ts";

const idleForMs = 10_000;

/** A bounded number of connections, made when they are needed. */
export class PostgresJsPool {
  readonly size: number;
  readonly #open: () => PostgresJsConnection;
  readonly #places: Places;
  readonly #all = new Set<PostgresJsConnection>();
  readonly #idle = new Map<PostgresJsConnection, NodeJS.Timeout>();

  constructor(size: number, open: () => PostgresJsConnection) {
    this.size = size;
    this.#open = open;
    this.#places = new Places(size);
  }

  async take(deadline: Deadline): Promise<PostgresJsConnection> {
    await this.#places.take(deadline);
    return this.#takeIdle() ?? this.#make();
  }

  /** Takes a connection back, to be used again unless it was cut. */
  give(connection: PostgresJsConnection): void {
    if (connection.isLost) this.#all.delete(connection);
    else this.#idle.set(connection, this.#endLater(connection));
    this.#places.give();
  }

  /** Ends every connection: those that are in use when they come back, or when the time is over. */
  async end(timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    const places = Array.from({ length: this.size }, () => this.#places.take(deadline));
    await Promise.allSettled(places);
    for (const timer of this.#idle.values()) clearTimeout(timer);
    await Promise.all([...this.#all].map((connection) => connection.end()));
  }

  #takeIdle(): PostgresJsConnection | undefined {
    for (const [connection, timer] of [...this.#idle].toReversed()) {
      clearTimeout(timer);
      this.#idle.delete(connection);
      if (!connection.isLost) return connection;
      this.#all.delete(connection);
    }
    return undefined;
  }

  #make(): PostgresJsConnection {
    const connection = this.#open();
    this.#all.add(connection);
    return connection;
  }

  #endLater(connection: PostgresJsConnection): NodeJS.Timeout {
    return setTimeout(() => {
      this.#idle.delete(connection);
      this.#all.delete(connection);
      connection.destroy();
    }, idleForMs);
  }
}
