import { createHash } from "node:crypto";
import type { Statement } from "./database.ts";
import { queries, type QueryName } from "./sql.generated.ts";

export type { QueryName } from "./sql.generated.ts";

/** The statements of one schema, each made once. */
export function statements(schema: string): (name: QueryName) => Statement {
  const made = new Map<QueryName, Statement>();
  return (name) => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const text = bindSchema(queries[name], schema);
    const statement = { name: preparedName(text), text };
    made.set(name, statement);
    return statement;
  };
}

/** Writes a schema into a text: `:"schema"` as an identifier, `:'schema'` as a literal. */
export function bindSchema(text: string, schema: string): string {
  return bindName(text, "schema", schema);
}

/** Writes any name into a text as psql does: `:"variable"` as an identifier, `:'variable'` as a literal. */
export function bindName(text: string, variable: string, name: string): string {
  // A cast to a quoted type (`::"schema"`) is no variable.
  const places = new RegExp(`(?<!:):(?:"${variable}"|'${variable}')`, "g");
  return text.replace(places, (place) => {
    const quote = place.at(-1) ?? "";
    return quote + name.replaceAll(quote, quote + quote) + quote;
  });
}

// Schemas share the connections of a pool, so the name must tell their statements apart.
function preparedName(text: string): string {
  return `pawl_${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}
