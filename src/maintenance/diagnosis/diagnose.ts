import type { Database } from "../../db/database.ts";
import { schemaVersions } from "../../db/migrate.ts";
import { searchableSteps, type SearchableTask } from "../../db/searchable-indexes.ts";
import { sqlstate } from "../../db/sqlstate.ts";
import {
  diagnosisTimeoutMs,
  findHorizonHolders,
  findInvalidIndexes,
  findMissingPartitions,
  findStuckJobs,
  findUnservedJobs,
  inTrial,
  readServer,
  readTables,
} from "../../store/diagnosis.ts";
import { partitionDaysAhead } from "../../store/partitions.ts";
import type { Store } from "../../store/store.ts";
import { diagnoseClock, diagnosePooler } from "./connection.ts";
import { diagnoseDrift, type Expectation } from "./drift.ts";
import { warning, type DiagnosisCheck, type DiagnosisFinding } from "./finding.ts";
import { judgeHorizon } from "./horizon.ts";
import { judgeStuckJobs, judgeUnservedJobs } from "./jobs.ts";
import {
  judgeAutovacuum,
  judgeBloat,
  judgeIndexes,
  judgePartitions,
  judgeStatistics,
} from "./storage.ts";
import { judgeNode, judgeSchema, judgeServer } from "./versions.ts";

export interface DiagnosisOptions {
  readonly schema: string;
  /** For how long the history is kept by default. */
  readonly retentionMs: number;
  /** This process's clock. */
  readonly now: () => number;
  /** As in `process.versions.node`. */
  readonly nodeVersion: string;
  /** The tasks of the application. */
  readonly tasks: readonly SearchableTask[];
  /** What the schema should be like. */
  readonly expectation: Expectation;
}

type Check = readonly [DiagnosisCheck, () => Promise<DiagnosisFinding[]>];

const maxUnserved = 20;
const maxHolders = 5;

/** Looks at everything that is known to go wrong, and says what was found. */
export async function diagnose(
  store: Store<Database>,
  options: DiagnosisOptions,
): Promise<DiagnosisFinding[]> {
  const { schema, nodeVersion, expectation } = options;
  const versions = await inTrial(store, diagnosisTimeoutMs, (tx) => schemaVersions(tx.db, schema));
  const { applied, newest, isTooNew } = versions;
  const drift: Check[] =
    applied === newest ? [["drift", () => diagnoseDrift(store, schema, expectation)]] : [];
  const ofTables = applied >= newest && !isTooNew ? checksOfTables(store, options) : [];
  // Those of the server and the tables take about as long as the drift alone, for which a schema is made the first time.
  const others = async (): Promise<readonly [DiagnosisFinding[], DiagnosisFinding[]]> => [
    await attemptAll(checksOfServer(store, options)),
    await attemptAll(ofTables),
  ];
  const [[server, tables], drifted] = await Promise.all([others(), attemptAll(drift)]);
  return [judgeNode(nodeVersion), judgeSchema(schema, versions), ...server, ...drifted, ...tables];
}

async function attemptAll(checks: readonly Check[]): Promise<DiagnosisFinding[]> {
  const findings: DiagnosisFinding[] = [];
  for (const check of checks) findings.push(...(await attempt(check)));
  return findings;
}

function checksOfServer(store: Store<Database>, { now }: DiagnosisOptions): Check[] {
  return [
    ["server", async () => judgeServer(await readServer(store))],
    ["clock", () => diagnoseClock(store, now)],
    ["pooler", () => diagnosePooler(store)],
    ["horizon", async () => judgeHorizon(await findHorizonHolders(store, maxHolders))],
  ];
}

function checksOfTables(store: Store<Database>, options: DiagnosisOptions): Check[] {
  const { retentionMs, schema, tasks } = options;
  return [
    [
      "partitions",
      async () =>
        judgePartitions(await findMissingPartitions(store, retentionMs, partitionDaysAhead)),
    ],
    [
      "indexes",
      async () => {
        const steps = await inTrial(store, diagnosisTimeoutMs, (tx) =>
          searchableSteps(tx.db, schema, tasks),
        );
        return judgeIndexes(await findInvalidIndexes(store), steps.length);
      },
    ],
    ["stuckJobs", async () => judgeStuckJobs(await findStuckJobs(store))],
    ["unservedJobs", async () => judgeUnservedJobs(await findUnservedJobs(store, maxUnserved))],
    ["bloat", () => diagnoseTables(store)],
  ];
}

async function diagnoseTables(store: Store<Database>): Promise<DiagnosisFinding[]> {
  const { isVacuuming } = await readServer(store);
  const tables = await readTables(store);
  return [
    ...judgeBloat(tables),
    ...judgeAutovacuum(isVacuuming, tables),
    ...judgeStatistics(tables),
  ];
}

// What cannot be found out is said, and keeps nothing else from being found out.
async function attempt([check, run]: Check): Promise<DiagnosisFinding[]> {
  try {
    return await run();
  } catch (error) {
    const reason = unanswered[sqlstate(error) ?? ""];
    if (reason === undefined) throw error;
    return [warning(check, `This could not be found out: ${reason.text}.`, reason.fix)];
  }
}

const unanswered: Readonly<
  Partial<Record<string, { readonly text: string; readonly fix: string }>>
> = {
  "42501": {
    text: "the role is not allowed to",
    fix: "Run it as the role that migrates, which may make a schema and owns the tables.",
  },
  "25006": {
    text: "the server is read-only",
    fix: "Run it on the primary.",
  },
  "57014": {
    text: "the server took too long",
    fix: "Look at what keeps the server busy, and run it again.",
  },
  "55P03": {
    text: "others hold a lock",
    fix: "Run it again.",
  },
};
