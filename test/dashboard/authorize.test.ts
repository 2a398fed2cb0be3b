import { Pawl } from "pawl";
import { dashboard, type Role } from "pawl/dashboard";
import { describe, expect, it } from "vitest";
import { neededRoles } from "#pawl/dashboard/authorize";
import { databaseUrl } from "../support/database.ts";
import { freshEngine } from "../support/engine.ts";
import { Board, mount, posted } from "./board.ts";

const roles: readonly Role[] = ["viewer", "operator", "admin"];
const changes = new Set([
  ...["pause-queue", "resume-queue", "pause-task", "resume-task", "retry-jobs", "cancel-jobs"],
  ...["reschedule-jobs", "replay-jobs", "enqueue", "unlock-key", "count-matching"],
  ...["start-operation", "stop-operation"],
]);
const names = Object.keys(neededRoles);

describe("what somebody may ask for", () => {
  it("has a role for every name, and changes for no viewer", () => {
    const open = Object.entries(neededRoles).filter(([, role]) => role === "viewer");

    expect(names.filter((name) => changes.has(name))).toHaveLength(changes.size);
    expect(open.map(([name]) => name).filter((name) => changes.has(name))).toEqual([]);
  });

  it.each(names)("is kept for each role: %s", async (name) => {
    const engine = await freshEngine();
    const board = new Board(engine);
    const needed = roles.indexOf(neededRoles[name as keyof typeof neededRoles]);
    const init = changes.has(name) ? posted({}) : {};

    for (const [rank, role] of roles.entries()) {
      const abort = new AbortController();
      const response = await board.ask(`api/${name}`, { ...init, signal: abort.signal }, role);
      abort.abort();

      expect(response.status === 403, role).toBe(rank < needed);
      expect(response.status, role).not.toBe(500);
    }
    const nobody = await board.ask(`api/${name}`, init, "nobody");
    expect(nobody.status).toBe(401);
    expect(await nobody.json()).toMatchObject({ error: { code: "PAWL_DASHBOARD_UNAUTHORIZED" } });
  });

  it.each(["", "assets/none.js", "anything", "api/nothing", "api/live"])(
    "is nothing for nobody: %j",
    async (path) => {
      const board = new Board(await freshEngine());

      expect((await board.ask(path, {}, "nobody")).status).toBe(401);
    },
  );

  it("is everything for everybody with authorize: none", async () => {
    const handler = dashboard((await freshEngine()).pawl, { authorize: "none" });

    const session = await handler(new Request(`${mount}api/session`));

    expect(await session.json()).toMatchObject({ name: "anyone", role: "admin" });
  });

  it.each([
    [{ name: "ada", role: "root" }],
    [{ name: "ada" }],
    [{ name: "", role: "admin" }],
    [{ role: "admin" }],
    [undefined],
    ["admin"],
    [true],
    [{ name: "ada", role: "toString" }],
    [{ name: "a".repeat(256), role: "admin" }],
  ])("is nothing for an answer of authorize such as %j", async (answer) => {
    const { pawl } = await freshEngine();
    pawl.once("error", () => undefined);
    const handler = dashboard(pawl, { authorize: () => answer as never });

    const response = await handler(new Request(`${mount}api/session`));

    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: { code: "PAWL_DASHBOARD_FAILED" } });
  });

  it("is nothing when authorize throws, whose words nobody sees but the application", async () => {
    const { pawl } = await freshEngine();
    const heard: unknown[] = [];
    pawl.once("error", (error) => heard.push(error));
    const handler = dashboard(pawl, {
      authorize: () => Promise.reject(new Error("ldap://admin:pw@directory")),
    });

    const response = await handler(new Request(`${mount}api/session`));

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("directory");
    expect(heard).toMatchObject([{ cause: { message: "ldap://admin:pw@directory" } }]);
  });
});

describe("the session", () => {
  it("says who is looking, and at what", async () => {
    const engine = await freshEngine();
    const board = new Board(engine, { environment: "staging" });

    const { body } = await board.read("session", {}, "viewer");

    expect(body).toEqual({
      ...{ name: "a viewer", role: "viewer", schema: engine.schema, environment: "staging" },
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    expect((await new Board(engine).read("session")).body.environment).toBeNull();
  });
});

describe("an option", () => {
  const pawl = new Pawl({ database: databaseUrl() });

  it.each([
    [{}],
    [{ authorize: "nobody" }],
    [{ authorize: null }],
    [{ authorize: "none", redact: "user.email" }],
    [{ authorize: "none", redact: ["user..email"] }],
    [{ authorize: "none", origins: ["ops.example.com"] }],
    [{ authorize: "none", origins: ["https://ops.example.com/"] }],
    [{ authorize: "none", hosts: ["https://ops.example.com"] }],
    [{ authorize: "none", hosts: "localhost" }],
    [{ authorize: "none", environment: "" }],
    [{ authorize: "none", environment: "e".repeat(61) }],
  ])("that is wrong throws: %j", (options) => {
    expect(() => dashboard(pawl, options as never)).toThrow(
      expect.objectContaining({ code: "PAWL_OPTION_INVALID" }) as Error,
    );
  });
});
