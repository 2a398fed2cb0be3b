import { execFileSync } from "node:child_process";
import { renameSync, symlinkSync } from "node:fs";
import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execute, isSilentWithin, untilAnswering } from "../servers/admin.ts";
import { mountLacking } from "../servers/account.ts";
import type { Grounds, Site } from "../servers/site.ts";
import { SmallDisk } from "../servers/small-disk.ts";
import { templateDatabase } from "../servers/template.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const dataMb = 48;
const walMb = 80;
const answersWithinMs = 20_000;
const downWithinMs = 1_000;
const disks = new WeakMap<Site, SmallDisk>();

export const dataFull: Fault = {
  id: "F8",
  name: "disk full",
  what: "the disk with the tables is full for a while: statements fail, and the server stays up",
  weight: 3,
  workloads: ["plain", "transactional"],
  lacking: mountLacking,
  openSite: openOnSmallDisk,
  inject: async (stage) => {
    const disk = diskOf(stage);
    await stage.pauseBetween(200, 600);
    disk.fill();
    stage.tell("disk full");
    await stage.pauseBetween(300, 1_500);
    disk.empty();
  },
};

export const walFull: Fault = {
  id: "F8b",
  name: "log disk full",
  what: "the disk with the write-ahead log is full: the server goes down, and comes back when there is room again",
  weight: 3,
  workloads: ["plain", "transactional"],
  lacking: mountLacking,
  openSite: openWithSmallWal,
  inject: async (stage) => {
    const { server } = stage.site;
    if (server === undefined) throw new Error("expected a server of the run's own");
    const disk = diskOf(stage);
    await stage.pauseBetween(200, 600);
    disk.fill();
    stage.tell("log disk full");
    // What is in the present segment still fits.
    await execute(stage.site.directUrl, "select pg_switch_wal()").catch(() => undefined);
    // It goes on for as long as what it writes finds room.
    if (await isSilentWithin(stage.site.directUrl, downWithinMs)) {
      stage.recorder.record({ kind: "outage" });
    }
    await stage.pauseBetween(500, 1_500);
    disk.empty();
    await server.restart();
    await untilAnswering(stage.site.directUrl, answersWithinMs);
    stage.recorder.record({ kind: "restored" });
  },
};

async function openOnSmallDisk(grounds: Grounds): Promise<Site> {
  const site = await grounds.ownSite();
  const disk = new SmallDisk(dataMb);
  const admin = Object.assign(new URL(site.url), { pathname: "/postgres" }).href;
  const name = "run_small";
  await execute(
    admin,
    `create tablespace small location '${disk.path}'`,
    `create database ${name} template ${templateDatabase} tablespace small`,
  );
  const url = Object.assign(new URL(site.url), { pathname: `/${name}` }).href;
  return onDisk({ ...site, url, directUrl: url }, disk);
}

async function openWithSmallWal(grounds: Grounds): Promise<Site> {
  const site = await grounds.ownSite({
    max_wal_size: "32MB",
    min_wal_size: "32MB",
    wal_recycle: "off",
  });
  const disk = new SmallDisk(walMb);
  await site.server.stop();
  const wal = join(site.server.dataDirectory, "pg_wal");
  const onDiskPath = join(disk.path, "pg_wal");
  await mkdir(onDiskPath);
  await cp(wal, onDiskPath, { recursive: true });
  execFileSync("chown", ["--recursive", `--reference=${wal}`, onDiskPath]);
  renameSync(wal, `${wal}-before`);
  symlinkSync(onDiskPath, wal);
  await site.server.restart();
  return onDisk(site, disk);
}

function onDisk(site: Site, disk: SmallDisk): Site {
  const small = {
    ...site,
    close: async () => {
      disk.empty();
      await site.close();
      disk.remove();
    },
  };
  disks.set(small, disk);
  return small;
}

function diskOf({ site }: Stage): SmallDisk {
  const disk = disks.get(site);
  if (disk === undefined) throw new Error("expected a site on a small disk");
  return disk;
}
