import { roughDuration } from "../../core/duration.ts";
import type { InvalidIndex, MissingPartition, TableHealth } from "../../store/diagnosis.ts";
import { failure, ok, warning, type DiagnosisFinding } from "./finding.ts";

const manyDead = 50_000;
const deadPerLive = 2;
// A busy server makes millions between two of its looks, and removes them in the next.
const unvacuumedMs = 5 * 60_000;
const manyRows = 10_000;
const migrateWithTasks =
  "Call `await pawl.migrate()` of a Pawl that has the tasks: it makes, mends and removes these indexes.";

/** Whether the history has a partition for what is settled now and in the next days. */
export function judgePartitions(missing: readonly MissingPartition[]): DiagnosisFinding[] {
  if (missing.length === 0) {
    return [ok("partitions", "The history has its partitions for the next days.")];
  }
  const days = missing.map(({ day }) => day).join(", ");
  const soonest = Math.min(...missing.map(({ ahead }) => ahead));
  const needed = soonest === 0 ? "now" : `in ${soonest} days or less`;
  const text = `The history has no partition for what expires on ${days}; it is needed ${needed}.`;
  const fix = "Start a worker: it makes them at once, and from then on every hour.";
  return [soonest === 0 ? failure("partitions", text, fix) : warning("partitions", text, fix)];
}

/** Whether every index can be used; `stepsLeft`: how many statements the indexes of searchable paths still need. */
export function judgeIndexes(
  invalid: readonly InvalidIndex[],
  stepsLeft: number,
): DiagnosisFinding[] {
  const findings = invalid.map(({ name, table, remedy }) =>
    failure(
      "indexes",
      `The index ${name} of ${table} is not valid: nobody can use it, and every write pays for it.`,
      name.includes("_searchable_")
        ? migrateWithTasks
        : `Drop it if it is not Pawl's; else make it anew: ${remedy}`,
    ),
  );
  if (stepsLeft > 0) {
    const text =
      "The indexes of searchable paths are not as the tasks declare them: searches are slow.";
    findings.push(warning("indexes", text, migrateWithTasks));
  }
  return findings.length > 0 ? findings : [ok("indexes", "Every index is valid.")];
}

/** Whether there is too much in the tables that is dead. */
export function judgeBloat(tables: readonly TableHealth[]): DiagnosisFinding[] {
  const bloated = tables.filter(
    ({ live, dead, vacuumedMs }) =>
      dead >= manyDead && dead > live * deadPerLive && (vacuumedMs ?? Infinity) > unvacuumedMs,
  );
  if (bloated.length === 0) return [ok("bloat", "The tables hold few dead rows, by estimate.")];
  return bloated.map(({ name, fullName, live, dead, vacuumedMs }) => {
    const when =
      vacuumedMs === null ? "never vacuumed" : `last vacuumed ${roughDuration(vacuumedMs)} ago`;
    return warning(
      "bloat",
      `About ${shown(dead)} dead rows stand beside about ${shown(live)} live ones in ${name}, ${when}.`,
      `See that nothing holds the xmin horizon, then run: vacuum (analyze) ${fullName}`,
    );
  });
}

/** Whether the server looks after the tables by itself. */
export function judgeAutovacuum(
  isVacuuming: boolean,
  tables: readonly TableHealth[],
): DiagnosisFinding[] {
  if (!isVacuuming) {
    return [
      warning(
        "autovacuum",
        "The server does not vacuum by itself: dead rows stay until somebody does.",
        "Set `autovacuum` and `track_counts` to `on` in the server's configuration.",
      ),
    ];
  }
  const left = tables.filter(({ isVacuumed }) => !isVacuumed);
  if (left.length === 0) return [ok("autovacuum", "The server vacuums by itself.")];
  return left.map(({ name, fullName }) =>
    warning(
      "autovacuum",
      `The server does not vacuum ${name} by itself.`,
      `Run: alter table ${fullName} reset (autovacuum_enabled)`,
    ),
  );
}

/** Whether the server has ever counted what is in the tables. */
export function judgeStatistics(tables: readonly TableHealth[]): DiagnosisFinding[] {
  const unknown = tables.filter(({ live, isAnalyzed }) => live >= manyRows && !isAnalyzed);
  if (unknown.length === 0)
    return [ok("statistics", "The statistics of the tables were gathered.")];
  return unknown.map(({ name, fullName, live }) =>
    warning(
      "statistics",
      `No statistics of ${name} were ever gathered, which has about ${shown(live)} rows.`,
      `Run: analyze ${fullName}`,
    ),
  );
}

function shown(count: number): string {
  return count.toLocaleString("en-US");
}
