import { defineTask, typed, type Pawl } from "pawl";
import { expect, it, onTestFinished } from "vitest";
import { freshPawl, startWorker } from "../fixtures/fresh-pawl.ts";
import { aborted } from "../fixtures/aborted.ts";
import { execute, freshDatabase } from "../support/database.ts";
import { eventually } from "../support/eventually.ts";
import { connectClient } from "../support/producer.ts";
import { runPawl, type Ended } from "./pawl-command.ts";
import { Recording } from "./recording.ts";

const payload = typed<number>();
const mail = defineTask({ name: "mail", queue: "letters", payload });
const charge = defineTask({
  name: "charge",
  queue: "payments",
  payload,
  concurrency: { key: "account 7" },
});
const resize = defineTask({ name: "resize", queue: "images", payload });
// From when on doctor speaks of it.
const snapshotMs = 61_000;

it(
  "is found and put right with status, explain and doctor alone",
  { timeout: 180_000 },
  async () => {
    const url = await freshDatabase();
    const pawl = await freshPawl(url);
    const recording = new Recording();
    const cli = (...given: string[]): Promise<Ended> =>
      recording.of(given, () => runPawl([...given, "--database", url, "--schema", pawl.schema]));
    const began = performance.now();
    const report = await connectClient(url);
    await report.query("set application_name = 'nightly-report'");
    await report.query("begin isolation level repeatable read");
    await report.query("select 1");
    report.on("error", () => undefined);
    await startMishap(pawl);
    const { letter, payment, image } = await enqueueAll(pawl);

    recording.say("Mails do not go out. What is the matter?");
    const status = await cli("status");
    expect(status.stdout).toContain("! The queue letters is paused: pawl resume --queue letters");
    await cli("resume", "--queue", "letters");
    await ended(pawl, letter);

    recording.say("A payment waits. Why?");
    const explained = await cli("jobs", "explain", payment.id);
    const [, holder = ""] =
      /job ([0-9a-f-]{36}) holds it on worker "postman"/.exec(explained.stdout) ?? [];
    expect(explained.stdout).toContain('Its concurrency key "account 7" lets 1 job run at a time');
    expect((await cli("cancel", holder)).stdout).toContain("cancelling");
    await ended(pawl, payment);

    recording.say("Images are not resized, and the tables grow.");
    await new Promise((resolve) => setTimeout(resolve, snapshotMs - (performance.now() - began)));
    const doctor = await cli("doctor");
    expect(doctor.status).toBe(1);
    expect(doctor.stdout).toContain("no living worker serves the queue");
    recording.say("A worker for images is started, and the session is ended as the doctor says.");
    await startWorker(pawl, { queues: ["images"], handlers: [resize.handle(() => undefined)] });
    await ended(pawl, image);
    const [, pid = ""] =
      /! The xmin horizon is held by the session (\d+) \("nightly-report"/.exec(doctor.stdout) ??
      [];
    expect(doctor.stdout).toContain(`: select pg_terminate_backend(${pid})`);
    await execute(`select pg_terminate_backend($1::integer)`, [pid], url);

    const after = await cli("doctor");
    expect(after.stdout).not.toContain("nightly-report");
    expect(after.status).toBe(0);
    expect((await cli("status")).stdout).not.toContain("! ");
    await recording.keep();
  },
);

/** A queue that somebody has paused, and a job that holds its key and does not end. */
async function startMishap(pawl: Pawl): Promise<void> {
  await startWorker(pawl, {
    ...{ name: "postman", queues: ["letters", "payments"], lease: "30s", shutdownGrace: "5s" },
    handlers: [
      mail.handle(() => undefined),
      charge.handle(async ({ payload, signal }) => {
        if (payload === 1) throw await aborted(signal);
      }),
    ],
  });
  await pawl.queues.pause("letters");
  const { job } = await pawl.enqueue(charge, 1);
  await eventually(async () => (await pawl.jobs.get(job))?.state === "running");
  onTestFinished(async () => {
    await pawl.jobs.cancel(job).catch(() => undefined);
  });
}

async function enqueueAll(pawl: Pawl) {
  const [letter, payment, image] = [
    await pawl.enqueue(mail, 1),
    await pawl.enqueue(charge, 2),
    await pawl.enqueue(resize, 1),
  ].map(({ job }) => job);
  if (letter === undefined || payment === undefined || image === undefined) throw new Error();
  return { letter, payment, image };
}

async function ended(pawl: Pawl, job: { queue: string; id: string }): Promise<void> {
  await eventually(async () => (await pawl.jobs.get(job))?.state === "finished", {
    within: 30_000,
  });
}
