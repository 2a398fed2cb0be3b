import { request as httpRequest } from "node:http";
import { once } from "node:events";
import { beforeAll, describe, expect, it } from "vitest";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { moduleOf, runPawl, startPawl, type CommandOptions, type Running } from "./pawl-command.ts";

const within = 15_000;
const password = "correct horse battery";
let schema: string;

beforeAll(async () => {
  schema = await migratedSchema();
});

function command(...more: readonly string[]): string[] {
  return ["dashboard", "--database", databaseUrl(), "--schema", schema, "--port", "0", ...more];
}

async function start(
  more: readonly string[] = [],
  options: CommandOptions = {},
): Promise<{ running: Running; link: string; origin: string }> {
  const running = startPawl(command(...more), options);
  const link = await eventually(() => /^(http:\S+)\n/.exec(running.stdout)?.[1], { within });
  return { running, link, origin: new URL(link).origin };
}

/** Opens the link as a browser does, and gives the cookie that it got. */
async function login(link: string): Promise<string> {
  const response = await fetch(link, { redirect: "manual" });
  expect(response.status).toBe(303);
  return response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
}

function pause(origin: string, headers: Record<string, string>): Promise<Response> {
  return fetch(`${origin}/api/pause-queue`, {
    method: "POST",
    body: '{"name":"mail"}',
    headers: { "content-type": "application/json", "x-pawl-dashboard": "1", ...headers },
  });
}

/** What a server answers to a request with a host of one's own. */
async function statusFor(origin: string, headers: Record<string, string>): Promise<number> {
  const asked = httpRequest(`${origin}/api/session`, { headers }).end();
  const [response] = (await once(asked, "response")) as [{ statusCode: number; resume(): void }]; // as Node has it
  response.resume();
  return response.statusCode;
}

const basic = (name: string, given: string) => ({
  authorization: `Basic ${Buffer.from(`${name}:${given}`).toString("base64")}`,
});

describe("pawl dashboard", () => {
  it("prints a link that works once, and nothing else", async () => {
    const { running, link, origin } = await start(["--environment", "staging"]);
    expect(running.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login\?token=[\w-]{43}\n$/);
    expect(running.stderr).toBe("");

    const first = await fetch(link, { redirect: "manual" });
    const second = await fetch(link, { redirect: "manual" });

    const [cookie = ""] = first.headers.getSetCookie();
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(new URL(link).searchParams.get("token"));
    expect(second.status).toBe(401);
    expect(second.headers.getSetCookie()).toEqual([]);
    const session = await fetch(`${origin}/api/session`, { headers: { cookie } });
    expect(await session.json()).toMatchObject({ role: "admin", environment: "staging", schema });
  });

  it("lets nobody in without the link", async () => {
    const { link, origin } = await start();

    const statuses = await Promise.all(
      ["/", "/api/session", "/login?token=wrong", "/login"].map(
        async (path) => (await fetch(origin + path, { redirect: "manual" })).status,
      ),
    );

    expect(statuses).toEqual([401, 401, 401, 401]);
    // A wrong one does not use it up.
    expect(await login(link)).toMatch(/^pawl-\w+=[\w-]{43}$/);
  });

  it("answers only to names of this machine", async () => {
    const { link, origin } = await start();
    const cookie = await login(link);
    const { port } = new URL(origin);
    const hosts = [`localhost:${port}`, `127.0.0.1:${port}`, `evil.example:${port}`, "localhost:1"];

    const statuses = await Promise.all(hosts.map((host) => statusFor(origin, { host, cookie })));

    expect(statuses).toEqual([200, 200, 403, 403]);
  });

  it("makes changes, which are the name's of the account that started it", async () => {
    const { link, origin } = await start();
    const cookie = await login(link);

    const foreign = await pause(origin, { cookie, origin: "http://localhost:1" });
    const own = await pause(origin, { cookie, origin });

    expect(foreign.status).toBe(403);
    expect(await own.json()).toEqual({ changed: true });
    const queues = await openPawl(schema).queues.list();
    expect(queues).toMatchObject([{ name: "mail", paused: true }]);
  });

  it("sends what happens, as it happens", async () => {
    const { link, origin } = await start();
    const cookie = await login(link);

    const response = await fetch(`${origin}/api/live`, { headers: { cookie } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("event: tick\n")) {
      text += (await reader?.read())?.value ?? "";
    }

    await reader?.cancel();
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends at %s with 0, whoever watches", async (signal) => {
    const { running, link, origin } = await start();
    const cookie = await login(link);
    const watching = await fetch(`${origin}/api/live`, { headers: { cookie } });
    const startedAt = performance.now();

    running.process.kill(signal);
    const { status } = await running.ended;

    expect(status).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await watching.body?.cancel().catch(() => undefined);
  });

  it("takes the tasks of a module, and paths to redact", async () => {
    const tasks = moduleOf(
      "tasks.mjs",
      `import { defineTask } from "pawl";
       export const send = defineTask({ name: "send", run: () => undefined });`,
    );
    const { link, origin } = await start(["--tasks", tasks, "--redact", "user.email, user.phone"]);
    const cookie = await login(link);
    const payload = { user: { email: "ada@example.com", phone: "1", id: 7 } };
    const { job } = await openPawl(schema).enqueueByName("send", payload, { delay: "1h" });

    const get = async (address: string) =>
      (await fetch(`${origin}/api/${address}`, { headers: { cookie } })).json();

    expect(await get("tasks")).toMatchObject({
      tasks: expect.arrayContaining([expect.objectContaining({ name: "send", isKnown: true })]),
    });
    expect(await get(`job?queue=${job.queue}&id=${job.id}`)).toMatchObject({
      payload: '{"user":{"email":"[redacted]","phone":"[redacted]","id":7}}',
    });
  });
});

describe("pawl dashboard for others", () => {
  it("is refused without a password", async () => {
    const { status, stderr } = await runPawl(command("--host", "0.0.0.0"));

    expect(status).toBe(2);
    expect(stderr).toContain("PAWL_OPTION_INVALID: expected --host to be a loopback address");
  });

  it("is refused with a short one, which is not repeated", async () => {
    const environment = { PAWL_DASHBOARD_PASSWORD: "hush" };

    const { status, stderr } = await runPawl(command("--host", "0.0.0.0"), { environment });

    expect(status).toBe(2);
    expect(stderr).toContain("at least 12 characters");
    expect(stderr).not.toContain("hush");
  });

  it("asks for the password, and notes the name", async () => {
    const environment = { PAWL_DASHBOARD_PASSWORD: password };
    const { running } = await start(["--host", "0.0.0.0"], { environment });
    const { port } = new URL(running.stdout.trim());
    const origin = `http://127.0.0.1:${port}`;

    const bare = await fetch(`${origin}/`);
    const wrong = await fetch(`${origin}/api/session`, { headers: basic("ada", "wrong") });
    const right = await fetch(`${origin}/api/session`, { headers: basic("ada", password) });

    expect(running.stdout).not.toContain("token");
    expect([bare.status, wrong.status]).toEqual([401, 401]);
    expect(bare.headers.get("www-authenticate")).toMatch(/^Basic /);
    expect(await right.json()).toMatchObject({ name: "ada", role: "admin" });
  });

  it("looks at no more passwords after ten wrong ones, but lets those go on who are in", async () => {
    const environment = { PAWL_DASHBOARD_PASSWORD: password };
    const { running } = await start(["--host", "0.0.0.0"], { environment });
    const { port } = new URL(running.stdout.trim());
    const session = `http://127.0.0.1:${port}/api/session`;
    const first = await fetch(session, { headers: basic("ada", password) });
    const cookie = first.headers.get("set-cookie")?.split(";", 1)[0] ?? "";

    const guesses = await Promise.all(
      Array.from({ length: 30 }, (_, n) => fetch(session, { headers: basic("eve", `guess ${n}`) })),
    );
    const lucky = await fetch(session, { headers: basic("eve", password) });
    const known = await fetch(session, { headers: { ...basic("ada", password), cookie } });

    const statuses = guesses.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    expect([lucky.status, lucky.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(known.status).toBe(200);
    expect(running.stderr).toContain("10 wrong passwords");
  });
});

describe("the options of pawl dashboard", () => {
  it.each([
    [["--port", "65536"], "expected --port to be a port"],
    [["--port", "web"], "expected `--port` to be an integer"],
    [["--environment", ""], "expected `environment`"],
    [["--tasks", "nowhere.ts"], "expected --tasks to name a file"],
  ])("are checked: %j", async (given, message) => {
    const { status, stderr } = await runPawl(command(...given));

    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});
