import type { HandlerContext, TaskHandler, TransactionClient } from "pawl";
import type { Pool } from "pg";
import type { Act } from "../workloads/workload.ts";
import type { Setting } from "./setting.ts";
import type { tasksOf } from "./tasks.ts";

type Context = HandlerContext<Act, TransactionClient | undefined>;
type Tools = Setting & { readonly effects: Pool };

const writeEffect = "insert into effects (n, id, attempt) values ($1, $2, $3)";

/** The handlers of both tasks, which do what the payload says and record it. */
export function handlersOf(tasks: ReturnType<typeof tasksOf>, tools: Tools): TaskHandler[] {
  const run = async (context: Context): Promise<unknown> => {
    const { payload, job } = context;
    const what = { n: payload.n, id: job.id, attempt: job.attempt };
    tools.recorder.record({ kind: "started", ...what });
    try {
      const outcome = await perform(context, tools);
      tools.recorder.record({ kind: "ended", ...what, how: "returned" });
      return outcome;
    } catch (error) {
      tools.recorder.record({ kind: "ended", ...what, how: "threw" });
      throw error;
    }
  };
  return [tasks.plain.handle(run), tasks.transactional.handle(run)];
}

async function perform(context: Context, tools: Tools): Promise<unknown> {
  const { payload, job, signal, tx } = context;
  const { diesIn } = tools.assignment;
  const isDoing = job.attempt <= payload.times;
  const does = isDoing ? payload.does : "succeed";
  if (diesIn === "the handler, before its effect" || does === "die before the effect") die();
  if (does === "block") block(payload.ms);
  else await pause(payload.ms, signal);
  if (does === "exhaust the heap") exhaust();
  const effect = [payload.n, job.id, job.attempt];
  if (tx === undefined) await tools.effects.query(writeEffect, effect);
  else await tx.query(writeEffect, effect);
  if (diesIn === "the handler, after its effect" || does === "die after the effect") die();
  if (does === "throw") throw new Error("on purpose");
  if (does === "throw strangely") throwStrangely(payload.n);
  if (does === "snooze") return tools.pawl.snooze(20);
  if (tx !== undefined) await abuse(tx, does);
  return "done";
}

async function abuse(tx: TransactionClient, does: Act["does"]): Promise<void> {
  if (does === "roll back") await tx.query("rollback");
  if (does === "commit") await tx.query("commit");
  if (does === "break the transaction") await tx.query("select 1 / 0").catch(() => undefined);
  if (does === "end its session") await tx.query("select pg_terminate_backend(pg_backend_pid())");
  if (does === "change its session") {
    await tx.query(
      "set statement_timeout = '10s'; set default_transaction_read_only = on; deallocate all",
    );
  }
}

function throwStrangely(n: number): never {
  const itself: Record<string, unknown> = {};
  itself.itself = itself;
  const values = [
    undefined,
    null,
    "a text with \u0000 in it",
    new Error(`\u0000 and \ud800 ${"x".repeat(100_000)}`),
    itself,
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("not to be looked at");
        },
      },
    ),
    Symbol("no text"),
  ];
  // That these are no errors is what is tried.
  // eslint-disable-next-line @typescript-eslint/only-throw-error
  throw values[n % values.length];
}

function die(): never {
  process.kill(process.pid, "SIGKILL");
  for (;;) block(1_000);
}

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

function exhaust(): never {
  const taken: unknown[] = [];
  for (;;) taken.push(new Array(100_000).fill({}).map(() => ({})));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
