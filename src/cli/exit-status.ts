/** What the command line exits with; 128 and the number of the signal when it was told twice to stop. */
export const exitStatus = { ok: 0, failure: 1, usage: 2, unreachable: 3 } as const;
