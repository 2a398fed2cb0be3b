import { useEffect, useRef, useState } from "preact/hooks";
import type { HistoryPageRows, JobsPage, Page } from "../../src/dashboard/api.ts";
import { Failure, forget, read } from "./api.ts";
import { beat } from "./live.ts";

/** How many rows a page has. */
export const pageSize = 50;

const everyMs = 4_000;

/** What a search has found so far. */
export interface Search<Row> {
  /** Undefined until the first answer. */
  readonly rows: readonly Row[] | undefined;
  readonly next: string | null;
  readonly examined: number;
  /** Whether it still goes on by itself. */
  readonly isRunning: boolean;
  readonly failure: Failure | undefined;
  /** Stops it where it is. */
  readonly stop: () => void;
  readonly again: () => void;
}

type State<Row> = Omit<Search<Row>, "stop" | "again"> & { readonly of: string };

/** Reads one page for as long as it takes: an answer that time has cut is followed by the next question. */
export type Ask<Row> = (
  params: Readonly<Record<string, string>>,
  aborted: AbortSignal,
) => Promise<Page & { readonly rows: readonly Row[] }>;

/** How jobs are asked for. */
export const askJobs: Ask<JobsPage["jobs"][number]> = async (params, aborted) => {
  const page = await read("jobs", params, aborted);
  return { ...page, rows: page.jobs };
};

/** How attempts are asked for. */
export const askHistory: Ask<HistoryPageRows["attempts"][number]> = async (params, aborted) => {
  const page = await read("history", params, aborted);
  return { ...page, rows: page.attempts };
};

/** Shows a page of a search, whole or as far as it has come; reads it again from time to time when that is cheap. */
export function useSearch<Row>(
  name: "jobs" | "history",
  ask: Ask<Row>,
  params: Readonly<Record<string, string>>,
): Search<Row> {
  const of = JSON.stringify(params);
  const [state, setState] = useState<State<Row>>(() => nothing(of));
  const [wish, setWish] = useState(0);
  const last = useRef({ of: "", wish: 0, at: 0, isCheap: true });
  const running = useRef<AbortController | undefined>(undefined);
  const time = beat.value;
  useEffect(() => {
    const isNew = last.current.of !== of || last.current.wish !== wish;
    const isDue = last.current.isCheap && performance.now() - last.current.at >= everyMs;
    if (!isNew && (running.current !== undefined || !isDue)) return;
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    last.current = { of, wish, at: performance.now(), isCheap: true };
    const show = (shown: Partial<State<Row>>) => {
      if (running.current !== controller) return;
      if (shown.isRunning === true) last.current.isCheap = false;
      setState((before) => ({ ...(before.of === of ? before : nothing<Row>(of)), ...shown }));
    };
    void search({ ask, params, signal: controller.signal, show }).finally(() => {
      if (running.current !== controller) return;
      running.current = undefined;
      last.current.at = performance.now();
    });
  }, [of, wish, time]);
  useEffect(
    () => () => {
      running.current?.abort();
      running.current = undefined;
      forget(name);
    },
    [name],
  );
  return {
    ...(state.of === of ? state : nothing<Row>(of)),
    stop: () => {
      running.current?.abort();
      running.current = undefined;
      setState((before) => ({ ...before, isRunning: false }));
    },
    again: () => setWish((count) => count + 1),
  };
}

interface Run<Row> {
  readonly ask: Ask<Row>;
  readonly params: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly show: (shown: Partial<State<Row>>) => void;
}

async function search<Row>({ ask, params, signal, show }: Run<Row>): Promise<void> {
  const rows: Row[] = [];
  let examined = 0;
  let after: Readonly<Record<string, string>> = {};
  try {
    for (;;) {
      const limit = String(pageSize - rows.length);
      const page = await ask({ ...params, ...after, limit }, signal);
      rows.push(...page.rows);
      examined += page.examined;
      const { next } = page;
      const goesOn = page.isCut && next !== null && rows.length < pageSize;
      show({ rows: [...rows], examined, next, isRunning: goesOn, failure: undefined });
      if (!goesOn) return;
      after = { after: next };
    }
  } catch (error) {
    if (signal.aborted) return;
    const failure =
      error instanceof Failure
        ? error
        : new Failure(String(error), { code: "PAWL_DASHBOARD_ANSWER", status: 0 });
    show({ failure, isRunning: false });
  }
}

function nothing<Row>(of: string): State<Row> {
  return { of, rows: undefined, next: null, examined: 0, isRunning: false, failure: undefined };
}
