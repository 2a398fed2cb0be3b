import type { Statement, Value } from "../db/database.ts";
import type { PgClient, PgResult } from "./pg-client.ts";

/** A statement that the connection has prepared, and what it takes. */
export interface PreparedCall extends Statement {
  readonly values: readonly Value[];
}

/** What is said of the calls in front of a query. */
export interface CallsAhead {
  readonly calls: readonly PreparedCall[];
  /** They and the query have succeeded: the first field of the last row that the calls returned. */
  readonly onReady?: (field: string | null | undefined) => void;
  /** One of them has failed, or the connection before they were through; the query is told the same. */
  readonly onFailed?: (error: unknown) => void;
}

// What `pg` shows to those who send what it has no method for, such as pg-cursor.
interface PgWire {
  readonly parsedStatements: Readonly<Record<string, string | undefined>>;
  readonly stream: { cork(): void; uncork(): void };
  bind(config: {
    portal: string;
    statement: string;
    values: readonly Value[];
    valueMapper: (value: Value) => string | null;
  }): void;
  execute(config: { portal: string }): void;
  sync(): void;
}

interface PgQueryObject {
  callback?: (error: unknown, result: PgResult) => void;
  query_timeout?: unknown;
  submit: (this: PgQueryObject, wire: PgWire) => Error | null;
  handleDataRow: (
    this: PgQueryObject,
    message: { readonly fields: readonly (string | null)[] },
  ) => void;
  handleCommandComplete: (this: PgQueryObject, message: object, wire: PgWire) => void;
  handleReadyForQuery: (this: PgQueryObject, wire: PgWire) => void;
  handleError: (this: PgQueryObject, error: unknown, wire: PgWire) => void;
}

type PgQueryClass = new (...values: readonly unknown[]) => PgQueryObject;

/** Whether these calls may travel in front of a query: the driver is `pg` itself, and the connection has prepared them. */
export function canTravelAhead(client: PgClient, calls: readonly PreparedCall[]): boolean {
  const wire = wireOf(client);
  return (
    wire !== undefined &&
    queryClassOf(client) !== undefined &&
    calls.every(({ name, text }) => wire.parsedStatements[name] === text)
  );
}

/**
 * `client.query(...values)` with calls in front of it, which travel in the same message: the server skips the query when one
 * of them fails. They return nothing but what `CallsAhead` is told.
 */
export function queryBehind(
  client: PgClient,
  ahead: CallsAhead,
  values: readonly unknown[],
): unknown {
  const Query = queryClassOf(client);
  if (Query === undefined) throw new TypeError("expected a client of `pg`");
  const query = new Query(...values);
  const result = query.callback === undefined ? promiseOf(query) : undefined;
  const [config] = values;
  if (typeof config === "object" && config !== null && "query_timeout" in config) {
    query.query_timeout = config.query_timeout;
  }
  sendAhead(query, ahead);
  void client.query(query);
  return result;
}

// As `pg` does it: a stack that leads to who made the query, not to the socket.
function promiseOf(query: PgQueryObject): Promise<PgResult> {
  return new Promise<PgResult>((resolve, reject) => {
    query.callback = (error, result) => {
      if (error === null || error === undefined) resolve(result);
      // What the server or the driver says.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      else reject(error);
    };
  }).catch((error: unknown) => {
    if (error instanceof Error) Error.captureStackTrace(error);
    throw error;
  });
}

/** Puts the calls in front of what the query sends, and takes their answers from it. */
function sendAhead(query: PgQueryObject, { calls, onReady, onFailed }: CallsAhead): void {
  const { submit, handleDataRow, handleCommandComplete, handleError, handleReadyForQuery } = query;
  let left = calls.length;
  let field: string | null | undefined;
  // What the driver found wrong with the query before it was sent; the calls were sent all the same.
  let refused: { readonly error: unknown } | undefined;
  let isSubmitted = false;
  query.submit = (wire) => {
    wire.stream.cork();
    try {
      for (const { name, values } of calls) {
        wire.bind({ portal: "", statement: name, values, valueMapper: asText });
        wire.execute({ portal: "" });
      }
      const error = submit.call(query, wire);
      isSubmitted = true;
      if (error !== null) {
        refused = { error };
        wire.sync();
      }
      return null;
    } finally {
      wire.stream.uncork();
    }
  };
  query.handleDataRow = ({ fields }) => {
    field = fields[0];
  };
  query.handleCommandComplete = () => {
    left -= 1;
    if (left === 0) Object.assign(query, { handleDataRow, handleCommandComplete });
  };
  query.handleError = (error, wire) => {
    if (!isSubmitted) {
      refused = { error };
      return;
    }
    if (left > 0) onFailed?.(error);
    handleError.call(query, error, wire);
  };
  query.handleReadyForQuery = (wire) => {
    onReady?.(field);
    if (refused === undefined) handleReadyForQuery.call(query, wire);
    else handleError.call(query, refused.error, wire);
  };
}

function asText(value: Value): string | null {
  return value === null ? null : String(value);
}

function wireOf(client: PgClient): PgWire | undefined {
  const wire: unknown = Reflect.get(client, "connection");
  if (typeof wire !== "object" || wire === null || !("parsedStatements" in wire)) return undefined;
  const methods = ["bind", "execute", "sync"];
  const isWire = methods.every((name) => typeof Reflect.get(wire, name) === "function");
  return isWire ? (wire as PgWire) : undefined; // as far as can be seen
}

function queryClassOf(client: PgClient): PgQueryClass | undefined {
  const made: unknown = Reflect.get(client.constructor, "Query");
  return typeof made === "function" ? (made as PgQueryClass) : undefined; // as its documentation has it
}
