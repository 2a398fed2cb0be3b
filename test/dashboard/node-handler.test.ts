import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { createServer, type RequestListener } from "node:http";
import { describe, expect, it, onTestFinished } from "vitest";
import { toNodeHandler } from "pawl/dashboard";
import { eventually } from "../support/eventually.ts";

async function serve(listener: RequestListener): Promise<{ url: string; port: number }> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, port };
}

/** What comes back for bytes that no client of ours would send. */
async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  socket.end(text);
  let answer = "";
  for await (const piece of socket) answer += String(piece);
  return answer;
}

describe("a handler for Node's servers", () => {
  it("passes method, address, headers and body through, and the answer back", async () => {
    const { url } = await serve(
      toNodeHandler(async (request) => {
        const { method, headers } = request;
        const body = {
          method,
          url: request.url,
          given: headers.get("x-given"),
          text: await request.text(),
        };
        return Response.json(body, {
          status: 202,
          headers: [
            ["set-cookie", "a=1"],
            ["set-cookie", "b=2"],
          ],
        });
      }),
    );

    const response = await fetch(`${url}/a/b?c=d`, {
      method: "POST",
      body: "text",
      headers: { "x-given": "yes" },
    });

    expect(response.status).toBe(202);
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.json()).toEqual({
      ...{ method: "POST", url: `${url}/a/b?c=d`, given: "yes", text: "text" },
    });
  });

  it("sends the pieces of a stream as they come, and no faster than they are read", async () => {
    let pulled = 0;
    const piece = new Uint8Array(65_536);
    const { url } = await serve(
      toNodeHandler(() =>
        Promise.resolve(
          new Response(
            new ReadableStream({
              pull(controller) {
                pulled += 1;
                controller.enqueue(piece);
              },
            }),
          ),
        ),
      ),
    );

    const response = await fetch(url);
    const reader = response.body?.getReader();
    await reader?.read();
    let before = -1;
    await eventually(
      () => {
        const isStill = pulled === before;
        before = pulled;
        return isStill;
      },
      { within: 10_000 },
    );

    // What lies in the buffers of two sockets, where an endless stream would have filled the memory.
    expect(pulled * piece.length).toBeLessThan(64 * 1_048_576);
    await reader?.cancel();
  });

  it("tells the handler that its reader has gone", async () => {
    let isCancelled = false;
    let signal: AbortSignal | undefined;
    const { url } = await serve(
      toNodeHandler((request) => {
        signal = request.signal;
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode("first"));
          },
          cancel() {
            isCancelled = true;
          },
        });
        return Promise.resolve(new Response(body));
      }),
    );
    const tab = new AbortController();
    await fetch(url, { signal: tab.signal });

    tab.abort();

    await eventually(() => isCancelled && signal?.aborted, { within: 10_000 });
  });

  it("hides what a handler throws", async () => {
    const { url } = await serve(toNodeHandler(() => Promise.reject(new Error("hush"))));

    const response = await fetch(url);

    expect([response.status, await response.text()]).toEqual([500, ""]);
  });

  it.each([
    ["an address of its own", "GET http://evil.example/ HTTP/1.1\r\nhost: a\r\n\r\n"],
    ["a host that is none", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"],
    ["no path", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n"],
  ])("refuses %s", async (_, text) => {
    const { port } = await serve(toNodeHandler(() => Promise.resolve(new Response("fine"))));

    expect(await sendRaw(port, text)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("takes a body that a framework has parsed", async () => {
    const handler = toNodeHandler(async (request) => new Response(await request.text()));
    const { url } = await serve((incoming, outgoing) => {
      incoming.resume().once("end", () => {
        handler(
          Object.assign(incoming, { body: { name: "mail" }, originalUrl: "/whole" }),
          outgoing,
        );
      });
    });

    const response = await fetch(url, { method: "POST", body: '{"name": "mail"}' });

    expect(await response.json()).toEqual({ name: "mail" });
  });
});
