import { Client } from "pg";
import type { Fault } from "./fault.ts";

const maxConnections = 40;

export const starvation: Fault = {
  id: "F11",
  name: "connections exhausted",
  what: "somebody else has taken every connection of the server",
  weight: 4,
  workloads: ["plain", "mixed"],
  openSite: (grounds) => grounds.ownSite({ max_connections: maxConnections }),
  inject: async (stage) => {
    await stage.pauseBetween(100, 500);
    const taken: Client[] = [];
    const until = performance.now() + stage.chance.integer(800, 2_000);
    stage.tell("connections exhausted");
    while (performance.now() < until) {
      const client = new Client({ connectionString: stage.site.directUrl });
      client.on("error", () => undefined);
      try {
        await client.connect();
        taken.push(client);
      } catch {
        await endSome(stage.chance.isLikely(50) ? taken : []);
        await stage.pause(50);
      }
    }
    await Promise.all(taken.map((client) => client.end()));
  },
};

/** So that those who wait get one now and then. */
async function endSome(taken: Client[]): Promise<void> {
  await Promise.all(taken.splice(0, 2).map((client) => client.end()));
}
