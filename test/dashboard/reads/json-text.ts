import fc from "fast-check";

/** A JSON value of which the numbers are as they are written. */
export type Written =
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "word"; readonly text: "true" | "false" | "null" }
  | { readonly kind: "array"; readonly items: readonly Written[] }
  | { readonly kind: "object"; readonly members: ReadonlyMap<string, Written> };

/** The JSON text of a value. */
export function jsonText(value: Written): string {
  switch (value.kind) {
    case "string":
      return JSON.stringify(value.text);
    case "array":
      return `[${value.items.map(jsonText).join(",")}]`;
    case "object":
      return `{${[...value.members].map(([key, each]) => `${JSON.stringify(key)}:${jsonText(each)}`).join(",")}}`;
    default:
      return value.text;
  }
}

/** Whether a value has a text at a path, by the rules of a search. */
export function holds(value: Written, path: readonly string[], text: string): boolean {
  const found = path.reduce<Written | undefined>(memberOf, value);
  if (found?.kind === "string" || found?.kind === "word") return found.text === text;
  if (found?.kind !== "number") return false;
  const [left, right] = [exactly(found.text), exactly(text)];
  return found.text === text || (left !== undefined && left === right);
}

function memberOf(value: Written | undefined, name: string): Written | undefined {
  if (value?.kind === "object") return value.members.get(name);
  return value?.kind === "array" && /^\d+$/.test(name) ? value.items[Number(name)] : undefined;
}

// A number as its digits without zeros around them, and where the point is.
function exactly(text: string): string | undefined {
  const form = /^(-?)(\d{1,100})(?:\.(\d{1,100}))?(?:[eE]([-+]?\d{1,3}))?$/;
  const [, sign = "", whole = "", part = "", exponent = "0"] = form.exec(text) ?? [];
  if (whole === "") return undefined;
  const digits = (whole + part).replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  if (short === "") return "0";
  return `${sign}${short}e${Number(exponent) - part.length + digits.length - short.length}`;
}

const names = fc.constantFrom(
  "a",
  "b",
  "a.b",
  "user id",
  "0",
  "1",
  'q"uote',
  "back\\slash",
  "{}",
  "ü",
);
const texts = fc.constantFrom(
  "",
  "a b",
  "42",
  "42.0",
  "4.2e1",
  "true",
  "null",
  "{}",
  "[1]",
  "x'y",
  'q"q',
  "%L $1",
  "\\",
);
const numbers = fc.constantFrom(
  ...[
    "0",
    "-0",
    "0.0",
    "42",
    "42.0",
    "42.00",
    "4.2e1",
    "420E-1",
    "-42",
    "1e3",
    "1000",
    "0.1",
    "1e-1",
  ],
  ...[
    "12345678901234567890",
    "12345678901234567891",
    "12345678901234567890.0",
    "1e400",
    "9".repeat(120),
  ],
);
const words = fc.constantFrom("true" as const, "false" as const, "null" as const);

/** Any JSON value, of few names and texts, so that a search often finds something. */
export const written: fc.Arbitrary<Written> = fc.letrec<{ value: Written; object: Written }>(
  (tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      texts.map((text): Written => ({ kind: "string", text })),
      numbers.map((text): Written => ({ kind: "number", text })),
      words.map((text): Written => ({ kind: "word", text })),
      fc.array(tie("value"), { maxLength: 3 }).map((items): Written => ({ kind: "array", items })),
      tie("object"),
    ),
    object: fc
      .array(fc.tuple(names, tie("value")), { maxLength: 4 })
      .map((members): Written => ({ kind: "object", members: new Map(members) })),
  }),
).object;

/** One thing that a search may ask for. */
export const term: fc.Arbitrary<{ readonly path: readonly string[]; readonly text: string }> =
  fc.record({
    path: fc.array(names, { minLength: 1, maxLength: 3 }),
    text: fc.oneof(texts, numbers, words),
  });

/** A term as it stands in a search. */
export function termText({ path, text }: { path: readonly string[]; text: string }): string {
  return `payload.${path.map(quoted).join(".")}:${quoted(text)}`;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
