import type { EmbeddedPostgres } from "pawl/embedded";
import { leaseMs } from "../lease.ts";
import { sessionsOf, untilAnswering } from "../servers/admin.ts";
import type { Stage } from "../stage.ts";
import type { Fault } from "./fault.ts";

const ways = ["postmaster killed", "backend killed", "immediate stop", "fast stop"] as const;
const answersWithinMs = 20_000;

export const serverCrash: Fault = {
  id: "F5",
  name: "server crash",
  what: "the server crashes and comes back, once or twice",
  weight: 9,
  workloads: ["plain", "transactional"],
  openSite: (grounds) => grounds.ownSite(),
  inject: async (stage) => {
    const times = stage.chance.integer(1, 2);
    for (let time = 0; time < times; time += 1) {
      await stage.pauseBetween(200, 700);
      await crash(stage, stage.chance.pick(ways));
    }
  },
};

export const downAtStart: Fault = {
  id: "F5b",
  name: "server down at start",
  what: "the server is down when the first processes start, for up to three leases",
  weight: 2,
  workloads: ["plain", "transactional"],
  openSite: (grounds) => grounds.ownSite(),
  prepare: async (stage) => {
    stage.tell("down at start");
    stage.recorder.record({ kind: "outage" });
    await serverOf(stage).stop("fast");
  },
  inject: async (stage) => {
    await stage.pauseBetween(0, 3 * leaseMs);
    await serverOf(stage).restart();
    await untilAnswering(stage.site.directUrl, answersWithinMs);
    stage.recorder.record({ kind: "restored" });
  },
};

async function crash(stage: Stage, way: (typeof ways)[number]): Promise<void> {
  const server = serverOf(stage);
  stage.tell(way);
  stage.recorder.record({ kind: "outage" });
  if (way === "backend killed") await killBackend(stage);
  else {
    if (way === "postmaster killed") await server.kill();
    else await server.stop(way === "immediate stop" ? "immediate" : "fast");
    // Now and then for longer than a lease.
    await stage.pauseBetween(0, stage.chance.isLikely(30) ? 2.5 * leaseMs : 500);
    await server.restart();
  }
  await untilAnswering(stage.site.directUrl, answersWithinMs);
  stage.recorder.record({ kind: "restored" });
}

function serverOf({ site }: Stage): EmbeddedPostgres {
  if (site.server === undefined) throw new Error("expected a server of the run's own");
  return site.server;
}

/** As the kernel does when memory is short: the server ends all sessions and recovers. */
async function killBackend(stage: Stage): Promise<void> {
  const [victim] = await sessionsOf(stage.site.directUrl);
  if (victim !== undefined) process.kill(victim, "SIGKILL");
  await stage.pause(100);
}
