import { Client } from "pg";
import { PgBouncer, pgBouncerLacking } from "../servers/pgbouncer.ts";
import type { Site } from "../servers/site.ts";
import type { Fault } from "./fault.ts";

const poolSize = 3;
const bouncers = new WeakMap<Site, PgBouncer>();

export const pgBouncer: Fault = {
  id: "F10",
  name: "PgBouncer",
  what: "everything goes through PgBouncer in transaction mode, with few connections, which pauses and drops them",
  weight: 5,
  workloads: ["plain", "mixed", "transactional", "keys"],
  lacking: pgBouncerLacking,
  drainMs: 5_000,
  openSite: async (grounds) => {
    const shared = await grounds.sharedSite();
    const bouncer = await PgBouncer.start(shared.url, poolSize);
    const site: Site = {
      url: bouncer.url,
      directUrl: shared.url,
      leave: () => bouncer.stop(),
      close: async () => {
        await bouncer.stop();
        await shared.close();
      },
    };
    bouncers.set(site, bouncer);
    return site;
  },
  inject: async (stage) => {
    const bouncer = bouncers.get(stage.site);
    if (bouncer === undefined) throw new Error("expected a site behind PgBouncer");
    const console = new Client({ connectionString: bouncer.consoleUrl });
    await console.connect();
    // Its console knows no prepared statements, and `query` without values needs none.
    for (const command of stage.chance.shuffled(["pause", "reconnect", "reload"])) {
      await stage.pauseBetween(200, 600);
      stage.tell(command);
      await console.query(command);
      if (command !== "pause") continue;
      await stage.pauseBetween(100, 700);
      await console.query("resume");
    }
    await console.end();
  },
};
