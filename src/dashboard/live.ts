import type { Tick } from "./api.ts";

const tickMs = 2_000;
const quietMs = 15_000;

/** Answers with server-sent events: a `tick` every two seconds, a `trouble` when there is none, until the request is aborted. */
export function liveResponse(request: Request, tick: () => Promise<Tick>): Response {
  const encoder = new TextEncoder();
  let timer: NodeJS.Timeout | undefined;
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    clearTimeout(timer);
  };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let sentAt = 0;
      const send = (text: string): void => {
        if (hasEnded) return;
        controller.enqueue(encoder.encode(text));
        sentAt = performance.now();
      };
      const turn = async (): Promise<void> => {
        // Who does not read gets no more.
        const isFull = (controller.desiredSize ?? 0) <= -8;
        if (!isFull) send(await nextEvent(tick));
        if (performance.now() - sentAt > quietMs && !isFull) send(": still here\n\n");
        if (!hasEnded) timer = setTimeout(() => void turn(), tickMs);
      };
      request.signal.addEventListener("abort", () => {
        if (hasEnded) return;
        end();
        controller.close();
      });
      send("retry: 5000\n\n");
      void turn();
    },
    cancel: end,
  });
  return new Response(body, {
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
  });
}

async function nextEvent(tick: () => Promise<Tick>): Promise<string> {
  try {
    return `event: tick\ndata: ${JSON.stringify(await tick())}\n\n`;
  } catch {
    return `event: trouble\ndata: {}\n\n`;
  }
}
