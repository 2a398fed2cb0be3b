import { Client } from "pg";
import { endSessions, execute } from "../servers/admin.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const forMs = 2_000;

export const conflicts: Fault = {
  id: "F12",
  name: "conflicts",
  what: "serializable by default, and rivals that lock the jobs' rows in another order, and hold them",
  weight: 5,
  workloads: ["plain", "transactional", "keys", "limits"],
  inject: async (stage) => {
    const { directUrl } = stage.site;
    const name = new URL(directUrl).pathname.slice(1);
    const setting = `alter database ${name} set default_transaction_isolation`;
    await execute(directUrl, `${setting} = 'serializable'`);
    // It holds for sessions that begin from now on.
    await endSessions(directUrl);
    const until = performance.now() + forMs;
    await Promise.all([rival(stage, until), rival(stage, until)]);
    await execute(directUrl, `${setting} = default`);
    await endSessions(directUrl);
  },
};

async function rival(stage: Stage, until: number): Promise<void> {
  const client = new Client({ connectionString: stage.site.directUrl });
  client.on("error", () => undefined);
  await client.connect();
  while (performance.now() < until) {
    try {
      await client.query("begin isolation level read committed");
      await client.query(
        `select id from pawl.jobs where id in (select id from pawl.jobs order by random() limit 10)
          order by id desc for update`,
      );
      await stage.pauseBetween(5, 120);
      await client.query("commit");
    } catch {
      stage.tell("a rival met a conflict");
      await client.query("rollback").catch(() => undefined);
    }
    await stage.pauseBetween(5, 60);
  }
  await client.end().catch(() => undefined);
}
