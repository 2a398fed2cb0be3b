import { expect, it, onTestFinished } from "vitest";
import { defineTask } from "pawl";
import { freshEngine } from "../support/engine.ts";

// Alone in its file: the driver gives its warning once in the life of a process.

const once = defineTask({ name: "once", transactional: true, retry: "none" });

it("keeps a transaction warm without asking while the handler's own query runs", async () => {
  const warnings = collect("warning");
  const engine = await freshEngine();
  const handler = once.handle(({ tx }) => tx.query("select pg_sleep(1.6)"));
  await engine.work({ handlers: [handler], lease: "2s" });

  const { job } = await engine.pawl.enqueue(once);
  const attempts = await engine.finished(job);

  expect(attempts).toMatchObject([{ outcome: "succeeded" }]);
  expect(warnings.map(String)).toEqual([]);
});

it("lets no rejection go unhandled when a query that nobody awaits fails", async () => {
  const rejections = collect("unhandledRejection");
  const engine = await freshEngine();
  const handler = once.handle(({ tx }) => {
    void tx.query("select 1 / 0");
  });
  await engine.work({ handlers: [handler] });

  const { job } = await engine.pawl.enqueue(once);
  const attempts = await engine.finished(job);

  expect(attempts).toMatchObject([{ outcome: "failed", final: true }]);
  expect(rejections.map(String)).toEqual([]);
});

/** What the process is told of during the test, in place of whoever else listens. */
function collect(event: "warning" | "unhandledRejection"): unknown[] {
  const collected: unknown[] = [];
  const others = process.listeners(event as "warning");
  process.removeAllListeners(event);
  process.on(event as "warning", (what) => collected.push(what));
  onTestFinished(() => {
    process.removeAllListeners(event);
    for (const other of others) process.on(event as "warning", other);
  });
  return collected;
}
