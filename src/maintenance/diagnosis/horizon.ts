import { roughDuration } from "../../core/duration.ts";
import type { HorizonHolder } from "../../store/diagnosis.ts";
import {
  counted,
  failure,
  ok,
  warning,
  type DiagnosisFinding,
  type DiagnosisLevel,
} from "./finding.ts";

/** From when on it matters that something holds the horizon. */
export interface HorizonLimits {
  readonly warningMs: number;
  readonly errorMs: number;
  /** For what has no time: how many transactions have begun since. */
  readonly errorTransactions: number;
}

/** Transactions of an application end within seconds. */
const horizonLimits: HorizonLimits = {
  warningMs: 60_000,
  errorMs: 15 * 60_000,
  errorTransactions: 1_000_000,
};

/** What is to be said of those who hold the xmin horizon, the oldest first. */
export function judgeHorizon(
  holders: readonly HorizonHolder[],
  limits: HorizonLimits = horizonLimits,
): DiagnosisFinding[] {
  const findings = holders.flatMap((holder) => judgeHolder(holder, levelOf(holder, limits)));
  if (findings.length > 0) return findings;
  const [oldest] = holders;
  if (oldest === undefined) return [ok("horizon", "Nothing holds the xmin horizon.")];
  return [
    ok("horizon", `Nothing holds the xmin horizon for long; the oldest: ${describe(oldest)}.`),
  ];
}

function judgeHolder(holder: HorizonHolder, level: DiagnosisLevel): DiagnosisFinding[] {
  if (level === "ok") return [];
  const rows = holder.isCatalogsOnly ? "rows of the catalogs" : "rows";
  const text = `The xmin horizon is held by ${describe(holder)}: no ${rows} that died since can be removed.`;
  const fix = `${advice[holder.kind]}: ${holder.remedy}`;
  return [level === "error" ? failure("horizon", text, fix) : warning("horizon", text, fix)];
}

const advice: Readonly<Record<HorizonHolder["kind"], string>> = {
  session: "Let it end its transaction, or end it",
  prepared: "Commit it, or give it up",
  slot: "If nobody needs it any more",
};

// A slot that nobody reads from is held for ever; one that is read from moves on by itself.
function levelOf(holder: HorizonHolder, limits: HorizonLimits): DiagnosisLevel {
  const { kind, state, heldMs, transactions } = holder;
  if (kind === "slot") {
    const isFarBehind = transactions >= limits.errorTransactions;
    if (state === "active") return isFarBehind ? "warning" : "ok";
    return isFarBehind ? "error" : "warning";
  }
  if ((heldMs ?? 0) >= limits.errorMs) return "error";
  return (heldMs ?? 0) >= limits.warningMs ? "warning" : "ok";
}

function describe(holder: HorizonHolder): string {
  const { heldMs, transactions } = holder;
  const time = heldMs === null ? "" : ` for ${roughDuration(heldMs)}`;
  return `${nameOf(holder)}${time}, ${counted(transactions, "transaction")} back`;
}

function nameOf({ kind, name, pid, role, state }: HorizonHolder): string {
  switch (kind) {
    case "session": {
      const facts = [name === "" ? "without a name" : `"${name}"`, `role ${role ?? "unknown"}`];
      return `the session ${pid ?? "unknown"} (${[...facts, ...(state === null ? [] : [state])].join(", ")})`;
    }
    case "prepared":
      return `the prepared transaction "${name}" (role ${role ?? "unknown"})`;
    case "slot":
      return `the replication slot "${name}" (${state ?? "inactive"})`;
  }
}
