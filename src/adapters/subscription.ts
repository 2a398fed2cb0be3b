import { DatabaseError } from "../core/errors.ts";
import { wait } from "../core/wait.ts";
import type { Listener, ListenEvents, Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import { queries } from "../db/sql.generated.ts";
import { bindName } from "../db/statements.ts";

/** The session that listens, whichever driver it is of. */
export interface ListeningSession {
  run(statement: Statement, values: readonly Value[]): Promise<readonly object[]>;
  /** Ends the connection with all that belongs to it. */
  end(): Promise<void>;
}

const probe: Statement = { name: "", text: queries["connections/probe"] };
const probeIntervalMs = 5_000;

/** A session that is subscribed to a channel, and proves again and again that it still is. */
export class Subscription implements Listener {
  readonly #session: ListeningSession;
  readonly #channel: string;
  readonly #events: ListenEvents;
  readonly #stopped = new AbortController();
  #probing = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(session: ListeningSession, channel: string, events: ListenEvents) {
    this.#session = session;
    this.#channel = channel;
    this.#events = events;
  }

  async start(): Promise<void> {
    const text = bindName(queries["connections/listen"], "channel", this.#channel);
    try {
      await this.#session.run({ name: "", text }, []);
      await this.#prove();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#probing = this.#probe();
  }

  /** A notification has come on a channel of the session. */
  notify(channel: string, payload: string): void {
    if (this.#stopped.signal.aborted || channel !== this.#channel) return;
    this.#events.notified(payload);
  }

  /** The session has ended by itself. */
  lose(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#ended ??= this.#session.end();
    this.#events.lost(databaseError(error));
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#ended ??= this.#session.end();
    await this.#ended;
    await this.#probing;
  }

  /** A half-open connection looks like a quiet one until it is asked. */
  async #probe(): Promise<void> {
    const { signal } = this.#stopped;
    try {
      for (;;) {
        await wait(probeIntervalMs, signal);
        if (signal.aborted) return;
        await this.#prove();
      }
    } catch (error) {
      this.lose(error);
    }
  }

  async #prove(): Promise<void> {
    const [row] = await this.#session.run(probe, [this.#channel]);
    if (row !== undefined && "listening" in row && row.listening === true) return;
    throw new DatabaseError(
      "PAWL_DATABASE_UNAVAILABLE",
      "expected the session to be listening, it is not: a pooler in transaction mode cannot pass notifications on",
    );
  }
}
