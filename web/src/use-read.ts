import { useEffect, useState } from "preact/hooks";
import type { Reads } from "../../src/dashboard/api.ts";
import { read } from "./api.ts";
import { beat, noteTrouble } from "./live.ts";

/** What a screen reads: what came last, and what went wrong since. */
export interface Reading<Answer> {
  readonly answer: Answer | undefined;
  readonly error: string | undefined;
  /** Whether an answer is under way that nobody has seen yet. */
  readonly isLoading: boolean;
  again(): void;
}

/** Reads when the parameters change, and at every beat. */
export function useRead<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  { isLive = true }: { readonly isLive?: boolean } = {},
): Reading<Reads[Name]["answer"]> {
  const key = JSON.stringify(params);
  const [state, setState] = useState<{
    key: string;
    answer: Reads[Name]["answer"] | undefined;
    error: string | undefined;
  }>({ key: "", answer: undefined, error: undefined });
  const [turn, setTurn] = useState(0);
  const when = isLive ? beat.value : 0;
  useEffect(() => {
    const ended = new AbortController();
    read(name, params, ended.signal).then(
      (answer) => {
        setState({ key, answer, error: undefined });
      },
      (error: unknown) => {
        if (ended.signal.aborted) return;
        noteTrouble(error);
        const message = error instanceof Error ? error.message : String(error);
        setState((before) => ({ ...before, key, error: message }));
      },
    );
    return () => {
      ended.abort();
    };
  }, [name, key, when, turn]);
  const isOwn = state.key === key;
  return {
    answer: state.answer,
    error: isOwn ? state.error : undefined,
    isLoading: !isOwn,
    again: () => {
      setTurn((before) => before + 1);
    },
  };
}
