import type { Fault } from "./fault.ts";

const minute = 60_000;

export const clocks: Fault = {
  id: "F13",
  name: "wrong clocks",
  what: "the clock of each process is wrong, by up to ten minutes, in either direction",
  weight: 4,
  workloads: ["plain", "mixed", "leases", "limits"],
  assignment: ({ chance }) => ({ skewMs: chance.integer(-10 * minute, 10 * minute) }),
  inject: async (stage) => {
    // One of them dies as well: it is the database's clock that ends its lease.
    await stage.pauseBetween(200, 800);
    await stage.kill(await stage.worker());
    await stage.start("worker", { skewMs: stage.chance.integer(-10 * minute, 10 * minute) });
  },
};
