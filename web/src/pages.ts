import type { Params } from "./route.ts";

const mark = "~";
const longestTrail = 20;

/** The parameters of the page after this one, which know the way back. */
export function nextPage(params: Params, next: string): Record<string, string | undefined> {
  const { after, trail } = params;
  if (after === undefined) return { after: next, trail: undefined };
  const steps = [...stepsOf(trail), after].slice(-longestTrail);
  return { after: next, trail: steps.join(mark) };
}

/** The parameters of the page before this one; undefined when this is the first. */
export function previousPage(params: Params): Record<string, string | undefined> | undefined {
  if (params.after === undefined) return undefined;
  const steps = stepsOf(params.trail);
  const after = steps.pop();
  return { after, trail: steps.join(mark) };
}

/** What a change of the filter has to forget. */
export const firstPage = { after: undefined, trail: undefined } as const;

function stepsOf(trail: string | undefined): string[] {
  return trail === undefined || trail === "" ? [] : trail.split(mark);
}
