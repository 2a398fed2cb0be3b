import { randomUUID } from "node:crypto";
import { defineTask, type DiagnosisFinding, type JobExplanation } from "pawl";
import { beforeAll, describe, expect, it } from "vitest";
import { databaseUrl, execute, freshSchemaName } from "../support/database.ts";
import { migratedSchema, openPawl } from "../support/producer.ts";
import { runPawl, type Ended } from "./pawl-command.ts";

const task = defineTask({ name: "task" });
const nowhere = new URL("/app", "postgres://ada:top-secret@127.0.0.1:1").href;

describe("pawl doctor", () => {
  function doctor(schema: string, ...more: string[]): Promise<Ended> {
    return runPawl(["doctor", "--database", databaseUrl(), "--schema", schema, ...more]);
  }

  it("prints a line for everything that is well, on stdout, with status 0", async () => {
    const schema = await migratedSchema();

    const { status, stdout, stderr } = await doctor(schema);

    const lines = stdout.trimEnd().split("\n");
    expect(lines).toContain("✓ Tables, indexes and functions are as the migrations make them.");
    expect(lines.every((line) => /^[✓!] | {2}/.test(line))).toBe(true);
    expect(stderr).toMatch(/^pawl doctor: 0 wrong, \d+ to look at, \d+ well in schema /);
    expect(status).toBe(0);
  });

  it("prints what is wrong with its fix beneath, with status 1", async () => {
    const schema = await migratedSchema();
    await openPawl(schema).enqueue(task);

    const { status, stdout, stderr } = await doctor(schema);

    const lines = stdout.split("\n");
    const place = lines.findIndex((line) => line.startsWith("✗ 1 job of the task"));
    expect(lines[place + 1]).toBe(
      '  Start a worker that serves the queue "default" and handles the task "task".',
    );
    expect(stderr).toMatch(/^pawl doctor: 1 wrong, /);
    expect(status).toBe(1);
  });

  it("prints JSON for other programs", async () => {
    const schema = freshSchemaName();

    const { status, stdout } = await doctor(schema, "--json");

    const findings = JSON.parse(stdout) as DiagnosisFinding[];
    expect(findings.filter(({ level }) => level === "error")).toEqual([
      {
        check: "schema",
        level: "error",
        text: `Pawl's tables are not in the schema "${schema}".`,
        fix: "Run `npx pawl migrate`, or `await pawl.migrate()`.",
      },
    ]);
    expect(status).toBe(1);
  });

  it("has no colours where nobody looks, and shows no control characters", async () => {
    const schema = await migratedSchema();
    await openPawl(schema).enqueueByName("evil \u001b[2J task");

    const { stdout } = await doctor(schema);

    expect(stdout).toContain("evil");
    expect(stdout).not.toContain("\u001b");
  });

  it("ends with status 3 when there is no server, without showing the password", async () => {
    const { status, stdout, stderr } = await runPawl(["doctor", "--database", nowhere]);

    expect(status).toBe(3);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/^pawl doctor: PAWL_DATABASE_UNAVAILABLE/);
    expect(stderr).not.toContain("top-secret");
  });
});

describe("pawl jobs explain", () => {
  let schema: string;
  beforeAll(async () => {
    schema = await migratedSchema();
  });

  function explain(...given: string[]): Promise<Ended> {
    const connection = ["--database", databaseUrl(), "--schema", schema];
    return runPawl(["jobs", "explain", ...connection, ...given]);
  }

  it("prints the job and why it does not run", async () => {
    const { job } = await openPawl(schema).enqueue(task, undefined, { queue: "mail" });

    const { status, stdout, stderr } = await explain(job.id);

    expect(stdout.split("\n")).toEqual([
      `job    ${job.id}`,
      "queue  mail",
      "task   task",
      "state  ready",
      "",
      "No worker lives: it waits until one is started.",
      "",
    ]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("prints JSON for other programs, of the job in a queue", async () => {
    const pawl = openPawl(schema);
    const id = randomUUID();
    await pawl.enqueue(task, undefined, { id, queue: "a" });
    await pawl.enqueue(task, undefined, { id, queue: "b" });

    const { status, stdout } = await explain(id, "--queue", "b", "--json");

    const explanation = JSON.parse(stdout) as JobExplanation;
    expect(explanation).toMatchObject({ queue: "b", id, reasons: [{ kind: "noWorker" }] });
    expect(explanation).toEqual(
      JSON.parse(JSON.stringify(await pawl.jobs.explain({ queue: "b", id }))) as unknown,
    );
    expect(status).toBe(0);
  });

  it("knows nothing of a job that never was, with status 1", async () => {
    const id = randomUUID();

    const [plain, json] = [await explain(id), await explain(id, "--json")];

    expect(plain).toMatchObject({ status: 1, stdout: "" });
    expect(plain.stderr).toContain(`no job ${id} is live or in the history`);
    expect(json).toMatchObject({ status: 1, stdout: "null\n" });
  });

  it.each([
    [["1"], "PAWL_OPTION_INVALID"],
    [[], "missing required argument 'id'"],
    [["1", "--quue", "x"], "did you mean --queue?"],
  ])("refuses %j with status 2", async (given, reason) => {
    const { status, stderr } = await explain(...given);

    expect(status).toBe(2);
    expect(stderr).toMatch(/^pawl jobs explain: PAWL_OPTION_/);
    expect(stderr).toContain(reason);
  });

  it("does not change anything", async () => {
    const { job } = await openPawl(schema).enqueue(task);
    const [before] = await execute(`select xmin::text, * from ${schema}.jobs where id = $1`, [
      job.id,
    ]);

    await explain(job.id);

    expect(
      await execute(`select xmin::text, * from ${schema}.jobs where id = $1`, [job.id]),
    ).toEqual([before]);
  });
});

describe("pawl jobs", () => {
  it("shows its commands, with status 2", async () => {
    const { status, stdout, stderr } = await runPawl(["jobs"]);

    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("explain");
  });

  it("suggests a command that was meant", async () => {
    const { status, stderr } = await runPawl(["jobs", "explian", randomUUID()]);

    expect(status).toBe(2);
    expect(stderr).toContain("did you mean explain?");
  });
});
