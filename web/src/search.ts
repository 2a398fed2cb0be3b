import { useEffect, useRef, useState } from "preact/hooks";
import { changes } from "./data.ts";
import { beat } from "./live.ts";
import { setTrouble } from "./trouble.ts";
import { Walk, type AskStep, type Found } from "./walk.ts";

/** A page of a search, as a screen shows it. */
export interface Search<Row> {
  /** Undefined until the first answer. */
  readonly found: Found<Row> | undefined;
  /** Whether `found` belongs to what was asked before. */
  readonly isStale: boolean;
  readonly stop: () => void;
  readonly goOn: () => void;
  /** While it is held, it does not look again by itself: somebody has selected rows. */
  readonly hold: (isHeld: boolean) => void;
}

interface Known<Row> {
  readonly key: string;
  readonly found: Found<Row> | undefined;
}

const againMs = 5_000;

/** Searches for a page, and looks again with each beat when that is cheap. `key` names what is asked. */
export function useSearch<Row>(
  key: string,
  start: string | undefined,
  ask: AskStep<Row>,
): Search<Row> {
  const [known, setKnown] = useState<Known<Row>>({ key: "", found: undefined });
  const walk = useRef<Walk<Row> | undefined>(undefined);
  const again = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    const begun = new Walk(start, ask, (found) => {
      const { error } = found;
      setTrouble("search", error?.isPassing === true ? error : undefined);
      clearTimeout(again.current);
      if (error?.isPassing === true) again.current = setTimeout(() => begun.tryAgain(), againMs);
      setKnown((before) => ({
        key,
        found: before.key === key ? keepRows(found, before.found) : found,
      }));
    });
    walk.current = begun;
    begun.begin();
    return () => {
      begun.end();
      clearTimeout(again.current);
      setTrouble("search", undefined);
    };
  }, [key]);
  const isFirst = useRef(true);
  const isHeld = useRef(false);
  useEffect(() => {
    if (!isFirst.current && !isHeld.current && walk.current?.isShort === true) walk.current.begin();
    isFirst.current = false;
  }, [beat.value]);
  const changed = useRef(changes.peek());
  useEffect(() => {
    // A long one is not thrown away.
    if (changed.current !== changes.value && walk.current?.isShort === true) walk.current.begin();
    changed.current = changes.value;
  }, [changes.value]);
  return {
    found: known.found,
    isStale: known.key !== key,
    stop: () => {
      clearTimeout(again.current);
      walk.current?.stop();
    },
    goOn: () => {
      clearTimeout(again.current);
      walk.current?.goOn();
    },
    hold: (held) => {
      isHeld.current = held;
    },
  };
}

// What failed has found nothing: better the rows of before, and why there are no newer ones.
function keepRows<Row>(found: Found<Row>, before: Found<Row> | undefined): Found<Row> {
  if (found.error === undefined || found.rows.length > 0 || before === undefined) return found;
  return { ...before, error: found.error, state: "done" };
}
