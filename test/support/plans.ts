import type pg from "pg";
import type { Store } from "#pawl/store/store";
import type { Engine } from "./engine.ts";

/** A step of a plan that reads a table. */
export interface TableScan {
  readonly table: string;
  /** How it reads: "Index Scan by jobs_ready", "Seq Scan". */
  readonly way: string;
  /** How many rows it looked at. */
  readonly read: number;
  /** How many of them were not what it looked for. */
  readonly discarded: number;
}

/** The plans of everything that ran, also inside functions. */
export interface Plans {
  readonly scans: TableScan[];
  /** Every kind of step, once. */
  readonly steps: string[];
}

interface Node {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "Rows Removed by Filter"?: number;
  readonly Plans?: readonly Node[];
}

const explainEverything = `
  load 'auto_explain';
  set auto_explain.log_min_duration = 0;
  set auto_explain.log_analyze = on;
  set auto_explain.log_timing = off;
  set auto_explain.log_nested_statements = on;
  set auto_explain.log_format = json;
  set auto_explain.log_level = notice;
  set client_min_messages = notice`;

/** Runs work in a transaction that is given up afterwards, and says how the server went about it. */
export async function plansOf(
  engine: Engine,
  work: (store: Store, client: pg.Client) => Promise<unknown>,
): Promise<Plans> {
  const client = await engine.connect();
  const nodes: Node[] = [];
  await client.query(explainEverything);
  client.on("notice", ({ message = "" }) => {
    const start = message.indexOf("{");
    if (!message.includes("plan:") || start === -1) return;
    const { Plan: plan } = JSON.parse(message.slice(start)) as { Plan: Node }; // what auto_explain writes
    nodes.push(...flatten(plan));
  });
  await client.query("begin");
  await work({ sql: engine.store.sql, db: engine.store.db.join(client) }, client);
  await client.query("rollback");
  return { scans: nodes.flatMap(scanOf), steps: [...new Set(nodes.map((n) => n["Node Type"]))] };
}

/** The ways in which a table is read, each once. */
export function waysTo(table: string, { scans }: Plans): string[] {
  const ways = scans
    .filter((scan) => scan.table.startsWith(table))
    .map(({ way }) => way.replace("Index Only", "Index"));
  return [...new Set(ways)].sort();
}

function flatten(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

function scanOf(node: Node): TableScan[] {
  const table = node["Relation Name"];
  const type = node["Node Type"];
  if (table === undefined || type === "ModifyTable") return [];
  const index = node["Index Name"];
  const way = index === undefined ? type : `${type} by ${index}`;
  const loops = node["Actual Loops"] ?? 1;
  const discarded = (node["Rows Removed by Filter"] ?? 0) * loops;
  return [{ table, way, read: (node["Actual Rows"] ?? 0) * loops + discarded, discarded }];
}
