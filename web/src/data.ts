import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Reads } from "../../src/dashboard/api.ts";
import { ApiError, asApiError, read } from "./api.ts";
import { beat } from "./live.ts";
import { setTrouble } from "./trouble.ts";

/** Counts what was changed from here: whatever is shown is read anew. */
export const changes = signal(0);

const againMs = 5_000;
// So many times as long as an answer took: a slow database has something else to do. But people wait for it.
const restsFor = 20;
const longestRestMs = 6_000;

/** What is known of something that is read. */
export interface Reading<Answer> {
  /** The last answer, of these parameters or of those before: what is there stays until there is something else. */
  readonly data: Answer | undefined;
  /** Why there is no newer one. */
  readonly error: ApiError | undefined;
}

/** How often something is read: with each beat of the live view and after changes, or once. */
export type Rhythm = "live" | "once";

/** Reads something for a component, and reads it again as `rhythm` says. */
export function useRead<Name extends keyof Reads>(
  name: Name,
  params: Reads[Name]["params"],
  rhythm: Rhythm = "live",
): Reading<Reads[Name]["answer"]> {
  const key = JSON.stringify(params);
  const [known, setKnown] = useState<Known<Reads[Name]["answer"]>>({ key: "" });
  const loop = useRef<Loop | undefined>(undefined);
  useEffect(() => {
    const started = startLoop((signal) => read(name, params, signal), {
      onAnswer: (data) => {
        setTrouble(name, undefined);
        setKnown({ key, data });
      },
      onError: (error) => {
        setTrouble(name, error.isPassing ? error : undefined);
        setKnown((before) => ({ key, error, ...(before.key === key && { data: before.data }) }));
      },
    });
    loop.current = started;
    return () => {
      started.stop();
      setTrouble(name, undefined);
    };
  }, [name, key]);
  const time = rhythm === "live" ? beat.value : 0;
  useEffect(() => loop.current?.ask("when idle"), [time]);
  const heard = useRef(changes.value);
  useEffect(() => {
    // What has just begun asks for itself.
    if (heard.current !== changes.value && rhythm === "live") loop.current?.ask("surely");
    heard.current = changes.value;
  }, [changes.value]);
  return { data: known.data, error: known.key === key ? known.error : undefined };
}

interface Known<Answer> {
  readonly key: string;
  readonly data?: Answer | undefined;
  readonly error?: ApiError | undefined;
}

interface Loop {
  /** Asks anew; "surely" also when an answer is on its way, which may be older than what was changed. */
  readonly ask: (how: "surely" | "when idle") => void;
  readonly stop: () => void;
}

interface Listener<Answer> {
  readonly onAnswer: (answer: Answer) => void;
  readonly onError: (error: ApiError) => void;
}

// One question at a time, and beats are passed over while the answer before has cost more than a share of the time; what fails and
// may pass is asked again by itself.
function startLoop<Answer>(
  ask: (signal: AbortSignal) => Promise<Answer>,
  { onAnswer, onError }: Listener<Answer>,
): Loop {
  const ending = new AbortController();
  let state: "idle" | "asking" | "asking, then again" = "idle";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let restsUntil = 0;
  const run = async (): Promise<void> => {
    clearTimeout(timer);
    state = "asking";
    const askedAt = performance.now();
    const result = await ask(ending.signal).catch(asApiError);
    const answeredAt = performance.now();
    restsUntil = answeredAt + Math.min((answeredAt - askedAt) * restsFor, longestRestMs);
    if (ending.signal.aborted) return;
    const isWanted = hasToAskAgain();
    state = "idle";
    if (!(result instanceof ApiError)) onAnswer(result);
    else {
      onError(result);
      if (result.isPassing) timer = setTimeout(() => void run(), againMs);
    }
    if (isWanted) await run();
  };
  const hasToAskAgain = (): boolean => state === "asking, then again";
  void run();
  return {
    ask: (how) => {
      if (how === "surely" && state !== "idle") state = "asking, then again";
      else if (state === "idle" && (how === "surely" || performance.now() >= restsUntil))
        void run();
    },
    stop: () => {
      clearTimeout(timer);
      ending.abort();
    },
  };
}
