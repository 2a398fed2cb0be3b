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
  what: "a worker stands still while it settles, and the statement arrives when the job may have been another's for a while",
  weight: 8,
  workloads: ["plain", "transactional", "leases", "leases", "keys", "crashers"],
  isProxied: true,
  inject: async (stage) => {
    const struck = stage.chance.shuffled(stage.workers).slice(0, stage.chance.integer(1, 2));
    await stage.pauseBetween(100, 800);
    await Promise.all(
      struck.map(async (worker) => {
        const frozenMs = stage.chance.integer(1.5 * leaseMs, 4 * leaseMs);
        const lateMs = frozenMs * stage.chance.integer(60, 95) * 0.01;
        const sprung = new Promise<void>((resolve) => {
          const matches = stage.chance.pick([statements.settle, statements.commit]);
          worker.proxy?.trap({ matches, moment: "late", lateMs, sprung: resolve });
        });
        // Where it has nothing left to settle, or has ended, nothing is late.
        await Promise.race([sprung, stage.pause(3 * leaseMs)]);
        worker.proxy?.dropTraps();
        stage.tell(`a settle is ${Math.round(lateMs)} ms late`);
        await stage.freeze(worker, frozenMs);
      }),
    );
  },
};
