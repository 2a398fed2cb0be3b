import { request as httpRequest } from "node:http";
import { beforeAll, describe, expect, it } from "vitest";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema } from "../support/producer.ts";
import { moduleOf, runPawl, startPawl, type Running } from "./pawl-command.ts";

const within = 15_000;
const password = "correct horse battery";
const nowhere = "postgres://ada:top-secret@127.0.0.1:1/app";
let schema: string;

beforeAll(async () => {
  schema = await migratedSchema();
});

describe("pawl dashboard", () => {
  it("prints a link that lets one browser in, once, and nothing else", async () => {
    const command = start();
    const link = await linkOf(command);

    const login = await fetch(link);
    const cookie = login.headers.get("set-cookie") ?? "";
    const session = await ask(link, "/api/session", { cookie: cookie.split(";")[0] ?? "" });
    const again = await fetch(link);

    expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\?token=[\w-]{43}$/);
    expect(cookie).toMatch(/^pawl-dashboard-\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/);
    expect(await login.text()).toContain("url=/");
    expect(login.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(JSON.parse(session.text)).toMatchObject({ role: "admin", schema, environment: "staging" });
    expect([again.status, again.headers.get("set-cookie")]).toEqual([403, null]);
    expect(command.stdout).toBe(`${link}\n`);
  });

  it("lets nobody in without the link", async () => {
    const link = await linkOf(start());

    const refused = [
      await ask(link, "/api/session"),
      await ask(link, "/"),
      await ask(link, "/api/session", { cookie: "pawl-dashboard=x; pawl-dashboard-1=y" }),
      await ask(link, "/login?token=x"),
      await ask(link, "/login"),
    ];

    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 403, 403]);
    expect((await fetch(link)).status).toBe(200);
  });

  it("is called by the names of this machine alone", async () => {
    const link = await linkOf(start());
    const { port } = new URL(link);

    const evil = await ask(link, new URL(link).pathname + new URL(link).search, { host: "evil.test" });
    const local = await ask(link, "/api/session", { host: `localhost:${port}` });

    expect(evil.text).toContain("PAWL_DASHBOARD_HOST");
    expect([evil.status, local.status]).toEqual([403, 401]);
    // The link was not used up.
    expect((await fetch(link)).status).toBe(200);
  });

  it("asks everybody for the password that it was given, whose name the audit has", async () => {
    const command = start(["--host", "0.0.0.0"], { PAWL_DASHBOARD_PASSWORD: password });
    const link = (await linkOf(command)).replace("0.0.0.0", "127.0.0.1");
    const as = (name: string, given: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${name}:${given}`).toString("base64")}`,
    });

    const nobody = await ask(link, "/api/session");
    const wrong = await ask(link, "/api/session", as("ada", `${password}!`));
    const ada = await ask(link, "/api/session", as("ada", password));
    const nameless = await ask(link, "/api/session", as("", password));

    expect([nobody.status, wrong.status, ada.status]).toEqual([401, 401, 200]);
    expect(nobody.headers["www-authenticate"]).toBe('Basic realm="Pawl", charset="UTF-8"');
    expect([ada.text, nameless.text].map((text) => (JSON.parse(text) as { name: string }).name)).toEqual([
      ...["ada", "anyone"],
    ]);
    expect(`${command.stdout}${command.stderr}`).not.toContain(password);
  });

  it.each<[string, string[], Record<string, string>, string]>([
    ["another host without a password", ["--host", "0.0.0.0"], {}, "PAWL_DASHBOARD_PASSWORD"],
    ["a short password", [], { PAWL_DASHBOARD_PASSWORD: "short" }, "at least 12"],
    ["a port that is none", ["--port", "http"], {}, "--port"],
    ["a path that is none", ["--redact", "a..b"], {}, "redact"],
    ["no such file", ["--tasks", "none.mjs"], {}, "--tasks"],
  ])("refuses %s with status 2", async (_, given, environment, expected) => {
    const all = ["dashboard", "--database", nowhere, ...given];

    const { status, stdout, stderr } = await runPawl(all, { environment });

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(expected);
    expect(stderr).not.toContain("top-secret");
  });

  it("refuses a port that somebody listens on", async () => {
    const { port } = new URL(await linkOf(start()));

    const { status, stderr } = await runPawl([...command(), "--port", port]);

    expect(status).toBe(2);
    expect(stderr).toContain("nobody listens on");
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends at once with %s, while somebody watches", async (signal) => {
    const running = start();
    const link = await linkOf(running);
    const cookie = ((await fetch(link)).headers.get("set-cookie") ?? "").split(";")[0] ?? "";
    const stream = await fetch(new URL("/api/live", link), { headers: { cookie } });
    await stream.body?.getReader().read();

    const started = performance.now();
    running.process.kill(signal);

    expect((await running.ended).status).toBe(0);
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it("knows the tasks of a module", async () => {
    const tasks = moduleOf(
      "tasks.mjs",
      `import { defineTask } from "pawl";
       export const charge = defineTask({ name: "charge", queue: "money" });`,
    );
    const link = await linkOf(start(["--tasks", tasks]));
    const cookie = ((await fetch(link)).headers.get("set-cookie") ?? "").split(";")[0] ?? "";

    const { text } = await ask(link, "/api/tasks", { cookie });

    expect(JSON.parse(text)).toMatchObject({
      tasks: [{ name: "charge", queue: "money", isKnown: true }],
    });
  });

  it("is there when the database is not", async () => {
    const link = await linkOf(startPawl(["dashboard", "--database", nowhere, "--port", "0"]));
    const cookie = ((await fetch(link)).headers.get("set-cookie") ?? "").split(";")[0] ?? "";

    const answer = await ask(link, "/api/queues", { cookie });

    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain("top-secret");
  });
});

function command(): string[] {
  return ["dashboard", "--database", databaseUrl(), "--schema", schema];
}

function start(given: readonly string[] = [], environment: Record<string, string> = {}): Running {
  return startPawl([...command(), "--port", "0", "--environment", "staging", ...given], { environment });
}

function linkOf(running: Running): Promise<string> {
  return eventually(() => /^(http:\S+)\n/.exec(running.stdout)?.[1], { within });
}

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Asks with whatever headers, which fetch would not. */
function ask(link: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(new URL(path, link), { headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("end", () => {
        resolve({ status: response.statusCode, headers: response.headers, text });
      });
    });
    asked.on("error", reject).end();
  });
}
