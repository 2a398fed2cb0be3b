/** What a process of a run is told when it starts. */
export interface Assignment {
  readonly role: "worker" | "producer" | "migrator";
  /** The database as the role's Pawl reaches it: through proxies and poolers. */
  readonly url: string;
  /** Where events go. */
  readonly events: string;
  readonly workload: string;
  /** Of the workload's chance. */
  readonly seed: number;
  /** How far the process's clock is off, in milliseconds. */
  readonly skewMs?: number;
  /** With SIGKILL, in the first handler that comes there. */
  readonly diesIn?: "the handler, before its effect" | "the handler, after its effect";
  /** The producer's connections at most. */
  readonly connections?: number;
}

/** What a process tells its parent. */
export type Message = "ready" | "done" | "finished";
