import { leaseMs } from "../lease.ts";
import { statements } from "../statements.ts";
import type { Fault } from "./fault.ts";

export const freeze: Fault = {
  id: "F3",
  name: "worker frozen",
  what: "workers stand still for longer than their lease, and go on as if nothing had been",
  weight: 12,
  workloads: ["plain", "transactional", "leases", "keys", "limits"],
  inject: async (stage) => {
    const times = stage.chance.integer(1, 2);
    await stage.pauseBetween(100, 400);
    const frozen = stage.chance.shuffled(stage.workers).slice(0, times);
    await Promise.all(
      frozen.map((worker) =>
        stage.freeze(worker, stage.chance.integer(1.2 * leaseMs, 5 * leaseMs)),
      ),
    );
  },
};

export const freezeAmidSettle: Fault = {
  id: "F3b",
  name: "worker frozen amid a settle",
  what: "workers stand still while they settle, and the statement arrives when the job may have been another's for a while",
  weight: 10,
  // Only handlers that take their time still run elsewhere when the settle arrives.
  workloads: [
    ...Array.from({ length: 5 }, () => "leases"),
    ...["plain", "transactional", "keys", "crashers"],
  ],
  isProxied: true,
  inject: async (stage) => {
    const struck = stage.chance.shuffled(stage.workers).slice(0, 2);
    await stage.pauseBetween(100, 800);
    await Promise.all(
      struck.map(async (worker) => {
        // Others have the job after a lease and the time to notice that it has ended.
        const lateMs = stage.chance.integer(1.3 * leaseMs, 2.5 * leaseMs);
        const frozenMs = lateMs + stage.chance.integer(0.2 * leaseMs, 1.5 * leaseMs);
        // Elsewhere nothing is committed by a statement of its own.
        const { settle, commit } = statements;
        const isCommitted = stage.workload === "transactional";
        const matches = stage.chance.pick(isCommitted ? [settle, commit] : [settle]);
        // Where it has nothing left to settle, or has ended, nothing is late.
        await worker.proxy?.springs({ matches, moment: "late", lateMs }, 3 * leaseMs);
        stage.tell(`a settle is ${lateMs} ms late`);
        await stage.freeze(worker, frozenMs);
      }),
    );
  },
};
