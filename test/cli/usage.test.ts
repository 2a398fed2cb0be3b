import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { moduleOf, runPawl } from "./pawl-command.ts";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const nowhere = "postgres://ada:top-secret@127.0.0.1:1/app";
const connected = ["--database", nowhere];

describe("pawl --help", () => {
  it("lists the commands on stdout", async () => {
    const { status, stdout, stderr } = await runPawl(["--help"]);

    expect(status).toBe(0);
    expect(stdout).toMatch(/^ {2}migrate .*^ {2}uninstall .*^ {2}work /ms);
    expect(stderr).toBe("");
  });

  it.each(["migrate", "uninstall", "work"])("explains the options of %s", async (command) => {
    const { status, stdout } = await runPawl([command, "--help"]);

    expect(status).toBe(0);
    expect(stdout).toContain("--database <url>");
    expect(stdout).toContain("--schema <name>");
  });

  it("does not show what the environment has", async () => {
    const { stdout } = await runPawl(["work", "--help"], {
      environment: { DATABASE_URL: nowhere },
    });

    expect(stdout).toContain("DATABASE_URL");
    expect(stdout).not.toContain("top-secret");
  });

  it("comes on stderr, with status 2, when there is no command", async () => {
    const { status, stdout, stderr } = await runPawl([]);

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("Usage: pawl");
  });
});

describe("pawl --version", () => {
  it("prints the package's version", async () => {
    const { status, stdout } = await runPawl(["--version"]);

    expect(status).toBe(0);
    expect(stdout).toBe(`${version}\n`);
  });
});

describe("a mistyped word", () => {
  it.each([
    [["migrat"], "migrate"],
    [["unistall"], "uninstall"],
    [["wrok"], "work"],
    [["migrate", "--databse", "x"], "--database"],
    [["migrate", "--databse=x"], "--database"],
    [["uninstall", "--shcema", "x"], "--schema"],
    [["work", "--concurency", "3"], "--concurrency"],
    [["work", "--shutdown-grce=3"], "--shutdown-grace"],
  ])("gets a suggestion: %j", async (given, meant) => {
    const { status, stdout, stderr } = await runPawl(given);

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(`did you mean ${meant}?`);
    expect(stderr.trim().split("\n")).toHaveLength(2);
  });
});

describe("bad input", () => {
  it.each([
    ["no database", ["migrate"], "expected a connection string, got none"],
    ["an argument too many", ["migrate", "now", ...connected], "too many arguments"],
    ["no value", ["migrate", "--database"], "argument missing"],
    ["a schema in capitals", ["migrate", "--schema", "Jobs", ...connected], '"Jobs"'],
    ["no tasks", ["work", ...connected], "--tasks <module>"],
    ["a file that is not there", ["work", "--tasks", "no.js", ...connected], '"no.js"'],
    ["a directory", ["work", "--tasks", "src", ...connected], '"src"'],
  ])("%s has status 2 and a code", async (_, given, reason) => {
    const { status, stderr } = await runPawl(given);

    expect(status).toBe(2);
    expect(stderr).toMatch(/^pawl (migrate|work): PAWL_OPTION_INVALID: /);
    expect(stderr).toContain(reason);
  });

  it.each([
    ["--concurrency", "0", "a positive integer, got 0"],
    ["--concurrency", "-3", "a positive integer, got -3"],
    ["--concurrency", "many", 'a positive integer, got "many"'],
    ["--lease", "5 parsecs", '"5 parsecs"'],
    ["--lease", "100", "at least 500 ms"],
    ["--shutdown-grace", "soon", '"soon"'],
    ["--queues", "mail,,default", "not empty"],
    ["--name", "", "not empty"],
  ])("refuses %s %j", async (option, value, reason) => {
    const text = 'export const one = defineTask({ name: "one", run: () => undefined });';
    const tasks = moduleOf("tasks.mjs", `import { defineTask } from "pawl";\n${text}`);

    const { status, stderr } = await runPawl([
      "work",
      ...["--tasks", tasks, ...connected, option, value],
    ]);

    expect(status).toBe(2);
    expect(stderr).toContain("PAWL_OPTION_INVALID");
    expect(stderr).toContain(reason);
  });
});

describe("a password", () => {
  it.each([
    ["of a server that is not there", ["migrate", "--database", nowhere]],
    ["with an @ in it", ["migrate", "--database", "postgres://ada:top@top-secret@127.0.0.1:1/app"]],
    ["in a string that is no URL", ["migrate", "--database", "postgres://ada:top-secret/@[::/app"]],
    [
      "among the parameters",
      ["migrate", "--database", "postgres://127.0.0.1:1/app?password=top-secret"],
    ],
    ["after a mistyped option", ["migrate", `--databse=${nowhere}`]],
    ["as a command", [nowhere]],
    ["as an argument", ["migrate", nowhere]],
    ["with --debug", ["migrate", "--debug", "--database", nowhere]],
  ])("is not shown: %s", async (_, given) => {
    const { status, stdout, stderr } = await runPawl(given);

    expect(status).toBeGreaterThan(0);
    expect(stderr).toContain("PAWL_");
    expect(`${stdout}${stderr}`).not.toContain("top-secret");
  });
});

describe("an error", () => {
  it("takes two lines, without a stack", async () => {
    const { stderr } = await runPawl(["migrate", ...connected]);

    expect(stderr.trim().split("\n")).toHaveLength(2);
  });

  it("has its stack and its cause with --debug", async () => {
    const { stderr } = await runPawl(["migrate", "--debug", ...connected]);

    expect(stderr).toMatch(/^ {4}at /m);
    expect(stderr).toContain("caused by Error: connect ECONNREFUSED");
  });
});
