// Compiled, never run: every line here holds, or `npm run check` fails.
import * as valibot from "valibot";
import { z } from "zod";
import {
  defineTask,
  typed,
  type AnyTask,
  type DefineTask,
  type HandlerContext,
  type JobInfo,
  type Task,
  type TransactionClient,
} from "pawl";

type Equal<Left, Right> =
  (<T>() => T extends Left ? 1 : 2) extends <T>() => T extends Right ? 1 : 2 ? true : false;

declare function holds<Fact extends true>(): Fact;
declare function takesTasks(tasks: readonly AnyTask[]): void;

const zodTask = defineTask({
  name: "zod-task",
  payload: z.object({
    to: z.string(),
    count: z.string().transform((text) => text.length),
    copies: z.number().default(1),
  }),
});
const valibotTask = defineTask({
  name: "valibot-task",
  payload: valibot.object({
    at: valibot.pipe(
      valibot.string(),
      valibot.transform((text) => new Date(text)),
    ),
    tag: valibot.optional(valibot.string(), "none"),
  }),
});
const typedTask = defineTask({ name: "typed-task", payload: typed<{ id: number }>() });
const bareTask = defineTask({ name: "bare-task" });
const transactionalTask = defineTask({
  name: "transactional-task",
  payload: z.string(),
  transactional: true,
});

// A name is a literal, and a task what it was made of.
holds<Equal<(typeof zodTask)["name"], "zod-task">>();
holds<Equal<typeof typedTask, Task<"typed-task", { id: number }, { id: number }, undefined>>>();
holds<Equal<typeof bareTask, Task<"bare-task", undefined, undefined, undefined>>>();
holds<
  Equal<typeof transactionalTask, Task<"transactional-task", string, string, TransactionClient>>
>();
holds<typeof defineTask extends DefineTask<TransactionClient> ? true : false>();
takesTasks([zodTask, valibotTask, typedTask, bareTask, transactionalTask]);

// A job takes what the schema takes.
zodTask.job({ to: "ada", count: "four" });
zodTask.job({ to: "ada", count: "four", copies: 2 }, { queue: "q", delay: "5s", priority: -1 });
valibotTask.job({ at: "2020-01-01" });
valibotTask.job({ at: "2020-01-01", tag: "a" });
bareTask.job();
bareTask.job(undefined, { id: "0190a5d0-1234-7abc-8def-00000000000a" });
// @ts-expect-error a field of the output's type
zodTask.job({ to: "ada", count: 4 });
// @ts-expect-error a missing field
zodTask.job({ to: "ada" });
// @ts-expect-error a field too many
zodTask.job({ to: "ada", count: "four", cc: "grace" });
// @ts-expect-error a field of another type
valibotTask.job({ at: new Date() });
// @ts-expect-error no payload
zodTask.job();
// @ts-expect-error a payload for a task without one
bareTask.job({ to: "ada" });
// @ts-expect-error an option misspelt
bareTask.job(undefined, { prioritty: 1 });
// @ts-expect-error a transaction for one job of many
bareTask.job(undefined, { db: {} });

// A handler gets what the schema gives out.
zodTask.handle(({ payload }) => {
  holds<Equal<typeof payload, { to: string; count: number; copies: number }>>();
});
valibotTask.handle(({ payload }) => {
  holds<Equal<typeof payload, { at: Date; tag: string }>>();
});
typedTask.handle(({ payload }) => {
  holds<Equal<typeof payload, { id: number }>>();
});
bareTask.handle(({ payload }) => {
  holds<Equal<typeof payload, undefined>>();
});
// @ts-expect-error a handler for another payload
zodTask.handle((context: HandlerContext<{ other: string }, undefined>) => context.payload.other);
// @ts-expect-error a value that is no function
zodTask.handle("run");

// The rest of what a handler gets.
zodTask.handle(({ job, signal, enqueue }) => {
  holds<Equal<typeof job, JobInfo>>();
  holds<Equal<typeof signal, AbortSignal>>();
  holds<Equal<typeof job.correlationId, string | null>>();
  holds<"payload" extends keyof typeof job ? false : true>();
  return enqueue(bareTask);
});
zodTask.handle(async ({ enqueue }) => {
  await enqueue(typedTask, { id: 1 });
  await enqueue(typedTask, { id: 1 }, { delay: "1m", correlationId: "c" });
  await enqueue(bareTask, undefined, { priority: 1 });
  // @ts-expect-error a field of another type
  await enqueue(typedTask, { id: "one" });
  // @ts-expect-error no payload
  await enqueue(typedTask);
  // @ts-expect-error a payload for a task without one
  await enqueue(bareTask, { id: 1 });
  // @ts-expect-error the transaction is the handler's own
  await enqueue(bareTask, undefined, { db: {} });
  // @ts-expect-error a name: a handler knows tasks only
  await enqueue("bare-task");
});

// Only a transactional task has a transaction.
transactionalTask.handle(async ({ tx, payload }) => {
  holds<Equal<typeof tx, TransactionClient>>();
  const { rows } = await tx.query("select $1", [payload]);
  return rows[0]?.name;
});
zodTask.handle(({ tx }) => {
  holds<Equal<typeof tx, undefined>>();
});
holds<Equal<keyof TransactionClient, "query">>();

// A handler may be given with the task, and is typed by it.
defineTask({
  name: "with-run",
  payload: z.object({ n: z.coerce.number<string>() }),
  run: ({ payload, tx }) => {
    holds<Equal<typeof payload, { n: number }>>();
    holds<Equal<typeof tx, undefined>>();
  },
});
defineTask({
  name: "with-transactional-run",
  transactional: true,
  run: ({ payload, tx }) => {
    holds<Equal<typeof payload, undefined>>();
    holds<Equal<typeof tx, TransactionClient>>();
  },
});
defineTask({
  name: "with-wrong-run",
  payload: z.string(),
  // @ts-expect-error a handler for another payload
  run: ({ payload }: HandlerContext<number, undefined>) => payload,
});

// What defineTask takes.
defineTask({ name: "a", retry: "none" });
defineTask({ name: "a", retry: { retries: 4, delays: ["1s", 5_000] } });
defineTask({ name: "a", retry: (job, error) => (job.attempt > 2 || !error ? "none" : "none") });
// @ts-expect-error no name
defineTask({ payload: z.string() });
// @ts-expect-error an option misspelt
defineTask({ name: "a", prioritty: 1 });
// @ts-expect-error a schema that is none
defineTask({ name: "a", payload: { to: "string" } });
// @ts-expect-error a retry that is a number
defineTask({ name: "a", retry: 5 });
// @ts-expect-error retries without delays
defineTask({ name: "a", retry: { retries: 5 } });
// @ts-expect-error a retry function that answers with a number
defineTask({ name: "a", retry: () => 5 });
// @ts-expect-error a duration that is a Date
defineTask({ name: "a", timeout: new Date() });
// @ts-expect-error a transactional that is a text
defineTask({ name: "a", transactional: "yes" });
// @ts-expect-error tasks do not change
bareTask.queue = "other";
