import { appendFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { readFacts } from "../../demo/src/file-facts.ts";
import { freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { demoSchemas, directoryOf, holdDemo, startDemo } from "./demo-process.ts";

const patience = 90_000;

let url: string;
beforeEach(async () => {
  url = await freshDatabase();
});

describe("the demo", { timeout: patience }, () => {
  it("proves that a killed worker cost nothing, and prints the figures as JSON", async () => {
    const demo = startDemo(["--dir", directoryOf(60), "--files", "50", "--json"], url);

    const { status, stdout } = await demo.ended;

    expect(demo.stderr).toMatch(
      /Killed worker-\d \(SIGKILL\) while it held \d+ jobs, and started a new one/,
    );
    const summary = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(summary).toEqual({
      files: 50,
      jobs: 50,
      attempts: expect.any(Number),
      failedAttempts: expect.any(Number),
      killedWorkers: expect.any(Number),
      rerunJobs: expect.any(Number),
      seconds: expect.any(Number),
      jobsPerSecond: expect.any(Number),
      proof: { rowsPerFileExactlyOne: true, digestsEqual: true, ok: true },
    });
    const [failed, rerun] = [Number(summary.failedAttempts), Number(summary.rerunJobs)];
    expect(failed).toBeGreaterThanOrEqual(1);
    expect(rerun).toBeGreaterThanOrEqual(1);
    expect(summary.attempts).toBe(50 + failed + rerun);
    expect(await demoSchemas(url)).toEqual([]);
    expect(status).toBe(0);
  });

  it("shows a dashboard that stays until it is ended, and takes everything with it", async () => {
    const demo = startDemo(["--dir", directoryOf(50), "--dashboard"], url);
    await demo.says("The dashboard stays until Ctrl-C");
    const link = new URL(/Dashboard: (\S+)/.exec(demo.stderr)?.[1] ?? "");
    const login = await fetch(link, { redirect: "manual" });
    const cookie = login.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
    const history = await fetch(new URL("/api/history?final=true", link), { headers: { cookie } });
    const children = childrenOf(demo.process.pid ?? 0);

    demo.process.kill("SIGINT");
    const { status, stdout } = await demo.ended;

    const { attempts } = (await history.json()) as { attempts: { task: string }[] };
    expect(attempts.map(({ task }) => task)).toEqual(attempts.map(() => "index-file"));
    expect(attempts).toHaveLength(50);
    expect(children).toHaveLength(1);
    expect(children.filter(isAlive)).toEqual([]);
    expect(stdout).toContain("PROVEN");
    expect(await demoSchemas(url)).toEqual([]);
    expect(status).toBe(0);
  });

  it("works with fewer files than were asked for, and prints a summary for people", async () => {
    const demo = startDemo(["--dir", directoryOf(3)], url);

    const { status, stdout, stderr } = await demo.ended;

    expect(stdout).toMatch(/^files +3 /m);
    expect(stdout).toContain("PROVEN: each file was indexed exactly once.");
    expect(`${stdout}${stderr}`).not.toContain("failed on purpose, after its write");
    expect(`${stdout}${stderr}`).not.toContain("\u001b");
    expect(status).toBe(0);
  });

  it("has status 1 when a file has a second row", async () => {
    const directory = directoryOf(50);
    const hold = await holdDemo(url);
    const demo = startDemo(["--dir", directory, "--json"], url);
    const schema = await hold.schemaAtWork();

    const path = join(directory, "folder-0", "file-7.txt");
    const facts = await readFacts(path, new AbortController().signal);
    await hold.client.query(
      `insert into ${schema}.files select * from json_populate_record(null::${schema}.files, $1)`,
      [JSON.stringify({ path, ...facts })],
    );
    await hold.release();
    const { status, stdout } = await demo.ended;

    expect(JSON.parse(stdout)).toMatchObject({
      proof: { rowsPerFileExactlyOne: false, digestsEqual: true, ok: false },
    });
    expect(status).toBe(1);
    expect(await demoSchemas(url)).toEqual([]);
  });

  it("holds its own when files change and vanish meanwhile", async () => {
    const directory = directoryOf(50);
    const hold = await holdDemo(url);
    const demo = startDemo(["--dir", directory], url);
    await hold.schemaAtWork();

    for (const number of [0, 10, 20, 30, 40]) {
      const folder = join(directory, `folder-${number / 10}`);
      appendFileSync(join(folder, `file-${number}.txt`), "more");
      rmSync(join(folder, `file-${number + 1}.txt`));
    }
    await hold.release();
    const { status, stdout } = await demo.ended;

    expect(stdout).toMatch(/files changed meanwhile/);
    expect(stdout).toContain("50 rows, 50 files");
    expect(status).toBe(0);
  });

  it("fails, and says why, when its workers end by themselves", async () => {
    const hold = await holdDemo(url);
    const demo = startDemo(["--dir", directoryOf(50)], url);
    await hold.schemaAtWork();

    for (const pid of childrenOf(demo.process.pid ?? 0)) process.kill(pid, "SIGKILL");
    await hold.release();
    const { status, stderr } = await demo.ended;

    expect(stderr).toMatch(/The demo failed: worker-\d ended by itself/);
    expect(status).toBe(1);
    expect(await demoSchemas(url)).toEqual([]);
  });
});

describe("Ctrl-C", { timeout: patience }, () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("leaves no process and no schema behind: %s", async (signal, expected) => {
    const hold = await holdDemo(url);
    const demo = startDemo(["--dir", directoryOf(50)], url);
    await hold.schemaAtWork();
    const workers = childrenOf(demo.process.pid ?? 0);

    demo.process.kill(signal);
    await demo.says("Stopping");
    await hold.release();
    const { status, stdout } = await demo.ended;

    expect(workers).toHaveLength(2);
    expect(workers.filter(isAlive)).toEqual([]);
    expect(await demoSchemas(url)).toEqual([]);
    expect(stdout).toBe("");
    expect(status).toBe(expected);
  });

  it("takes the workers with it when the demo itself is killed", async () => {
    const hold = await holdDemo(url);
    const demo = startDemo(["--dir", directoryOf(50)], url);
    await hold.schemaAtWork();
    const workers = childrenOf(demo.process.pid ?? 0);

    demo.process.kill("SIGKILL");
    await demo.ended;

    expect(workers).toHaveLength(2);
    await eventually(() => !workers.some(isAlive), { within: 15_000 });
  });
});
