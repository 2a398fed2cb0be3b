// Compiled, never run: every line here holds, or `npm run check` fails.
import type pg from "pg";
import * as valibot from "valibot";
import { z } from "zod";
import {
  defineTask,
  jsonSerializer,
  Pawl,
  typed,
  type Database,
  type EnqueueResult,
  type HistoryAttempt,
  type FinishedJob,
  type JobDetails,
  type Serializer,
  type Worker,
} from "pawl";
import { pgDatabase } from "pawl/pg";

type Equal<Left, Right> =
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;

declare function holds<Fact extends true>(): Fact;
declare const anyName: string;
declare const serializer: Serializer;
declare const client: pg.Client;
declare const poolClient: pg.PoolClient;
declare const pool: pg.Pool;
declare const database: Database;

const sendEmail = defineTask({
  name: "send-email",
  payload: z.object({ to: z.string(), cc: z.string().optional() }),
});
const count = defineTask({
  name: "count",
  payload: valibot.pipe(
    valibot.string(),
    valibot.transform((text) => text.length),
  ),
});
const remind = defineTask({ name: "remind", payload: z.object({ at: z.date() }) });
const remindAll = defineTask({ name: "remind-all", payload: typed<{ at: Date | null }[]>() });
const pay = defineTask({ name: "pay", payload: valibot.object({ cents: valibot.bigint() }) });
const tidyUp = defineTask({ name: "tidy-up" });
const sweep = defineTask({ name: "sweep", payload: z.object({ deep: z.boolean() }).optional() });
const anything = defineTask({ name: "anything", payload: z.unknown() });
const charge = defineTask({ name: "charge", payload: z.string(), transactional: true });
const tree = defineTask({ name: "tree", payload: typed<Tree>() });

interface Tree {
  name: string;
  children: Tree[];
}

const pawl = new Pawl({ tasks: [sendEmail, count, tidyUp, sweep, remind] });
const bare = new Pawl();

// By the task.
const enqueued = bare.enqueue(sendEmail, { to: "ada" });
holds<Equal<typeof enqueued, Promise<EnqueueResult>>>();
bare.enqueue(sendEmail, { to: "ada", cc: "grace" }, { queue: "q", runAt: new Date() });
bare.enqueue(count, "four", { delay: 5_000, priority: -1, maxAttempts: 3, correlationId: "c" });
bare.enqueue(charge, "card");
bare.enqueue(anything, [1, { a: null }]);
bare.enqueue(tree, { name: "root", children: [{ name: "leaf", children: [] }] });
// @ts-expect-error a wrong field
bare.enqueue(sendEmail, { to: "ada", bcc: "grace" });
// @ts-expect-error a field of another type
bare.enqueue(sendEmail, { to: 1 });
// @ts-expect-error a missing field
bare.enqueue(sendEmail, { cc: "grace" });
// @ts-expect-error no payload
bare.enqueue(sendEmail);
// @ts-expect-error the output of the schema
bare.enqueue(count, 4);
// @ts-expect-error a payload of another task
bare.enqueue(count, { to: "ada" });
// @ts-expect-error not a task
bare.enqueue({ name: "send-email" }, { to: "ada" });

// A payload that may be undefined may be left out.
bare.enqueue(tidyUp);
bare.enqueue(tidyUp, undefined, { delay: "1h" });
bare.enqueue(sweep);
bare.enqueue(sweep, { deep: true });
bare.enqueue(anything);
// @ts-expect-error a payload for a task without one
bare.enqueue(tidyUp, { deep: true });
// @ts-expect-error options in the place of the payload
bare.enqueue(tidyUp, { delay: "1h" });

// By the name of a task of the Pawl.
pawl.enqueue("send-email", { to: "ada" });
pawl.enqueue("count", "four", { id: "0190a5d0-1234-7abc-8def-00000000000a" });
pawl.enqueue("tidy-up");
pawl.enqueue("sweep");
// @ts-expect-error a wrong name
pawl.enqueue("send-mail", { to: "ada" });
// @ts-expect-error a payload of another task
pawl.enqueue("send-email", "four");
// @ts-expect-error a missing field
pawl.enqueue("send-email", {});
// @ts-expect-error a task that this Pawl was not given
pawl.enqueue("charge", "card");
// @ts-expect-error any name, without tasks
bare.enqueue("send-email", { to: "ada" });
// @ts-expect-error any text
pawl.enqueue(anyName, { to: "ada" });

// By any name: for those who know no more.
bare.enqueueByName("send-email", { to: 1 });
bare.enqueueByName(anyName);
bare.enqueueByName("anything", undefined, { db: client, delay: "1h" });
// @ts-expect-error a task
bare.enqueueByName(sendEmail, { to: "ada" });
// @ts-expect-error an option misspelt
bare.enqueueByName("anything", 1, { dealy: "1h" });

// Many.
const many = bare.enqueueMany([
  sendEmail.job({ to: "ada" }),
  count.job("four", { priority: 1 }),
  tidyUp.job(),
]);
holds<Equal<typeof many, Promise<EnqueueResult[]>>>();
bare.enqueueMany([]);
bare.enqueueMany(["ada", "grace"].map((to) => sendEmail.job({ to })));
bare.enqueueMany([sendEmail.job({ to: "ada" })], { db: poolClient });
// @ts-expect-error a wrong field among many
bare.enqueueMany([tidyUp.job(), sendEmail.job({ to: "ada", bcc: "grace" })]);
// @ts-expect-error a task in the place of a job
bare.enqueueMany([tidyUp]);
// @ts-expect-error one job
bare.enqueueMany(tidyUp.job());
// @ts-expect-error options of a job for all
bare.enqueueMany([tidyUp.job()], { queue: "q" });

// JSON carries no Date and no BigInt.
// @ts-expect-error a Date
bare.enqueue(remind, { at: new Date() });
// @ts-expect-error a Date, by its name
pawl.enqueue("remind", { at: new Date() });
// @ts-expect-error a Date inside a list
bare.enqueue(remindAll, [{ at: new Date() }]);
// @ts-expect-error a BigInt
bare.enqueue(pay, { cents: 1n });
// @ts-expect-error a Date among many
bare.enqueueMany([tidyUp.job(), remind.job({ at: new Date() })]);
// @ts-expect-error a BigInt in a list that was made
bare.enqueueMany([1n, 2n].map((cents) => pay.job({ cents })));

// A serializer of one's own may.
const rich = new Pawl({ serializer, tasks: [remind] });
rich.enqueue(remind, { at: new Date() });
rich.enqueue("remind", { at: new Date() });
rich.enqueue(remindAll, [{ at: null }, { at: new Date() }]);
rich.enqueue(pay, { cents: 1n });
rich.enqueueMany([tidyUp.job(), remind.job({ at: new Date() })]);
new Pawl({ serializer: jsonSerializer }).enqueue(tidyUp);
// @ts-expect-error and still knows the schema
rich.enqueue(remind, { at: "today" });
// @ts-expect-error a serializer by half
new Pawl({ serializer: { serialize: String } });

// The caller's transaction, in the driver's own form.
bare.enqueue(tidyUp, undefined, { db: client });
bare.enqueue(tidyUp, undefined, { db: poolClient });
charge.handle(({ tx, payload }) => bare.enqueue(charge, payload, { db: tx }));
// @ts-expect-error a connection string
bare.enqueue(tidyUp, undefined, { db: "postgres://localhost/app" });

// The other options.
// @ts-expect-error an option misspelt
bare.enqueue(tidyUp, undefined, { prioritty: 1 });
// @ts-expect-error a delay that is a Date
bare.enqueue(tidyUp, undefined, { delay: new Date() });
// @ts-expect-error a runAt that is a text
bare.enqueue(tidyUp, undefined, { runAt: "2055-01-01" });
// @ts-expect-error a priority that is a text
bare.enqueue(tidyUp, undefined, { priority: "high" });
// @ts-expect-error an id that is a number
bare.enqueue(tidyUp, undefined, { id: 1 });

// What comes back.
enqueued.then(({ job, outcome }) => {
  holds<Equal<typeof outcome, "created" | "kept" | "replaced">>();
  holds<Equal<typeof job.id, string>>();
  holds<Equal<typeof job.runAt, Date>>();
  void bare.jobs.get(job);
  void bare.history.attempts(job);
});
const details = bare.jobs.get({ queue: "q", id: "x" });
holds<Equal<typeof details, Promise<JobDetails | FinishedJob | undefined>>>();
const attempts = bare.history.attempts({ queue: "q", id: "x" });
holds<Equal<typeof attempts, Promise<HistoryAttempt[]>>>();

// What a Pawl takes.
new Pawl({ database: "postgres://localhost/app" });
new Pawl({ database: pool });
new Pawl({ database: pgDatabase(pool) });
new Pawl({ database, schema: "app_jobs", generateId: () => crypto.randomUUID() });
// @ts-expect-error an option misspelt
new Pawl({ databse: "postgres://localhost/app" });
// @ts-expect-error a client
new Pawl({ database: client });
// @ts-expect-error a port
new Pawl({ database: 5432 });
// @ts-expect-error tasks by their names
new Pawl({ tasks: ["send-email"] });
// @ts-expect-error a generator of numbers
new Pawl({ generateId: () => 1 });

// What a worker takes.
const worker = pawl.worker({
  queues: ["email", "default"],
  concurrency: 24,
  lease: "10s",
  handlers: [
    sendEmail.handle(({ payload }) => payload.to),
    count.handle(({ payload }) => payload.toFixed()),
    charge.handle(({ tx }) => tx.query("select 1")),
  ],
});
holds<Equal<typeof worker, Worker>>();
pawl.worker({ tasks: [tidyUp] });
// @ts-expect-error an option misspelt
pawl.worker({ concurency: 24 });
// @ts-expect-error a task without its handler
pawl.worker({ handlers: [sendEmail] });
// @ts-expect-error one queue that is in no list
pawl.worker({ queues: "email" });

// A Pawl may be handed to those who need to know nothing of its tasks.
function anyPawl(some: Pick<Pawl, "enqueueByName" | "history">): void {
  void some.enqueueByName("anything");
}
anyPawl(pawl);
anyPawl(rich);
