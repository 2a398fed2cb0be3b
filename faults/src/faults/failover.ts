import { appendFile, chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startEmbeddedPostgres, type EmbeddedPostgres } from "pawl/embedded";
import { serverAccount } from "../servers/account.ts";
import { execute, untilAnswering } from "../servers/admin.ts";
import type { Grounds, Site } from "../servers/site.ts";
import { templateDatabase } from "../servers/template.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

interface Pair {
  readonly primary: EmbeddedPostgres;
  readonly standby: EmbeddedPostgres;
}

const withinMs = 20_000;
const pairs = new WeakMap<Site, Pair>();

export const failover: Fault = {
  id: "F9b",
  name: "failover",
  what: "the primary is gone, or stands still, and its synchronous standby takes over",
  weight: 4,
  workloads: ["plain", "transactional"],
  isProxied: true,
  drainMs: 5_000,
  openSite: openPair,
  inject: async (stage) => {
    const { primary, standby } = pairOf(stage);
    const isFrozen = stage.chance.isLikely(40);
    await stage.pauseBetween(300, 900);
    stage.tell(isFrozen ? "primary frozen" : "primary killed");
    stage.recorder.record({ kind: "outage" });
    if (isFrozen) process.kill(primary.pid, "SIGSTOP");
    else await primary.kill();
    await execute(
      standby.url,
      "select pg_promote()",
      "alter system reset synchronous_standby_names",
    );
    await execute(standby.url, "select pg_reload_conf()");
    Object.assign(stage.site, { url: standby.url, directUrl: standby.url });
    for (const { proxy } of stage.actors) {
      proxy?.leadTo(standby.url);
      // Who is connected still speaks with the old primary.
      if (!isFrozen || stage.chance.isLikely(50)) proxy?.reset();
    }
    await untilAnswering(standby.url, withinMs);
    stage.recorder.record({ kind: "restored" });
    if (!isFrozen) return;
    await stage.pauseBetween(200, 1_000);
    process.kill(primary.pid, "SIGCONT");
    await primary.kill();
  },
};

async function openPair(grounds: Grounds): Promise<Site> {
  // Both begin as the same data, so the standby can follow from where they part.
  const former = await grounds.ownSite();
  const primary = former.server;
  const data = await grounds.template.copy();
  const own = [
    `primary_conninfo = 'host=127.0.0.1 port=${primary.port} user=postgres application_name=standby'`,
    "hot_standby = on",
  ];
  await appendFile(join(data, "postgresql.auto.conf"), `${own.join("\n")}\n`);
  const signal = join(data, "standby.signal");
  await writeFile(signal, "");
  const { uid, gid } = serverAccount() ?? { uid: -1, gid: -1 };
  if (uid >= 0) await chown(signal, uid, gid);
  const standby = await startEmbeddedPostgres({
    dataDirectory: data,
    database: templateDatabase,
    settings: grounds.template.settings,
  });
  await execute(primary.url, "alter system set synchronous_standby_names = 'standby'");
  await execute(primary.url, "select pg_reload_conf()");
  await untilInStep(primary.url);
  const site: Site = {
    url: primary.url,
    directUrl: primary.url,
    close: async () => {
      await former.close();
      await grounds.template.discard(standby);
    },
  };
  pairs.set(site, { primary, standby });
  return site;
}

async function untilInStep(url: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const [row] = await execute<{ state: string }>(
      url,
      "select sync_state as state from pg_stat_replication",
    );
    if (row?.state === "sync") return;
    if (performance.now() > deadline) throw new Error("expected a synchronous standby");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function pairOf({ site }: Stage): Pair {
  const pair = pairs.get(site);
  if (pair === undefined) throw new Error("expected a site with a standby");
  return pair;
}
