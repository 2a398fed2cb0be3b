import { arrayLiteral } from "../core/array-literal.ts";
import { wait } from "../core/wait.ts";
import type { Database, Queryable, Statement } from "./database.ts";
import { sqlstate } from "./sqlstate.ts";
import { statements } from "./statements.ts";

/** What a task says of the paths of its payload that are searched for. */
export interface SearchableTask {
  readonly name: string;
  /** Such as `user.id`. */
  readonly searchable: readonly string[];
}

/** One statement on the way; a brief one takes a lock that others wait for. */
export interface SearchableStep {
  readonly statement: string;
  readonly brief: boolean;
}

const patience = { timeoutMs: 3_600_000 }; // an index on millions of rows takes its time
const lockTimeoutMs = 2_000;
const retryMs = 250;
const mostRetries = 240;
// Somebody waits for the table, it changed in between, or others were quicker.
const passing = ["55P03", "40P01", "42P01", "42P07", "42704", "55000", "23505"];

/** The statements that would bring the indexes of these tasks' searchable paths up to date, as things are now. */
export function searchableSteps(
  database: Queryable,
  schema: string,
  tasks: readonly SearchableTask[],
): Promise<readonly SearchableStep[]> {
  const paths = tasks.flatMap(({ name, searchable }) =>
    searchable.map((path) => ({ task: name, path: path.split(".") })),
  );
  return database.query<SearchableStep>(statements(schema)("searchable/steps"), [
    arrayLiteral(tasks.map(({ name }) => name)),
    JSON.stringify(paths),
  ]);
}

/**
 * Makes the indexes of these tasks' searchable paths, and removes those that they do not declare any more. Jobs go on
 * meanwhile: an index is made and removed while others write. Idempotent, and safe from any number of processes.
 */
export async function makeSearchableIndexes(
  database: Database,
  schema: string,
  tasks: readonly SearchableTask[],
): Promise<void> {
  if (tasks.length === 0) return;
  if ((await searchableSteps(database, schema, tasks)).length === 0) return;
  const own = database.dedicated(2);
  try {
    for (let retries = 0; ; retries += 1) {
      if (await makeNextAlone(own, schema, tasks, retries === mostRetries)) return;
      await wait(retryMs);
    }
  } finally {
    await own.close();
  }
}

// True when nothing is left to do. The lock is held by a transaction that looks at nothing: the making of an index waits for
// those that have looked.
async function makeNextAlone(
  database: Database,
  schema: string,
  tasks: readonly SearchableTask[],
  isLast: boolean,
): Promise<boolean> {
  // A database with one session has nobody beside it, and could not make an index within a transaction.
  const make = (): Promise<boolean> => makeAll(database, schema, tasks);
  try {
    if (database.maxConnections < 2) return await make();
    return await database.transaction(async (tx) => {
      // Unnamed and without values, so that it leaves nothing behind in the session that holds on to what it has seen.
      const { text } = statements(schema)("searchable/lock");
      const [row] = await tx.query<{ locked: boolean }>({ name: "", text });
      return row?.locked === true && (await make());
    });
  } catch (error) {
    if (!isLast && passing.includes(sqlstate(error) ?? "")) return false;
    throw error;
  }
}

async function makeAll(
  database: Database,
  schema: string,
  tasks: readonly SearchableTask[],
): Promise<boolean> {
  for (;;) {
    const [step] = await searchableSteps(database, schema, tasks);
    if (step === undefined) return true;
    const statement: Statement = { name: "", text: step.statement };
    if (step.brief) await runBriefly(database, schema, statement);
    else await database.query(statement, [], { ...patience, outsideTransaction: true });
  }
}

async function runBriefly(database: Database, schema: string, statement: Statement): Promise<void> {
  await database.transaction(async (tx) => {
    const bound = statements(schema)("history/bound-lock-wait");
    await tx.query(bound, [String(lockTimeoutMs)]);
    await tx.query(statement, [], patience);
  });
}
