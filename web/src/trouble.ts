import { computed, signal } from "@preact/signals";

/** Something that cannot be read at the moment, and why. */
export interface Trouble {
  readonly code: string;
  readonly message: string;
}

const troubles = signal<ReadonlyMap<string, Trouble>>(new Map());

/** What the banner says: the first trouble that has not passed. */
export const trouble = computed<Trouble | undefined>(() => [...troubles.value.values()][0]);

/** Notes that something cannot be read, or that it can again. */
export function setTrouble(name: string, found: Trouble | undefined): void {
  const before = troubles.peek();
  if (found === undefined && !before.has(name)) return;
  const after = new Map(before);
  if (found === undefined) after.delete(name);
  else after.set(name, { code: found.code, message: found.message });
  troubles.value = after;
}
