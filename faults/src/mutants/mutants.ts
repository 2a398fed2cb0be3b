import { lifeMutants } from "./life-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { tokenMutants } from "./token-mutants.ts";

/** Sixteen bugs that queues have had. */
export const mutants: readonly Mutant[] = [...tokenMutants, ...lifeMutants];
