import type { Statement, Value } from "../db/database.ts";
import type { PgClient, PgResult, Preparation } from "./pg-client.ts";

/** A statement, and what it takes. */
export interface PreparedCall extends Statement {
  readonly values: readonly Value[];
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
}

interface PgQueryObject {
  callback: (error: unknown, result: PgResult) => void;
  submit: (this: PgQueryObject, wire: PgWire) => Error | null;
  handleDataRow: (this: PgQueryObject, message: object) => void;
  handleCommandComplete: (this: PgQueryObject, message: object, wire: PgWire) => void;
}

type PgQueryClass = new (config: object) => PgQueryObject;

/** Whether these statements may travel together: the driver is `pg` itself, and the connection has prepared them all. */
export function canTravelTogether(
  client: PgClient,
  { enabled }: Preparation,
  statements: readonly Statement[],
): boolean {
  const wire = wireOf(client);
  return (
    enabled === true &&
    wire !== undefined &&
    queryClassOf(client) !== undefined &&
    statements.every(({ name, text }) => wire.parsedStatements[name] === text)
  );
}

/**
 * A query with a call in front of it, in the same message: the server skips the query when the call fails, and the error is
 * that of the query. What the call returns is dropped. Only where `canTravelTogether`.
 */
export function queryBehind(
  client: PgClient,
  ahead: PreparedCall,
  config: object,
): Promise<PgResult> {
  const Query = queryClassOf(client);
  if (Query === undefined) throw new TypeError("expected a client of `pg`");
  const query = new Query(config);
  const { submit, handleDataRow, handleCommandComplete } = query;
  query.submit = (wire) => {
    wire.stream.cork();
    try {
      const { name: statement, values } = ahead;
      wire.bind({ portal: "", statement, values, valueMapper: asText });
      wire.execute({ portal: "" });
      return submit.call(query, wire);
    } finally {
      wire.stream.uncork();
    }
  };
  query.handleDataRow = () => undefined;
  query.handleCommandComplete = () => {
    Object.assign(query, { handleDataRow, handleCommandComplete });
  };
  return new Promise((resolve, reject) => {
    query.callback = (error, result) => {
      if (error === null || error === undefined) resolve(result);
      // What the server or the driver says.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      else reject(error);
    };
    void client.query(query);
  });
}

function asText(value: Value): string | null {
  return value === null ? null : String(value);
}

function wireOf(client: PgClient): PgWire | undefined {
  const wire: unknown = Reflect.get(client, "connection");
  if (typeof wire !== "object" || wire === null || !("parsedStatements" in wire)) return undefined;
  const stream: unknown = Reflect.get(wire, "stream");
  const isWire = hasMethods(wire, ["bind", "execute"]) && hasMethods(stream, ["cork", "uncork"]);
  return isWire ? (wire as PgWire) : undefined; // as far as can be seen
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === "function");
}

function queryClassOf(client: PgClient): PgQueryClass | undefined {
  const made: unknown = Reflect.get(client.constructor, "Query");
  return typeof made === "function" ? (made as PgQueryClass) : undefined; // as its documentation has it
}
