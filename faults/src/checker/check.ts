import { checkAttempts } from "./attempts.ts";
import { checkEffects } from "./effects.ts";
import { eventsOf, type Evidence, type Violation } from "./evidence.ts";
import { checkHygiene } from "./hygiene.ts";
import { checkConcurrency, checkOrder, checkOverlaps } from "./keys.ts";
import { checkLosses, totalsOf, type Totals } from "./losses.ts";
import { checkDeaths, checkMoves } from "./moves.ts";
import { checkRateLimits } from "./rate-limits.ts";
import { checkReadiness, checkZombies } from "./readiness.ts";
import { pickUpsOf, recoveriesOf } from "./recovery.ts";
import { checkSettles } from "./settles.ts";

/** What a run has shown. */
export interface Verdict {
  readonly violations: readonly Violation[];
  readonly totals: Totals;
  readonly executions: number;
  readonly recoveriesMs: readonly number[];
  readonly pickUpsMs: readonly number[];
  readonly faultsInjected: number;
}

const faultKinds = ["killed", "frozen", "told to stop", "fault"] as const;

/** Judges a run by its evidence, and by nothing else. */
export function check(evidence: Evidence): Verdict {
  return {
    violations: [
      checkLosses,
      checkEffects,
      checkSettles,
      checkAttempts,
      checkMoves,
      checkDeaths,
      checkConcurrency,
      checkOverlaps,
      checkOrder,
      checkRateLimits,
      checkHygiene,
      checkReadiness,
      checkZombies,
    ].flatMap((checkInvariant) => checkInvariant(evidence)),
    totals: totalsOf(evidence),
    executions: eventsOf(evidence, "started").length,
    recoveriesMs: recoveriesOf(evidence),
    pickUpsMs: pickUpsOf(evidence),
    faultsInjected: faultKinds.flatMap((kind) => eventsOf(evidence, kind)).length,
  };
}
