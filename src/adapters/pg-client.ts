import type { Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import type { Deadline } from "../db/deadline.ts";
import { isPlanOutdated, isPreparedStatementLost } from "../db/sqlstate.ts";

/** What Pawl uses of a `pg` client, by shape, so that no version of `pg` is imported. */
export interface PgClient {
  query(config: PgQuery): Promise<PgResult | readonly PgResult[]>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "notification", listener: (message: PgNotification) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "end", listener: () => void): unknown;
  removeListener(event: "notification", listener: (message: PgNotification) => void): unknown;
  end(): Promise<void>;
  /** The status of the last ReadyForQuery message: I (idle), T (in a transaction) or E (in a failed one). */
  getTransactionStatus?(): string | null;
}

export interface PgNotification {
  readonly channel: string;
}

interface PgQuery {
  readonly name?: string;
  readonly text: string;
  readonly values: Value[];
  readonly types: typeof portTypes;
}

export interface PgResult {
  readonly command: string | null;
  readonly rows: readonly object[];
}

/** Whether a database's statements are prepared: turned off for good where the server loses them. */
export interface Preparation {
  enabled: boolean;
}

export interface PgCall {
  readonly statement: Statement;
  readonly values: readonly Value[];
  readonly deadline: Deadline;
  readonly preparation: Preparation;
}

const boolType = 16;
const numberTypes: ReadonlySet<number> = new Set([21, 23, 700, 701]); // int2, int4, float4, float8

// Given with every query, because an application's global type parsers would change what Pawl reads.
const portTypes = {
  getTypeParser(type: number): (text: string) => string | number | boolean {
    if (type === boolType) return (text) => text === "t";
    return numberTypes.has(type) ? Number : (text) => text;
  },
};

/** Runs one statement on a client; of several statements in one text, the last one's result counts. */
export async function runOn(client: PgClient, call: PgCall): Promise<PgResult> {
  const { statement, values, deadline, preparation } = call;
  const isNamed = preparation.enabled && statement.name !== "";
  const query = { text: statement.text, values: [...values], types: portTypes };
  try {
    const pending = client.query(isNamed ? { ...query, name: statement.name } : query);
    const results = [await deadline.race(pending)].flat();
    return results.at(-1) ?? { command: null, rows: [] };
  } catch (error) {
    if (isPreparedStatementLost(error) && !isPlanOutdated(error)) preparation.enabled = false;
    throw databaseError(error);
  }
}

/** Whether the client is known to have no open transaction; false when the driver does not say. */
export function isOutsideTransaction(client: PgClient): boolean {
  if (client.getTransactionStatus === undefined) return false;
  const status = client.getTransactionStatus();
  return status !== "T" && status !== "E";
}

/** For 'error' events: what they say comes back with the next query as well, and nobody else may be listening. */
export function ignoreErrorEvent(): void {
  // Without a listener, Node ends the process.
}
