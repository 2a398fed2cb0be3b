import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { FetchHandler } from "./handler.ts";

/** Answers a request of `node:http`, and of the frameworks made on it. */
export type NodeHandler = (
  incoming: IncomingMessage & { readonly originalUrl?: string; readonly body?: unknown },
  outgoing: ServerResponse,
) => Promise<void>;

/**
 * The handler for `node:http`, Express and whatever else gives Node's own requests. It takes the whole path, also below a mount
 * point, and a body that a framework has read already.
 *
 * ```ts
 * createServer(toNodeHandler(dashboard(pawl, { authorize }))).listen(3000);
 * ```
 */
export function toNodeHandler(handler: FetchHandler): NodeHandler {
  return async (incoming, outgoing) => {
    const ended = new AbortController();
    outgoing.once("close", () => {
      ended.abort();
    });
    try {
      const response = await handler(toRequest(incoming, ended.signal));
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      if (response.body === null) outgoing.end();
      else await pipeline(Readable.fromWeb(response.body as NodeReadableStream), outgoing); // the same, by another name
    } catch (error) {
      // Who has gone needs no answer.
      if (ended.signal.aborted) return;
      if (!outgoing.headersSent) outgoing.writeHead(500);
      outgoing.end();
      if (!(error instanceof Error)) throw error;
    }
  };
}

function toRequest(
  incoming: Parameters<NodeHandler>[0],
  signal: AbortSignal,
): Request {
  const { method = "GET", originalUrl, url = "/" } = incoming;
  const headers = new Headers();
  for (const [name, value] of Object.entries(incoming.headers)) {
    for (const each of [value].flat()) if (each !== undefined) headers.append(name, each);
  }
  const scheme = "encrypted" in incoming.socket ? "https" : "http";
  // The host is the client's word: it may be no host at all.
  const host = headers.get("host") ?? "localhost";
  const base = URL.canParse(`${scheme}://${host}`) ? `${scheme}://${host}` : "http://invalid";
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(new URL(originalUrl ?? url, base), {
    ...{ method, headers, signal },
    ...(hasBody && { body: bodyOf(incoming), duplex: "half" }),
  });
}

function bodyOf(incoming: Parameters<NodeHandler>[0]): BodyInit {
  const { body } = incoming;
  if (body === undefined) return Readable.toWeb(incoming) as ReadableStream; // the same, by another name
  return typeof body === "string" ? body : JSON.stringify(body);
}
