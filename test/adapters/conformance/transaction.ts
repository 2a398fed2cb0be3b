import { expect, it } from "vitest";
import type { Database } from "#pawl/db/database";
import { withClient } from "../../support/database.ts";
import { eventually } from "../../support/eventually.ts";
import { backendOf, firstRow, opened, statement, type Driver } from "./driver.ts";

const patience = { within: 15_000 };
const refusedStatements = [
  "commit",
  "COMMIT WORK",
  "end",
  "abort",
  "rollback",
  "rollback and chain",
  "begin",
  "start transaction",
  "prepare transaction 'x'",
  "/* done */ commit",
  "insert into notes values ('a'); commit",
];

const allowedStatements = [
  "savepoint part; insert into notes values ('b'); rollback to savepoint part",
  "select 'commit; rollback' as text",
  "set local statement_timeout = '5s'",
];

export function transactionClauses(driver: Driver): void {
  it("commits what was written on the transaction and on its handle", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    await tx.query(statement("insert into notes values ($1)"), ["port"]);
    await driver.queryHandle(tx.handle, "insert into notes values ('handle')");

    await tx.commit();

    expect(await notes()).toEqual(["handle", "port"]);
  });

  it("rolls back on request, and again without harm", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    await tx.query(statement("insert into notes values ('gone')"));

    await tx.rollback();
    await tx.rollback();

    expect(await notes()).toEqual([]);
  });

  it("gives the value of the work it commits", async () => {
    const { database, notes } = await withNotes(driver);

    const value = await database.transaction(async (tx) => {
      await tx.query(statement("insert into notes values ('kept')"));
      return 42;
    });

    expect(value).toBe(42);
    expect(await notes()).toEqual(["kept"]);
  });

  it("rolls the work back when it throws, and throws the same", async () => {
    const { database, notes } = await withNotes(driver);
    const failure = new Error("no");

    const work = database.transaction(async (tx) => {
      await tx.query(statement("insert into notes values ('gone')"));
      throw failure;
    });

    await expect(work).rejects.toBe(failure);
    expect(await notes()).toEqual([]);
  });

  it("rejects a commit that the server turned into a rollback", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    await tx.query(statement("insert into notes values ('gone')"));
    await tx.query(statement("select 1 / 0")).catch(() => undefined);

    const commit = tx.commit();

    await expect(commit).rejects.toMatchObject({
      code: "PAWL_DATABASE_FAILED",
      message: expect.stringContaining("ROLLBACK"),
    });
    expect(await notes()).toEqual([]);
  });

  it("rejects a commit at which a deferred constraint fails", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    await tx.query(statement("insert into notes values ('twice'), ('twice')"));

    const commit = tx.commit();

    await expect(commit).rejects.toMatchObject({ cause: { code: "23505" } });
    expect(await notes()).toEqual([]);
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  if (driver.sessions === "many") manySessionsClauses(driver);
  else oneSessionClauses(driver);

  it.each(refusedStatements)("refuses `%s` from a handler and remembers it", async (text) => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();

    const query = driver.queryHandle(tx.handle, text);

    await expect(query).rejects.toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
    expect(tx.misuse).toMatchObject({ code: "PAWL_TRANSACTION_CONTROL" });
    await tx.rollback();
    expect(await notes()).toEqual([]);
  });

  it.each(allowedStatements)("lets a handler run `%s`", async (text) => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();

    await driver.queryHandle(tx.handle, text);

    expect(tx.misuse).toBeUndefined();
    await tx.commit();
  });

  it.each(["revoke", "commit", "rollback", "destroy"] as const)(
    "refuses its handle after %s",
    async (end) => {
      const { database } = await withNotes(driver);
      const tx = await database.begin();
      await tx[end]();

      const query = driver.queryHandle(tx.handle, "select 1");

      await expect(query).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
      tx.destroy();
    },
  );

  it("stays usable for its owner after its handle was revoked", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    tx.revoke();

    await tx.query(statement("insert into notes values ('owner')"));
    await tx.commit();

    expect(await notes()).toEqual(["owner"]);
  });

  it.each(["query", "commit"] as const)("refuses %s after it has ended", async (use) => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();
    await tx.commit();

    const used = use === "query" ? tx.query(statement("select 1")) : tx.commit();

    await expect(used).rejects.toMatchObject({ code: "PAWL_TRANSACTION_ENDED" });
  });

  it("begins and ends many transactions on few connections", async () => {
    const { database, notes } = await withNotes(driver, 2);
    const texts = Array.from({ length: 20 }, (_, index) => String(index + 100));

    await Promise.all(
      texts.map((text) =>
        database.transaction((tx) => tx.query(statement("insert into notes values ($1)"), [text])),
      ),
    );

    expect(await notes()).toEqual(texts);
  });
}

function manySessionsClauses(driver: Driver): void {
  const { execute } = driver.server;
  const isGone = async (pid: number): Promise<boolean> =>
    (await execute("select from pg_stat_activity where pid = $1", [pid])).length === 0;

  it("rejects a commit on a killed backend, and goes on", async () => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();
    await execute("select pg_terminate_backend($1, 5000)", [await backendOf(tx)]);

    const commit = tx.commit();

    await expect(commit).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("says why when it is used after its connection was lost", async () => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();
    await execute("select pg_terminate_backend($1, 5000)", [await backendOf(tx)]);
    await tx.query(statement("select 1")).catch(() => undefined);

    const query = tx.query(statement("select 1"));

    await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_UNAVAILABLE" });
    await expect(tx.rollback()).resolves.toBeUndefined();
  });

  it("cuts the connection when a query does not come back", async () => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();
    const pid = await backendOf(tx);
    await withClient(
      async (blocker) => {
        await blocker.query("begin");
        await blocker.query("lock table notes");

        const query = tx.query(statement("select text from notes"), [], { timeoutMs: 100 });

        await expect(query).rejects.toMatchObject({ code: "PAWL_DATABASE_TIMEOUT" });
      },
      await notesDatabase(driver),
    );
    // The backend looks at its connection when it has something to say.
    await eventually(() => isGone(pid), patience);
  });

  it("ends the backend when it is destroyed", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    const pid = await backendOf(tx);
    await tx.query(statement("insert into notes values ('gone')"));

    tx.destroy();

    await eventually(() => isGone(pid), patience);
    expect(await notes()).toEqual([]);
    await expect(tx.query(statement("select 1"))).rejects.toMatchObject({
      code: "PAWL_TRANSACTION_ENDED",
    });
  });

  it("does not pass settings a handler left in the session on to the next user", async () => {
    const { database } = await withNotes(driver, 1);
    const tx = await database.begin();
    await driver.queryHandle(tx.handle, "set statement_timeout = '12345ms'");
    await tx.commit();

    const row = await firstRow(database, "select current_setting('statement_timeout') as value");

    expect(row).toEqual({ value: "0" });
  });
}

function oneSessionClauses(driver: Driver): void {
  it("rolls back when it is destroyed", async () => {
    const { database, notes } = await withNotes(driver);
    const tx = await database.begin();
    await tx.query(statement("insert into notes values ('gone')"));

    tx.destroy();

    expect(await notes()).toEqual([]);
    await expect(tx.query(statement("select 1"))).rejects.toMatchObject({
      code: "PAWL_TRANSACTION_ENDED",
    });
    await expect(firstRow(database, "select 1 as value")).resolves.toEqual({ value: 1 });
  });

  it("leaves settings a handler made in the application's session to the application", async () => {
    const { database } = await withNotes(driver);
    const tx = await database.begin();
    await driver.queryHandle(tx.handle, "set statement_timeout = '12345ms'");
    await tx.commit();

    const row = await firstRow(database, "select current_setting('statement_timeout') as value");

    expect(row).toEqual({ value: "12345ms" });
    await database.query({ name: "", text: "reset statement_timeout" });
  });
}

interface Notes {
  database: Database;
  /** What is committed. */
  notes(): Promise<string[]>;
}

async function withNotes(driver: Driver, maxConnections = 4): Promise<Notes> {
  const url = await notesDatabase(driver);
  const { execute } = driver.server;
  const database = opened(driver, { maxConnections }, url);
  await execute("truncate notes", [], url);
  const notes = async (): Promise<string[]> => {
    const rows = await execute<{ text: string }>("select text from notes order by text", [], url);
    return rows.map(({ text }) => text);
  };
  return { database, notes };
}

const made = new Map<Driver, Promise<string>>();

function notesDatabase(driver: Driver): Promise<string> {
  const known = made.get(driver) ?? makeNotesDatabase(driver);
  made.set(driver, known);
  return known;
}

async function makeNotesDatabase({ server }: Driver): Promise<string> {
  const url = await server.freshDatabase();
  const column = "text text unique deferrable initially deferred";
  await server.execute(`create table notes (${column})`, [], url);
  return url;
}
