import { beforeAll, describe, expect, it } from "vitest";
import { databaseUrl, execute, freshDatabase, freshSchemaName } from "./database.ts";
import { eventually } from "./eventually.ts";

describe("the databases of the tests", () => {
  let database: string;
  beforeAll(async () => {
    database = await freshDatabase();
  });

  it("connects to the shared database", async () => {
    const rows = await execute("select 1 as one");

    expect(rows).toEqual([{ one: 1 }]);
  });

  it("makes a database of its own", async () => {
    const rows = await execute<{ name: string }>("select current_database() as name", [], database);

    expect(database).not.toBe(databaseUrl());
    expect(new URL(database).pathname).toBe(`/${rows[0]?.name ?? ""}`);
  });

  it("makes up a schema name that nobody has", () => {
    expect(freshSchemaName()).toMatch(/^test_[0-9a-f]{16}$/);
    expect(freshSchemaName()).not.toBe(freshSchemaName());
  });
});

describe("eventually", () => {
  it("returns the fact once it holds", async () => {
    let calls = 0;

    const value = await eventually(() => (++calls < 3 ? undefined : calls));

    expect(value).toBe(3);
  });

  it("goes on while finding out fails, and says why at the end", async () => {
    const broken = new Error("not there");

    const result = eventually(() => Promise.reject(broken), { within: 30 });

    await expect(result).rejects.toMatchObject({
      message: expect.stringContaining("within 30 ms"),
      cause: broken,
    });
  });
});
