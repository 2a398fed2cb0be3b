import { useState } from "preact/hooks";
import type { Reference } from "../../src/dashboard/api.ts";
import { keyOf } from "./outcomes.ts";

/** Which of the rows on a page are selected. */
export interface Selection<Row extends Reference> {
  readonly rows: readonly Row[];
  readonly has: (row: Row) => boolean;
  readonly toggle: (row: Row) => void;
  readonly areAll: boolean;
  readonly toggleAll: () => void;
  readonly clear: () => void;
}

/** Keeps a selection among the rows on a page; what leaves the page is selected no more. */
export function useSelection<Row extends Reference>(
  shown: readonly Row[],
  key: (row: Row) => string = keyOf,
): Selection<Row> {
  const [keys, setKeys] = useState<ReadonlySet<string>>(new Set());
  const rows = shown.filter((row) => keys.has(key(row)));
  const areAll = shown.length > 0 && rows.length === shown.length;
  return {
    rows,
    has: (row) => keys.has(key(row)),
    toggle: (row) => {
      const after = new Set(keys);
      if (!after.delete(key(row))) after.add(key(row));
      setKeys(after);
    },
    areAll,
    toggleAll: () => setKeys(new Set(areAll ? [] : shown.map(key))),
    clear: () => setKeys(new Set()),
  };
}
