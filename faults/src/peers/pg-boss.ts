import { PgBoss } from "pg-boss";
import { execute } from "../servers/admin.ts";
import type { Peer } from "./peer.ts";

const queue = "job";

export const pgBoss: Peer = {
  name: "pg-boss",
  // The least that it takes. Where `expireInSeconds` is over as well, a worker that wakes up fails the job instead.
  expiry: "`heartbeatSeconds: 10`",
  prepare: async (url) => {
    const boss = await open(url);
    await boss.createQueue(queue, { heartbeatSeconds: 10, retryLimit: 2, retryDelay: 0 });
    await boss.send(queue, {});
    await boss.stop();
  },
  work: async (url, run) => {
    const boss = await open(url);
    await boss.work(queue, { pollingIntervalSeconds: 0.5 }, run);
  },
  expire: async (url) => {
    await new Promise((resolve) => setTimeout(resolve, 11_000));
    const boss = await open(url);
    await boss.supervise(queue);
    await boss.stop();
  },
  state: async (url) => {
    const [row] = await execute<{ state: string }>(url, "select state from pgboss.job");
    return row?.state ?? "gone";
  },
};

async function open(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, superviseIntervalSeconds: 3_600 });
  boss.on("error", () => undefined);
  await boss.start();
  return boss;
}
