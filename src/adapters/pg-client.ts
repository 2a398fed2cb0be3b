import type { Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import type { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { isPlanOutdated, isPreparedStatementLost } from "../db/sqlstate.ts";
import { queryBehind, type PreparedCall } from "./pg-behind.ts";

/** What Pawl uses of a `pg` client, by shape, so that no version of `pg` is imported. */
export interface PgClient {
  query(config: object): Promise<PgResult | readonly PgResult[]>;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
  on(event: "notification", listener: (message: PgNotification) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "end", listener: () => void): unknown;
  removeListener(event: "notification", listener: (message: PgNotification) => void): unknown;
  end(): Promise<void>;
  /** The backend's process id, as told at the start of the connection. */
  readonly processID?: number | null;
  /** The status of the last ReadyForQuery message: I (idle), T (in a transaction) or E (in a failed one). */
  getTransactionStatus?(): string | null;
}

export interface PgNotification {
  readonly channel: string;
  readonly payload?: string | undefined;
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

/** Whether a database's statements are prepared; undefined until the first of them finds out. */
export interface Preparation {
  enabled: boolean | undefined;
}

export interface PgCall {
  readonly statement: Statement;
  readonly values: readonly Value[];
  readonly deadline: Deadline;
  readonly preparation: Preparation;
  /** What travels in front of it. */
  readonly ahead?: PreparedCall | undefined;
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
  const { statement, values, deadline, preparation, ahead } = call;
  const query = { text: statement.text, values: [...values], types: portTypes };
  try {
    if (statement.name === "") return await send(client, query, { deadline, ahead });
    preparation.enabled ??= await isDirect(client, deadline);
    const named = preparation.enabled ? { ...query, name: statement.name } : query;
    return await send(client, named, { deadline, ahead });
  } catch (error) {
    if (isPreparedStatementLost(error) && !isPlanOutdated(error)) preparation.enabled = false;
    throw databaseError(error);
  }
}

async function send(
  client: PgClient,
  query: PgQuery,
  { deadline, ahead }: Pick<PgCall, "deadline" | "ahead">,
): Promise<PgResult> {
  const sent = ahead === undefined ? client.query(query) : queryBehind(client, ahead, query);
  const results = [await deadline.race<PgResult | readonly PgResult[]>(sent)].flat();
  return results.at(-1) ?? { command: null, rows: [] };
}

// A pooler makes process ids up, and may answer the next statement by a backend that has not prepared it.
async function isDirect(client: PgClient, deadline: Deadline): Promise<boolean> {
  if (typeof client.processID !== "number") return true;
  const text = queries["connections/backend"];
  const { rows } = await send(client, { text, values: [], types: portTypes }, { deadline });
  return Object.values(rows[0] ?? {}).includes(client.processID);
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
