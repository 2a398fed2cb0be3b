import { describe, expect, it } from "vitest";
import { dashboard } from "pawl/dashboard";
import { byHeader, change, codeOf, mounted, read } from "../support/dashboard.ts";
import { freshEngine } from "../support/engine.ts";

const body = { name: "mail" };

async function freshDashboard() {
  const { pawl } = await freshEngine();
  const handler = dashboard(pawl, { authorize: byHeader, origins: ["https://jobs.example.com"] });
  return { pawl, handler };
}

describe("a change", () => {
  it("from the page itself is made", async () => {
    const { pawl, handler } = await freshDashboard();

    const response = await change(handler, "pause-queue", body);

    expect(await response.json()).toEqual({ changed: true });
    expect(await pawl.queues.list()).toMatchObject([{ name: "mail", paused: true }]);
  });

  it.each([
    ["another origin", { origin: "https://evil.example" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["another port", { origin: "http://localhost:3001" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a page without an origin", { origin: "null" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a neighbour's page", { "sec-fetch-site": "same-site" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["an address bar", { "sec-fetch-site": "none" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["somebody without the header", { "x-pawl-dashboard": "" }, 403, "PAWL_DASHBOARD_ORIGIN"],
    ["a form", { "content-type": "text/plain" }, 415, "PAWL_DASHBOARD_MEDIA_TYPE"],
  ])("from %s is refused", async (_, headers, status, code) => {
    const { pawl, handler } = await freshDashboard();

    const response = await change(handler, "pause-queue", body, headers);

    expect(response.status).toBe(status);
    expect(await codeOf(response)).toBe(code);
    expect(await pawl.queues.list()).toEqual([]);
  });

  it.each([
    ["an origin that is listed", "https://jobs.example.com"],
    ["the same host behind TLS", "https://localhost:3000"],
  ])("from %s is made", async (_, origin) => {
    const { handler } = await freshDashboard();

    expect((await change(handler, "pause-queue", body, { origin })).status).toBe(200);
  });

  it.each([
    ["no JSON", "{", 400, "PAWL_DASHBOARD_INVALID"],
    ["nothing", "", 400, "PAWL_DASHBOARD_INVALID"],
    ["no object", "1", 400, "PAWL_OPTION_INVALID"],
    ["a wrong name", '{"name":""}', 400, "PAWL_OPTION_INVALID"],
    ["what nobody knows", '{"name":"mail","x":1}', 400, "PAWL_OPTION_UNKNOWN"],
    ["too much", `"${"x".repeat(1_048_577)}"`, 413, "PAWL_DASHBOARD_TOO_LARGE"],
  ])("whose body is %s is refused", async (_, text, status, code) => {
    const { handler } = await freshDashboard();

    const response = await change(handler, "pause-queue", text);

    expect(response.status).toBe(status);
    expect(await codeOf(response)).toBe(code);
  });

  it("is made by POST only, and nothing is read by it", async () => {
    const { handler } = await freshDashboard();

    expect((await read(handler, "pause-queue")).status).toBe(405);
    expect((await change(handler, "queues")).status).toBe(405);
    expect((await change(handler, "drop-tables")).status).toBe(404);
    expect((await change(handler, "__proto__")).status).toBe(404);
  });
});

describe("a parameter", () => {
  it("is given once", async () => {
    const { handler } = await freshDashboard();

    expect((await read(handler, "jobs?queue=a&queue=b")).status).toBe(400);
  });
});

describe("a path", () => {
  it("may be any", async () => {
    const { handler } = await freshDashboard();
    const headers = { "x-role": "viewer" };
    const addresses = ["http://localhost/api/session", `${mounted}/deeper/api/session`];

    const statuses = await Promise.all(
      addresses.map(async (address) => (await handler(new Request(address, { headers }))).status),
    );

    expect(statuses).toEqual([200, 200]);
  });
});
