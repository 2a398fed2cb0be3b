import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { databaseUrl } from "../support/database.ts";
import { startDemo } from "./demo-process.ts";

describe("the demo's command line", () => {
  it("explains itself", async () => {
    const { status, stdout } = await startDemo(["--help"], databaseUrl()).ended;

    expect(status).toBe(0);
    expect(stdout).toMatch(/--dir <directory>.*--files <number>.*--json.*--dashboard/s);
  });

  it.each([
    [["--fils", "3"], "--fils"],
    [["--files", "0"], '"0"'],
    [["--files", "many"], '"many"'],
    [["--files=-3"], '"-3"'],
    [["--dir", "/no/such/directory"], "/no/such/directory"],
    [["somewhere"], "somewhere"],
  ])("refuses %j with status 2", async (given, reason) => {
    const { status, stdout, stderr } = await startDemo(given, databaseUrl()).ended;

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain(reason);
    expect(stderr).toContain("--help");
  });

  it("needs a file", async () => {
    const { status, stderr } = await startDemo(["--dir", temporaryDirectory()], databaseUrl())
      .ended;

    expect(status).toBe(2);
    expect(stderr).toContain("found none");
  });

  it("has status 1 when the database cannot be reached", async () => {
    const demo = startDemo([], "postgres://ada:top-secret@127.0.0.1:1/app");

    const { status, stderr } = await demo.ended;

    expect(status).toBe(1);
    expect(stderr).toContain("ECONNREFUSED");
    expect(stderr).not.toContain("top-secret");
  });
});
