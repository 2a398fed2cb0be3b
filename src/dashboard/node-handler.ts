import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";

/** What `http.createServer` and Express take. */
export type NodeHandler = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

// What frameworks add to a request of Node's.
interface FrameworkRequest extends IncomingMessage {
  /** The whole path, where `url` is what follows the place of mounting. */
  readonly originalUrl?: string;
  /** What a parser made of a body that has been read. */
  readonly body?: unknown;
}

const bodiless = new Set(["GET", "HEAD"]);

/**
 * The same handler for a server of Node's own, and for Express. Streams pass through at the pace of their reader, and end when
 * it goes away.
 *
 * ```ts
 * createServer(toNodeHandler(dashboard(pawl, { authorize }))).listen(3000, "127.0.0.1");
 * ```
 */
export function toNodeHandler(handler: (request: Request) => Promise<Response>): NodeHandler {
  return (incoming, outgoing) => {
    answer(incoming, outgoing, handler).catch(() => {
      if (outgoing.headersSent) outgoing.destroy();
      else outgoing.writeHead(500).end();
    });
  };
}

async function answer(
  incoming: FrameworkRequest,
  outgoing: ServerResponse,
  handler: (request: Request) => Promise<Response>,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    gone.abort();
  });
  const request = requestOf(incoming, gone.signal);
  if (request === undefined) {
    outgoing.writeHead(400).end();
    return;
  }
  const response = await handler(request);
  if (outgoing.destroyed) {
    await response.body?.cancel();
    return;
  }
  outgoing.writeHead(response.status, headersOf(response));
  if (response.body === null || incoming.method === "HEAD") outgoing.end();
  else await send(response.body, outgoing, gone.signal);
}

// Undefined when its address is none.
function requestOf(incoming: FrameworkRequest, signal: AbortSignal): Request | undefined {
  const { method = "GET", originalUrl, url = "/", headers } = incoming;
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  const origin = `${scheme}://${headers.host ?? "localhost"}`;
  const path = originalUrl ?? url;
  // A path that begins with two slashes would name another host.
  if (!path.startsWith("/") || !URL.canParse(origin + path)) return undefined;
  const pairs = Object.entries(incoming.headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  const body = bodiless.has(method) ? null : bodyOf(incoming);
  return new Request(origin + path, { method, headers: pairs, body, signal, duplex: "half" });
}

function bodyOf(incoming: FrameworkRequest): string | ReadableStream<Uint8Array> {
  // `express.json()` and the like have read it already.
  if (incoming.readableEnded && incoming.body !== undefined) return JSON.stringify(incoming.body);
  return Readable.toWeb(incoming) as ReadableStream<Uint8Array>; // Node's own declaration of the same class
}

function headersOf({ headers }: Response): Record<string, string | string[]> {
  const cookies = headers.getSetCookie();
  const single = Object.fromEntries(headers);
  return cookies.length === 0 ? single : { ...single, "set-cookie": cookies };
}

async function send(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  gone: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  gone.addEventListener("abort", () => void reader.cancel().catch(() => undefined));
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    if (gone.aborted) return;
    const isTaken = outgoing.write(next.value);
    if (!isTaken) await once(outgoing, "drain", { signal: gone }).catch(() => undefined);
  }
  outgoing.end();
}
