import { DatabaseError } from "../core/errors.ts";
import { wait } from "../core/wait.ts";
import type { Listener, ListenEvents, Statement } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { bindName } from "../db/statements.ts";
import type { PgNotification, PgResult, Preparation } from "./pg-client.ts";
import type { PgConnection } from "./pg-connection.ts";

export interface PgSubscription {
  readonly connection: PgConnection;
  readonly channel: string;
  readonly events: ListenEvents;
  readonly probeIntervalMs: number;
  readonly timeoutMs: number;
  /** Ends the connection with all that belongs to it. */
  readonly end: () => Promise<void>;
}

const probe: Statement = { name: "", text: queries["connections/probe"] };
const unprepared: Preparation = { enabled: false };

/** Subscribes a connection to a channel, and proves again and again that it still is. */
export async function listen(subscription: PgSubscription): Promise<Listener> {
  const listener = new PgListener(subscription);
  await listener.start();
  return listener;
}

class PgListener implements Listener {
  readonly #subscription: PgSubscription;
  readonly #stopped = new AbortController();
  #probing = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(subscription: PgSubscription) {
    this.#subscription = subscription;
  }

  async start(): Promise<void> {
    const { connection, channel } = this.#subscription;
    const text = bindName(queries["connections/listen"], "channel", channel);
    connection.client.on("notification", this.#onNotification);
    connection.client.on("error", this.#onLost);
    connection.client.on("end", this.#onEnd);
    try {
      await this.#run({ name: "", text }, []);
      await this.#prove();
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#probing = this.#probe();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#ended ??= this.#end();
    await this.#ended;
    await this.#probing;
  }

  async #end(): Promise<void> {
    const { connection, end } = this.#subscription;
    connection.destroy();
    await end();
    connection.client.removeListener("notification", this.#onNotification);
    connection.client.removeListener("end", this.#onEnd);
    connection.client.removeListener("error", this.#onLost);
  }

  /** A half-open connection looks like a quiet one until it is asked. */
  async #probe(): Promise<void> {
    const { signal } = this.#stopped;
    const { probeIntervalMs } = this.#subscription;
    try {
      for (;;) {
        await wait(probeIntervalMs, signal);
        if (signal.aborted) return;
        await this.#prove();
      }
    } catch (error) {
      this.#lose(error);
    }
  }

  async #prove(): Promise<void> {
    const { rows } = await this.#run(probe, [this.#subscription.channel]);
    const [row] = rows;
    if (row !== undefined && "listening" in row && row.listening === true) return;
    throw new DatabaseError(
      "PAWL_DATABASE_UNAVAILABLE",
      "expected the session to be listening, it is not: a pooler in transaction mode cannot pass notifications on",
    );
  }

  #run(statement: Statement, values: readonly string[]): Promise<PgResult> {
    const deadline = new Deadline(this.#subscription.timeoutMs);
    const { connection } = this.#subscription;
    return connection.run({ statement, values, deadline, preparation: unprepared });
  }

  #lose(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#ended ??= this.#end();
    this.#subscription.events.lost(databaseError(error));
  }

  readonly #onNotification = (message: PgNotification): void => {
    if (this.#stopped.signal.aborted || message.channel !== this.#subscription.channel) return;
    this.#subscription.events.notified();
  };

  readonly #onLost = (error: Error): void => {
    this.#lose(error);
  };

  readonly #onEnd = (): void => {
    this.#lose(new DatabaseError("PAWL_DATABASE_UNAVAILABLE", "the listening connection ended"));
  };
}
