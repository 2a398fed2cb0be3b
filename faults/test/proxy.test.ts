import { startEmbeddedPostgres, type EmbeddedPostgres } from "pawl/embedded";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { fair, type Moment } from "../src/proxy/link.ts";
import { Proxy } from "../src/proxy/proxy.ts";
import { execute } from "../src/servers/admin.ts";

let server: EmbeddedPostgres;
let proxy: Proxy;

beforeAll(async () => {
  server = await startEmbeddedPostgres();
  await execute(server.url, "create table written (n integer)");
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await Proxy.start(server.url);
  await execute(server.url, "truncate written");
});
afterEach(() => proxy.close());

async function connected(): Promise<Client> {
  const client = new Client({ connectionString: proxy.url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function written(): Promise<number> {
  const [row] = await execute<{ count: number }>(server.url, "select count(*)::int from written");
  return row?.count ?? -1;
}

it("passes everything on, and in pieces and late too", async () => {
  const client = await connected();
  for (const weather of [fair, { ...fair, pieceBytes: 3 }, { ...fair, latencyMs: 20 }]) {
    proxy.weather = weather;
    const { rows } = await client.query("select $1::text as text", ["x".repeat(5_000)]);
    expect(rows).toEqual([{ text: "x".repeat(5_000) }]);
  }
  await client.end();
});

it.each<[Moment, number]>([
  ["before it is forwarded", 0],
  ["before its reply", 1],
  ["amid its reply", 1],
])("cuts the wire at a statement: %s", async (moment, expected) => {
  const client = await connected();
  const statement = { name: "write", text: "insert into written values ($1)" };
  await client.query({ ...statement, values: [1] });
  await execute(server.url, "truncate written");
  let hasSprung = false;
  proxy.trap({ matches: /insert into written/, moment, sprung: () => (hasSprung = true) });

  await expect(client.query({ ...statement, values: [2] })).rejects.toThrow();

  expect(hasSprung).toBe(true);
  expect(await written()).toBe(expected);
});

it("lets a statement arrive late, and what follows it after it", async () => {
  const client = await connected();
  const began = performance.now();
  const sprung = new Promise<void>((resolve) => {
    proxy.trap({ matches: /into written/, moment: "late", lateMs: 300, sprung: resolve });
  });
  const late = client.query("insert into written values ($1)", [1]);
  await sprung;

  expect(await written()).toBe(0);
  await late;
  expect(performance.now() - began).toBeGreaterThan(290);
  expect(await written()).toBe(1);
  expect((await client.query("select 8 as n")).rows).toEqual([{ n: 8 }]);
  await client.end();
});

it("tells of a statement whose reply has passed, and cuts nothing", async () => {
  const client = await connected();
  const sprung = new Promise<void>((resolve) => {
    proxy.trap({ matches: /select 7/, moment: "never", sprung: resolve });
  });

  await client.query("select 7");
  await sprung;

  expect((await client.query("select 8 as n")).rows).toEqual([{ n: 8 }]);
  await client.end();
});

it("swallows what is said, and leaves connections that have lost something silent", async () => {
  const client = await connected();
  proxy.weather = { ...fair, silence: "all" };
  const lost = client.query("select 1").then(
    () => "answered",
    () => "failed",
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  proxy.weather = fair;

  const fresh = await connected();
  expect((await fresh.query("select 1 as n")).rows).toEqual([{ n: 1 }]);
  expect(await Promise.race([lost, Promise.resolve("silent")])).toBe("silent");
  await fresh.end();
  proxy.reset();
  expect(await lost).toBe("failed");
});
