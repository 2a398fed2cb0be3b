import { randomUUID } from "node:crypto";
import { backoff, wait } from "../core/wait.ts";
import { classify } from "../db/sqlstate.ts";
import {
  areOperationsRunning,
  failOperation,
  holdMs,
  takeOperation,
  type TakenOperation,
} from "../store/operations.ts";
import { inBoundedTransaction } from "../store/store.ts";
import { statementTimeoutMs } from "./audit.ts";
import { checkPlan } from "./changes/plan.ts";
import type { ReadContext } from "./context.ts";
import { failureOf } from "./failures.ts";
import { doBatch, type HeldOperation, type Step } from "./operation-batch.ts";

const maxAtOnce = 2;
const maxTries = 8;
const firstPauseMs = 200;
const longestPauseMs = 5_000;

/**
 * Works on the operations in the background: any that nobody else works on, two at a time. What a process leaves behind when it
 * ends is taken up by whichever looks next.
 */
export class Operations {
  readonly #context: ReadContext;
  readonly #lookAgainMs: number;
  #active = 0;
  #isWanted = false;
  #again: NodeJS.Timeout | undefined;

  /** `lookAgainMs`: after how long to look for what others held, or what a database that was away did not say. */
  constructor(context: ReadContext, lookAgainMs = holdMs) {
    this.#context = context;
    this.#lookAgainMs = lookAgainMs;
  }

  /** Looks for operations to go on with, now; nobody needs to wait for it. */
  wake(): void {
    this.#isWanted = true;
    if (this.#active < maxAtOnce) void this.#work();
  }

  async #work(): Promise<void> {
    this.#active += 1;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        const holder = randomUUID();
        const operation = await this.#take(holder);
        if (operation === "held by others") this.#wakeLater();
        if (operation === undefined || operation === "held by others") continue;
        // There may be another.
        this.wake();
        await this.#run(operation, holder);
      }
    } catch (error) {
      if (isPassing(error)) this.#wakeLater();
      else if (classify(error) !== "schema") this.#report(error);
    } finally {
      this.#active -= 1;
    }
  }

  // What another process holds may be left behind, and a database that is away comes back.
  #wakeLater(): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      this.wake();
    }, this.#lookAgainMs).unref();
  }

  #take(holder: string): Promise<TakenOperation | "held by others" | undefined> {
    return inBoundedTransaction(this.#context.store, statementTimeoutMs, async (store) => {
      const taken = await takeOperation(store, holder);
      if (taken !== undefined) return taken;
      return (await areOperationsRunning(store)) ? "held by others" : undefined;
    });
  }

  async #run({ id, plan, cursor, startedAt }: TakenOperation, holder: string): Promise<void> {
    try {
      const checked = checkPlan("the operation", JSON.parse(plan));
      await this.#finish({ id, holder, plan: checked, startedAt, cursor });
    } catch (error) {
      // Without a database it stays as it is, until somebody takes it up when it is not held any more.
      if (["reconnect", "resources"].includes(classify(error))) throw error;
      await this.#fail(id, holder, error);
    }
  }

  async #finish(operation: HeldOperation): Promise<void> {
    let step: Step = operation;
    while (step !== "ended") {
      step = await this.#batch({ ...operation, cursor: step.cursor });
    }
  }

  // Whatever was lost on the way, a batch that is tried again finds what the database has.
  async #batch(operation: HeldOperation): Promise<Step> {
    const pause = backoff({
      ...{ initialMs: firstPauseMs, maxMs: longestPauseMs },
      random: Math.random,
    });
    for (let tries = 1; ; tries += 1) {
      try {
        return await doBatch(this.#context, operation);
      } catch (error) {
        if (tries >= maxTries || !isPassing(error)) throw error;
        await wait(pause.next());
      }
    }
  }

  async #fail(id: string, holder: string, error: unknown): Promise<void> {
    const { isOurs, error: told } = failureOf(error);
    if (isOurs) this.#report(error);
    const failure = { holder, error: `${told.code}: ${told.message}` };
    await inBoundedTransaction(this.#context.store, statementTimeoutMs, (store) =>
      failOperation(store, id, failure),
    );
  }

  #report(error: unknown): void {
    this.#context.pawl.internals.report(error);
  }
}

function isPassing(error: unknown): boolean {
  return ["retry", "reconnect", "resources"].includes(classify(error));
}
