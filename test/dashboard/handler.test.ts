import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { DashboardError } from "pawl";
import { readAssets } from "#pawl/dashboard/assets";
import { createHandler, type DashboardHandler } from "#pawl/dashboard/handler";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { codeOf } from "../support/dashboard.ts";

const page = "<!doctype html><title>Pawl</title>";
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

function frontEnd(): URL {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), page);
  writeFileSync(join(folder, "assets", "index-C2fE9_aB.js"), "start()");
  writeFileSync(join(folder, "assets", "style.css"), "body {}");
  writeFileSync(join(folder, "assets", "notes.txt"), "not ours");
  return pathToFileURL(`${folder}/`);
}

function handlerOf(given: Partial<Parameters<typeof createHandler>[0]> = {}): DashboardHandler {
  return createHandler({
    authorize: () => ({ name: "ada", role: "viewer" }),
    places: { hosts: undefined, origins: new Set() },
    assets: readAssets(frontEnd()),
    api: (name) => Promise.resolve(Response.json({ name })),
    report: () => undefined,
    ...given,
  });
}

const get = (handler: DashboardHandler, path: string, init?: RequestInit) =>
  handler(new Request(`http://localhost${path}`, init));

describe("the end of an address", () => {
  const handler = handlerOf();

  it.each(["/", "/jobs/", "/a/b/c/", "/jobs/?x=1"])(
    "that is a slash is the page: %s",
    async (path) => {
      const response = await get(handler, path);

      expect(await response.text()).toBe(page);
      expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    },
  );

  it.each([
    ["/jobs", "./jobs/"],
    ["/a/b?x=1", "./b/?x=1"],
    ["//evil.example", "./evil.example/"],
    ["/javascript:alert", "./javascript:alert/"],
  ])("that is another name leads to the page: %s", async (path, location) => {
    const response = await handler(new Request(`http://localhost${path}`));

    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toBe(location);
  });

  it.each(["/api/queues", "/a/b/api/queues"])("below api is the API: %s", async (path) => {
    expect(await (await get(handler, path)).json()).toEqual({ name: "queues" });
  });

  it.each([
    ["index-C2fE9_aB.js", "text/javascript; charset=utf-8", /immutable/],
    ["style.css", "text/css; charset=utf-8", /no-cache/],
  ])("below assets is a file: %s", async (name, type, cache) => {
    const response = await get(handler, `/jobs/assets/${name}`);

    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("cache-control")).toMatch(cache);
  });

  it.each(["none.js", "notes.txt", "..%2findex.html", "__proto__", "constructor"])(
    "below assets is nothing that was not built: %s",
    async (name) => {
      expect((await get(handler, `/jobs/assets/${name}`)).status).toBe(404);
    },
  );

  it("gives the page again only when it has changed", async () => {
    const tag = (await get(handler, "/jobs/")).headers.get("etag") ?? "";

    const again = await get(handler, "/jobs/", { headers: { "if-none-match": tag } });

    expect(tag).toMatch(/^"[\w-]+"$/);
    expect(again.status).toBe(304);
    expect((await get(handler, "/jobs/", { headers: { "if-none-match": '"x"' } })).status).toBe(
      200,
    );
  });

  it("takes GET and HEAD only, but for the API", async () => {
    const head = await get(handler, "/jobs/", { method: "HEAD" });

    expect(await head.text()).toBe("");
    expect((await get(handler, "/jobs/", { method: "POST" })).status).toBe(405);
  });

  it("says so where the front end was not built", async () => {
    const assets = readAssets(pathToFileURL(`${temporaryDirectory()}/`));

    expect((await get(handlerOf({ assets }), "/jobs/")).status).toBe(404);
  });
});

describe("every answer", () => {
  const failing = handlerOf({ api: () => Promise.reject(new Error("no")), authorize: () => null });

  it.each([
    ["the page", handlerOf(), "/jobs/"],
    ["a redirect", handlerOf(), "/jobs"],
    ["a file", handlerOf(), "/assets/style.css"],
    ["the API", handlerOf(), "/api/queues"],
    ["a refusal", failing, "/api/queues"],
  ])("has the headers that keep it safe: %s", async (_, handler, path) => {
    const { headers } = await get(handler, path);

    expect(headers.get("content-security-policy")).toBe(policy);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.has("cache-control")).toBe(true);
  });

  it.each(["/jobs/", "/api/queues"])(
    "of the page and the API is kept nowhere: %s",
    async (path) => {
      expect((await get(handlerOf(), path)).headers.get("cache-control")).toBe("no-store");
    },
  );
});

describe("authorize", () => {
  it.each(["/jobs/", "/jobs", "/assets/style.css", "/api/queues"])(
    "is asked for everything: %s",
    async (path) => {
      expect((await get(handlerOf({ authorize: () => null }), path)).status).toBe(401);
    },
  );

  it.each([
    ["throws", () => Promise.reject(new Error("hush"))],
    ["names no role", () => ({ name: "ada", role: "root" })],
    ["names nobody", () => ({ name: "", role: "admin" })],
    ["returns nothing", () => undefined],
  ])("lets nobody in when it %s, and tells only its owner why", async (_, authorize) => {
    const reported: unknown[] = [];
    const handler = handlerOf({
      authorize: authorize as unknown as () => null, // as an application in JavaScript may
      report: (error) => reported.push(error),
    });

    const response = await get(handler, "/api/queues");

    expect(response.status).toBe(500);
    expect(await response.clone().text()).not.toContain("hush");
    expect(await codeOf(response)).toBe("PAWL_DASHBOARD_FAILED");
    expect(reported).toEqual([expect.any(DashboardError)]);
  });

  it("may take its time", async () => {
    const authorize = () => Promise.resolve({ name: "ada", role: "viewer" } as const);

    expect((await get(handlerOf({ authorize }), "/api/queues")).status).toBe(200);
  });
});

describe("the host", () => {
  const handler = handlerOf({
    places: { hosts: new Set(["localhost:3000"]), origins: new Set() },
  });

  it("has to be one of `hosts`, where there are some", async () => {
    const right = await handler(new Request("http://localhost:3000/api/queues"));
    const wrong = await handler(new Request("http://evil.example:3000/api/queues"));

    expect(right.status).toBe(200);
    expect(wrong.status).toBe(403);
    expect(await codeOf(wrong)).toBe("PAWL_DASHBOARD_HOST");
  });
});
