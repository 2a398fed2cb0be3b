import { PgBoss } from "pg-boss";
import { execute } from "../servers/admin.ts";
import type { Peer } from "./peer.ts";

const queue = "job";

export const pgBoss: Peer = {
  name: "pg-boss",
  expiry: "`expireInSeconds: 2`",
  prepare: async (url) => {
    const boss = await open(url);
    await boss.createQueue(queue, { expireInSeconds: 2, retryLimit: 2, retryDelay: 0 });
    await boss.send(queue, {});
    await boss.stop();
  },
  work: async (url, run) => {
    const boss = await open(url);
    await boss.work(queue, { pollingIntervalSeconds: 0.5 }, run);
  },
  expire: async (url) => {
    await new Promise((resolve) => setTimeout(resolve, 2_500));
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
