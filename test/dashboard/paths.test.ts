import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { readAssets } from "#pawl/dashboard/assets";
import { makeHandler, type HandlerParts } from "#pawl/dashboard/handler";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
  "font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

function builtFrontEnd(): URL {
  const folder = temporaryDirectory();
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>page</title>");
  writeFileSync(join(folder, "assets", "index-C2fE9_aB.js"), "run();");
  writeFileSync(join(folder, "assets", "plain.css"), "a {}");
  writeFileSync(join(folder, "assets", "secret.env"), "no");
  writeFileSync(join(folder, "beside.js"), "no");
  return pathToFileURL(`${folder}/`);
}

function handlerOf(parts: Partial<HandlerParts> = {}): (path: string, init?: RequestInit) => Promise<Response> {
  const handler = makeHandler({
    authorize: () => ({ name: "ada", role: "viewer" }),
    places: { hosts: undefined, origins: new Set() },
    assets: readAssets(builtFrontEnd()),
    api: (name) => Promise.resolve(Response.json({ name })),
    report: () => undefined,
    ...parts,
  });
  return (path, init) => handler(new Request(`http://app.test${path}`, init));
}

describe("a dashboard below any path", () => {
  const ask = handlerOf();

  it.each(["/", "/ops/", "/a/b/c/", "//", "/api/", "/assets/"])("is the page at %s", async (path) => {
    const response = await ask(path);

    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await response.text()).toContain("page");
  });

  it.each([
    ["/ops", "http://app.test/ops/"],
    ["/ops/jobs?a=b", "http://app.test/ops/jobs/?a=b"],
    ["/a:b", "http://app.test/a:b/"],
    ["//evil.test", "http://app.test//evil.test/"],
    ["/x//evil.test", "http://app.test/x//evil.test/"],
    ["/%2F%2Fevil.test", "http://app.test/%2F%2Fevil.test/"],
    ["/a/..%5Cevil.test", "http://app.test/a/..%5Cevil.test/"],
  ])("sends %s to %s", async (path, expected) => {
    const response = await ask(path);

    const location = response.headers.get("location") ?? "";
    expect(response.status).toBe(307);
    expect(location).toMatch(/^\.\//);
    expect(new URL(location, `http://app.test${path}`).href).toBe(expected);
  });

  it.each(["/api/jobs", "/ops/api/jobs", "/api/api/jobs?queue=a"])("is the API at %s", async (path) => {
    expect(await (await ask(path)).json()).toEqual({ name: "jobs" });
  });

  it("is opened at /api/board by people, and asked there by programs", async () => {
    const opened = await ask("/api/board", { headers: { accept: "text/html,*/*" } });
    const asked = await ask("/api/board");

    expect(opened.headers.get("location")).toBe("./board/");
    expect(await asked.json()).toEqual({ name: "board" });
  });
});

describe("the files of the page", () => {
  const ask = handlerOf();

  it("are kept for good when their names change with them, and by the browser alone", async () => {
    const hashed = await ask("/ops/assets/index-C2fE9_aB.js");
    const plain = await ask("/ops/assets/plain.css");

    expect(hashed.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(hashed.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(await hashed.text()).toBe("run();");
    expect(plain.headers.get("cache-control")).toBe("private, no-cache");
    expect(plain.headers.get("content-type")).toBe("text/css; charset=utf-8");
  });

  it.each([
    ...["secret.env", "index.html", "..%2Findex.html", "%2e%2e%2findex.html", "..%5Cbeside.js"],
    ...["index-C2fE9_aB.js%00", "toString", "__proto__"],
  ])("do not include %s", async (name) => {
    const response = await ask(`/ops/assets/${name}`);

    expect(response.status).toBe(404);
    expect(await response.text()).toContain("PAWL_DASHBOARD_NOT_FOUND");
  });

  it("are not sent again when the browser has the page", async () => {
    const first = await ask("/ops/");
    const etag = first.headers.get("etag") ?? "";
    const again = await ask("/ops/", { headers: { "if-none-match": `"other", W/${etag}` } });
    const other = await ask("/ops/", { headers: { "if-none-match": '"other"' } });

    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect([again.status, other.status]).toEqual([304, 200]);
    expect(await again.text()).toBe("");
  });

  it("have no body for HEAD", async () => {
    const response = await ask("/ops/", { method: "HEAD" });

    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it("say what to do when they were not built", async () => {
    const unbuilt = handlerOf({ assets: readAssets(pathToFileURL(`${temporaryDirectory()}/`)) });

    const response = await unbuilt("/");

    expect(response.status).toBe(404);
    expect(await response.text()).toContain("npm run build");
  });
});

describe("every answer", () => {
  const boom = handlerOf({ api: () => Promise.reject(new Error("private words")) });
  const nobody = handlerOf({ authorize: () => null });

  it.each<[string, () => Promise<Response>]>([
    ["the page", () => boom("/")],
    ["a file", () => boom("/assets/plain.css")],
    ["no file", () => boom("/assets/none")],
    ["a redirect", () => boom("/a")],
    ["a failure", () => boom("/api/jobs")],
    ["a refusal", () => nobody("/")],
    ["a refusal of the API", () => nobody("/api/jobs")],
  ])("has the headers that keep it safe: %s", async (_, ask) => {
    const { headers } = await ask();

    expect(headers.get("content-security-policy")).toBe(policy);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cross-origin-opener-policy")).toBe("same-origin");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.has("cache-control")).toBe(true);
    expect(headers.has("access-control-allow-origin")).toBe(false);
  });

  it("of the API and the page is kept nowhere", async () => {
    const responses = await Promise.all([boom("/"), boom("/api/jobs"), nobody("/api/jobs"), boom("/a")]);

    expect(responses.map(({ headers }) => headers.get("cache-control"))).toEqual(
      Array.from({ length: 4 }, () => "no-store"),
    );
  });

  it("says nothing of an error that is not Pawl's, which the application hears", async () => {
    const heard: unknown[] = [];
    const ask = handlerOf({
      api: () => Promise.reject(new Error("private words")),
      report: (error) => heard.push(error),
    });

    const response = await ask("/api/jobs");

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("private");
    expect(heard).toMatchObject([{ message: "private words" }]);
  });

  it.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("refuses %s for the page", async (method) => {
    const response = await boom("/", { method });

    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
  });
});
