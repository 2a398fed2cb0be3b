const bare = /^[^\s{}",\\]+$/;
const controlOrSurrogate = /[\p{Cc}\p{Surrogate}]/u;

/**
 * The values as one PostgreSQL array literal, `{a,"b c",NULL}`, quoted where the server would
 * misread them.
 */
export function arrayLiteral(values: readonly (string | number | null)[]): string {
  let literal = "{";
  for (const value of values) {
    if (literal.length > 1) literal += ",";
    literal += typeof value === "string" ? quoted(value) : String(value ?? "NULL");
  }
  return literal + "}";
}

function quoted(value: string): string {
  if (bare.test(value) && !isNullWord(value)) return value;
  // JSON escapes " and \ as arrays do, in native code; only control characters and surrogates
  // differ.
  if (!controlOrSurrogate.test(value)) return JSON.stringify(value);
  return `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function isNullWord(value: string): boolean {
  return value.length === 4 && value.toUpperCase() === "NULL";
}
