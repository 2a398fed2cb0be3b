import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

/** Answers a request, as `fetch` and web frameworks have it. */
export type FetchHandler = (request: Request) => Promise<Response>;

/** A request of `node:http`, with what the frameworks made on it add. */
export type NodeRequest = IncomingMessage & {
  /** The whole path, where a framework has taken the mount point from `url`. */
  readonly originalUrl?: string;
  /** What a parser before us has made of the body. */
  readonly body?: unknown;
};

/** Answers a request of `node:http` and of the frameworks made on it. Never rejects. */
export type NodeHandler = (incoming: NodeRequest, outgoing: ServerResponse) => Promise<void>;

/**
 * A handler of `fetch`'s requests as one for `node:http`, Express, Fastify and whatever else gives Node's own. The answer is
 * streamed, and the request aborted when its client goes away.
 *
 * ```ts
 * createServer(toNodeHandler(dashboard(pawl, { authorize }))).listen(3000);
 * ```
 */
export function toNodeHandler(handler: FetchHandler): NodeHandler {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      gone.abort();
    });
    try {
      const request = toRequest(incoming, gone.signal);
      const response = request === undefined ? badRequest() : await handler(request);
      await send(response, { incoming, outgoing });
    } catch {
      // Its client has gone, or the stream has broken: there is nobody to tell, and nothing more to say.
      outgoing.destroy();
    }
  };
}

async function send(
  response: Response,
  { incoming, outgoing }: { readonly incoming: NodeRequest; readonly outgoing: ServerResponse },
): Promise<void> {
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  // What nobody wants to read of a body would stand before the next request.
  if (!incoming.complete) outgoing.setHeader("connection", "close");
  outgoing.writeHead(response.status);
  if (response.body === null) outgoing.end();
  else {
    // The same, by another name.
    await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing);
  }
}

// Undefined for what is no request: the method and the host are the client's word.
function toRequest(incoming: NodeRequest, signal: AbortSignal): Request | undefined {
  const { method = "GET", url = "/", originalUrl = url } = incoming;
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  const address = `${scheme}://${incoming.headers.host ?? "localhost"}${originalUrl}`;
  try {
    const hasBody = method !== "GET" && method !== "HEAD";
    return new Request(address, {
      ...{ method, signal, headers: headersOf(incoming) },
      ...(hasBody && { body: bodyOf(incoming), duplex: "half" }),
    });
  } catch {
    return undefined;
  }
}

function headersOf(incoming: NodeRequest): Headers {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(incoming.headersDistinct)) {
    // Of HTTP/2, the method and the path come as headers, too.
    if (name.startsWith(":")) continue;
    for (const value of values) headers.append(name, value);
  }
  return headers;
}

function bodyOf(incoming: NodeRequest): BodyInit {
  const { body } = incoming;
  // The same, by another name.
  if (!incoming.readableEnded) return Readable.toWeb(incoming) as ReadableStream;
  if (typeof body === "string" || body instanceof Uint8Array) return new Uint8Array(Buffer.from(body));
  return JSON.stringify(body ?? null);
}

function badRequest(): Response {
  return new Response("expected a request of HTTP\n", {
    status: 400,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}
