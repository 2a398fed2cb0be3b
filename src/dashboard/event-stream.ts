/** Sends a piece of a stream; dropped when its reader is slow, as a newer one will come. */
export type Send = (text: string) => void;

const commentMs = 15_000;
// Then a browser connects again by itself, and is asked anew who it is.
const longestMs = 600_000;
const retryMs = 2_000;
const mostWaiting = 4;

/**
 * A stream of server-sent events. `subscribe` is called at once with what sends, and returns what ends it; the stream ends when
 * `request` aborts, when its reader goes away, and after ten minutes.
 */
export function eventStream(request: Request, subscribe: (send: Send) => () => void): Response {
  const encoder = new TextEncoder();
  let end = (): void => undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send: Send = (text) => {
          // Nothing is left to send to when it is closed: then the size is 0.
          if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text));
        };
        const close = (): void => {
          end();
          controller.close();
        };
        send(`retry: ${retryMs}\n\n`);
        const timers = [
          setInterval(send, commentMs, ": still here\n\n"),
          setTimeout(close, longestMs),
        ];
        const unsubscribe = subscribe(send);
        end = () => {
          end = () => undefined;
          for (const timer of timers) clearTimeout(timer);
          // The request has to be kept until here: one that nobody holds passes nothing on to its signal.
          request.signal.removeEventListener("abort", close);
          unsubscribe();
        };
        request.signal.addEventListener("abort", close);
        if (request.signal.aborted) close();
      },
      cancel() {
        end();
      },
    },
    new CountQueuingStrategy({ highWaterMark: mostWaiting }),
  );
  return new Response(body, {
    // Proxies such as nginx would keep it back.
    headers: { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
  });
}
