import { describe, expect, it } from "vitest";
import { freshEngine } from "../support/engine.ts";
import { Board, mount, posted } from "./board.ts";

const origin = new URL(mount).origin;
const body = { name: "mail" };

describe("a change", () => {
  it.each<[string, RequestInit]>([
    ["without an Origin, as programs send it", posted(body)],
    ["from its own origin", withHeaders({ origin, "sec-fetch-site": "same-origin" })],
    ["from the origin of the proxy before it", withHeaders({ origin: "https://app.test" })],
    ["from an origin of the option", withHeaders({ origin: "https://ops.example.com" })],
    ["with a charset", withHeaders({ "content-type": "application/json; charset=utf-8" })],
  ])("is made %s", async (_, init) => {
    const board = await boardOf();

    const response = await board.ask("api/pause-queue", init, "operator");

    expect(await response.json()).toEqual({ changed: true });
  });

  it.each<[string, RequestInit, number, string]>([
    ["another origin", withHeaders({ origin: "https://evil.test" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a sandbox", withHeaders({ origin: "null" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["another port", withHeaders({ origin: `${origin}:8080` }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["another site", withHeaders({ "sec-fetch-site": "cross-site" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a site beside", withHeaders({ "sec-fetch-site": "same-site" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["the address bar", withHeaders({ "sec-fetch-site": "none" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["no header", withHeaders({ "x-pawl-dashboard": "" }), 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a form", withHeaders({ "content-type": "text/plain" }), 415, "PAWL_DASHBOARD_CONTENT_TYPE"],
    [
      "another form",
      withHeaders({ "content-type": "application/x-www-form-urlencoded" }),
      ...([415, "PAWL_DASHBOARD_CONTENT_TYPE"] as const),
    ],
    [
      "a type that only begins so",
      withHeaders({ "content-type": "application/jsonx" }),
      ...([415, "PAWL_DASHBOARD_CONTENT_TYPE"] as const),
    ],
    ["GET", {}, 405, "PAWL_DASHBOARD_METHOD"],
    ["PUT", { ...posted(body), method: "PUT" }, 405, "PAWL_DASHBOARD_METHOD"],
    ["a body that is too long", posted({ name: "m".repeat(1_048_576) }), 413, "PAWL_DASHBOARD_TOO_LARGE"],
    ["a length that is too long", withHeaders({ "content-length": "9999999" }), 413, "PAWL_DASHBOARD_TOO_LARGE"],
    ["no JSON", { ...posted(body), body: "{" }, 400, "PAWL_OPTION_INVALID"],
    ["no body", { ...posted(body), body: null }, 400, "PAWL_OPTION_INVALID"],
    ["a list", posted([]), 400, "PAWL_OPTION_INVALID"],
    ["null", posted(null), 400, "PAWL_OPTION_INVALID"],
    ["another member", posted({ ...body, force: true }), 400, "PAWL_OPTION_UNKNOWN"],
    ["a prototype", { ...posted(body), body: '{"name":"mail","__proto__":{}}' }, 400, "PAWL_OPTION_UNKNOWN"],
    ["a name that is none", posted({ name: 7 }), 400, "PAWL_OPTION_INVALID"],
    ["a name that cannot be stored", posted({ name: "\0" }), 400, "PAWL_OPTION_INVALID"],
  ])("is not made from %s", async (_, init, status, code) => {
    const board = await boardOf();

    const response = await board.ask("api/pause-queue", init, "operator");

    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code } });
    expect((await board.read("queues")).body.queues).toEqual([]);
  });

  it("of a body that comes in pieces is read, and refused when it is too long", async () => {
    const board = await boardOf();
    const inPieces = (pieces: number): RequestInit & { duplex: "half" } => ({
      ...withHeaders({}),
      duplex: "half",
      body: new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"name":"mail"}'));
          for (let count = 0; count < pieces; count += 1) {
            controller.enqueue(new TextEncoder().encode(" ".repeat(65_536)));
          }
          controller.close();
        },
      }),
    });

    const short = await board.ask("api/pause-queue", inPieces(1), "operator");
    const long = await board.ask("api/resume-queue", inPieces(16), "operator");

    expect([short.status, long.status]).toEqual([200, 413]);
  });
});

describe("a read", () => {
  it.each(["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])("is not made by %s", async (method) => {
    const board = await boardOf();

    const response = await board.ask("api/queues", { method });

    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, POST");
  });

  it("with a parameter that comes twice is refused", async () => {
    const board = await boardOf();

    expect((await board.ask("api/jobs?queue=a&queue=b")).status).toBe(400);
  });
});

describe("a host name", () => {
  it("that is not listed is refused, whatever is asked for and by whom", async () => {
    const board = new Board(await freshEngine(), { hosts: ["Ops.example.com:8443"] });

    for (const path of ["", "api/session", "assets/a.js", "x"]) {
      const response = await board.ask(path, {}, "nobody");
      expect(response.status).toBe(403);
      expect(await response.text()).toContain("PAWL_DASHBOARD_HOST");
    }
  });

  it("that is listed is served, by the header or else by the address", async () => {
    const engine = await freshEngine();
    const byHeader = new Board(engine, { hosts: ["ops.example.com:8443"] });
    const byAddress = new Board(engine, { hosts: [new URL(mount).host] });
    const headers = { host: "OPS.example.com:8443" };

    expect((await byHeader.ask("api/session", { headers })).status).toBe(200);
    expect((await byAddress.ask("api/session")).status).toBe(200);
    expect((await byAddress.ask("api/session", { headers })).status).toBe(403);
  });
});

async function boardOf(): Promise<Board> {
  return new Board(await freshEngine(), { origins: ["https://ops.example.com"] });
}

function withHeaders(headers: Readonly<Record<string, string>>): RequestInit {
  const init = posted(body);
  return { ...init, headers: { ...(init.headers as Record<string, string>), ...headers } };
}
