import { blackHole } from "./black-hole.ts";
import { clocks } from "./clocks.ts";
import { claimCut, commitCut } from "./commit-cut.ts";
import { conflicts } from "./conflicts.ts";
import { control } from "./control.ts";
import { dataFull, walFull } from "./disk-full.ts";
import { failover } from "./failover.ts";
import type { Fault } from "./fault.ts";
import { freeze, freezeAmidSettle } from "./freeze.ts";
import { killPoints } from "./kill-points.ts";
import { kill, killProducer } from "./kill.ts";
import { migration } from "./migration.ts";
import { network } from "./network.ts";
import { pgBouncer } from "./pgbouncer.ts";
import { readOnly } from "./read-only.ts";
import { downAtStart, serverCrash } from "./server-crash.ts";
import { signals } from "./signals.ts";
import { starvation } from "./starvation.ts";
import { terminate } from "./terminate.ts";

export const faults: readonly Fault[] = [
  control,
  kill,
  killProducer,
  killPoints,
  freeze,
  freezeAmidSettle,
  terminate,
  serverCrash,
  downAtStart,
  network,
  blackHole,
  commitCut,
  claimCut,
  dataFull,
  walFull,
  readOnly,
  failover,
  pgBouncer,
  starvation,
  conflicts,
  clocks,
  signals,
  migration,
];
