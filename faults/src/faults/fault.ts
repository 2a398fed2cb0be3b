import type { Assignment } from "../processes/assignment.ts";
import type { Grounds, Site } from "../servers/site.ts";
import type { Stage } from "../stage.ts";

/** A kind of trouble. */
export interface Fault {
  /** As the table of faults has it: F3. */
  readonly id: string;
  readonly name: string;
  /** What happens, for the table of faults. */
  readonly what: string;
  /** The workloads that it may meet, each as often as it is named. */
  readonly workloads: readonly string[];
  /** How often it is drawn, beside the others. */
  readonly weight: number;
  /** Why it cannot be had on this machine, if so. */
  readonly lacking?: () => string | undefined;
  /** Whether each process goes through a proxy of its own. */
  readonly isProxied?: boolean;
  /** The database; left out, one on the server that runs share. */
  readonly openSite?: (grounds: Grounds) => Promise<Site>;
  /** What the first processes are told besides. */
  readonly assignment?: (stage: Stage) => Partial<Assignment>;
  /** Makes trouble before the first process starts. */
  readonly prepare?: (stage: Stage) => Promise<void>;
  /** Makes trouble while the work goes on, and takes back what would last. */
  readonly inject: (stage: Stage) => Promise<void>;
  /** How much longer than usual the rest may take, in milliseconds: what sessions wait for that nobody can tell the end of. */
  readonly drainMs?: number;
}
