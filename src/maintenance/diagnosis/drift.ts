import { makeTrialSchema } from "../../db/migrate.ts";
import type { Database } from "../../db/database.ts";
import {
  inTrial,
  readBackend,
  readCatalog,
  readServer,
  type CatalogPart,
} from "../../store/diagnosis.ts";
import type { Store } from "../../store/store.ts";
import { failure, ok, warning, type DiagnosisFinding } from "./finding.ts";

/** How a schema differs from one that the migrations have just made. */
export interface Drift {
  readonly missing: readonly CatalogPart[];
  readonly changed: readonly CatalogPart[];
  /** What others have added to Pawl's tables. */
  readonly added: readonly CatalogPart[];
}

const trialTimeoutMs = 5_000;
const maxNamed = 5;
// Those are as the tasks declare them, which is judged apart.
const searchableIndex = /_searchable_[0-9a-f]{12}_[0-9a-f]{12}$/;

/** Compares a schema with what the migrations would make. */
export async function diagnoseDrift(
  store: Store<Database>,
  schema: string,
  expectation: Expectation,
): Promise<DiagnosisFinding[]> {
  const found = await inTrial(store, trialTimeoutMs, (tx) => readCatalog(tx, { schema }));
  return judgeDrift(compareCatalogs(found, await expectation.read(store, schema)));
}

/** What the migrations make of a schema on a server: found out once, and remembered for as long as the server stays the same. */
export class Expectation {
  #known: { readonly version: string; readonly parts: readonly CatalogPart[] } | undefined;

  /** Makes the schema, the first time, in a transaction that is rolled back. */
  async read(store: Store<Database>, schema: string): Promise<readonly CatalogPart[]> {
    const { version } = await readServer(store);
    if (this.#known?.version === version) return this.#known.parts;
    const parts = await inTrial(store, trialTimeoutMs, async (tx) => {
      const trial = `pawl_trial_${await readBackend(tx)}`;
      await makeTrialSchema(tx.db, trial);
      return readCatalog(tx, { schema: trial, as: schema });
    });
    this.#known = { version, parts };
    return parts;
  }
}

/** How what was found differs from what was expected; what is no part of Pawl's tables does not matter. */
function compareCatalogs(found: readonly CatalogPart[], expected: readonly CatalogPart[]): Drift {
  const foundParts = new Map(found.map((part) => [keyOf(part), part]));
  const expectedKeys = new Set(expected.map(keyOf));
  const owners = new Set(expected.map(({ owner }) => owner));
  return {
    missing: expected.filter((part) => !foundParts.has(keyOf(part))),
    changed: expected.filter((part) => {
      const own = foundParts.get(keyOf(part));
      return own !== undefined && own.hash !== part.hash;
    }),
    added: found.filter(
      (part) =>
        part.owner !== null &&
        owners.has(part.owner) &&
        !expectedKeys.has(keyOf(part)) &&
        !(part.kind === "index" && searchableIndex.test(part.name)),
    ),
  };
}

/** What is to be said of a drift. */
function judgeDrift({ missing, changed, added }: Drift): DiagnosisFinding[] {
  const findings: DiagnosisFinding[] = [];
  if (missing.length > 0) {
    const text = `What the migrations have made is missing: ${namesOf(missing)}.`;
    findings.push(failure("drift", text, repair("Make it again", missing)));
  }
  if (changed.length > 0) {
    const text = `What the migrations have made was changed: ${namesOf(changed)}.`;
    findings.push(failure("drift", text, repair("Drop it, and make it anew", changed)));
  }
  if (added.length > 0) {
    findings.push(
      warning(
        "drift",
        `Somebody has added to Pawl's tables: ${namesOf(added)}.`,
        "Drop what nobody needs: an index on a column that a claim or a settle changes makes each of them slower.",
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [ok("drift", "Tables, indexes and functions are as the migrations make them.")];
}

function repair(what: string, parts: readonly CatalogPart[]): string {
  const statements = parts.flatMap(({ statement }) => statement ?? []);
  if (statements.length < parts.length) {
    return `${what}, as the files of sql/migrations in the package have it.`;
  }
  return `${what}: ${statements.join("; ")}`;
}

function namesOf(parts: readonly CatalogPart[]): string {
  const named = parts
    .slice(0, maxNamed)
    .map(({ kind, name }) => `${kind} ${withoutArguments(name)}`);
  const more = parts.length - named.length;
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
}

function withoutArguments(name: string): string {
  return name.split("(", 1)[0] ?? name;
}

function keyOf({ kind, name }: CatalogPart): string {
  return `${kind} ${name}`;
}
