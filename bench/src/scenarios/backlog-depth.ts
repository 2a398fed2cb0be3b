import type { Measurement } from "../measurement.ts";
import { query } from "../servers/postgres.ts";
import { drained } from "./drained.ts";
import { duration, quotient } from "./figures.ts";
import type { Figure, Scenario } from "./scenario.ts";

export const backlogDepth: Scenario = {
  name: "backlog depth",
  title: "Backlog depth",
  description:
    "10,000, 100,000 and 1,000,000 ready jobs, run by one process for at most 20 s; with the mean time that the " +
    "server needs for the statement that takes jobs.",
  isOwn: true,
  measure: async (measurement) => {
    const depths = measurement.isQuick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];
    const rates: Figure[] = [];
    const claims: Figure[] = [];
    for (const depth of depths) {
      const of = `${depth.toLocaleString("en")} ready`;
      await measurement.freshDatabase();
      const { rate } = await drained(measurement, { jobs: { count: depth }, of, limitMs: 20_000 });
      rates.push(rate);
      claims.push(...(await claimTime(measurement, of)));
    }
    const [, usual, deepest] = rates;
    const decay = usual && deepest && quotient("1,000,000 ÷ 100,000", deepest, usual);
    return [...rates, ...(decay === undefined ? [] : [decay]), ...claims];
  },
};

async function claimTime({ url, contender }: Measurement, of: string): Promise<Figure[]> {
  if (contender.claimStatement === undefined) return [];
  const [row] = await query<{ ms: number | null }>(
    url,
    `select sum(total_exec_time) / sum(calls) as ms from pg_stat_statements
      where query like $1 and dbid = (select oid from pg_database where datname = current_database())`,
    [contender.claimStatement],
  );
  const ms = row?.ms ?? undefined;
  return ms === undefined ? [] : [duration(`claim, ${of}`, ms)];
}
