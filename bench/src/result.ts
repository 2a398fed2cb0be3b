import type { Settings } from "./contenders/contender.ts";

/** What `--json` writes. */
export interface BenchReport {
  readonly machine: Machine;
  /** Of Node, the servers, Pawl and each peer. */
  readonly versions: Record<string, string>;
  /** What the servers were started with. */
  readonly serverSettings: Record<string, string>;
  /** When it was run, and for how many rounds. */
  readonly startedAt: string;
  readonly repeats: number;
  readonly isQuick: boolean;
  readonly results: readonly Result[];
  readonly ratios: readonly Ratio[];
  /** What was not measured, and why: a missing server, or something a contender does not have. */
  readonly missing: readonly Missing[];
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  /** The median time to write 8 KiB and to sync them, in the folder for temporary files: the servers' data is there. */
  readonly fsyncMs: number;
}

/** One figure of one contender, over all rounds. */
export interface Result {
  readonly scenario: string;
  readonly contender: string;
  readonly settings: Settings;
  readonly metric: string;
  readonly unit: string;
  /** Whether more of it is better; undefined for what is told beside the figures that are compared. */
  readonly better?: "higher" | "lower";
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** One value for each round. */
  readonly runs: readonly number[];
}

/** Pawl's figure over the peer's, round by round; above 1 is more, which is not always better. */
export interface Ratio {
  readonly scenario: string;
  readonly metric: string;
  readonly against: string;
  readonly settings: Settings;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export interface Missing {
  readonly scenario: string;
  readonly contender: string;
  readonly settings: Settings;
  readonly reason: string;
  /** It could take part, and failed. */
  readonly isFailure: boolean;
}
