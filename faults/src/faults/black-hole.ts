import { leaseMs, queryTimeoutMs } from "../lease.ts";
import { fair } from "../proxy/link.ts";
import type { Fault } from "./fault.ts";

export const blackHole: Fault = {
  id: "F7",
  name: "black hole",
  what: "bytes vanish and nobody is told: on everything that some processes say, or on what listening sessions hear",
  weight: 7,
  workloads: ["plain", "transactional", "keys"],
  isProxied: true,
  drainMs: 2 * queryTimeoutMs,
  inject: async (stage) => {
    await stage.pauseBetween(100, 500);
    const actors = stage.actors.flatMap(({ process, proxy }) =>
      proxy === undefined ? [] : [{ victim: process.pid, proxy }],
    );
    const silence = stage.chance.isLikely(70) ? "all" : "listeners";
    const count = stage.chance.isLikely(50) ? actors.length : 1;
    const struck = stage.chance.shuffled(actors).slice(0, count);
    stage.tell(`silence: ${silence}, around ${count} processes`);
    if (count === actors.length && silence === "all") stage.recorder.record({ kind: "outage" });
    for (const { victim, proxy } of struck) {
      proxy.weather = { ...fair, silence };
      if (silence === "all") stage.recorder.record({ kind: "cut off", victim });
    }
    await stage.pauseBetween(leaseMs, 3 * leaseMs);
    for (const { proxy } of struck) proxy.weather = fair;
    stage.recorder.record({ kind: "restored" });
  },
};
