// Compiled, never run: every line here holds, or `npm run check` fails.
import * as valibot from "valibot";
import { z } from "zod";
import type { Json, JsonCompatible, NotJson } from "#pawl/core/payload";
import { typed, validate, type InferInput, type InferOutput } from "#pawl/core/validate";

type Equal<Left, Right> =
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;

declare function holds<Fact extends true>(): Fact;
declare function carries<T>(
  ...problem: [T] extends [JsonCompatible<T>] ? [] : [JsonCompatible<T>]
): T;
declare function send<T>(value: T & JsonCompatible<T>): void;

interface Address {
  street: string;
  lines?: readonly string[];
}

interface User {
  id: number;
  name: string | null;
  address: Address;
  nickname?: string | undefined;
  friends: User[];
}

class Point {
  readonly x: number = 0;
  readonly y: number = 0;
}

class Account {
  readonly cents: number = 0;

  deposit(): void {}
}

type Brand = string & { readonly brand: "email" };
type Shape = { kind: "circle"; radius: number } | { kind: "square"; side: number };

// JSON carries these as they are.
carries<string>();
carries<"a" | "b">();
carries<number>();
carries<boolean>();
carries<null>();
carries<undefined>();
carries<void>();
carries<never>();
carries<Json>();
carries<User>();
carries<User | undefined>();
carries<Shape>();
carries<Point>();
carries<Brand>();
carries<string[]>();
carries<readonly [string, number?, ...boolean[]]>();
carries<Record<string, unknown>>();
carries<Record<string, User>>();
carries<{ readonly deep: readonly { readonly user: User }[] }>();
carries<Readonly<Partial<User>>>();
carries<unknown>();

// A type that JSON carries stays what it is.
holds<Equal<JsonCompatible<string>, string>>();
holds<Equal<JsonCompatible<"a" | 1 | null>, "a" | 1 | null>>();
holds<Equal<JsonCompatible<boolean>, boolean>>();
holds<Equal<JsonCompatible<unknown>, unknown>>();
holds<Equal<JsonCompatible<never>, never>>();
holds<Equal<JsonCompatible<string[]>, string[]>>();
holds<Equal<JsonCompatible<readonly [string, number?]>, readonly [string, number?]>>();
holds<Equal<JsonCompatible<{ a?: string }>, { a?: string }>>();
holds<Equal<JsonCompatible<{ readonly a: { b: number } }>, { readonly a: { b: number } }>>();

// JSON does not carry these.
// @ts-expect-error a bigint
carries<bigint>();
// @ts-expect-error a symbol
carries<symbol>();
// @ts-expect-error a Date
carries<Date>();
// @ts-expect-error a Date in a property
carries<{ at: Date }>();
// @ts-expect-error a Date in an optional property
carries<{ at?: Date }>();
// @ts-expect-error a Date deep inside
carries<{ list: { at: Date | null }[] }>();
// @ts-expect-error a Date in one case of a union
carries<{ kind: "a"; at: Date } | { kind: "b" }>();
// @ts-expect-error a Date in an array
carries<Date[]>();
// @ts-expect-error a Date in a tuple
carries<[string, Date]>();
// @ts-expect-error a Date in a record
carries<Record<string, Date>>();
// @ts-expect-error a bigint in a property
carries<{ cents: bigint }>();
// @ts-expect-error a function
carries<() => void>();
// @ts-expect-error a method
carries<{ run(): void }>();
// @ts-expect-error a class
carries<typeof Point>();
// @ts-expect-error an instance with methods
carries<Account>();
// @ts-expect-error a Map
carries<Map<string, number>>();
// @ts-expect-error a Set
carries<{ tags: Set<string> }>();
// @ts-expect-error a read-only Map
carries<ReadonlyMap<string, number>>();
// @ts-expect-error bytes
carries<Uint8Array>();
// @ts-expect-error an ArrayBuffer
carries<ArrayBuffer>();
// @ts-expect-error a regular expression
carries<RegExp>();
// @ts-expect-error a Promise
carries<Promise<string>>();
// @ts-expect-error an Error
carries<{ error: Error }>();
// @ts-expect-error a URL
carries<URL>();

// What it cannot carry says why, and nothing else changes.
holds<Equal<JsonCompatible<Date>, NotJson<"a Date: send its toISOString()">>>();
holds<
  Equal<
    JsonCompatible<{ a: string; b: bigint }>,
    { a: string; b: NotJson<"a bigint: send a string"> }
  >
>();

// The check finds values as well as types.
send({ to: "a@b.c", copies: 1 });
send([1, "two", null]);
// @ts-expect-error a Date in a value
send({ at: new Date(0) });
// @ts-expect-error a bigint in a value
send([1n]);

// Schemas of other libraries fit, with different types on their two sides.
const length = z.string().transform((text) => text.length);
const pipe = valibot.pipe(
  valibot.string(),
  valibot.transform((text) => text.length),
);

holds<Equal<InferInput<typeof length>, string>>();
holds<Equal<InferOutput<typeof length>, number>>();
holds<Equal<InferInput<typeof pipe>, string>>();
holds<Equal<InferOutput<typeof pipe>, number>>();

const validated = validate(length, "four");
holds<Equal<typeof validated, number | Promise<number>>>();

// typed<T>() has the same type on both.
const user = typed<User>();
holds<Equal<InferInput<typeof user>, User>>();
holds<Equal<InferOutput<typeof user>, User>>();

const validatedUser = validate(user, {});
holds<Equal<typeof validatedUser, User | Promise<User>>>();

// @ts-expect-error a string is no schema
validate("string", 1);
// @ts-expect-error a schema of another version is none
validate({ "~standard": { version: 2, vendor: "x", validate: () => ({ value: 1 }) } }, 1);
