import type { Fault } from "./fault.ts";

/** No trouble but what the jobs make themselves. */
export const control: Fault = {
  id: "F0",
  name: "none",
  weight: 4,
  workloads: [
    "plain",
    "mixed",
    "transactional",
    "leases",
    "crashers",
    "keys",
    "limits",
    "coalesced",
  ],
  inject: () => Promise.resolve(),
};
