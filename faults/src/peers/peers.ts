import { graphileWorker } from "./graphile-worker.ts";
import { pawl } from "./pawl.ts";
import type { Peer } from "./peer.ts";
import { pgBoss } from "./pg-boss.ts";

export const peers: readonly Peer[] = [pawl, graphileWorker, pgBoss];

/** Throws when there is none of that name. */
export function peerNamed(name: string): Peer {
  const found = peers.find((peer) => peer.name === name);
  if (found === undefined) throw new Error(`expected the name of a peer, got "${name}"`);
  return found;
}
