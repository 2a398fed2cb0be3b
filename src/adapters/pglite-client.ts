import type { Statement, Value } from "../db/database.ts";
import { databaseError } from "../db/database-error.ts";

/** What Pawl uses of PGlite inside and outside a transaction, by shape, so that no version of it is imported. */
export interface PgliteClient {
  query(text: string, values: unknown[], options: object): Promise<PgliteResult>;
  exec(text: string, options: object): Promise<readonly PgliteResult[]>;
}

export interface PgliteResult {
  readonly rows: readonly object[];
}

/** An open transaction of PGlite. */
export interface PgliteTransactionClient extends PgliteClient {
  readonly closed: boolean;
}

/** What the application has made with `new PGlite()`. */
export interface PgliteLike extends PgliteClient {
  readonly waitReady: Promise<void>;
  /** How values of each type are read; those of arrays are known once it is ready. */
  readonly parsers: object;
  /** How values of each type are sent. */
  readonly serializers: object;
  transaction<T>(callback: (tx: PgliteTransactionClient) => Promise<T>): Promise<T>;
  listen(channel: string, callback: (payload: string) => void): Promise<unknown>;
  unlisten(channel: string, callback: (payload: string) => void): Promise<void>;
  onNotification(callback: (channel: string, payload: string) => void): () => void;
}

/** How the port reads and sends values, whatever the application has set. */
export interface PgliteTypes {
  readonly parsers: Readonly<Record<string, (text: string) => Value>>;
  readonly serializers: Readonly<Record<string, (value: unknown) => string>>;
}

const boolType = "16";
const numberTypes: readonly string[] = ["21", "23", "700", "701"]; // int2, int4, float4, float8

/** Takes the place of every parser and serializer of a PGlite that is ready. */
export function portTypes({ parsers, serializers }: PgliteLike): PgliteTypes {
  const texts = Object.keys(parsers).map((type) => [type, (text: string) => text] as const);
  const numbers = numberTypes.map((type) => [type, Number] as const);
  return {
    parsers: {
      ...Object.fromEntries(texts),
      ...Object.fromEntries(numbers),
      [boolType]: (text) => text === "t",
    },
    serializers: Object.fromEntries(Object.keys(serializers).map((type) => [type, String])),
  };
}

/** Runs one statement; of several statements in one text, the last one's result counts. */
export async function runOn(
  client: PgliteClient,
  {
    statement,
    values,
    types,
  }: { statement: Statement; values: readonly Value[]; types: PgliteTypes },
): Promise<readonly object[]> {
  try {
    if (statement.name !== "" || values.length > 0) {
      return (await client.query(statement.text, [...values], types)).rows;
    }
    return (await client.exec(statement.text, types)).at(-1)?.rows ?? [];
  } catch (error) {
    throw databaseError(error);
  }
}
