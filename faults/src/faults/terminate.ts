import { endSessions } from "../servers/admin.ts";
import type { Fault } from "./fault.ts";

const forMs = 2_000;

export const terminate: Fault = {
  id: "F4",
  name: "sessions ended",
  what: "sessions of the run are ended by an administrator, whatever they are doing",
  weight: 9,
  workloads: ["plain", "mixed", "transactional", "keys", "coalesced"],
  inject: async (stage) => {
    const until = performance.now() + forMs;
    while (performance.now() < until) {
      await stage.pauseBetween(50, 300);
      const count = await endSessions(stage.site.directUrl, stage.chance.integer(1, 3));
      stage.tell(`ended ${count} sessions`);
    }
  },
};
