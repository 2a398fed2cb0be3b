import { useEffect, useRef, useState } from "preact/hooks";
import type { Reads } from "../../src/dashboard/api.ts";
import { Failure, forget, read } from "./api.ts";
import { beat } from "./live.ts";

/** What is known of something that is read again and again. */
export interface Reading<Answer> {
  /** The newest answer; it stays while the next one is on its way, or fails. */
  readonly answer: Answer | undefined;
  /** Why the last try failed; undefined when it did not. */
  readonly failure: Failure | undefined;
  /** Reads again, at once. */
  readonly again: () => void;
}

interface State<Answer> {
  readonly of: string;
  readonly answer: Answer | undefined;
  readonly failure: Failure | undefined;
}

/** Reads something when it is first shown, when its parameters change, and then at most every `everyMs`. */
export function useReading<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  everyMs = 4_000,
): Reading<Reads[Name]["answer"]> {
  const of = JSON.stringify(params);
  const [state, setState] = useState<State<Reads[Name]["answer"]>>(nothing(of));
  const [wish, setWish] = useState(0);
  const readAt = useRef({ of: "", at: 0, wish: 0 });
  const running = useRef<AbortController | undefined>(undefined);
  const now = beat.value;
  useEffect(() => {
    const { of: before, at, wish: granted } = readAt.current;
    const isNew = before !== of || granted !== wish;
    if (!isNew && (running.current !== undefined || performance.now() - at < everyMs)) return;
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    readAt.current = { of, at: performance.now(), wish };
    void settle(read(name, params, controller.signal)).then(({ answer, failure }) => {
      if (controller.signal.aborted) return;
      running.current = undefined;
      readAt.current = { ...readAt.current, at: performance.now() };
      setState((last) => ({
        of,
        failure,
        answer: answer ?? (last.of === of ? last.answer : undefined),
      }));
    });
  }, [name, of, wish, now]);
  useEffect(
    () => () => {
      running.current?.abort();
      forget(name);
    },
    [name],
  );
  const shown = state.of === of ? state : nothing<Reads[Name]["answer"]>(of);
  return {
    answer: shown.answer,
    failure: shown.failure,
    again: () => setWish((count) => count + 1),
  };
}

function nothing<Answer>(of: string): State<Answer> {
  return { of, answer: undefined, failure: undefined };
}

async function settle<Answer>(
  answer: Promise<Answer>,
): Promise<{ answer: Answer | undefined; failure: Failure | undefined }> {
  try {
    return { answer: await answer, failure: undefined };
  } catch (error) {
    const failure =
      error instanceof Failure
        ? error
        : new Failure(String(error), { code: "PAWL_DASHBOARD_ANSWER", status: 0 });
    return { answer: undefined, failure };
  }
}
