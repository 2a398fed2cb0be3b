import { once } from "node:events";
import { createServer, request as httpRequest, type RequestListener } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { toNodeHandler, type FetchHandler } from "pawl/dashboard";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";

const echo: FetchHandler = async (request) => {
  const { method, url, headers } = request;
  const body = await request.text();
  return Response.json({ method, url, headers: Object.fromEntries(headers), body });
};

describe("a handler for Node's servers", () => {
  it("passes on the method, the address, the headers and the body", async () => {
    const url = await serve(echo);
    const headers = { "x-one": "1", cookie: "a=b; c=d", "content-type": "application/json" };

    const response = await fetch(`${url}/a/b?c=d%20e`, { method: "PUT", headers, body: '{"ü":1}' });

    expect(await response.json()).toMatchObject({
      ...{ method: "PUT", url: `${url}/a/b?c=d%20e`, body: '{"ü":1}' },
      headers: { ...headers, host: new URL(url).host },
    });
  });

  it("passes on the status, headers of one name, and no body where there is none", async () => {
    const url = await serve(() => {
      const headers = new Headers({ "x-two": "2", location: "./a/" });
      headers.append("set-cookie", "a=1");
      headers.append("set-cookie", "b=2");
      return Promise.resolve(new Response(null, { status: 307, headers }));
    });

    const response = await fetch(url, { redirect: "manual" });

    expect(response.status).toBe(307);
    expect(response.headers.get("x-two")).toBe("2");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe("");
  });

  it("takes the whole path, where a framework has taken the mount point from it", async () => {
    const handler = toNodeHandler(echo);
    const url = await listen((incoming, outgoing) => {
      Object.assign(incoming, { originalUrl: incoming.url, url: "/" });
      void handler(incoming, outgoing);
    });

    expect(await (await fetch(`${url}/ops/jobs`)).json()).toMatchObject({ url: `${url}/ops/jobs` });
  });

  it("takes what a parser has made of the body", async () => {
    const handler = toNodeHandler(echo);
    const url = await listen((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as unknown;
        setImmediate(() => void handler(Object.assign(incoming, { body }), outgoing));
      });
    });

    const response = await fetch(url, { method: "POST", body: '{ "a": [1] }' });

    expect(await response.json()).toMatchObject({ body: '{"a":[1]}' });
  });

  it("streams, no faster than the client reads", async () => {
    let sent = 0;
    const chunk = new Uint8Array(65_536);
    const url = await serve(() => {
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          sent += 1;
          controller.enqueue(chunk);
        },
      });
      return Promise.resolve(new Response(body));
    });
    const asked = httpRequest(url);
    onTestFinished(() => void asked.destroy());
    const [response] = (await once(asked.end(), "response")) as [NodeJS.ReadableStream];

    let last = -1;
    await eventually(async () => {
      const isStill = last === sent;
      last = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return isStill;
    });

    // What fits into the buffers on the way, and no more.
    expect(sent).toBeLessThan(1_000);
    expect(response).toBeDefined();
  });

  it("aborts the request when the client goes away", async () => {
    let signal: AbortSignal | undefined;
    let isCancelled = false;
    const url = await serve((request) => {
      ({ signal } = request);
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(new Uint8Array(1)),
        cancel: () => void (isCancelled = true),
      });
      return Promise.resolve(new Response(body));
    });
    const asked = httpRequest(url);
    asked.on("error", () => undefined);
    await once(asked.end(), "response");

    asked.destroy();

    await eventually(() => signal?.aborted === true && isCancelled);
  });

  it("answers before it has read a body that nobody wants", async () => {
    const url = await serve(() => Promise.resolve(new Response("no", { status: 413 })));
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9000000\r\n\r\nbegin");
    const [answer] = (await once(socket, "data")) as [Buffer];

    expect(answer.toString()).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer.toString()).toMatch(/connection: close/i);
  });

  it.each([
    ["a host that is none", "GET / HTTP/1.1\r\nhost: a b/c\r\n\r\n"],
    ["a method that fetch refuses", "TRACE / HTTP/1.1\r\nhost: a\r\n\r\n"],
  ])("refuses %s", async (_, text) => {
    const url = await serve(echo);
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    onTestFinished(() => void socket.destroy());
    socket.write(text);
    const [answer] = (await once(socket, "data")) as [Buffer];

    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("ends the connection of a handler that fails, and serves the next", async () => {
    let isBroken = true;
    const url = await serve(() => {
      if (!isBroken) return Promise.resolve(new Response("fine"));
      isBroken = false;
      return Promise.reject(new Error("on purpose"));
    });

    await expect(fetch(url)).rejects.toThrow();
    expect(await (await fetch(url)).text()).toBe("fine");
  });
});

function serve(handler: FetchHandler): Promise<string> {
  const listener = toNodeHandler(handler);
  return listen((incoming, outgoing) => void listener(incoming, outgoing));
}

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
