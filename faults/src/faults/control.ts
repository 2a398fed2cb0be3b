import type { Fault } from "./fault.ts";

export const control: Fault = {
  id: "F0",
  name: "none",
  what: "no trouble but what the jobs make themselves",
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
