import { randomUUID } from "node:crypto";
import { defineTask, typed, UnrecoverableError, type Pawl } from "pawl";
import { describe, expect, it } from "vitest";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { databaseUrl } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { gate } from "../support/gate.ts";
import { runPawl, startPawl, type Ended } from "./pawl-command.ts";

const mail = defineTask({ name: "mail", queue: "letters", payload: typed<{ to: string }>() });
const doomed = defineTask({ name: "doomed", queue: "letters" });
const secret = "ada@example.com";
let pawl: Pawl;

function cli(...given: string[]): Promise<Ended> {
  return runPawl([...given, "--database", databaseUrl(), "--schema", pawl.schema]);
}

/** What a command prints as JSON. */
async function json(...given: string[]): Promise<unknown> {
  const { stdout } = await cli(...given, "--json");
  return JSON.parse(stdout) as unknown;
}

async function enqueueMail(count: number): Promise<string[]> {
  const made = await pawl.enqueueMany(
    Array.from({ length: count }, () => mail.job({ to: secret })),
  );
  return made.map(({ job }) => job.id);
}

describe("what looks", () => {
  it("lists queues, with what waits in them and whether they are paused", async () => {
    pawl = await freshPawl();
    await enqueueMail(3);
    await pawl.enqueue(mail, { to: secret }, { delay: "1h" });
    await pawl.queues.pause("letters");

    const { stdout, status } = await cli("queues");
    const [row] = (await json("queues")) as Record<string, unknown>[];

    expect(status).toBe(0);
    expect(stdout).toMatch(/^queue +ready +blocked +scheduled +running +oldest ready/);
    expect(stdout).toMatch(
      /\nletters +3 +0 +1 +0 +(?:less than a second|\d+ seconds?) ago +paused\n/,
    );
    expect(row).toMatchObject({
      ...{ name: "letters", paused: true },
      counts: { ready: 3, scheduled: 1, blocked: 0, running: 0 },
    });
  });

  it("lists living workers, and what they hold", async () => {
    pawl = await freshPawl();
    const finish = gate();
    const handlers = [mail.handle(() => finish.opened)];
    await startWorker(pawl, { name: "postman", handlers, lease: "30s", shutdownGrace: "5s" });
    await enqueueMail(2);
    await eventually(async () => (await pawl.workers.list())[0]?.held === 2);

    const { stdout } = await cli("workers");
    finish.open();

    expect(stdout).toMatch(/\npostman +[0-9a-f-]{36} +\S+ \d+ +any +mail +2 of 10 +/);
  });

  it("lists and shows jobs, without their payload unless asked", async () => {
    pawl = await freshPawl();
    const [id = ""] = await enqueueMail(2);

    const list = await cli("jobs", "list", "--queue", "letters", "--limit", "1");
    const none = await cli("jobs", "list", "--task", "other");
    const shown = await cli("jobs", "show", id);
    const all = await cli("jobs", "show", id, "--payload", "--json");
    const unknown = await cli("jobs", "show", randomUUID());

    expect(list.stdout).toContain(id);
    expect(list.stderr).toBe(`There are more: --after letters/${id}\n`);
    expect(none).toMatchObject({ status: 0, stdout: "", stderr: "No live job is like that.\n" });
    expect(shown.stdout).toMatch(/^job +[0-9a-f-]+\nqueue +letters\ntask +mail\nstate +ready\n/);
    expect(shown.stdout + list.stdout).not.toContain(secret);
    expect(JSON.parse(all.stdout)).toMatchObject({ job: { id, payload: { to: secret } } });
    expect(unknown).toMatchObject({ status: 1, stdout: "" });
  });

  it("goes through the pages of jobs and of the history", async () => {
    pawl = await freshPawl();
    const ids = await enqueueMail(5);
    const seen: string[] = [];
    for (let after: string[] = []; ;) {
      const page = (await json("jobs", "list", "--limit", "2", ...after)) as {
        jobs: { id: string }[];
        next?: { queue: string; id: string };
      };
      seen.push(...page.jobs.map(({ id }) => id));
      if (page.next === undefined) break;
      after = ["--after", `${page.next.queue}/${page.next.id}`];
    }
    await pawl.jobs.cancel(ids);
    const ended: string[] = [];
    for (let after: string[] = []; ;) {
      const page = (await json("history", "--outcome", "cancelled", "--limit", "2", ...after)) as {
        attempts: { id: string }[];
        next: string | null;
      };
      ended.push(...page.attempts.map(({ id }) => id));
      if (page.next === null) break;
      after = ["--after", page.next];
    }

    expect(seen).toEqual(ids);
    expect(ended.sort()).toEqual([...ids].sort());
  });

  it("says in the status what needs a look", async () => {
    pawl = await freshPawl();
    await enqueueMail(1);
    await pawl.queues.pause("letters");
    await pawl.tasks.pause("mail");
    await pawl.jobs.cancel(await enqueueMail(1));

    const { stdout, status } = await cli("status");

    expect(status).toBe(0);
    expect(stdout).toContain("1 ready, 0 blocked, 0 scheduled, 0 running, in 1 queue");
    expect(stdout).toContain("last minute  1 cancelled");
    expect(stdout).toContain("! No living worker takes the queue letters, in which jobs wait.");
    expect(stdout).toContain("! The queue letters is paused: pawl resume --queue letters");
    expect(stdout).toContain("! The task mail is paused: pawl resume --task mail");
  });

  it("shows the status again and again until it is interrupted", async () => {
    pawl = await freshPawl();
    const given = ["status", "--watch", "--json"];
    const watch = startPawl([...given, "--database", databaseUrl(), "--schema", pawl.schema]);
    await eventually(() => watch.stdout.split("\n").length > 2, { within: 15_000 });
    watch.process.kill("SIGINT");

    expect((await watch.ended).status).toBe(0);
  });

  it("lists rate limits", async () => {
    pawl = await freshPawl();
    await pawl.rateLimits.register("api", { capacity: 5, interval: "1m" });

    expect((await cli("rate-limits")).stdout).toMatch(/\napi +0 of 5 +60000 ms +fixed +- +-\n/);
  });
});

describe("what changes", () => {
  it("enqueues, and waits for the end", async () => {
    pawl = await freshPawl();
    await startWorker(pawl, {
      lease: "30s",
      handlers: [
        mail.handle(() => undefined),
        doomed.handle(() => Promise.reject(new UnrecoverableError("no"))),
      ],
    });

    const data = JSON.stringify({ to: secret });
    const good = await cli("enqueue", "mail", "--queue", "letters", "--data", data, "--wait");
    const bad = await cli("enqueue", "doomed", "--wait");
    const later = await cli("enqueue", "mail", "--data", data, "--delay", "1h");

    expect(good).toMatchObject({ status: 0, stdout: "succeeded\n" });
    expect(bad).toMatchObject({ status: 1, stdout: "failed\n" });
    expect(await pawl.jobs.get(later.stdout.trim())).toMatchObject({
      ...{ state: "scheduled", queue: "default", payload: { to: secret } },
    });
    expect(good.stderr + later.stderr).not.toContain(secret);
  });

  it("refuses a payload that is no JSON, without showing it", async () => {
    pawl = await freshPawl();

    const { status, stderr } = await cli("enqueue", "mail", "--data", `{to:${secret}}`);

    expect(status).toBe(2);
    expect(stderr).toContain("expected `--data` to be JSON");
    expect(stderr).not.toContain(secret);
  });

  it("cancels, retries and reschedules by id", async () => {
    pawl = await freshPawl();
    const [first = "", second = ""] = await enqueueMail(2);

    const cancelled = await cli("cancel", first, "--reason", "not wanted");
    const moved = await cli("reschedule", second, "--delay", "1h", "--priority", "-3");
    const retried = await cli("retry", first, second);
    const unknown = await cli("cancel", randomUUID());

    expect(cancelled).toMatchObject({ status: 0, stdout: `letters/${first} cancelled\n` });
    expect(moved.stdout).toBe(`letters/${second} rescheduled\n`);
    expect(retried.stdout).toBe(`letters/${first} replayed\nletters/${second} retried\n`);
    expect(retried.stderr).toBe("pawl retry: 1 replayed, 1 retried\n");
    expect(unknown.status).toBe(1);
    expect(await pawl.jobs.get(second)).toMatchObject({ state: "ready", priority: -3 });
    expect(await pawl.history.attempts({ queue: "letters", id: first })).toMatchObject([
      { error: { message: "not wanted" } },
    ]);
  });

  it("cancels a selection only when told twice", async () => {
    pawl = await freshPawl();
    await enqueueMail(3);
    await pawl.enqueueByName("other");
    const selection = ["cancel", "--all", "--queue", "letters"];

    const dry = await cli(...selection, "--dry-run");
    const asked = await cli(...selection);
    const before = (await pawl.jobs.list()).jobs.length;
    const done = await cli(...selection, "--yes");

    expect(dry.status).toBe(0);
    expect(dry.stdout.trim().split("\n")).toHaveLength(3);
    expect(asked).toMatchObject({ status: 2, stdout: dry.stdout });
    expect(asked.stderr).toContain("To go ahead, run it again with --yes.");
    expect(before).toBe(4);
    expect(done).toMatchObject({ status: 0, stderr: "pawl cancel: 3 cancelled\n" });
    expect((await pawl.jobs.list()).jobs.map(({ task }) => task)).toEqual(["other"]);
  });

  it.each([
    ["nothing", []],
    ["ids and --all", ["--all", randomUUID()]],
  ])("refuses %s", async (_, given) => {
    pawl = await freshPawl();

    expect((await cli("retry", ...given)).status).toBe(2);
  });

  it("replays, after counting", async () => {
    pawl = await freshPawl();
    await pawl.jobs.cancel(await enqueueMail(3));
    const given = ["replay", "--outcome", "cancelled", "--queue", "letters"];

    const dry = await cli(...given, "--dry-run");
    const before = (await pawl.jobs.list()).jobs.length;
    const done = await json(...given);

    expect(dry.stderr).toContain("of 3 ended jobs, 3 would be enqueued anew");
    expect(before).toBe(0);
    expect(done).toEqual({ matched: 3, created: 3, skipped: 0 });
    expect((await pawl.jobs.list()).jobs).toHaveLength(3);
  });

  it("pauses and resumes queues and tasks", async () => {
    pawl = await freshPawl();

    const paused = await cli("pause", "--queue", "letters");
    const again = await cli("pause", "--queue", "letters");
    await cli("pause", "--task", "mail");
    const tasks = await pawl.tasks.paused();
    const resumed = await cli("resume", "--task", "mail");
    const neither = await cli("resume");

    expect(paused).toMatchObject({
      status: 0,
      stderr: "pawl pause: the queue letters is paused\n",
    });
    expect(again.stderr).toBe("pawl pause: the queue letters was paused already\n");
    expect(tasks).toEqual(["mail"]);
    expect(resumed.stderr).toBe("pawl resume: the task mail is resumed\n");
    expect(neither.status).toBe(2);
  });
});
