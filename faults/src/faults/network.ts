import { fair } from "../proxy/link.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const ways = ["reset", "latency", "pieces", "refused"] as const;

export const network: Fault = {
  id: "F6",
  name: "bad network",
  what: "connections are reset or refused, and messages come late or in pieces",
  weight: 7,
  workloads: ["plain", "mixed", "transactional", "coalesced"],
  isProxied: true,
  inject: async (stage) => {
    for (let time = 0; time < 3; time += 1) {
      await stage.pauseBetween(50, 300);
      await disturb(stage, stage.chance.pick(ways));
    }
  },
};

async function disturb(stage: Stage, way: (typeof ways)[number]): Promise<void> {
  stage.tell(way);
  const proxies = stage.actors.flatMap(({ proxy }) => proxy ?? []);
  for (const proxy of proxies) {
    if (way === "latency") proxy.weather = { ...fair, latencyMs: stage.chance.integer(5, 150) };
    if (way === "pieces") proxy.weather = { ...fair, pieceBytes: stage.chance.integer(1, 7) };
    if (way === "refused") proxy.isRefusing = true;
    if (way === "reset" || way === "refused") proxy.reset();
  }
  await stage.pauseBetween(200, 700);
  for (const proxy of proxies) {
    proxy.weather = fair;
    proxy.isRefusing = false;
  }
}
