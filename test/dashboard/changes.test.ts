import { describe, expect, it } from "vitest";
import { dashboard } from "pawl/dashboard";
import { byHeader, change, codeOf, read } from "../support/dashboard.ts";
import { freshEngine } from "../support/engine.ts";

async function freshDashboard() {
  const engine = await freshEngine();
  return { engine, pawl: engine.pawl, handler: dashboard(engine.pawl, { authorize: byHeader }) };
}

describe("a queue", () => {
  it("is paused and resumed, and says when it was so already", async () => {
    const { pawl, handler } = await freshDashboard();
    const answers: unknown[] = [];

    for (const name of ["pause-queue", "pause-queue", "resume-queue", "resume-queue"]) {
      answers.push(await (await change(handler, name, { name: "mail" })).json());
    }

    expect(answers).toEqual([true, false, true, false].map((changed) => ({ changed })));
    expect(await pawl.queues.list()).toMatchObject([{ name: "mail", paused: false }]);
  });
});

describe("a task", () => {
  it("is paused and resumed", async () => {
    const { pawl, handler } = await freshDashboard();

    const paused = await (await change(handler, "pause-task", { name: "send" })).json();
    const whilePaused = await pawl.tasks.paused();
    const resumed = await (await change(handler, "resume-task", { name: "send" })).json();

    expect([paused, resumed]).toEqual([{ changed: true }, { changed: true }]);
    expect(whilePaused).toEqual(["send"]);
    expect(await pawl.tasks.paused()).toEqual([]);
  });
});

describe("a concurrency key", () => {
  it("is unlocked in its queue alone", async () => {
    const { engine, pawl, handler } = await freshDashboard();
    const concurrency = { key: "k", limit: 1 };
    for (const queue of ["one", "two"]) {
      await pawl.enqueueByName("send", 1, { queue, concurrency });
    }
    await engine.until(async () => {
      await pawl.jobs.claim("by hand", { queues: ["one", "two"], batchSize: 2 });
      const { jobs } = await pawl.jobs.list({ state: "running" });
      return jobs.length === 2;
    });

    const body = { queue: "one", key: "k" };
    const answer = await (await change(handler, "unlock-key", body)).json();

    expect(answer).toEqual({ unlocked: 1 });
    const { jobs } = await pawl.jobs.list({ state: "running" });
    expect(jobs).toMatchObject([{ queue: "two" }]);
  });
});

describe("a body", () => {
  it.each([
    ["pause-queue", { name: "x".repeat(64) }],
    ["pause-task", { name: 1 }],
    ["pause-task", { name: "send", db: {} }],
    ["unlock-key", { queue: "q" }],
    ["retry-jobs", { jobs: [] }],
    ["retry-jobs", { jobs: [{ queue: "q", id: "1" }] }],
    ["retry-jobs", { jobs: ["01890000-0000-7000-8000-000000000000"] }],
    ["cancel-jobs", { jobs: "all" }],
    ["cancel-jobs", { jobs: [named()], reason: "" }],
    ["reschedule-jobs", { jobs: [named()] }],
    ["reschedule-jobs", { jobs: [named()], runAt: "soon" }],
    ["reschedule-jobs", { jobs: [named()], delay: "5 moons" }],
    ["reschedule-jobs", { jobs: [named()], priority: 40_000 }],
    ["reschedule-jobs", { jobs: [named()], delay: "1s", runAt: "2030-01-01T00:00:00Z" }],
    ["replay-jobs", { jobs: Array.from({ length: 1_001 }, named) }],
    ["enqueue", { task: "send", payload: { a: 1 } }],
    ["enqueue", { task: "send", payload: "{" }],
    ["enqueue", { task: "", payload: "1" }],
    ["enqueue", { task: "send", payload: "1", copyOf: "x" }],
    ["stop-operation", { id: "1" }],
    ["start-operation", { action: "retry", from: "jobs" }],
    ["start-operation", { action: "retry", from: "history", filter: {} }],
    ["start-operation", { action: "replay", from: "jobs", filter: {} }],
    ["start-operation", { action: "replay", from: "history", filter: { final: "false" } }],
    ["start-operation", { action: "replay", from: "history", filter: { outcome: "succeeded" } }],
    ["start-operation", { action: "cancel", from: "jobs", filter: { queue: 1 } }],
    ["start-operation", { action: "cancel", from: "jobs", filter: { state: "gone" } }],
    ["start-operation", { action: "cancel", from: "jobs", filter: { search: "x" } }],
    ["start-operation", { action: "cancel", from: "jobs", filter: { limit: "1" } }],
    ["start-operation", { action: "reschedule", from: "jobs", filter: {} }],
    ["start-operation", { action: "drop", from: "jobs", filter: {} }],
  ])("that is wrong is refused: %s %j", async (name, body) => {
    const { engine, handler } = await freshDashboard();

    const response = await change(handler, name, body);

    expect(response.status).toBe(400);
    expect(await codeOf(response)).toMatch(/^PAWL_OPTION_/);
    expect(await engine.sql("select from operations")).toEqual([]);
    const audit = await (await read(handler, "audit")).json();
    expect(audit).toMatchObject({ entries: [{ action: name, outcome: "refused" }] });
  });
});

function named(_?: unknown, place = 0): { queue: string; id: string } {
  return { queue: "q", id: `01890000-0000-7000-8000-${String(place).padStart(12, "0")}` };
}
