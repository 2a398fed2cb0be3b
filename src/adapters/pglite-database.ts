import { ClosedError } from "../core/errors.ts";
import type {
  Database,
  Listener,
  ListenEvents,
  Queryable,
  QueryOptions,
  Statement,
  Value,
} from "../db/database.ts";
import { Deadline } from "../db/deadline.ts";
import { CallbackTransaction } from "./callback-transaction.ts";
import type { PgliteLike } from "./pglite-client.ts";
import { PgliteGuard } from "./pglite-guard.ts";
import { joinTransaction } from "./pglite-join.ts";
import { sessionOf, type KnownIsolation, type PgliteSession } from "./pglite-session.ts";

/** The port on the one session of a PGlite, which belongs to the application. */
export class PgliteDatabase implements Database {
  readonly maxConnections = 1;
  readonly #client: PgliteLike;
  readonly #session: PgliteSession;
  readonly #timeoutMs: number;
  readonly #isolation: KnownIsolation = {};
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(client: PgliteLike, timeoutMs: number) {
    this.#client = client;
    this.#session = sessionOf(client);
    this.#timeoutMs = timeoutMs;
  }

  async query<R extends object>(
    statement: Statement,
    values: readonly Value[] = [],
    options: QueryOptions = {},
  ): Promise<readonly R[]> {
    this.#assertNotClosed();
    const deadline = new Deadline(options.timeoutMs ?? this.#timeoutMs);
    const running = this.#session.run({ statement, values, isolation: this.#isolation }, deadline);
    return (await this.#noting(running)) as readonly R[]; // the statement's author knows its columns
  }

  async begin(): Promise<CallbackTransaction> {
    this.#assertNotClosed();
    const hold = await this.#noting(this.#session.begin(new Deadline(this.#timeoutMs)));
    const session = {
      run: (statement: Statement, values: readonly Value[], deadline: Deadline) =>
        deadline.race(hold.run(statement, values)),
      commit: () => hold.commit(),
      rollback: () => hold.rollback(),
      leave: () => {
        hold.leave();
      },
      cut: () => {
        hold.cut();
      },
      enter: <T>(work: () => T) => hold.enter(work),
    };
    return new CallbackTransaction(session, new PgliteGuard(hold.client), this.#timeoutMs);
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const tx = await this.begin();
    try {
      const result = await work(tx);
      await tx.commit();
      return result;
    } catch (error) {
      await tx.rollback();
      throw error;
    }
  }

  /** There is no other session to be had: it is the same one, closed apart. */
  dedicated(): PgliteDatabase {
    return new PgliteDatabase(this.#client, this.#timeoutMs);
  }

  join(db: unknown): Queryable {
    return joinTransaction(db, { types: this.#session.types, timeoutMs: this.#timeoutMs });
  }

  /** PGlite counts who listens to a channel of its session, which ends with PGlite only. */
  async listen(channel: string, events: ListenEvents): Promise<Listener> {
    this.#assertNotClosed();
    const client = this.#client;
    const quoted = `"${channel.replaceAll('"', '""')}"`;
    const counted = (): void => undefined;
    const exclusively = (work: () => Promise<unknown>): Promise<unknown> =>
      this.#noting(this.#session.runExclusively(work, new Deadline(this.#timeoutMs)));
    await exclusively(() => client.listen(quoted, counted));
    // PGlite's own callbacks do not hear of a channel with a quote in its name.
    let stopHearing: (() => void) | undefined = client.onNotification((from, payload) => {
      if (from === channel) events.notified(payload);
    });
    return {
      async close() {
        if (stopHearing === undefined) return;
        stopHearing();
        stopHearing = undefined;
        // A session that goes on listening harms nobody.
        await exclusively(() => client.unlisten(quoted, counted)).catch(() => undefined);
      },
    };
  }

  threadConnection(): undefined {
    return undefined;
  }

  /** Waits for what it runs; the session is the application's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  #noting<T>(running: Promise<T>): Promise<T> {
    this.#running.add(running);
    const forget = (): void => {
      this.#running.delete(running);
    };
    running.then(forget, forget);
    return running;
  }

  #assertNotClosed(): void {
    if (!this.#isClosed) return;
    throw new ClosedError("expected an open database, got one that was closed with `close()`");
  }
}
