import type { Ability, Contender } from "../contenders/contender.ts";
import type { Measurement } from "../measurement.ts";
import type { Result } from "../result.ts";

/** One number that a measurement has found. */
export interface Figure extends Pick<Result, "metric" | "unit" | "better"> {
  readonly value: number;
}

/** One kind of work to compare contenders by. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** What is done, and what is told, in a sentence or two for the report. */
  readonly description: string;
  readonly needs?: Ability;
  /** Run with the defaults, too: where no settings are given. The others are run with the best settings only. */
  readonly hasDefaults?: boolean;
  /** What is aimed at compares Pawl with itself: one peer is enough, and the quick benchmark leaves it out. */
  readonly isOwn?: boolean;
  /** Why the contender cannot take part; undefined when it can. */
  lacking?(contender: Contender): string | undefined;
  /** One round: on fresh databases, from `measurement.freshDatabase`. */
  measure(measurement: Measurement): Promise<readonly Figure[]>;
}
