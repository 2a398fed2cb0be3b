import type {
  Database,
  Queryable,
  QueryOptions,
  Statement,
  Transaction,
  Value,
} from "#pawl/db/database";

type Rows = readonly object[];

/** One statement on its way to the database. */
export interface Call {
  readonly text: string;
  readonly values: readonly Value[];
}

/** Stands between Pawl and the database; `run` sends the statement on. */
export type Intercept = (call: Call, run: () => Promise<Rows>) => Promise<Rows>;

/** A database of which every statement, of transactions and of dedicated connections too, passes through `intercept`. */
export function intercepted(database: Database, intercept: Intercept): Database {
  return {
    ...queryable(database, intercept),
    maxConnections: database.maxConnections,
    begin: async () => interceptedTransaction(await database.begin(), intercept),
    transaction: (work) => database.transaction((tx) => work(queryable(tx, intercept))),
    dedicated: (maxConnections) => intercepted(database.dedicated(maxConnections), intercept),
    join: (db) => queryable(database.join(db), intercept),
    listen: (channel, events) => database.listen(channel, events),
    threadConnection: () => database.threadConnection(),
    close: () => database.close(),
  };
}

/** Keeps the text of every statement that is sent. */
export function recorder(): { readonly texts: string[]; readonly intercept: Intercept } {
  const texts: string[] = [];
  return {
    texts,
    intercept: ({ text }, run) => {
      texts.push(text);
      return run();
    },
  };
}

function interceptedTransaction(tx: Transaction, intercept: Intercept): Transaction {
  return {
    ...queryable(tx, intercept),
    handle: tx.handle,
    get misuse() {
      return tx.misuse;
    },
    revoke: () => tx.revoke(),
    commit: async () => {
      await intercept({ text: "commit", values: [] }, async () => {
        await tx.commit();
        return [];
      });
    },
    rollback: () => tx.rollback(),
    destroy: () => tx.destroy(),
  };
}

function queryable(target: Queryable, intercept: Intercept): Queryable {
  return {
    query: async <R extends object>(
      statement: Statement,
      values: readonly Value[] = [],
      options?: QueryOptions,
    ) => {
      const run = (): Promise<Rows> => target.query(statement, values, options);
      return (await intercept({ text: statement.text, values }, run)) as readonly R[]; // as it came, or as the test made it
    },
  };
}
