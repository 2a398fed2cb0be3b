import type { Act } from "../workloads/workload.ts";
import type { PawlModule } from "./pawl-module.ts";

/** The two tasks of every workload; failures are tried again soon. */
export function tasksOf({ defineTask, typed }: PawlModule) {
  const options = { payload: typed<Act>(), retry: { retries: 24, delays: [20, 50, 100] } };
  return {
    plain: defineTask({ ...options, name: "plain" }),
    transactional: defineTask({ ...options, name: "transactional", transactional: true }),
  };
}
