import type { Missing } from "../result.ts";
import { displayName } from "./metrics.ts";
import { scenarioTitle, type ReportTexts } from "./texts.ts";

/** One line for each contender and reason. */
export function missingList(missing: readonly Missing[], texts: ReportTexts): string {
  if (missing.length === 0) return "Nothing of what was asked for.";
  const alike = groupBy(missing, (one) => [one.contender, one.isFailure, one.reason].join("\n"));
  return alike.map((group) => lineOf(group, texts)).join("\n");
}

type Group = [Missing, ...Missing[]];

function lineOf(group: Group, texts: ReportTexts): string {
  const { contender, reason, isFailure } = group[0];
  const verb = isFailure ? "**failed**" : "did not take part";
  const places = placesOf(group, texts);
  return `- ${displayName(contender)} ${verb} in ${places}: ${reason.replaceAll(/\s+/g, " ")}`;
}

/** "Draining (best, defaults), Latency (best)" */
function placesOf(missing: readonly Missing[], texts: ReportTexts): string {
  return groupBy(missing, ({ scenario }) => scenario)
    .map((group) => {
      const settings = group.map((one) => one.settings).join(", ");
      return `${scenarioTitle(group[0].scenario, texts)} (${settings})`;
    })
    .join(", ");
}

function groupBy(missing: readonly Missing[], keyOf: (one: Missing) => string): Group[] {
  const groups = new Map<string, Group>();
  for (const one of missing) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return [...groups.values()];
}
