import type { Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";
import type { Deadline } from "../db/deadline.ts";
import { queries } from "../db/sql.generated.ts";
import { isPlanOutdated, isPreparedStatementLost } from "../db/sqlstate.ts";
import type { ColumnNames } from "./column-names.ts";

/** What Pawl uses of postgres.js's `sql`, by shape, so that no version of it is imported. */
export interface PostgresJsClient {
  unsafe(text: string, values?: unknown[], options?: QueryModes): PostgresJsQuery;
  typed(value: unknown, type: number): unknown;
}

/** A query that runs when it is awaited, or `execute`d. */
export interface PostgresJsQuery extends Promise<unknown> {
  raw(): PostgresJsQuery;
  cancel(): unknown;
  /** The error after which the driver has prepared and run the statement again by itself. */
  readonly retried?: unknown;
}

interface QueryModes {
  readonly prepare: boolean;
  /** The simple protocol, in which a text may have several statements. */
  readonly simple: boolean;
}

type RawRow = readonly (Uint8Array | null)[];

interface RawResult extends ReadonlyArray<RawRow> {
  readonly columns: readonly { readonly name: string; readonly type: number }[] | null;
  readonly state?: { readonly pid?: number | null } | null;
}

/** Whether a database's statements are prepared; undefined until the first of them finds out. */
export interface Preparation {
  enabled: boolean | undefined;
}

export interface PostgresJsCall {
  readonly statement: Statement;
  readonly values: readonly Value[];
  readonly deadline: Deadline;
  readonly preparation: Preparation;
  readonly names: ColumnNames;
  /** Whether a query that is too late is cancelled on the server, since its connection is somebody else's. */
  readonly cancels?: boolean;
}

const unknownType = 705;
const boolType = 16;
const numberTypes: ReadonlySet<number> = new Set([21, 23, 700, 701]); // int2, int4, float4, float8
const simple: QueryModes = { prepare: false, simple: true };
const unprepared: QueryModes = { prepare: false, simple: false };

/** Runs one statement; of several statements in one text, the last one's result counts. */
export async function runOn(sql: PostgresJsClient, call: PostgresJsCall): Promise<object[]> {
  const { statement, preparation, names } = call;
  try {
    const result = await send(sql, call, await modesOf(sql, call));
    return rowsOf(result, names.of(statement.text));
  } catch (error) {
    if (isPreparedStatementLost(error) && !isPlanOutdated(error)) preparation.enabled = false;
    throw databaseError(error);
  }
}

async function modesOf(sql: PostgresJsClient, call: PostgresJsCall): Promise<QueryModes> {
  const { statement, values, preparation } = call;
  if (statement.name === "") return values.length === 0 ? simple : unprepared;
  preparation.enabled ??= await isDirect(sql, call);
  return { prepare: preparation.enabled, simple: false };
}

async function send(
  sql: PostgresJsClient,
  call: PostgresJsCall,
  modes: QueryModes,
): Promise<RawResult> {
  // The application's serializers would change what Pawl sends; for a type that the server has to find out there are none.
  const values = call.values.map((value) => sql.typed(value, unknownType));
  const query = sql.unsafe(call.statement.text, values, modes).raw();
  try {
    const result = lastOf(await call.deadline.race(query));
    const { retried } = query;
    if (retried !== undefined && !isPlanOutdated(retried)) call.preparation.enabled = false;
    return result;
  } catch (error) {
    if (call.cancels === true) void Promise.resolve(query.cancel()).catch(() => undefined);
    throw error;
  }
}

// A pooler makes process ids up, and may answer the next statement by a backend that has not prepared it.
async function isDirect(sql: PostgresJsClient, call: PostgresJsCall): Promise<boolean> {
  const statement = { name: "", text: queries["connections/backend"] };
  const result = await send(sql, { ...call, statement, values: [] }, simple);
  const [row = {}] = rowsOf(result, (name) => name);
  return Object.values(row).includes(result.state?.pid);
}

function lastOf(answer: unknown): RawResult {
  const result = answer as RawResult | readonly RawResult[]; // what the driver gives for raw()
  if ("columns" in result) return result;
  return result.at(-1) ?? Object.assign([], { columns: [] });
}

function rowsOf(result: RawResult, nameOf: (shown: string) => string): object[] {
  const columns = result.columns ?? [];
  const names = columns.map(({ name }) => nameOf(name));
  return result.map((row): object =>
    Object.fromEntries<Value>(
      row.map((cell, at) => [names[at] ?? "", valueOf(cell, columns[at]?.type)]),
    ),
  );
}

function valueOf(cell: Uint8Array | null, type: number | undefined): Value {
  if (cell === null) return null;
  const text = Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString();
  if (type === boolType) return text === "t";
  return type !== undefined && numberTypes.has(type) ? Number(text) : text;
}
