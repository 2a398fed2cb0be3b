import { coalesced } from "./coalesced.ts";
import { crashers } from "./crashers.ts";
import { keys } from "./keys.ts";
import { leases } from "./leases.ts";
import { limits } from "./limits.ts";
import { mixed } from "./mixed.ts";
import { plain } from "./plain.ts";
import { transactional } from "./transactional.ts";
import type { Workload } from "./workload.ts";

export const workloads: readonly Workload[] = [
  plain,
  mixed,
  transactional,
  leases,
  crashers,
  keys,
  limits,
  coalesced,
];

/** Throws `RangeError` when there is none of that name. */
export function workloadNamed(name: string): Workload {
  const found = workloads.find((workload) => workload.name === name);
  if (found === undefined) throw new RangeError(`expected a workload, got "${name}"`);
  return found;
}
